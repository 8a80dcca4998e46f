// @ts-check
// A stroke while a hand paints it, and the message it becomes.

import { NEUTRAL, place } from './course.js';
import { pointTime, withinPicture } from './geometry.js';

/** @import { BrushSettings, Mode, PaintedStroke, Position, Stroke } from './types.js' */

/**
 * A stroke under the hand: the one it took hold of, or a new one of the brush's subject.
 * @param {PointerEvent} event
 * @param {Position} position
 * @param {BrushSettings & { mode: Mode }} brush
 * @param {{ held: Stroke, frame: number } | undefined} taken hold of in that frame
 * @returns {PaintedStroke}
 */
export function beginStroke(event, position, brush, taken) {
  const fresh = { ...brush, id: `s${Date.now().toString(36)}${Math.random().toString(36).slice(2, 5)}` };
  const { id, label, size } = taken?.held ?? fresh;
  const { pointerId: pointer, timeStamp: began, pressure = NEUTRAL } = event;
  const [x, y] = taken ? place(taken.held, taken.frame) : position;
  return {
    pointer, id, label, size, mode: brush.mode, began, gesture: `finger ${pointer} ${began}`,
    points: [[0, ...position, event.pointerType === 'pen' ? pressure : NEUTRAL]],
    held: taken?.held, ...(taken ? { grab: [taken.frame, x, y] } : {}), from: position, offset: [x - position[0], y - position[1]],
    moved: false, changed: false,
  };
}

/**
 * Does the hand go straight? What is taken hold of is kept with Shift, and goes as the hand does.
 * @param {PaintedStroke} stroke
 * @param {PointerEvent} event
 */
export const isStraight = ({ taken }, { shiftKey }) => shiftKey && !taken;

/**
 * How hard the pen is pressed, where that says how large a subject is: one that was cut out is as large as it is.
 * @param {PaintedStroke} stroke
 * @param {PointerEvent} event
 */
export function pressureOf({ taken, points }, { pointerType, pressure }) {
  return pointerType === 'pen' && pressure && !taken ? pressure : points[points.length - 1][3];
}

/**
 * @param {Position} at
 * @param {Position} offset
 */
export const beside = (at, offset) => withinPicture([at[0] + offset[0], at[1] + offset[1]]);

/**
 * A path grows to where the hand is; straight, it has one end.
 * @param {PaintedStroke} stroke
 * @param {Position} at
 * @param {PointerEvent} event
 * @param {number} rate frames a second
 */
export function lengthen(stroke, at, event, rate) {
  const { began, offset, points, taken } = stroke;
  const t = pointTime(event.timeStamp - began, rate, points[points.length - 1][0]);
  const pressure = pressureOf(stroke, event);
  if (isStraight(stroke, event)) points.splice(1);
  points.push([t, ...(taken ? beside(at, offset) : at), pressure]);
}

/**
 * What is sent of it. A subject that was there keeps how its path loops and when it sets out.
 * @param {Pick<PaintedStroke, 'id' | 'label' | 'points' | 'mode' | 'size' | 'grab'>} stroke
 * @param {Partial<Stroke>} known what is in its place
 */
export function paintedMessage({ id, label, points, mode, size, grab }, known = {}) {
  const { loop = true, ping_pong: back, delay, stiffness } = known;
  const isPressed = points.some((point) => point[3] !== NEUTRAL);
  return {
    kind: 'stroke', id, label, points: points.map(([t, x, y]) => [t, x, y]), mode, size, loop,
    ...(back ? { ping_pong: true } : {}),
    ...(delay ? { delay } : {}),
    ...(stiffness === undefined ? {} : { stiffness }),
    ...(grab && mode === 'drag' ? { grab } : {}),
    ...(isPressed ? { pressure: points.map((point) => Math.round(point[3] * 1000) / 1000) } : {}),
  };
}

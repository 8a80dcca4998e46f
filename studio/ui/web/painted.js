// @ts-check
// A stroke while a hand paints it, and the message it becomes.

import { NEUTRAL, place } from './course.js';

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
 * What is sent of it. A subject that was there keeps how its path loops and when it sets out.
 * @param {Pick<PaintedStroke, 'id' | 'label' | 'points' | 'mode' | 'size' | 'grab'>} stroke
 * @param {Partial<Stroke>} known what is in its place
 */
export function paintedMessage({ id, label, points, mode, size, grab }, { loop = true, ping_pong: back, delay } = {}) {
  const isPressed = points.some((point) => point[3] !== NEUTRAL);
  return {
    kind: 'stroke', id, label, points: points.map(([t, x, y]) => [t, x, y]), mode, size, loop,
    ...(back ? { ping_pong: true } : {}),
    ...(delay ? { delay } : {}),
    ...(grab && mode === 'drag' ? { grab } : {}),
    ...(isPressed ? { pressure: points.map((point) => Math.round(point[3] * 1000) / 1000) } : {}),
  };
}

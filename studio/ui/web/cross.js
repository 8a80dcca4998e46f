// @ts-check
// Painting without a pointer: arrows move a cross over the picture, Enter places the subject there.

import { NEUTRAL } from './course.js';
import { withinPicture } from './geometry.js';

/** @import { PaintedPoint, Position } from './types.js' */
/** @import { Hand } from './hand.js' */

/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [NEAR, FAR] = [0.02, 0.1]; // of the picture: a step of the cross, and one with Shift
const UNNAMED = 'Type what to paint first, for example fox.';

/**
 * @param {Hand} hand
 * @param {KeyboardEvent} event
 */
export function crossKey(hand, event) {
  const step = ARROWS[event.key];
  if (hand.options.refusal()) return;
  if (step && !event.ctrlKey && !event.metaKey) moveCross(hand, step, event.shiftKey ? FAR : NEAR);
  else if (event.key !== 'Enter' || !placeAtCross(hand)) return;
  event.preventDefault();
}

/**
 * @param {Hand} hand
 * @param {Position} step
 * @param {number} far
 */
function moveCross(hand, [x, y], far) {
  hand.cross = withinPicture([hand.cross[0] + far * x, hand.cross[1] + far * y]);
  hand.hoverOver(hand.cross);
}

/** @param {Hand} hand */
function placeAtCross(hand) {
  const { label, mode, size } = hand.options.brush();
  if (!label) {
    hand.options.warn(UNNAMED);
    return false;
  }
  const id = hand.selected && hand.controls.strokes.has(hand.selected) ? hand.selected : `k${Date.now().toString(36)}`;
  const points = [/** @type {PaintedPoint} */ ([0, ...hand.cross, NEUTRAL])];
  hand.controls.set(hand.message({ id, label, mode: mode === 'pin' ? 'pin' : 'drag', size, points }));
  hand.select(id);
  hand.options.announce(`${label} placed at ${hand.cross.map((value) => Math.round(value * 100)).join(', ')} per cent`);
  return true;
}

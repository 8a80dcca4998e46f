// @ts-check
// What is done to painted strokes, each as the messages that set them again: moved, mirrored, retimed, and the like.

import { LOOPS, loopOf, strokeMessage } from './strokes.js';

/** @import { Point, Position, Stroke } from './types.js' */

const LONGEST = 1e6; // frames, as studio/controls/stroke.py has it
const SHORTEST = 1; // frame: faster than that a path would be over before it is seen
const BESIDE = 0.05; // of the picture: where a copy is put
const DELAYS = [0, 12, 24, 48, 96]; // frames

const round = (/** @type {number} */ value) => Math.round(value * 1e5) / 1e5;
const inside = (/** @type {number} */ value) => Math.min(1, Math.max(0, round(value)));

/**
 * The points that say where a stroke is.
 * @param {Stroke} stroke
 * @returns {Point[]}
 */
export const placesOf = ({ mode, points }) => (mode === 'path' ? points : mode === 'pin' ? points.slice(0, 1) : points.slice(-1));

/**
 * The box around strokes: [left, top, right, bottom].
 * @param {Stroke[]} strokes
 */
export function boxOf(strokes) {
  const places = strokes.flatMap(placesOf);
  const [across, down] = [places.map(([, x]) => x), places.map(([, , y]) => y)];
  return [Math.min(...across), Math.min(...down), Math.max(...across), Math.max(...down)];
}

/**
 * With every place put elsewhere.
 * @param {Stroke} stroke
 * @param {(x: number, y: number) => Position} way
 */
function placed(stroke, way) {
  const points = stroke.points.map(([t, x, y]) => /** @type {Point} */ ([t, ...way(x, y)]));
  return strokeMessage(stroke, { points });
}

/**
 * Moved together, no further than the picture reaches.
 * @param {Stroke[]} strokes
 * @param {Position} by
 */
export function moved(strokes, [dx, dy]) {
  const [left, top, right, bottom] = boxOf(strokes);
  const across = Math.min(1 - right, Math.max(-left, dx));
  const down = Math.min(1 - bottom, Math.max(-top, dy));
  return strokes.map((stroke) => placed(stroke, (x, y) => [inside(x + across), inside(y + down)]));
}

/**
 * Mirrored left to right (`across`) or top to bottom, at the middle of the box around them; things at one point at the
 * middle of the picture.
 * @param {Stroke[]} strokes
 * @param {boolean} across
 */
export function mirrored(strokes, across) {
  const [left, top, right, bottom] = boxOf(strokes);
  const [low, high] = across ? [left, right] : [top, bottom];
  const sum = high - low > 1e-6 ? low + high : 1;
  return strokes.map((stroke) => placed(stroke, (x, y) => (across ? [inside(sum - x), y] : [x, inside(sum - y)])));
}

/**
 * Slower (above 1) or faster (below): the times of paths stretched. What stands still has no time; `kept` says of how
 * many paths none could be stretched any more.
 * @param {Stroke[]} strokes
 * @param {number} factor above 0
 */
export function retimed(strokes, factor) {
  const paths = strokes.filter((stroke) => lengthOf(stroke) > 0);
  const able = paths.filter((stroke) => factor > 0 && lengthOf(stroke) * factor >= SHORTEST && lengthOf(stroke) * factor <= LONGEST);
  const messages = able.map((stroke) => strokeMessage(stroke, {
    points: stroke.points.map(([t, x, y]) => /** @type {Point} */ ([round(t * factor), x, y])),
  }));
  return { messages, still: strokes.length - paths.length, kept: paths.length - able.length };
}

/**
 * Frames of a path from its first point to its last.
 * @param {Stroke} stroke
 */
export const lengthOf = ({ mode, points }) => (mode === 'path' ? points[points.length - 1][0] : 0);

/**
 * Paths that set out later: the next of the delays there are, the same for all. They begin anew.
 * @param {Stroke[]} strokes
 */
export function delayed(strokes) {
  const paths = strokes.filter(({ mode }) => mode === 'path');
  const longest = Math.max(...paths.map(({ delay }) => delay ?? 0));
  const delay = DELAYS.find((one) => one > longest) ?? 0;
  return { delay, messages: paths.map((stroke) => strokeMessage(stroke, { delay, begun: 0 })) };
}

/**
 * Paths that do the next thing at their end, all the same.
 * @param {Stroke[]} strokes
 */
export function looped(strokes) {
  const paths = strokes.filter(({ mode }) => mode === 'path');
  if (!paths.length) return { words: '', messages: [] };
  const { words, set } = LOOPS[LOOPS[loopOf(paths[0])].next];
  return { words, messages: paths.map((stroke) => strokeMessage(stroke, set)) };
}

/**
 * The same again under other names, a little beside. A copy of a path sets out anew.
 * @param {Stroke[]} strokes
 * @param {(number: number) => string} name an id
 * @param {number} beside of the picture
 */
export function duplicated(strokes, name, beside = BESIDE) {
  const [, , right, bottom] = boxOf(strokes);
  const by = /** @type {Position} */ ([right + beside > 1 ? -beside : beside, bottom + beside > 1 ? -beside : beside]);
  return moved(strokes, by).map((message, number) => ({ ...message, id: name(number), ...(message.mode === 'path' ? { begun: 0 } : {}) }));
}

/**
 * The messages that undo changes: the strokes as they are. Their paths go on where they are.
 * @param {Stroke[]} strokes
 */
export const restored = (strokes) => strokes.map((stroke) => strokeMessage(stroke, {}));

/**
 * The stroke whose path passes a place, the nearest.
 * @param {Iterable<Stroke>} strokes
 * @param {Position} position
 * @param {number} reach share of the picture's width
 * @param {number} aspect
 * @returns {Stroke | undefined}
 */
export function lineAt(strokes, [x, y], reach, aspect) {
  const far = (/** @type {Stroke} */ { points }) => Math.min(...points.slice(1).map(([, x1, y1], at) => {
    const [, x0, y0] = points[at];
    const [dx, dy] = [x1 - x0, (y1 - y0) * aspect];
    const share = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * aspect * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(x0 + share * dx - x, (y0 - y) * aspect + share * dy);
  }));
  const paths = [...strokes].filter(({ mode, points }) => mode === 'path' && points.length > 1);
  return paths.filter((stroke) => far(stroke) < reach).sort((one, other) => far(one) - far(other)).at(0);
}

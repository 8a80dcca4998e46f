// @ts-check
// Places in the picture (0..1 of its width and height), and the line a hand drew.

import { place, sizeAt } from './course.js';

/** @import { Position, Stroke } from './types.js' */

export { place };

const GRAB = 0.42; // of a subject's size: how near to its centre a hand takes hold of it
const MOST_POINTS = 400;
const TOLERANCE = 0.0015; // of the picture, that a line may change by at first
const PRESSURE = 0.1; // of the picture: what a pen's whole pressure counts as when a line is thinned

const round = (/** @type {number} */ value) => Math.round(value * 1e5) / 1e5;

/**
 * A place kept within the picture, in steps of 1e-5.
 * @param {Position} place
 * @returns {Position}
 */
export function withinPicture([x, y]) {
  return [round(Math.min(1, Math.max(0, x))), round(Math.min(1, Math.max(0, y)))];
}

/**
 * The stroke a hand takes hold of at a place: the nearest of those that reach there, or undefined.
 * @param {Iterable<Stroke>} strokes
 * @param {Position} position
 * @param {number} frame that is seen now
 * @param {number} aspect height of the picture over its width; sizes are shares of the width
 */
export function strokeAt(strokes, [x, y], frame, aspect) {
  const distance = (/** @type {Stroke} */ stroke) => {
    const [strokeX, strokeY] = place(stroke, frame);
    return Math.hypot(strokeX - x, (strokeY - y) * aspect);
  };
  const reached = [...strokes].filter((stroke) => distance(stroke) < sizeAt(stroke, frame) * GRAB);
  return reached.sort((one, other) => distance(one) - distance(other)).at(0);
}

/**
 * The line as few points as say the same, 400 at most.
 * @template {number[]} P
 * @param {P[]} points
 * @returns {P[]}
 */
export function thinned(points) {
  let tolerance = TOLERANCE;
  let kept = simplified(points, tolerance);
  while (kept.length > MOST_POINTS) {
    tolerance *= 2;
    kept = simplified(points, tolerance);
  }
  return kept;
}

/**
 * Frames from the stroke's begin to now, to a hundredth; never before the point ahead of it.
 * @param {number} ms since the stroke began
 * @param {number} rate frames a second
 * @param {number} before the time of the point ahead
 */
export function pointTime(ms, rate, before) {
  const frames = Math.max(0, (ms / 1000) * rate);
  return Math.max(before, Math.round(frames * 100) / 100);
}

/**
 * Leave out points that change the line by less than `tolerance` (Ramer, Douglas, Peucker); times are kept, and how
 * hard a pen was pressed, which may stand behind a point's place.
 * @template {number[]} P
 * @param {P[]} points
 * @returns {P[]}
 */
export function simplified(points, tolerance = 0.0015) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points[points.length - 1]];
  let worst = 0;
  let where = 0;
  for (let i = 1; i < points.length - 1; i += 1) {
    const share = last[0] > first[0] ? (points[i][0] - first[0]) / (last[0] - first[0]) : 0;
    const off = Math.hypot(...[1, 2, 3].map((part) => {
      const [from, to, at] = [first, last, points[i]].map((point) => point[part] ?? 0);
      return (part === 3 ? PRESSURE : 1) * (at - from - share * (to - from));
    }));
    if (off > worst) [worst, where] = [off, i];
  }
  if (worst <= tolerance) return [first, last];
  return [...simplified(points.slice(0, where + 1), tolerance).slice(0, -1), ...simplified(points.slice(where), tolerance)];
}

// @ts-check
// Places in the picture (0..1 of its width and height), and the line a hand drew.

/** @import { Point, Position, Stroke } from './types.js' */

const GRAB = 0.42; // of a subject's size: how near to its centre a hand takes hold of it
const MOST_POINTS = 400;
const TOLERANCE = 0.0015; // of the picture, that a line may change by at first

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
  const reached = [...strokes].filter((stroke) => distance(stroke) < stroke.size * GRAB);
  return reached.sort((one, other) => distance(one) - distance(other)).at(0);
}

/**
 * The line as few points as say the same, 400 at most.
 * @param {Point[]} points
 * @returns {Point[]}
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

/** @type {(point: Point) => Position} */
const position = ([, x, y]) => [x, y];

/**
 * Where a stroke's subject is in a frame, as [x, y]: studio/trajectory.py says the same.
 * @param {Pick<Stroke, 'points' | 'mode' | 'loop' | 'since'>} stroke
 * @param {number} frame
 * @returns {Position}
 */
export function place(stroke, frame) {
  const { points, mode, loop, since } = stroke;
  const last = points[points.length - 1];
  if (mode === 'drag') return position(last);
  if (mode === 'pin' || since == null) return position(points[0]);
  const [length] = last;
  let t = Math.max(0, frame - since);
  if (loop && length > 0) t %= length;
  const after = points.findIndex((point) => point[0] > t);
  if (after < 1) return position(after ? last : points[0]);
  const [[t0, x0, y0], [t1, x1, y1]] = [points[after - 1], points[after]];
  const share = (t - t0) / (t1 - t0);
  return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}

/**
 * Leave out points that change the line by less than `tolerance` (Ramer, Douglas, Peucker); times are kept.
 * @param {Point[]} points
 * @returns {Point[]}
 */
export function simplified(points, tolerance = 0.0015) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points[points.length - 1]];
  let worst = 0;
  let where = 0;
  for (let i = 1; i < points.length - 1; i += 1) {
    const share = last[0] > first[0] ? (points[i][0] - first[0]) / (last[0] - first[0]) : 0;
    const off = Math.hypot(points[i][1] - first[1] - share * (last[1] - first[1]),
      points[i][2] - first[2] - share * (last[2] - first[2]));
    if (off > worst) [worst, where] = [off, i];
  }
  if (worst <= tolerance) return [first, last];
  return [...simplified(points.slice(0, where + 1), tolerance).slice(0, -1), ...simplified(points.slice(where), tolerance)];
}

// @ts-check
// Where a stroke is in a frame, and what it takes over from the one in whose place it comes: studio/controls/course.py
// and takeover.py say the same, tied by tests/golden/strokes.json.

/** @import { Point, Position, Stroke } from './types.js' */

export const NEUTRAL = 0.5; // how hard a pen is pressed that changes nothing: what a browser says of a mouse
export const SIZES = [0.1, 0.8];
const MOST_LATE = 72; // frames
const SHORTEST = 6;
const FASTEST = 0.02; // of the picture in a frame
const NOTHING = 1e-6;

/** @typedef {Pick<Stroke, 'points' | 'mode' | 'loop' | 'since'> & Partial<Stroke>} Placed */

/**
 * Where a stroke's subject is in a frame, as [x, y].
 * @param {Placed} stroke
 * @param {number} frame
 * @returns {Position}
 */
export function place(stroke, frame) {
  const { points, mode, since } = stroke;
  if (mode === 'drag') return dragged(stroke, frame);
  if (mode === 'pin' || since == null) return position(points[0]);
  return position(interpolate(course(stroke), lapTime(stroke, frame)));
}

/**
 * How large it is there, share of the picture's width.
 * @param {Placed} stroke
 * @param {number} frame
 */
export function sizeAt(stroke, frame) {
  const { pressure, size = 0, mode, since } = stroke;
  if (!pressure?.length) return size;
  if (mode === 'drag') return pressed(size, pressure[pressure.length - 1]);
  if (mode === 'pin' || since == null) return pressed(size, pressure[0]);
  const timed = stroke.points.map(([t], at) => /** @type {Point} */ ([t, pressure[at], 0]));
  return pressed(size, interpolate(course({ ...stroke, points: timed }), lapTime(stroke, frame))[1]);
}

/**
 * @param {number} size
 * @param {number} pressure 0..1
 */
export const pressed = (size, pressure) => Math.min(SIZES[1], Math.max(SIZES[0], size * (0.5 + pressure)));

/** @type {(point: Point) => Position} */
const position = ([, x, y]) => [x, y];
const inside = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

/**
 * @param {Placed} stroke
 * @param {number} frame
 * @returns {Position}
 */
function dragged({ points, lead, since }, frame) {
  const [, x, y] = points[points.length - 1];
  if (!lead?.length) return [x, y];
  const left = leftOf(lead, Math.max(0, frame - (since ?? frame)));
  return left ? [inside(x + left * lead[1]), inside(y + left * lead[2])] : [x, y];
}

/**
 * @param {number[]} lead
 * @param {number} elapsed
 */
const leftOf = (lead, elapsed) => Math.max(0, 1 - elapsed / lead[0]);

/**
 * A path in time: its points, and the way back after the way there if it goes so.
 * @param {Placed} stroke
 * @returns {Point[]}
 */
function course({ points, loop, ping_pong: back }) {
  if (!loop || !back) return points;
  const end = 2 * points[points.length - 1][0];
  return [...points, ...points.slice(0, -1).reverse().map(([t, x, y]) => /** @type {Point} */ ([end - t, x, y]))];
}

/**
 * Frames of one lap.
 * @param {Placed} stroke
 */
function lapOf({ points, loop, ping_pong: back }) {
  const [[first], [last]] = [points[0], points[points.length - 1]];
  return loop && back && points.length > 1 ? 2 * last - first : last;
}

/**
 * Frames of its own time that a path has gone.
 * @param {Placed} stroke
 * @param {number} frame
 */
function timeOn({ since, begun, delay }, frame) {
  return Math.max(0, Math.max(0, frame - (since ?? frame)) + (begun ?? 0) - (delay ?? 0));
}

/**
 * @param {Placed} stroke
 * @param {number} frame
 */
function lapTime(stroke, frame) {
  const [gone, lap] = [timeOn(stroke, frame), lapOf(stroke)];
  return stroke.loop && lap > 0 ? gone % lap : gone;
}

/**
 * The point at a time on the polyline.
 * @param {Point[]} points
 * @param {number} t
 * @returns {Point}
 */
function interpolate(points, t) {
  const after = points.findIndex((point) => point[0] > t);
  if (after < 1) return after ? points[points.length - 1] : points[0];
  const [[t0, x0, y0], [t1, x1, y1]] = [points[after - 1], points[after]];
  const share = (t - t0) / (t1 - t0);
  return [t, x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}

/**
 * A stroke as it is in force from a frame on, in the place of another: how far it has gone, how far it is ahead of the
 * hand. Gives the fields that change.
 * @param {Placed} stroke
 * @param {Placed | undefined} before in force until then
 * @param {number} frame
 * @returns {{ begun: number, lead: number[] }}
 */
export function settled(stroke, before, frame) {
  if (stroke.mode === 'drag') return { begun: 0, lead: leadOf(stroke, before, frame) };
  return { begun: stroke.begun === null ? progress(stroke, before, frame) : stroke.begun ?? 0, lead: stroke.lead ?? [] };
}

/**
 * @param {Placed} stroke
 * @param {Placed | undefined} before
 * @param {number} frame
 */
function leadOf({ grab, lead }, before, frame) {
  if (!before) return lead ?? [];
  if (!grab?.length) return [];
  if (before.mode === 'drag' && String(before.grab) === String(grab)) return restOf(before.lead ?? [], frame - (before.since ?? frame));
  const [saw, x, y] = grab;
  const [lastX, lastY] = place(before, frame - 1);
  const late = frame - saw;
  const far = Math.hypot(lastX - x, lastY - y);
  return far > NOTHING && late > 0 && late <= MOST_LATE ? [Math.max(late, SHORTEST, far / FASTEST), lastX - x, lastY - y] : [];
}

/**
 * @param {number[]} lead
 * @param {number} elapsed
 */
function restOf(lead, elapsed) {
  const left = lead.length ? leftOf(lead, elapsed) : 0;
  return left ? [lead[0] - elapsed, left * lead[1], left * lead[2]] : [];
}

/**
 * @param {Placed} stroke
 * @param {Placed | undefined} before
 * @param {number} frame
 */
function progress(stroke, before, frame) {
  if (before?.mode !== 'path' || stroke.mode !== 'path') return 0;
  const [gone, lap, delay] = [timeOn(before, frame), lapOf(before), stroke.delay ?? 0];
  if (!gone || !lap) {
    const waits = (before.delay ?? 0) - (before.begun ?? 0) - (frame - (before.since ?? frame));
    return Math.max(0, delay - Math.max(0, waits));
  }
  let share = gone / lap;
  if (before.loop && share >= 2) share = 1 + (share % 1);
  return delay + Math.min(share, 2) * lapOf(stroke);
}

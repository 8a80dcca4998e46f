// @ts-check
// Straight and in line: along an axis with Shift, and to lines of the picture and of other subjects.

import { place } from './course.js';

/** @import { Position, Stroke } from './types.js' */

export const NEAR = 6; // pixels a thing jumps to a line from
const THIRDS = [1 / 3, 1 / 2, 2 / 3];

/** @typedef {{ x: number[], y: number[] }} Lines places of lines in the picture, upright and level */
/** @typedef {{ move: Position, lines: Lines }} Snapped by how much more to move, and the lines that are met then */

/**
 * The place nearest to a position on the level, the upright or a slanting line through another.
 * @param {Position} from
 * @param {Position} position
 * @param {number} aspect height of the picture over its width
 * @returns {Position}
 */
export function onAxis([x, y], position, aspect) {
  const [across, down] = [position[0] - x, (position[1] - y) * aspect];
  const angle = (Math.round(Math.atan2(down, across) / (Math.PI / 4)) * Math.PI) / 4;
  const far = across * Math.cos(angle) + down * Math.sin(angle);
  return [x + far * Math.cos(angle), y + (far * Math.sin(angle)) / aspect];
}

/**
 * The lines there are: thirds and middle of the picture, and where other subjects stand still.
 * @param {Iterable<Stroke>} strokes
 * @param {{ has: (id: string) => boolean }} except by id
 * @returns {Lines}
 */
export function linesOf(strokes, except) {
  const others = [...strokes].filter(({ id, mode }) => mode !== 'path' && !except.has(id)).map((stroke) => place(stroke, 0));
  return { x: [...THIRDS, ...others.map(([x]) => x)], y: [...THIRDS, ...others.map(([, y]) => y)] };
}

/**
 * How points get onto lines that they are near to: those of each direction to the nearest.
 * @param {Position[]} points that move together
 * @param {Lines} lines
 * @param {Position} near how far is near, across and down
 * @returns {Snapped}
 */
export function snapTo(points, lines, near) {
  const nearest = (/** @type {number[]} */ values, /** @type {number[]} */ at, /** @type {number} */ reach) => {
    const ways = values.flatMap((value) => at.map((line) => ({ line, way: line - value }))).filter(({ way }) => Math.abs(way) < reach);
    return ways.sort((one, other) => Math.abs(one.way) - Math.abs(other.way)).at(0);
  };
  const across = nearest(points.map(([x]) => x), lines.x, near[0]);
  const down = nearest(points.map(([, y]) => y), lines.y, near[1]);
  return { move: [across?.way ?? 0, down?.way ?? 0], lines: { x: across ? [across.line] : [], y: down ? [down.line] : [] } };
}

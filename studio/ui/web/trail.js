// @ts-check
// The lines of a stroke over the picture: solid and fading for what is in the picture, dotted for what is on its way.

/** @import { Position } from './types.js' */

const JUMP = 0.25; // of the picture: from the end of a path to its beginning, no way is gone

/** @typedef {(position: Position) => Position} Pixels of a place in the picture */

/**
 * Where a subject was in the last pictures, fading.
 * @param {CanvasRenderingContext2D} pen
 * @param {Position[]} places the last first
 * @param {Pixels} pixels
 * @param {number} length of a trail, places
 */
export function drawFading(pen, places, pixels, length) {
  pen.lineWidth = 2.5;
  for (let at = 1; at < places.length; at += 1) {
    const [[x0, y0], [x1, y1]] = [places[at - 1], places[at]];
    const far = Math.hypot(x1 - x0, y1 - y0);
    if (!far || far > JUMP) continue;
    pen.globalAlpha = 0.9 * (1 - at / length);
    pen.beginPath();
    pen.moveTo(...pixels([x0, y0]));
    pen.lineTo(...pixels([x1, y1]));
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/**
 * Where it goes as soon as the picture shows it.
 * @param {CanvasRenderingContext2D} pen
 * @param {Position[]} places the first sent first
 * @param {Pixels} pixels
 */
export function drawDotted(pen, places, pixels) {
  pen.setLineDash([0.1, 6]);
  pen.lineWidth = 3;
  pen.beginPath();
  for (const at of places) pen.lineTo(...pixels(at));
  pen.stroke();
  pen.setLineDash([]);
}

// @ts-check
// A picture and what of it is kept, under a brush that keeps, rubs out or colours; and the file that a subject is sent as.

import { element } from './dom.js';
import { context2d } from './stage.js';

/** @import { Position } from './types.js' */

export const PAD = 256; // pixels a side of an empty one
export const KEPT = 192; // of a subject: studio/controls/subject.py, SIDE
export const LARGEST = 44_000; // bytes of a file, which goes in one message
const MARGIN = 0.04;
const SEEN = 12; // of 255
const QUALITIES = [0.95, 0.85, 0.7];
const SIDES = [KEPT, 144, 112, 80]; // where a browser writes no WebP
const MOST_STEPS = 12;

/**
 * Where something is seen: left, top, right, bottom in pixels; null where nothing is.
 * @param {{ width: number, height: number, data: ArrayLike<number> }} image
 * @returns {[number, number, number, number] | null}
 */
export function seenPart({ width, height, data }) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let at = 3, pixel = 0; pixel < width * height; at += 4, pixel += 1) {
    if (data[at] <= SEEN) continue;
    const x = pixel % width;
    const y = Math.floor(pixel / width);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return right > left ? [left, top, right, bottom] : null;
}

/**
 * The square around what is seen, with its margin: left, top and side in pixels, beyond the picture maybe.
 * @param {[number, number, number, number]} part
 */
export function squareAround([left, top, right, bottom]) {
  const side = Math.max(8, Math.round(Math.max(right - left, bottom - top) * (1 + 2 * MARGIN)));
  return { left: Math.round((left + right - side) / 2), top: Math.round((top + bottom - side) / 2), side };
}

/**
 * A canvas's file in base64.
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} quality
 * @returns {Promise<string>}
 */
async function fileOf(canvas, type, quality) {
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve, type, quality));
  if (!blob || blob.type !== type || blob.size > LARGEST) return '';
  return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
}

export class CutCanvas {
  /** @type {{ colours: ImageData, mask: ImageData }[]} */
  past = [];

  constructor() {
    this.view = element('canvas', { className: 'st-cut' });
    this.colours = element('canvas');
    this.mask = element('canvas');
    this.blank();
  }

  /** An empty pad to draw on. */
  blank() {
    this.fit(PAD, PAD);
    this.show();
  }

  /**
   * A picture, and what of it is the subject.
   * @param {ImageBitmap | HTMLImageElement} picture
   * @param {ImageBitmap | HTMLImageElement} mask transparent where it is not
   */
  load(picture, mask) {
    this.fit(picture.width, picture.height);
    context2d(this.colours).drawImage(picture, 0, 0);
    context2d(this.mask).drawImage(mask, 0, 0);
    this.show();
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    for (const canvas of [this.view, this.colours, this.mask]) Object.assign(canvas, { width, height });
    this.past = [];
  }

  show() {
    const pen = context2d(this.view);
    const { width, height } = this.view;
    pen.globalCompositeOperation = 'copy';
    pen.drawImage(this.colours, 0, 0, width, height);
    pen.globalCompositeOperation = 'destination-in';
    pen.drawImage(this.mask, 0, 0, width, height);
  }

  /** A hand comes down: what is there can be had back. */
  remember() {
    const { width, height } = this.view;
    const copy = (/** @type {HTMLCanvasElement} */ canvas) => context2d(canvas).getImageData(0, 0, width, height);
    this.past.push({ colours: copy(this.colours), mask: copy(this.mask) });
    this.past.splice(0, this.past.length - MOST_STEPS);
  }

  undo() {
    const last = this.past.pop();
    if (!last) return;
    context2d(this.colours).putImageData(last.colours, 0, 0);
    context2d(this.mask).putImageData(last.mask, 0, 0);
    this.show();
  }

  /**
   * Brush from one place to another.
   * @param {Position} from in 0..1
   * @param {Position} to
   * @param {{ does: string, size: number }} brush does: keep, remove, or a colour; size: share of the longer side
   */
  line(from, to, { does, size }) {
    const layers = does === 'keep' || does === 'remove' ? [this.mask] : [this.mask, this.colours];
    const { width, height } = this.view;
    for (const layer of layers) {
      const pen = context2d(layer);
      pen.globalCompositeOperation = does === 'remove' ? 'destination-out' : 'source-over';
      Object.assign(pen, { strokeStyle: layer === this.mask ? '#fff' : does, lineCap: 'round', lineJoin: 'round' });
      pen.lineWidth = Math.max(2, size * Math.max(width, height));
      pen.beginPath();
      pen.moveTo(from[0] * width, from[1] * height);
      pen.lineTo(to[0] * width + 0.01, to[1] * height);
      pen.stroke();
    }
    this.show();
  }

  /** Its file in base64, what is seen in the middle of a square; '' where nothing is. */
  async toFile() {
    const { width, height } = this.view;
    const part = seenPart(context2d(this.view).getImageData(0, 0, width, height));
    if (!part) return '';
    const { left, top, side } = squareAround(part);
    for (const most of SIDES) {
      const kept = Math.min(side, most);
      const square = element('canvas', { width: kept, height: kept });
      const pen = context2d(square);
      pen.imageSmoothingQuality = 'high';
      pen.drawImage(this.view, left, top, side, side, 0, 0, kept, kept);
      for (const quality of QUALITIES) {
        const file = await fileOf(square, 'image/webp', quality);
        if (file) return file;
      }
      const file = await fileOf(square, 'image/png', 1);
      if (file) return file;
    }
    return '';
  }
}

// @ts-check
// A mask that a hand paints over the picture, and the listening that lets it.

import { element } from './dom.js';
import { context2d } from './stage.js';

/** @import { Position } from './types.js' */

const SIDE = 256; // pixels of a mask's longer side, at most

export class PaintedMask {
  /**
   * @param {{ width: number, height: number }} picture pixels
   * @param {string} colour
   */
  constructor({ width, height }, colour) {
    const scale = Math.min(1, SIDE / Math.max(width, height));
    this.canvas = element('canvas', { width: Math.round(width * scale), height: Math.round(height * scale), className: 'st-mask' });
    this.pen = context2d(this.canvas, { willReadFrequently: true });
    Object.assign(this.pen, { strokeStyle: colour, lineCap: 'round', lineJoin: 'round' });
  }

  /**
   * Paint from one place to another, or take away what is painted there.
   * @param {Position} from
   * @param {Position} to
   * @param {number} size of the brush, a share of the picture's width
   * @param {boolean} away
   */
  line(from, to, size, away = false) {
    const { pen, canvas: { width, height } } = this;
    pen.globalCompositeOperation = away ? 'destination-out' : 'source-over';
    pen.lineWidth = Math.max(2, size * width);
    pen.beginPath();
    pen.moveTo(from[0] * width, from[1] * height);
    pen.lineTo(to[0] * width + 0.01, to[1] * height);
    pen.stroke();
  }

  /** How much of it is painted at each pixel, 0..255. */
  alpha() {
    const { data } = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    return data.filter((_, at) => at % 4 === 3);
  }

  get isEmpty() {
    return !this.alpha().some((value) => value > 127);
  }

  /** @param {Position} position */
  has([x, y]) {
    const { width, height } = this.canvas;
    const at = (/** @type {number} */ share, /** @type {number} */ most) => Math.min(most - 1, Math.floor(share * most));
    return this.pen.getImageData(at(x, width), at(y, height), 1, 1).data[3] > 127;
  }

  /** As a grey PNG in base64, white where it is painted. */
  toFile() {
    const { width, height } = this.canvas;
    const copy = element('canvas', { width, height });
    const pen = context2d(copy);
    const image = pen.createImageData(width, height);
    this.alpha().forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
    pen.putImageData(image, 0, 0);
    return copy.toDataURL('image/png').split(',')[1];
  }

  /**
   * Show a mask that was painted before.
   * @param {string} file base64 of a grey picture
   */
  async read(file) {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const { width, height } = this.canvas;
    const copy = element('canvas', { width, height });
    const pen = context2d(copy);
    pen.drawImage(bitmap, 0, 0, width, height);
    const image = pen.getImageData(0, 0, width, height);
    const white = image.data.slice();
    const probe = element('canvas', { width: 1, height: 1 });
    const dab = context2d(probe);
    dab.fillStyle = /** @type {string} */ (this.pen.strokeStyle);
    dab.fillRect(0, 0, 1, 1);
    const [red, green, blue] = dab.getImageData(0, 0, 1, 1).data;
    for (let at = 0; at < white.length; at += 4) image.data.set([red, green, blue, white[at]], at);
    this.pen.putImageData(image, 0, 0);
  }
}

/**
 * Hear of a pointer before the hands that paint and choose do; they do not where it is taken.
 * @param {HTMLElement} area
 * @param {{ down: (event: PointerEvent) => boolean, move: (event: PointerEvent) => boolean, up: (event: PointerEvent) => boolean }} hand each says whether it has taken it
 */
export function listenFirst(area, { down, move, up }) {
  for (const [type, isTaken] of Object.entries({ pointerdown: down, pointermove: move, pointerup: up, pointercancel: up })) {
    const hear = (/** @type {Event} */ event) => {
      if (isTaken(/** @type {PointerEvent} */ (event))) event.stopImmediatePropagation();
    };
    area.addEventListener(type, hear, { capture: true });
  }
}

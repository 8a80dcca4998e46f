// @ts-check
// The canvas with the newest picture.

import { Pictures } from './pictures.js';

/** @import { Frame } from './types.js' */
/** @import { Picture } from './pictures.js' */

export class Stage {
  /** @param {HTMLCanvasElement} view */
  constructor(view) {
    this.view = view;
    this.context = context2d(view, { alpha: false, desynchronized: true });
    this.frame = 0; // the number of the frame that is seen
    this.drawn = 0; // the sequence number of the picture on the canvas
    this.seen = false; // has there ever been one?
    this.pictures = new Pictures();
  }

  /**
   * Take on the model's shape.
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const { view } = this;
    if (view.width === width && view.height === height) return;
    Object.assign(view, { width, height });
    const box = view.closest('.st');
    if (box instanceof HTMLElement) box.style.setProperty('--aspect', String(width / height));
  }

  /** A link begins anew, and counts its pictures from the first. */
  restart() {
    this.drawn = 0;
    this.pictures.restart();
  }

  /** Nothing is seen any more. */
  clear() {
    this.context.fillRect(0, 0, this.view.width, this.view.height);
    this.seen = false;
  }

  /**
   * Draw a frame unless a newer one is there already; true once it is on the canvas.
   * @param {Frame} frame
   */
  async show(frame) {
    const picture = await this.pictures.of(frame);
    if (!picture) return false;
    const newer = frame.sequence > this.drawn;
    if (newer) {
      this.resize(...sizeOf(picture));
      this.context.drawImage(picture, 0, 0);
      this.drawn = frame.sequence;
      this.frame = frame.index;
      this.seen = true;
    }
    picture.close();
    return newer;
  }
}

/**
 * Its width and height, in pixels.
 * @param {Picture} picture
 * @returns {[number, number]}
 */
function sizeOf(picture) {
  return picture instanceof ImageBitmap ? [picture.width, picture.height] : [picture.displayWidth, picture.displayHeight];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function context2d(canvas, settings = {}) {
  const context = canvas.getContext('2d', settings);
  if (!context) throw new Error('this browser draws on no canvas');
  return context;
}

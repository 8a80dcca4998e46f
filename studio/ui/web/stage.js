// @ts-check
// The canvas with the newest picture.

/** @import { Frame } from './types.js' */

export class Stage {
  /** @param {HTMLCanvasElement} view */
  constructor(view) {
    this.view = view;
    this.context = context2d(view, { alpha: false, desynchronized: true });
    this.frame = 0; // the number of the frame that is seen
    this.drawn = 0; // the sequence number of the picture on the canvas
    this.seen = false; // has there ever been one?
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
    const bitmap = await createImageBitmap(frame.jpeg);
    const newer = frame.sequence > this.drawn;
    if (newer) {
      this.resize(bitmap.width, bitmap.height);
      this.context.drawImage(bitmap, 0, 0);
      this.drawn = frame.sequence;
      this.frame = frame.index;
      this.seen = true;
    }
    bitmap.close();
    return newer;
  }
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

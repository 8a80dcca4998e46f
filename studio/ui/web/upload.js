// @ts-check
// Pictures on their way to the server. One at a time, always the newest, and none leaves before the last was taken: a slow
// server gets fewer pictures, never old ones.

const LARGEST = 512 * 1024 - 12; // bytes of a JPEG: studio/ui/security.py, LARGEST_UPLOAD
const QUALITIES = [0.86, 0.6, 0.35];
const PATIENCE = 3000; // ms after which a picture without an answer counts as lost

/** @typedef {{ at: number, number: number | null }} Flight */

export class Uploader {
  /**
   * @param {{ draw: () => boolean, encode: (quality: number) => Promise<Blob | null>, send: (jpeg: ArrayBuffer) => number | null,
   *   now?: () => number }} options
   *   draw: the newest picture onto the canvas, false if there is none; encode: the canvas as JPEG; send: gives the number
   *   it is sent under, null where there is no link; now: ms
   */
  constructor({ draw, encode, send, now = () => performance.now() }) {
    this.draw = draw;
    this.encode = encode;
    this.send = send;
    this.now = now;
    /** @type {Flight | null} */
    this.flight = null; // of the one on its way
    this.due = false; // must another picture go, as soon as it may?
  }

  /** There is a picture that must go, now or as soon as it may. */
  queue() {
    this.due = true;
    return this.upload();
  }

  /** The link begins anew: what was on its way is lost. */
  restart() {
    this.flight = null;
  }

  /**
   * The server took a picture, or refused it.
   * @param {number} number
   */
  answered(number) {
    if (!this.flight || this.flight.number !== number) return;
    this.flight = null;
    if (this.due) this.upload();
  }

  /** Send the newest picture, unless one is on its way or there is none. */
  async upload() {
    if (!this.draw() || (this.flight && this.now() - this.flight.at < PATIENCE)) return;
    /** @type {Flight} */
    const flight = { at: this.now(), number: null };
    this.flight = flight;
    this.due = false;
    const jpeg = await this.encodeSmall();
    if (this.flight !== flight) return;
    flight.number = jpeg && this.send(jpeg);
    if (flight.number !== null) return;
    this.flight = null;
    this.due = true;
  }

  /** The picture as JPEG, at the best quality that the server takes. */
  async encodeSmall() {
    let jpeg = null;
    for (const quality of QUALITIES) {
      jpeg = await this.encode(quality);
      if (jpeg && jpeg.size <= LARGEST) break;
    }
    return jpeg && jpeg.arrayBuffer();
  }
}

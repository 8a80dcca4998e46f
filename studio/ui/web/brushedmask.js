// @ts-check
// Painting over a thing, so that it is taken hold of as it was painted, whatever its edges are: with Shift, or the tool.

import { listenFirst, PaintedMask } from './paintedmask.js';

/** @import { Position } from './types.js' */
/** @import { Page } from './page.js' */

const SHARE = 0.35; // of the brush's size
const COLOUR = '#fff';

export class BrushedMask {
  tool = false; // is the next hand to paint, and not to take hold?

  /** @type {PaintedMask | null} */
  mask = null;

  /** @type {{ pointer: number, at: Position } | null} */
  painting = null;

  /**
   * @param {Page} page
   * @param {() => boolean} can may things be taken hold of now?
   * @param {() => void} changed
   */
  constructor(page, can, changed) {
    this.page = page;
    this.can = can;
    this.changed = changed;
    this.area = page.hand.area;
    listenFirst(this.area, {
      down: (event) => this.down(event), move: (event) => this.move(event), up: (event) => this.up(event),
    });
  }

  toggle() {
    this.tool = !this.tool;
    this.changed();
  }

  clear() {
    this.mask?.canvas.remove();
    this.mask = null;
    this.tool = false;
    this.changed();
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { brush, hand } = this.page;
    if (this.painting) return true;
    if (!this.can() || event.button > 0 || !(event.shiftKey || this.tool) || brush.settings.mode === 'select') return false;
    const at = hand.position(event);
    if (!this.tool && hand.strokeUnder(at, event.timeStamp)) return false; // what is there goes straight with Shift
    event.preventDefault();
    this.area.setPointerCapture(event.pointerId);
    this.mask ??= this.blank();
    this.painting = { pointer: event.pointerId, at };
    this.paint(at, event.altKey);
    return true;
  }

  blank() {
    const mask = new PaintedMask(this.page.stage.view, COLOUR);
    this.area.append(mask.canvas);
    return mask;
  }

  /**
   * @param {Position} to
   * @param {boolean} away
   */
  paint(to, away) {
    if (!this.painting) return;
    this.mask?.line(this.painting.at, to, SHARE * this.page.brush.settings.size, away);
    this.painting.at = to;
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.painting?.pointer !== event.pointerId) return this.painting !== null;
    this.paint(this.page.hand.position(event), event.altKey);
    return true;
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (this.painting?.pointer !== event.pointerId) return this.painting !== null;
    this.painting = null;
    this.tool = false; // the next hand drags it
    this.changed();
    return true;
  }

  /**
   * The mask as a file, where a hand takes hold of what was painted; it is used up, and gone where the hand is beside it.
   * @param {Position} at
   */
  take(at) {
    const file = this.mask?.has(at) ? this.mask.toFile() : null;
    if (this.mask) this.clear();
    return file;
  }
}

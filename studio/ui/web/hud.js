// @ts-check
// The measurements above the picture, the state of the link, and the veil over the picture.

import { find, formatCount } from './dom.js';

/** @import { LinkState } from './types.js' */

const SPAN = 2000; // ms of frames that the rate is measured over
const LOST = 'The link is lost. Trying again; your session waits.';
const LINK_WORDS = { live: 'live', lost: 'reconnecting', waiting: 'waiting', superseded: 'elsewhere' };

/** Frames a second. Times are in ms. */
export class Meter {
  constructor() {
    /** @type {number[]} */
    this.frames = [];
  }

  /** @param {number} now */
  addFrame(now) {
    this.frames.push(now);
  }

  /**
   * Frames a second over the last two seconds, as text.
   * @param {number} now
   */
  rate(now) {
    this.frames = this.frames.filter((time) => now - time < SPAN);
    const span = (this.frames[this.frames.length - 1] - this.frames[0]) / 1000;
    return span ? ((this.frames.length - 1) / span).toFixed(1) : '–';
  }
}

export class Hud {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.meter = new Meter();
    this.link = find(box, '.st-link', HTMLElement);
    this.veil = find(box, '.st-veil', HTMLElement);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  set(name, text) {
    const place = find(this.box, `[data-hud="${name}"]`, HTMLElement);
    if (place.textContent !== text) place.textContent = text;
  }

  /** @param {{ paused: boolean, frame: number, now: number }} page */
  showMeasurements({ paused, frame, now }) {
    const rate = this.meter.rate(now);
    this.set('fps', paused ? '0' : rate);
    this.set('frame', formatCount(frame));
  }

  /**
   * @param {LinkState} state
   * @param {string} detail the server's words, or for `live` what carries it
   * @param {boolean} hasPicture is there one that the veil would lie over?
   */
  showLink(state, detail, hasPicture) {
    this.link.dataset.state = state;
    this.set('link', detail === 'pull' && state === 'live' ? 'live by HTTP' : LINK_WORDS[state]);
    if (state === 'lost' && hasPicture) this.showVeil(detail || LOST);
    if (state === 'waiting' || state === 'superseded') this.showVeil(detail);
  }

  /** @param {string} text */
  showVeil(text) {
    find(this.veil, '[data-veil]', HTMLElement).textContent = text;
    this.veil.dataset.show = 'true';
  }

  /** There is a picture; a late one of a link that has ended lifts no veil. */
  liftVeil() {
    if (this.link.dataset.state === 'live') this.veil.dataset.show = 'false';
  }
}

// @ts-check
// The measurements above the picture, the state of the link, and the veil over the picture.

import { find, formatCount } from './dom.js';

/** @import { LinkState, Status } from './types.js' */

const SPAN = 2000; // ms of frames that the rate is measured over
const LATENCIES = 9; // of which the median is shown
const LOST = 'The link is lost. Trying again; your session waits.';
const LINK_WORDS = { live: 'live', lost: 'reconnecting', waiting: 'waiting', superseded: 'elsewhere' };

/**
 * The middle one; of an even number the upper.
 * @param {number[]} values
 */
export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Frames a second, and ms from a control to the picture that shows it. Times are in ms. */
export class Meter {
  constructor() {
    /** @type {number[]} */
    this.frames = [];
    /** @type {number[]} */
    this.latencies = [];
  }

  /** @param {number} now */
  addFrame(now) {
    this.frames.push(now);
  }

  /** @param {number} ms */
  addLatency(ms) {
    this.latencies = [...this.latencies, ms].slice(-LATENCIES);
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

  /**
   * What was measured, or a guess by the server's figures before anything was, as text.
   * @param {Status} status
   */
  latency({ tick_ms: tick = 0, round_trip_ms: roundTrip = 0 }) {
    if (this.latencies.length) return String(Math.round(median(this.latencies)));
    const guess = 1.5 * tick + roundTrip;
    return guess ? `≈ ${Math.round(guess)}` : '–';
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

  /**
   * @param {Status} status
   * @param {{ paused: boolean, frame: number, now: number }} page
   */
  showMeasurements(status, { paused, frame, now }) {
    const rate = this.meter.rate(now);
    this.set('fps', paused ? '0' : rate);
    this.set('latency', this.meter.latency(status));
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

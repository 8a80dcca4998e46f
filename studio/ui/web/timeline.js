// @ts-check
// The strip below the picture: drag back over it and let go, and the stream plays on from there.

import { element, find } from './dom.js';
import { changeMark } from './marks.js';

/** @import { Moments, ShowToast } from './types.js' */

const SPAN = 60; // seconds that the strip shows
const NEAR = 0.6; // seconds from the right end that mean: stay here
const STEP = 1; // seconds that an arrow key moves
const FAR = 'Nothing to go back to yet; it comes with the first frames.';

/**
 * The frames at both ends of the strip: as far back as it shows or anything is kept, and the one that is seen.
 * @param {number | null} start the first frame that is kept
 * @param {number} now
 * @param {number} rate frames a second
 * @returns {[number, number]}
 */
export function stripSpan(start, now, rate) {
  return [Math.max(start ?? now, now - Math.round(SPAN * rate)), now];
}

/**
 * Where a frame is on the strip, 0..1 from the left; what is out of it is at its end.
 * @param {number} frame
 * @param {[number, number]} span
 */
export function shareOf(frame, [first, now]) {
  return now > first ? Math.min(1, Math.max(0, (frame - first) / (now - first))) : 1;
}

/**
 * The frame at a place of the strip.
 * @param {number} share 0..1
 * @param {[number, number]} span
 */
export function frameAt(share, [first, now]) {
  return Math.round(first + Math.min(1, Math.max(0, share)) * (now - first));
}

/**
 * How long ago, in words.
 * @param {number} frames
 * @param {number} rate
 */
export function agoWords(frames, rate) {
  const seconds = frames / rate;
  return seconds < NEAR ? 'now' : `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s back`;
}

/**
 * How much the strip shows, in words; nothing where that is next to nothing.
 * @param {[number, number]} span
 * @param {number} rate
 */
export function spanWords([first, now], rate) {
  const seconds = Math.round((now - first) / rate);
  return seconds ? `last ${seconds} s` : '';
}

export class Timeline {
  /**
   * @param {{ box: HTMLElement, frame: () => number, rate: () => number, travel: (frame: number) => void,
   *   goTo: (branch: number) => void, toast: ShowToast }} options
   */
  constructor({ box, frame, rate, travel, goTo, toast }) {
    this.frame = frame;
    this.rate = rate;
    this.travel = travel;
    this.goTo = goTo;
    this.toast = toast;
    this.strip = find(box, '.st-strip', HTMLElement);
    this.label = find(box, '.st-ago', HTMLElement);
    this.marks = find(box, '.st-marks', HTMLElement);
    /** @type {Moments} */
    this.moments = { start: null, prompts: [], branches: [], bookmarks: [], reason: '' };
    /** @type {number | null} */
    this.held = null; // the frame that the hand is at
    /** @type {[number, number]} */
    this.span = [0, 0];
    this.listen();
  }

  listen() {
    const { strip } = this;
    strip.addEventListener('pointerdown', (event) => this.down(event));
    strip.addEventListener('pointermove', (event) => { if (this.held !== null) this.hold(this.frameUnder(event)); });
    strip.addEventListener('pointerup', () => this.release());
    strip.addEventListener('pointercancel', () => this.hold(null));
    strip.addEventListener('keydown', (event) => this.key(event));
  }

  /**
   * What can be gone back to, as the server says.
   * @param {Moments} moments
   */
  take(moments) {
    if (moments.reason && moments.reason !== this.moments.reason) this.toast(moments.reason);
    this.moments = moments;
    this.show();
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button > 0 || event.target instanceof HTMLButtonElement) return; // a branch's
    if (this.moments.start === null) {
      this.toast(FAR);
      return;
    }
    this.strip.setPointerCapture(event.pointerId);
    this.hold(this.frameUnder(event));
  }

  /** @param {{ clientX: number }} event */
  frameUnder({ clientX }) {
    const { left, width } = this.strip.getBoundingClientRect();
    return frameAt((clientX - left) / width, this.span);
  }

  /**
   * The hand is at a frame, or (null) nowhere.
   * @param {number | null} frame
   */
  hold(frame) {
    this.held = frame;
    this.show();
  }

  /** Let go: play on from there, unless that is where it is anyway. */
  release() {
    const { held } = this;
    if (held === null) return;
    this.hold(null);
    if (this.span[1] - held > NEAR * this.rate()) this.travel(held);
  }

  /**
   * Without a pointer: arrows move the hand, Enter lets go, Escape leaves it.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (event.target !== this.strip) return; // a branch's button
    const way = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (way && this.moments.start !== null) {
      const frame = (this.held ?? this.span[1]) + Math.round(way * this.rate());
      this.hold(Math.min(this.span[1], Math.max(this.span[0], frame)));
    } else if (event.key === 'Enter') this.release();
    else if (event.key === 'Escape') this.hold(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Go back some seconds at once.
   * @param {number} seconds
   */
  back(seconds) {
    const { start } = this.moments;
    if (start === null) this.toast(FAR);
    else this.travel(Math.max(start, this.frame() - Math.round(seconds * this.rate())));
  }

  /** Draw the strip; called a few times a second, as its right end is always now. */
  show() {
    const { held, moments, strip } = this;
    if (held === null) this.span = stripSpan(moments.start, this.frame(), this.rate());
    const at = held ?? this.span[1];
    const words = agoWords(this.span[1] - at, this.rate());
    strip.style.setProperty('--at', String(shareOf(at, this.span)));
    strip.classList.toggle('held', held !== null);
    strip.setAttribute('aria-valuetext', words);
    for (const [name, value] of Object.entries({ valuemin: this.span[0], valuemax: this.span[1], valuenow: at })) {
      strip.setAttribute(`aria-${name}`, String(value));
    }
    this.label.textContent = held === null ? spanWords(this.span, this.rate()) : words;
    this.showMarks();
  }

  /** Prompts as ticks, branches as buttons where they fork. What stays is only moved: a click must find its button again. */
  showMarks() {
    const { prompts, branches } = this.moments;
    const marks = [
      ...prompts.filter(([frame, , , frames = 0]) => frame + frames >= this.span[0]).map((change) => (
        { key: `p${change}`, frame: change[0], end: change[0] + (change[3] ?? 0), make: () => changeMark(change) })),
      ...branches.map((branch) => (
        { key: `b${branch.id} ${branch.name}`, frame: branch.fork, end: branch.fork, make: () => this.branchButton(branch) })),
    ];
    const keys = JSON.stringify(marks.map(({ key }) => key));
    if (this.marks.dataset.keys !== keys) {
      this.marks.dataset.keys = keys;
      this.marks.replaceChildren(...marks.map(({ make }) => make()));
    }
    marks.forEach(({ frame, end }, place) => {
      const { style } = /** @type {HTMLElement} */ (this.marks.children[place]);
      const at = shareOf(frame, this.span);
      style.setProperty('--at', String(at));
      style.setProperty('--length', String(shareOf(end, this.span) - at));
    });
  }

  /** @param {Moments['branches'][0]} branch */
  branchButton({ id, name, words, picture }) {
    const button = element('button', { title: `Play on in ${name}: ${words}`, onclick: () => this.goTo(id) });
    button.setAttribute('aria-label', button.title);
    if (picture) button.append(element('img', { src: picture, alt: '' }));
    return button;
  }
}

// @ts-check
// Two lines side by side, in step from where they part: drawn again by the server, frame by frame, and played round.

import { element, find, iconButton } from './dom.js';
import { context2d } from './stage.js';

/** @import { Page } from './page.js' */
/**
 * @typedef {{ names: string[], fork: number | null, firsts: number[], frames: number }} Begun
 * @typedef {{ id: number, name: string }} Choice
 */

const SIDE = 192; // pixels of a picture
const HOLD = 400; // ms that the last pair stands before it begins again
const CLOSE = '<svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17" /></svg>';
const MARKUP = '<header><span></span></header><div><figure><canvas></canvas><figcaption></figcaption></figure>'
  + '<figure><canvas></canvas><select aria-label="Compare with"></select></figure></div><progress max="1" value="0"></progress>';

/**
 * Which pair is shown: round and round over what there is, the last one a moment longer.
 * @param {number} elapsed ms
 * @param {number} count pairs that are there
 * @param {number} rate pairs a second
 */
export function pairAt(elapsed, count, rate) {
  if (!count) return -1;
  const each = 1000 / rate;
  return Math.min(count - 1, Math.floor((elapsed % (count * each + HOLD)) / each));
}

/**
 * What is said of a comparison.
 * @param {Begun} begun
 * @param {number} count pairs that are there
 */
export function aboutWords({ fork, frames }, count) {
  const from = fork === null ? 'They share nothing that is kept' : `From frame ${fork}, where they part`;
  return count < frames ? `${from}: drawing ${count} of ${frames}` : `${from}: ${frames} frames`;
}

export class Comparison {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.box = element('section', { className: 'st-compare', hidden: true, innerHTML: MARKUP });
    this.words = find(this.box, 'header span', HTMLElement);
    this.caption = find(this.box, 'figcaption', HTMLElement);
    this.select = find(this.box, 'select', HTMLSelectElement);
    this.bar = find(this.box, 'progress', HTMLProgressElement);
    this.canvases = [...this.box.querySelectorAll('canvas')];
    find(this.box, 'header', HTMLElement).append(iconButton(CLOSE, '', 'Close the comparison', () => this.close()));
    this.select.addEventListener('change', () => this.begin(this.one, this.select.value === '' ? null : Number(this.select.value)));
    this.one = 0;
    this.since = 0;
    /** @type {Begun | null} */
    this.about = null;
    /** @type {HTMLImageElement[][]} */
    this.pairs = [];
  }

  /**
   * The branches that there are to compare with.
   * @param {Choice[]} branches
   */
  choices(branches) {
    const { value } = this.select;
    const others = branches.filter(({ id }) => id !== this.one);
    this.select.replaceChildren(
      element('option', { value: '', textContent: 'now' }),
      ...others.map(({ id, name }) => element('option', { value: String(id), textContent: name })),
    );
    this.select.value = others.some(({ id }) => String(id) === value) ? value : '';
  }

  /**
   * Ask for a branch beside another, or (null) beside what is played.
   * @param {number} one
   * @param {number | null} other
   */
  begin(one, other = null) {
    this.one = one;
    this.page.command('compare', { one, other });
  }

  /** @param {Begun} begun */
  begun(begun) {
    Object.assign(this, { about: begun, pairs: [], since: 0 });
    this.box.hidden = false;
    [this.caption.textContent] = begun.names;
    this.choices(this.page.timeline.moments.branches);
    const chosen = [...this.select.options].find(({ textContent }) => textContent === begun.names[1]);
    if (chosen) this.select.value = chosen.value;
    this.canvases.forEach((canvas) => context2d(canvas).clearRect(0, 0, canvas.width, canvas.height));
    this.tell();
  }

  /** @param {{ place: number, pictures: string[] }} frames */
  add({ place, pictures }) {
    if (!this.about || place !== this.pairs.length) return; // of one that was closed
    const before = this.pairs.at(-1) ?? [];
    this.pairs.push(pictures.map((src, side) => (src ? element('img', { src }) : before[side] ?? element('img'))));
    this.tell();
  }

  tell() {
    if (!this.about) return;
    const count = this.pairs.length;
    this.words.textContent = aboutWords(this.about, count);
    this.bar.value = count / this.about.frames;
    this.bar.hidden = count >= this.about.frames;
  }

  /** @param {number} now ms */
  draw(now) {
    if (!this.about || this.box.hidden) return;
    this.since = this.since || now;
    const pair = this.pairs[pairAt(now - this.since, this.pairs.length, this.page.playback.status.fps || 24)];
    pair?.forEach((image, side) => {
      const canvas = this.canvases[side];
      if (!image.complete || !image.naturalWidth) return;
      const height = Math.round((SIDE * image.naturalHeight) / image.naturalWidth);
      if (canvas.width !== SIDE || canvas.height !== height) Object.assign(canvas, { width: SIDE, height });
      context2d(canvas).drawImage(image, 0, 0, SIDE, height);
    });
  }

  close() {
    this.page.command('compare');
    this.end();
  }

  /** Show nothing more. */
  end() {
    Object.assign(this, { about: null, pairs: [] });
    this.box.hidden = true;
  }
}

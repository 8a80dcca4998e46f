// @ts-check
// What stands on the strip beside prompts and branches: markers that a person sets, and what waits for its frame.

import { element } from './dom.js';
import { tabStorage } from './storage.js';
import { shareOf } from './timeline.js';

/** @import { Page } from './page.js' */

const KEPT = 'studio-markers';
const SAME = 2; // frames within which a second marker takes the first away

/**
 * The markers once one is set at a frame, or taken away from there.
 * @param {number[]} markers
 * @param {number} frame
 */
export function toggled(markers, frame) {
  const others = markers.filter((marker) => Math.abs(marker - frame) > SAME);
  return others.length < markers.length ? others : [...markers, frame].sort((one, other) => one - other);
}

export class Markers {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {number[]} */
    this.frames = readFrames(tabStorage.get(KEPT));
    /** @type {[frame: number, words: string][]} */
    this.ahead = [];
    this.layer = element('span', { className: 'st-flags' });
    page.timeline.strip.append(this.layer);
  }

  /** @param {number} frame */
  toggle(frame) {
    this.frames = toggled(this.frames, frame);
    tabStorage.set(KEPT, JSON.stringify(this.frames));
    this.show();
  }

  /** @param {[number, string][]} items what waits at the server */
  take(items) {
    this.ahead = items;
    this.show();
  }

  /** Markers within the strip, and at its right end what is still to come. Elements stay: a click must find them. */
  show() {
    const { span } = this.page.timeline;
    const marks = [
      ...this.frames.filter((frame) => frame >= span[0]).map((frame) => ({ key: `m${frame}`, frame, make: () => this.marker(frame) })),
      ...this.ahead.map(([frame, words]) => ({
        key: `a${frame} ${words}`, frame, make: () => element('i', { className: 'ahead', title: `Waits for frame ${frame}: ${words}` }) })),
    ];
    const keys = JSON.stringify(marks.map(({ key }) => key));
    if (this.layer.dataset.keys !== keys) {
      this.layer.dataset.keys = keys;
      this.layer.replaceChildren(...marks.map(({ make }) => make()));
    }
    marks.forEach(({ frame }, place) => {
      const mark = /** @type {HTMLElement} */ (this.layer.children[place]);
      mark.style.setProperty('--at', String(shareOf(frame, span)));
      mark.classList.toggle('beyond', frame > span[1]);
    });
  }

  /** @param {number} frame */
  marker(frame) {
    const title = `Marker at frame ${frame}; click takes it away`;
    const button = element('button', { className: 'st-marker', title, onclick: () => this.toggle(frame) });
    button.setAttribute('aria-label', button.title);
    return button;
  }
}

/** @param {string | null} text */
function readFrames(text) {
  try {
    const frames = JSON.parse(text ?? '[]');
    return Array.isArray(frames) ? frames.filter(Number.isSafeInteger) : [];
  } catch {
    return [];
  }
}

// @ts-check
// The brush below the picture: what it paints, how large, and what the hand does with it.

import { fillSlider, find } from './dom.js';

/** @import { BrushSettings } from './types.js' */

/** @type {Record<BrushSettings['mode'], (label: string) => string>} */
const HINTS = {
  drag: (label) => `Drag in the picture: ${label} follows your hand.`,
  path: (label) => `Draw a line in the picture: ${label} goes along it.`,
  pin: (label) => `Point into the picture: ${label} stays there.`,
  select: () => 'Click a subject or its path, or drag a frame around several.',
};
/** @type {Record<BrushSettings['mode'], string>} */
const TAKING = {
  drag: 'Press on a thing and drag it; press it again, and it stays there.',
  path: 'Press on a thing and draw a line: it goes along it.',
  pin: 'Press on a thing and put it somewhere: it stays there.',
  select: HINTS.select(''),
};
const NO_LABEL = 'Type a subject, then paint it into the picture.';

/**
 * What the hand does with this brush, in words.
 * @param {Pick<BrushSettings, 'label' | 'mode'>} brush
 * @param {boolean} takes does it take hold of things in the picture, without a subject's name?
 */
export function brushHint({ label, mode }, takes = false) {
  return label || mode === 'select' ? HINTS[mode](label) : takes ? TAKING[mode] : NO_LABEL;
}

export class Brush {
  /**
   * @param {{ box: HTMLElement, labelled: () => void, resized: (size: number) => void, changed: () => void }} options
   *   labelled: another subject is typed; resized: by hand; changed: its mode
   */
  constructor({ box, labelled, resized, changed }) {
    this.box = box;
    this.resized = resized;
    this.changed = changed;
    this.label = find(box, '.st-label input', HTMLInputElement);
    this.size = find(box, '.st-size input', HTMLInputElement);
    this.size.addEventListener('input', () => this.resize(Number(this.size.value)));
    this.label.addEventListener('input', labelled);
    this.label.addEventListener('keydown', ({ key }) => { if (key === 'Enter') find(box, '.st-stage', HTMLElement).focus(); });
    fillSlider(this.size);
  }

  /** @returns {BrushSettings} */
  get settings() {
    const { mode } = find(this.box, '[data-mode][aria-checked="true"]', HTMLElement).dataset;
    return { label: this.label.value.trim(), size: Number(this.size.value), mode: /** @type {BrushSettings['mode']} */ (mode) };
  }

  /** @param {string} mode */
  setMode(mode) {
    for (const button of this.box.querySelectorAll('[data-mode]')) {
      button.setAttribute('aria-checked', String(button instanceof HTMLElement && button.dataset.mode === mode));
    }
    this.changed();
  }

  /**
   * Show a size, kept within the slider's range.
   * @param {number} size share of the picture's width
   */
  showSize(size) {
    this.size.value = String(size);
    fillSlider(this.size);
    find(this.box, '.st-size output', HTMLElement).textContent = `${Math.round(Number(this.size.value) * 100)}%`;
  }

  /**
   * Set a size, of the chosen subject too.
   * @param {number} size
   */
  resize(size) {
    this.showSize(size);
    this.resized(Number(this.size.value));
  }

  /**
   * The subjects that are suggested while one types.
   * @param {string[]} labels
   */
  suggest(labels) {
    find(this.box, '#st-labels', HTMLElement).replaceChildren(...labels.map((label) => new Option(label, label)));
  }
}

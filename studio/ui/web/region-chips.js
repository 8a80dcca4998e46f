// @ts-check
// A region as a chip below the picture, and the one that is painted and written just now.

import { element, fillSlider, iconButton } from './dom.js';

/** @import { Control } from './types.js' */
/** @import { PaintedMask } from './paintedmask.js' */

const svg = (/** @type {string} */ path) => `<svg viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`;
const ICONS = {
  dot: svg('<circle cx="12" cy="12" r="6" class="fill"/>'), remove: svg('<path d="M7 7l10 10M17 7L7 17"/>'),
  done: svg('<path d="M5 12.500l4.500 4.500L19 7.500"/>'), away: svg('<path d="M9 18.500h10M6 14l8-8 5 5-7.500 7.500H9z"/>'),
};
const LONGEST = 400; // characters, as controls/region.py has it

/**
 * @param {Control} region
 * @param {{ colour: string, edit: () => void, remove: () => void, look: (on: boolean) => void }} does look: at its mask
 */
export function regionChip({ text }, { colour, edit, remove, look }) {
  const chip = element('div', { className: 'st-chip', role: 'listitem' });
  Object.assign(chip, { onpointerenter: () => look(true), onpointerleave: () => look(false) });
  chip.style.setProperty('--colour', colour);
  chip.append(
    iconButton(ICONS.dot, text, `Change the part: ${text}`, edit), iconButton(ICONS.remove, '', `Remove the part: ${text}`, remove),
  );
  return chip;
}

export class Draft {
  erases = false; // does the brush take away?

  /**
   * @param {Control} region
   * @param {PaintedMask} mask
   * @param {{ colour: string, done: () => void, changed: (gesture: string) => void }} does
   */
  constructor({ id, text, strength }, mask, { colour, done, changed }) {
    this.id = id;
    this.mask = mask;
    this.field = element('input', { type: 'text', value: text, maxLength: LONGEST, placeholder: 'Paint, and write what is heard there' });
    this.field.setAttribute('aria-label', 'Words for this part of the picture');
    this.field.addEventListener('change', () => changed('words'));
    this.field.addEventListener('keydown', ({ key }) => { if (key === 'Enter') done(); });
    this.range = element('input', { type: 'range', min: '0.05', max: '1', step: '0.05', value: String(strength) });
    this.range.title = 'How much of it is heard there';
    this.range.setAttribute('aria-label', 'Strength of this part');
    this.range.addEventListener('input', () => {
      fillSlider(this.range);
      changed('strength');
    });
    fillSlider(this.range);
    this.eraser = iconButton(ICONS.away, '', 'Take away from what is painted (Alt)', () => this.toggleEraser());
    this.eraser.setAttribute('aria-pressed', 'false');
    this.chip = element('div', { className: 'st-chip st-draft', role: 'listitem' });
    this.chip.style.setProperty('--colour', colour);
    const dot = element('i', { innerHTML: ICONS.dot });
    this.chip.append(dot, this.field, this.range, this.eraser, iconButton(ICONS.done, '', 'Done (Enter)', done));
  }

  toggleEraser() {
    this.erases = !this.erases;
    this.eraser.setAttribute('aria-pressed', String(this.erases));
  }

  get text() {
    return this.field.value.trim();
  }

  get strength() {
    return Number(this.range.value);
  }

  /** Nothing is painted and nothing written. */
  get isEmpty() {
    return !this.text && this.mask.isEmpty;
  }
}

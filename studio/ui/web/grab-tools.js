// @ts-check
// The tools beside the brush that take hold of what is in the picture.

import { element, find } from './dom.js';

/** @import { Page } from './page.js' */
/** @import { Grabs } from './grabs.js' */

const ICONS = {
  hand: '<path d="M8 13V6.500a1.500 1.500 0 0 1 3 0V11m0-5.500a1.500 1.500 0 0 1 3 0V11m0-4a1.500 1.500 0 0 1 3 0v6.500'
    + 'c0 4-2 6-5 6-2.500 0-4-1-5.500-3.500L5 13.500a1.400 1.400 0 0 1 2.300-1.500L8 13"/>',
  over: '<path d="M19 4.500l-8 8M11 12.500c-2.500-.5-4 1-4 3s-1.500 3-3 3c2 1.500 8 1.500 8-3 0-1.500-.5-2.500-1-3z"/>',
};

/**
 * @param {string} words
 * @param {keyof typeof ICONS} icon
 * @param {string} action
 */
function tool(words, icon, action) {
  const innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[icon]}</svg>`;
  const button = element('button', { className: 'st-icon', title: words, innerHTML });
  button.dataset.do = action;
  button.setAttribute('aria-label', words);
  button.setAttribute('aria-pressed', 'false');
  return button;
}

export class GrabTools {
  take = tool('Take hold of what is in the picture: press on it (H)', 'hand', 'take-hold');
  over = tool('Paint over a thing, then drag it (Shift)', 'over', 'paint-over');

  /**
   * @param {Page} page
   * @param {Grabs} grabs
   */
  constructor(page, grabs) {
    this.page = page;
    this.grabs = grabs;
    this.field = page.brush.label;
    this.label = this.field.defaultValue; // the last that was typed
    this.bar = find(page.box, '.st-brush', HTMLElement);
    const tools = element('div', { className: 'st-takes-hold' });
    tools.append(this.take, this.over);
    this.bar.insertBefore(tools, find(this.bar, '.st-label', HTMLElement));
    this.field.addEventListener('input', () => this.show());
    grabs.changed = () => this.show();
  }

  get actions() {
    return {
      'take-hold': () => { if (this.grabs.can()) this.setLabel(this.field.value ? '' : this.label); },
      'paint-over': () => {
        const { brushed } = this.grabs;
        if (this.field.value) this.setLabel('');
        if (brushed.mask) brushed.clear();
        else brushed.toggle();
      },
    };
  }

  /** @param {string} text */
  setLabel(text) {
    if (this.field.value) this.label = this.field.value;
    this.field.value = text;
    this.show();
  }

  /** A model plays: where it shows what is cut out, nothing needs a name. */
  greet() {
    const { field, grabs } = this;
    const can = grabs.can();
    field.placeholder = can ? 'subject, or none' : 'subject';
    this.bar.title = this.page.model.strokes.words;
    if (can && field.value === field.defaultValue) this.setLabel('');
    else if (!can && !field.value) this.setLabel(this.label);
    else this.show();
  }

  show() {
    const { brushed } = this.grabs;
    const can = this.grabs.can();
    this.page.box.classList.toggle('takes-hold', can);
    this.take.setAttribute('aria-pressed', String(can && !this.field.value.trim()));
    this.over.setAttribute('aria-pressed', String(brushed.tool || brushed.mask !== null));
    this.page.strokeList.show();
  }
}

// @ts-check
// How far the pictures have drifted from their first second, and the refresh that builds the model's memory anew.

import { element } from './dom.js';
import { inForce } from './state.js';

/** @import { Page } from './page.js' */
/** @typedef {{ sharpness: number, contrast: number, colour: number }} Drift shares of the first second's; 1: as then */

const PARTS = /** @type {const} */ ([['sharpness', 'Sharpness'], ['contrast', 'Contrast'], ['colour', 'Colour']]);
const FULL = Math.log(2); // of a bar: half or double of what it was
const [STEADY, DRIFTING] = [Math.log(1.15), Math.log(1.4)];
const REFUSED = 'Its pictures do not follow from each other, so they do not drift: there is nothing to refresh.';

/**
 * How far a share is from 1, as a word for the stylesheet.
 * @param {number} share
 */
export function driftLevel(share) {
  const far = Math.abs(Math.log(share));
  return far < STEADY ? 'good' : far < DRIFTING ? 'fair' : 'slow';
}

/**
 * As +12 %.
 * @param {number} share
 */
export function driftText(share) {
  const percent = Math.round(100 * (share - 1));
  return `${percent > 0 ? '+' : percent < 0 ? '−' : ''}${Math.abs(percent)} %`;
}

/** Where a bar goes from its middle, -1..1. @param {number} share */
export const driftPlace = (share) => Math.max(-1, Math.min(1, Math.log(share) / FULL));

/**
 * Have the model go on from this picture alone; what it says where it cannot.
 * @param {Page} page
 */
export function refresh({ controls, model, toasts }) {
  const sink = inForce(controls, 'sink');
  if (!model.plays.includes('sink')) toasts.show(REFUSED);
  else if (sink && controls.set({ ...sink, refreshed: (sink.refreshed ?? 0) + 1 })) toasts.show('Refreshed from this picture.');
}

/** The meter in the latency popover. */
export class DriftView {
  constructor() {
    this.box = element('div', { className: 'st-drift' });
    const button = element('button', { textContent: 'Refresh', className: 'st-refresh', title: 'Go on from this picture alone (Y)' });
    button.dataset.do = 'refresh';
    const head = element('div', { className: 'st-latency-head' });
    head.append(element('span', { textContent: 'Drift since the scene began' }), button);
    this.rows = PARTS.map(([, label]) => {
      const row = element('div', { className: 'st-drift-row' });
      row.append(element('span', { textContent: label }), element('i'), element('b', { textContent: '0 %' }));
      return row;
    });
    this.box.append(head, ...this.rows);
  }

  /** @param {Drift} drift */
  show(drift) {
    PARTS.forEach(([name], at) => {
      const row = this.rows[at];
      row.dataset.level = driftLevel(drift[name]);
      row.style.setProperty('--place', String(driftPlace(drift[name])));
      const number = row.querySelector('b');
      if (number) number.textContent = driftText(drift[name]);
    });
  }
}

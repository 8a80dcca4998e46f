// @ts-check
// The choice as a feature of the page: its mode, its keys, its part of a screen refresh.

import { element } from './dom.js';
import { Selection } from './selection.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */

const ICON = '<svg viewBox="0 0 24 24"><path d="M6 4l12 7-5.500 1.500L10 18z" /></svg>';
const WORDS = 'Select and change what is painted (V)';

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const modes = page.box.querySelector('.st-modes');
  const button = element('button', { title: WORDS, innerHTML: ICON });
  button.setAttribute('aria-label', WORDS);
  button.setAttribute('role', 'radio');
  button.setAttribute('aria-checked', 'false');
  button.dataset.mode = 'select';
  modes?.append(button);
  const selection = new Selection(page);
  page.selection = selection;
  const refresh = () => { if (selection.open || selection.mover.gesture) selection.view.stale = true; };
  return {
    actions: {
      'select-mode': () => page.brush.setMode('select'),
      duplicate: () => selection.duplicate(),
      erase: () => selection.erase(),
      deselect: () => selection.choose([]),
    },
    frame: refresh,
    changed: () => { selection.view.stale = true; },
    draw: () => {
      selection.mover.sendChanges();
      selection.view.draw();
    },
  };
}

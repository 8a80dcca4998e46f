// @ts-check
// What buttons (`data-do`) and keys do, by name.

import { toggleFullscreen, toggleTheme } from './display.js';
import { find } from './dom.js';

/** @import { Page } from './page.js' */

const BACK = 2; // seconds
const SIZE_STEP = 0.02; // of the picture's width

/**
 * @param {Page} page
 * @returns {Record<string, (event: Event) => void>}
 */
export function pageActions(page) {
  const { box, brush, controls, hand, ink, models, playback, takes } = page;
  const help = find(box, '.st-help', HTMLDialogElement);
  const well = find(box, '.st-well', HTMLElement);
  const resize = (/** @type {number} */ step) => brush.resize(brush.settings.size + step);
  const focus = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector))?.focus();
  return {
    play: () => playback.toggle(),
    reset: () => page.command('reset'),
    record: () => page.command(takes.recording ? 'stop' : 'record'),
    back: () => page.timeline.back(BACK),
    keep: () => page.command('keep'),
    snapshot: () => page.command('snapshot', { saw: page.stage.frame }),
    undo: () => page.stepBack('undo'),
    redo: () => page.stepBack('redo'),
    clear: () => controls.clear(),
    theme: () => toggleTheme(),
    fullscreen: () => toggleFullscreen(well),
    help: () => help.showModal(),
    'close-help': () => help.close(),
    models: () => models.open(),
    'close-models': () => models.close(),
    'cancel-load': () => page.command('cancel'),
    'drag-mode': () => brush.setMode('drag'),
    'path-mode': () => brush.setMode('path'),
    'pin-mode': () => brush.setMode('pin'),
    smaller: () => resize(-SIZE_STEP),
    larger: () => resize(SIZE_STEP),
    'edit-label': () => brush.label.select(),
    'edit-prompt': () => focus('#studio-prompt textarea'),
    'apply-prompt': () => /** @type {HTMLElement | null} */ (document.querySelector('#studio-apply button, button#studio-apply'))?.click(),
    'leave-field': ({ target }) => { if (target instanceof HTMLElement) target.blur(); },
    erase: () => { if (hand.selected) controls.set({ kind: 'erase', id: hand.selected }); },
    deselect: () => hand.select(null),
    'hide-overlay': () => ink.setHidden(true),
  };
}

/**
 * Clicks on the page's buttons; a click beside an open dialog closes it.
 * @param {Page} page
 * @param {Record<string, (event: Event) => void>} actions
 */
export function listenToButtons({ box, brush, ink }, actions) {
  box.addEventListener('click', (event) => {
    const { target } = event;
    if (!(target instanceof Element)) return;
    const button = target.closest('[data-do], [data-mode]');
    const { do: action, mode } = button instanceof HTMLElement ? button.dataset : {};
    if (action) actions[action](event);
    if (mode) brush.setMode(mode);
    if (target instanceof HTMLDialogElement) target.close();
  });
  document.addEventListener('keyup', ({ key }) => { if (key === '\\') ink.setHidden(false); });
}

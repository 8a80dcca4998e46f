// @ts-check
// A menu beside each take: into what kind of file it is made, how far that is, and calling it off.

import { element } from './dom.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */

/**
 * @typedef {{ take: string, form: string, done: number, total: number, stage: string, name: string, address: string, note: string }} Progress
 * @typedef {{ now: Progress | null, asked: string }} Exporting asked: for what a person did, which is saved when it is done
 */

/** As the server names them (studio/ui/exports.py, FORMS), and as the menu does. */
const FORMS = { mp4: 'mp4', webm: 'webm', gif: 'gif', png: 'png (zip)' };
const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4.500v10M8 8.500l4-4 4 4M5 14.500v5h14v-5" /></svg>';

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  /** @type {Exporting} */
  const exporting = { now: null, asked: '' };
  document.addEventListener('click', ({ target }) => closeMenus(target));
  return {
    actions: {},
    messages: { export: (/** @type {Progress} */ progress) => take(page, exporting, progress) },
    measure: () => document.querySelectorAll('.st-take').forEach((row) => { if (row instanceof HTMLElement) show(page, row, exporting); }),
  };
}

/**
 * The server says how far it is.
 * @param {Page} page
 * @param {Exporting} exporting
 * @param {Progress} progress
 */
function take(page, exporting, progress) {
  exporting.now = progress.stage === 'making' ? progress : null;
  if (progress.stage === 'done' && exporting.asked === `${progress.take} ${progress.form}`) page.takes.download(progress);
  if (progress.note) page.toasts.show(progress.note, progress.stage === 'failed' ? 'error' : 'notice');
  document.querySelectorAll('.st-take').forEach((row) => { if (row instanceof HTMLElement) show(page, row, exporting); });
}

/**
 * How far it is, in words.
 * @param {{ form: string, done: number, total: number }} progress
 */
export function progressWords({ form, done, total }) {
  return `${form} ${total ? Math.floor((100 * done) / total) : 0} %`;
}

/**
 * The menu of a take's row, or how far its file is.
 * @param {Page} page
 * @param {HTMLElement} row
 * @param {Exporting} exporting
 */
function show(page, row, exporting) {
  const { now } = exporting;
  const name = row.dataset.take ?? '';
  const making = now?.take === name ? now : null;
  const shown = row.querySelector('.st-export');
  if (shown instanceof HTMLElement && shown.classList.contains('making') === Boolean(making)) {
    const words = shown.querySelector('.st-export-words');
    if (words && making) words.textContent = progressWords(making);
    return;
  }
  shown?.remove();
  row.append(making ? cancelButton(page, making) : menu(page, row, exporting));
}

/**
 * @param {Page} page
 * @param {Progress} making
 */
function cancelButton(page, making) {
  const button = element('button', { type: 'button', className: 'st-export making', title: 'Call it off' });
  button.addEventListener('click', () => page.command('cancel-export'));
  button.append(element('span', { className: 'st-export-words', textContent: progressWords(making) }), '✕');
  button.setAttribute('aria-label', `${making.form} is being made; call it off`);
  return button;
}

/**
 * @param {Page} page
 * @param {HTMLElement} row
 * @param {Exporting} exporting
 */
function menu(page, row, exporting) {
  const box = element('details', { className: 'st-export' });
  const summary = element('summary', { innerHTML: ICON, title: 'Make a file of it, which carries the take' });
  summary.setAttribute('aria-label', `Export ${row.dataset.take}`);
  const list = element('div');
  for (const [form, shown] of Object.entries(FORMS)) {
    list.append(element('button', { type: 'button', textContent: shown, onclick: () => choose(page, row, exporting, form) }));
  }
  box.append(summary, list);
  return box;
}

/**
 * A video that was recorded is there already; anything else is made.
 * @param {Page} page
 * @param {HTMLElement} row
 * @param {Exporting} exporting
 * @param {string} form
 */
function choose(page, row, exporting, form) {
  const video = [...row.querySelectorAll('a')].find(({ download }) => download.endsWith('.mp4'));
  if (form === 'mp4' && video) video.click();
  else {
    exporting.asked = `${row.dataset.take} ${form}`;
    page.command('export', { take: row.dataset.take, form });
  }
  closeMenus(null);
}

/** @param {EventTarget | null} target what was clicked; its own menu stays open */
function closeMenus(target) {
  document.querySelectorAll('details.st-export[open]').forEach((menu) => {
    if (!(target instanceof Node) || !menu.contains(target)) menu.removeAttribute('open');
  });
}

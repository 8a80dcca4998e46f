// @ts-check
// What a picture that comes in, dropped, pasted or opened, is used as: what the model can do with it; where that is several
// things, a small choice beside the strokes.

import { element } from './dom.js';

/** @import { Page } from './page.js' */
/** @typedef {{ words: string, can: (page: Page) => boolean, use: (page: Page, file: File) => unknown }} Use */

/**
 * Tell the feature that hears an event of this name.
 * @param {string} name
 * @returns {Use['use']}
 */
const event = (name) => (page, file) => page.box.dispatchEvent(new CustomEvent(name, { detail: file }));

/** @type {Record<string, Use>} a line each, the most usual first */
export const USES = {
  subject: { words: 'As a subject', can: ({ model }) => model.plays.includes('subject'), use: event('ownpicture') },
  place: { words: 'As a place', can: ({ model }) => model.plays.includes('place'), use: event('ownplace') },
  input: {
    words: 'As the picture drawn from', can: ({ model }) => model.plays.includes('picture'),
    use: ({ input }, file) => input.openFile('still', file),
  },
};

/**
 * The uses that the model has for a picture.
 * @param {Page} page
 * @returns {Use[]}
 */
export const usesOn = (page) => Object.values(USES).filter(({ can }) => can(page));

/**
 * Use a picture: at once where there is one way to, else as a person chooses. False: the model has no use for it.
 * @param {Page} page
 * @param {File} file
 */
export function usePicture(page, file) {
  const uses = usesOn(page);
  if (uses.length > 1) choose(page, file, uses);
  else uses[0]?.use(page, file);
  return uses.length > 0;
}

/**
 * @param {Page} page
 * @param {File} file
 * @param {Use[]} uses
 */
function choose(page, file, uses) {
  page.box.querySelector('.st-uses')?.remove();
  const bar = element('div', { className: 'st-uses' });
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', `What ${file.name} is to be`);
  const name = element('span', { textContent: file.name });
  const button = (/** @type {string} */ words, /** @type {Use['use']} */ use) => element('button', {
    type: 'button', textContent: words, onclick: () => { bar.remove(); use(page, file); },
  });
  const buttons = uses.map(({ words, use }) => button(words, use));
  bar.append(name, ...buttons, button('Cancel', () => {}));
  page.box.append(bar);
  buttons[0].focus();
}

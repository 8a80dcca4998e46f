// @ts-check
// How the page is shown: light or dark, full screen, within another page, on a Mac.

import { browserStorage } from './storage.js';

/** What the stylesheet asks of the document. Dark comes first; the head of the page has set light already where it is wanted. */
export function prepareDocument() {
  const { documentElement: root, body } = document;
  body.classList.toggle('dark', !root.classList.contains('studio-light'));
  root.classList.toggle('studio-framed', window.self !== window.top);
  body.classList.toggle('studio-mac', /Mac|iP(hone|ad)/.test(navigator.platform));
}

/** Light or dark, kept for the next time. */
export function toggleTheme() {
  const light = document.documentElement.classList.toggle('studio-light');
  document.body.classList.toggle('dark', !light);
  browserStorage.set('studio-theme', light ? 'light' : 'dark');
}

/** @param {HTMLElement} element */
export function toggleFullscreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}

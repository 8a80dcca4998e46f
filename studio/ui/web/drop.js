// @ts-check
// A file that is dropped, pasted or chosen: a take, or what carries one, is open again; any other picture is used as the
// model can (uses.js), and a video is what it draws from, where it does, or else one whose motion it takes (motion.js).

import { LARGEST, carriedBy } from './carried.js';
import { element } from './dom.js';
import { usePicture } from './uses.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */

const MOST_SAID = 3; // of what is not as it was
const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 19.500v-10M7.500 13.500L12 9l4.500 4.500M5 4.500h14" /></svg>';
const TITLE = 'Open a take: a score, or a video, GIF, PNG or zip that was exported';

const KINDS = ['video', 'image'];
const INSTEAD = 'Drop a score (.jsonl), or what was exported here.';
const NO_TAKE = 'has no take in it (it was not exported here, or a site took it out)';

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const chooser = element('input', { type: 'file', hidden: true, className: 'st-open-file' });
  const opened = { token: '' };
  const open = (/** @type {FileList | null | undefined} */ files) => {
    if (files?.[0]) openFile(page, files[0], opened.token);
  };
  chooser.setAttribute('aria-label', 'A take, or a file that carries one');
  chooser.addEventListener('change', () => { open(chooser.files); chooser.value = ''; });
  page.box.append(chooser);
  listenToDrops(page.box, open);
  return {
    actions: { open: () => chooser.click() },
    messages: { hello: ({ token }) => { opened.token = token; } },
    measure: () => addButton(chooser),
  };
}

/**
 * Files that are dropped anywhere on the page, and pasted ones.
 * @param {HTMLElement} box
 * @param {(files: FileList | null | undefined) => void} open
 */
function listenToDrops(box, open) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
  const show = (/** @type {boolean} */ over) => box.classList.toggle('dropping', over);
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // or the browser leaves the page for the file
    show(true);
  });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) show(false); });
  document.addEventListener('drop', (event) => {
    show(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    open(event.dataTransfer?.files);
  });
  document.addEventListener('paste', (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    open(event.clipboardData.files);
  });
}

/**
 * The button beside the list of takes; Gradio makes that part of the page, and may make it again.
 * @param {HTMLInputElement} chooser
 */
function addButton(chooser) {
  const title = document.querySelector('#studio-takes-section h3');
  if (!title || title.querySelector('.st-open')) return;
  const button = element('button', { type: 'button', className: 'st-open', title: TITLE });
  button.innerHTML = ICON;
  button.append('Open');
  button.addEventListener('click', () => chooser.click());
  title.append(button);
}

/**
 * @param {Page} page
 * @param {File} file
 * @param {string} token of the link
 */
export async function openFile(page, file, token) {
  const say = (/** @type {string} */ text, /** @type {import('./types.js').ToastKind} */ kind = 'error') => page.toasts.show(text, kind);
  if (!page.isConnected()) return;
  const carried = await carriedBy(file).catch(() => null);
  if (!carried) drawFrom(page, file, say);
  else if (carried.size > LARGEST) say(`${file.name} is too large, a take has at most ${Math.round(LARGEST / 1e6)} MB.`);
  else await send(page, carried, { name: file.name, token, say });
}

/**
 * @typedef {(text: string, kind?: import('./types.js').ToastKind) => void} Say
 * @param {Page} page
 * @param {Blob} carried
 * @param {{ name: string, token: string, say: Say }} options
 */
async function send(page, carried, { name, token, say }) {
  const headers = { 'x-studio-link': token, 'x-studio-name': encodeURIComponent(name), 'content-type': 'application/octet-stream' };
  try {
    const answer = await fetch(`${page.takes.root}/gradio_api/studio/open`, { method: 'POST', headers, body: carried });
    const { error, remarks } = await answer.json();
    if (error) say(error.charAt(0).toUpperCase() + error.slice(1));
    else if (remarks.length) say(openedWords(name, remarks), 'news');
  } catch {
    say(`${name} did not come through to the server. Try again.`);
  }
}

/**
 * What is said of a take that is not all as it was.
 * @param {string} name
 * @param {string[]} remarks
 */
export function openedWords(name, remarks) {
  const more = remarks.length > MOST_SAID ? `; and ${remarks.length - MOST_SAID} more` : '';
  return `${name} is open, but ${remarks.slice(0, MOST_SAID).join('; ')}${more}.`;
}

/**
 * A picture or a video without a take.
 * @param {Page} page
 * @param {File} file
 * @param {Say} say
 */
function drawFrom(page, file, say) {
  const { model, input } = page;
  const [kind] = file.type.split('/');
  const isPicture = kind === 'image' || /\.hei[cf]$/i.test(file.name); // whose type no browser but Safari knows
  if (!isPicture && !KINDS.includes(kind)) say(`${file.name} is no take, and no picture or video. ${INSTEAD}`);
  else if (isPicture && usePicture(page, file)) return;
  else if (!isPicture && model.plays.includes('camera')) input.openFile('film', file);
  else if (!isPicture && !model.refuses.stroke) page.box.dispatchEvent(new CustomEvent('drivingvideo', { detail: file }));
  else say(`${file.name} ${NO_TAKE}, and ${model.model} draws from no ${isPicture ? 'picture' : 'video'}.`);
}

// @ts-check
// Subjects of one's own: chips beside the painted ones, a card where a picture becomes one, a library in this browser.

import { element, find, iconButton } from './dom.js';
import { OwnLibrary } from './own-library.js';
import { SubjectCard } from './subject-card.js';
import { nameOfFile } from './subject-names.js';

/** @import { Control, Feature } from './types.js' */
/** @import { Page } from './page.js' */
/** @import { OwnSubject } from './own-library.js' */

const KIND = 'subject';
const LARGEST = 32 * 2 ** 20; // bytes: studio/ui/own_pictures.py
const WIDE = 2048; // pixels a side of a file that is made smaller here
const TITLE = 'A subject of your own: a picture, a photograph or a drawing (D)';
const svg = (/** @type {string} */ path) => `<svg viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`;
const ICONS = {
  own: svg('<path d="M5 19.500c.5-3.500 3-5 6-5M8 8.500a3.500 3.500 0 1 0 7 0 3.500 3.500 0 1 0-7 0M17.500 14v7M14 17.500h7"/>'),
  remove: svg('<path d="M7 7l10 10M17 7L7 17"/>'),
};

/**
 * The kind of file, as a browser shows it, of a picture's bytes in base64.
 * @param {string} data
 */
export const pictureUrl = (data) => `data:image/${data.startsWith('iVBOR') ? 'png' : 'webp'};base64,${data}`;

/**
 * What stands as chips: what is in force, and of the library what is not, the last used first.
 * @param {Iterable<any>} held
 * @param {OwnSubject[]} kept
 * @returns {OwnSubject[]}
 */
export function shownOf(held, kept) {
  const inForce = new Map([...held].map((one) => [one.name, one]));
  const known = new Set(kept.map(({ name }) => name));
  return [...[...inForce.values()].filter(({ name }) => !known.has(name)), ...kept.map((one) => inForce.get(one.name) ?? one)];
}

export class Subjects {
  token = '';

  /** @type {Map<string, OwnSubject>} taken away on this page: what undo brings back is kept again */
  removed = new Map();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.library = new OwnLibrary();
    this.list = element('div', { className: 'st-own', role: 'list' });
    this.list.setAttribute('aria-label', 'Subjects of your own');
    this.button = iconButton(ICONS.own, '', TITLE, () => {});
    Object.assign(this.button, { className: 'st-own-open' }).dataset.do = 'own-subject';
    find(page.box, '.st-strokes', HTMLElement).after(this.list);
    this.card = new SubjectCard(page.box, {
      use: (subject) => this.use({ ...subject, at: Date.now() }), cut: (file) => this.send(file),
    });
    page.box.addEventListener('ownpicture', (event) => { if (event instanceof CustomEvent) this.send(event.detail); });
    page.brush.label.addEventListener('input', () => this.labelled());
    new ResizeObserver(() => page.box.style.setProperty('--own', `${this.list.offsetWidth}px`)).observe(this.list);
    this.library.open().then(() => this.show());
  }

  get plays() {
    return this.page.model.plays.includes(KIND);
  }

  /** @returns {Map<string, any>} in force, by name */
  get held() {
    return this.page.controls.all(KIND);
  }

  toggle() {
    if (this.card.isOpen) this.card.close();
    else if (this.plays) this.card.draw();
    else this.page.toasts.show(this.page.refusalOf('stroke') || `${this.page.model.model} shows no subjects of your own.`);
  }

  // A picture becomes one

  /**
   * Have a file's subject cut out by the server, and show it on the card.
   * @param {File} file
   */
  async send(file) {
    const { page } = this;
    if (!this.plays || !page.isConnected()) return;
    this.card.open(nameOfFile(file.name), `Cutting out ${file.name}`);
    try {
      const body = file.size > LARGEST ? await smaller(file) : file;
      const headers = { 'x-studio-link': this.token, 'content-type': 'application/octet-stream' };
      const answer = await fetch(`${page.takes.root}/gradio_api/studio/cut`, { method: 'POST', headers, body });
      const { error, picture, mask, remarks } = await answer.json();
      if (error) this.card.open('', `${file.name}: ${error}.`);
      else {
        const name = nameOfFile(file.name);
        this.card.show({ picture: await loaded(picture), mask: await loaded(mask), name, note: remarks.join(' ') });
      }
    } catch {
      this.card.open('', `${file.name} did not come through to the server. Try again.`);
    }
  }

  /**
   * Take one into the take, and into the library; the brush paints it next.
   * @param {OwnSubject} subject
   */
  use(subject) {
    const { page, library } = this;
    if (!page.isConnected()) return;
    this.set(subject);
    const gone = library.put({ ...subject, at: Date.now() });
    if (gone) page.toasts.show(`Your library holds as many as it can; “${gone.name}”, not used for longest, has left it.`);
    page.brush.label.value = subject.name;
    page.hand.select(null);
    page.strokeList.show();
    this.show();
  }

  /** @param {OwnSubject} subject */
  set({ name, words, faces, data }) {
    const held = this.held.get(name);
    if (held?.data === data && held.faces === faces && String(held.words) === String(words)) return;
    this.page.controls.set({ kind: KIND, name, data, words, faces });
  }

  /** A name of the library is typed: it is sent when it is used. */
  labelled() {
    const name = this.page.brush.settings.label.toLowerCase();
    const kept = this.library.subjects.get(name);
    if (kept && this.plays && !this.held.has(name)) this.set(kept);
    this.mark();
  }

  /** @param {OwnSubject} subject */
  remove(subject) {
    const { page, library } = this;
    if (!page.isConnected()) return;
    this.removed.set(subject.name, subject);
    library.remove(subject.name);
    if (this.held.has(subject.name)) page.controls.set({ kind: KIND, name: subject.name, data: '', words: [], faces: 'ahead' });
    page.toasts.show(`“${subject.name}” is no longer among your own.`);
    this.show();
  }

  // What is seen of them

  show() {
    const { page } = this;
    const shown = this.plays ? shownOf(this.held.values(), this.library.list) : [];
    this.list.replaceChildren(...(this.plays ? [this.button] : []), ...shown.map((one) => this.chip(one)));
    page.box.classList.toggle('plays-own', this.plays);
    this.mark();
  }

  /** The chip of what the brush paints. */
  mark() {
    const label = this.page.brush.settings.label.toLowerCase();
    for (const chip of this.list.querySelectorAll('.st-chip')) {
      if (chip instanceof HTMLElement) chip.classList.toggle('chosen', chip.dataset.name === label);
    }
  }

  /** @param {OwnSubject} subject */
  chip(subject) {
    const chip = element('div', { className: 'st-chip', role: 'listitem' });
    chip.dataset.name = subject.name;
    const choose = iconButton('', subject.name, `Paint ${subject.name}, your own`, () => this.use(subject));
    choose.prepend(element('img', { src: pictureUrl(subject.data), alt: '', draggable: false }));
    chip.append(choose, iconButton(ICONS.remove, '', `Take ${subject.name} away from your own`, () => this.remove(subject)));
    return chip;
  }

  /** @param {Control | null} control */
  changed(control) {
    if (control && control.kind !== KIND) return;
    const back = control?.data ? this.removed.get(control.name) : undefined;
    if (back) this.library.put({ ...back, at: Date.now() });
    if (back) this.removed.delete(back.name);
    this.show();
  }
}

/**
 * A picture of a data URL.
 * @param {string} url
 */
async function loaded(url) {
  const picture = element('img', { src: url });
  await picture.decode();
  return picture;
}

/**
 * A file that is too large to send, smaller, where the browser can read it.
 * @param {File} file
 */
async function smaller(file) {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, WIDE / Math.max(whole.width, whole.height));
  const canvas = element('canvas', { width: Math.round(whole.width * scale), height: Math.round(whole.height * scale) });
  canvas.getContext('2d')?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve, 'image/webp', 0.9));
  if (!blob) throw new Error(`${file.name} gives no file`);
  return blob;
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const subjects = new Subjects(page);
  return {
    actions: { 'own-subject': () => subjects.toggle() },
    messages: { hello: ({ token }) => { subjects.token = token; subjects.show(); }, state: () => subjects.show() },
    changed: (control) => subjects.changed(control),
  };
}

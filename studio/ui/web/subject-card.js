// @ts-check
// The card on which a picture becomes a subject of one's own: cut out, touched up, named. Beside the picture, over nothing.

import { CutCanvas } from './cut-canvas.js';
import { element, iconButton } from './dom.js';
import { closeMedia, MediaError, openCamera } from './media.js';
import { namesOf } from './subject-names.js';

/** @import { Position } from './types.js' */

const svg = (/** @type {string} */ path) => `<svg viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`;
const ICONS = {
  close: svg('<path d="M7 7l10 10M17 7L7 17"/>'), undo: svg('<path d="M9 5L4.500 9.500 9 14M5 9.500h9a5 5 0 0 1 0 10h-3"/>'),
  file: svg('<path d="M4 17.500l4.500-5 3.500 3.500 3-3 5 4.500M4 5h16v14H4z"/>'),
  camera: svg('<path d="M4 8h3.500L9 5.500h6L16.500 8H20v11H4z"/><circle cx="12" cy="13" r="3.500"/>'),
  draw: svg('<path d="M5 19l1-4L16 5l3 3L9 18z"/>'), keep: svg('<path d="M12 6v12M6 12h12"/>'), remove: svg('<path d="M6 12h12"/>'),
};
export const COLOURS = ['#1d1e20', '#ffffff', '#d33f3f', '#f0a35e', '#f5d94e', '#4aa65a', '#3f7fd3', '#8a5bd0', '#8b5a33'];
const FACES = [
  ['left', '←', 'It looks to the left'], ['ahead', '•', 'It looks ahead: never mirrored'], ['right', '→', 'It looks to the right'],
];
const SIZES = { least: 0.02, most: 0.2, usual: 0.07 };

export class SubjectCard {
  does = 'keep';

  /** @type {HTMLVideoElement | null} */
  video = null;

  /** @type {{ pointer: number, at: Position } | null} */
  painting = null;

  /**
   * @param {HTMLElement} box
   * @param {{ use: (subject: { name: string, words: string[], faces: string, data: string }) => void, cut: (file: File) => void }} does
   *   use: a subject is made; cut: a picture is to be cut out
   */
  constructor(box, { use, cut }) {
    this.use = use;
    this.cut = cut;
    this.canvas = new CutCanvas();
    this.note = element('p', { className: 'st-own-note' });
    this.note.setAttribute('role', 'status');
    this.name = element('input', { type: 'text', placeholder: 'its name', autocomplete: 'off', spellcheck: false });
    this.name.setAttribute('aria-label', 'Name of your subject; other words that name it after commas');
    this.name.addEventListener('keydown', ({ key }) => { if (key === 'Enter') this.finish(); });
    this.chooser = element('input', { type: 'file', accept: 'image/*,.heic,.heif', hidden: true, className: 'st-own-file' });
    this.chooser.setAttribute('aria-label', 'A picture of your own');
    this.chooser.addEventListener('change', () => {
      if (this.chooser.files?.[0]) cut(this.chooser.files[0]);
      this.chooser.value = '';
    });
    this.tools = element('div', { className: 'st-own-tools' });
    this.stand = element('div', { className: 'st-own-stand' });
    this.card = element('div', { className: 'st-own-card', hidden: true });
    this.card.setAttribute('role', 'group');
    this.card.setAttribute('aria-label', 'A subject of your own');
    this.card.append(this.head(), this.stand, this.tools, this.note, this.foot(), this.chooser);
    box.append(this.card);
    this.listen();
  }

  head() {
    const head = element('div', { className: 'st-own-head' });
    head.append(
      iconButton(ICONS.file, 'Picture', 'Choose a picture; or drop one, or paste it', () => this.chooser.click()),
      iconButton(ICONS.camera, 'Camera', 'Photograph it', () => this.photograph()),
      iconButton(ICONS.draw, 'Draw', 'Draw it', () => this.draw()),
      iconButton(ICONS.close, '', 'Close, and use nothing', () => this.close()),
    );
    return head;
  }

  foot() {
    const foot = element('div', { className: 'st-own-foot' });
    this.faces = element('div', { className: 'st-own-faces' });
    this.faces.setAttribute('role', 'radiogroup');
    this.faces.append(...FACES.map(([value, sign, title]) => {
      const button = element('button', { type: 'button', textContent: sign, title, onclick: () => this.face(value) });
      Object.assign(button.dataset, { faces: value });
      button.setAttribute('role', 'radio');
      button.setAttribute('aria-label', title);
      return button;
    }));
    this.face('ahead');
    const use = element('button', { type: 'button', className: 'use', textContent: 'Use', onclick: () => this.finish() });
    foot.append(this.name, this.faces, use);
    return foot;
  }

  /** @param {string} way */
  face(way) {
    for (const button of this.faces?.children ?? []) {
      if (button instanceof HTMLElement) button.setAttribute('aria-checked', String(button.dataset.faces === way));
    }
  }

  get isOpen() {
    return !this.card.hidden;
  }

  // What stands on it

  /**
   * @param {string} name to begin with
   * @param {string} note
   */
  open(name = '', note = '') {
    this.card.hidden = false;
    this.stopCamera();
    this.stand.replaceChildren(this.canvas.view);
    this.note.textContent = note;
    if (name) this.name.value = name;
    this.face('ahead');
  }

  /**
   * @param {{ picture: ImageBitmap | HTMLImageElement, mask: ImageBitmap | HTMLImageElement, name: string, note: string }} cut
   */
  show({ picture, mask, name, note }) {
    this.open(name, note);
    this.canvas.load(picture, mask);
    this.offer([['keep', ICONS.keep, 'Bring back what is under the brush'], ['remove', ICONS.remove, 'Rub out']], 'remove');
    if (!matchMedia('(pointer: fine)').matches) return; // a phone's keyboard would stand over the card
    this.name.focus();
    this.name.select();
  }

  draw() {
    this.name.value = '';
    this.open('', 'Draw it, and give it a name.');
    this.canvas.blank();
    const colours = COLOURS.map((colour) => /** @type {[string, string, string]} */ ([colour, '', `Draw in ${colour}`]));
    this.offer([...colours, ['remove', ICONS.remove, 'Rub out']], COLOURS[0]);
  }

  /**
   * What the brush does, as buttons; its size; a step back.
   * @param {[does: string, icon: string, title: string][]} tools
   * @param {string} chosen
   */
  offer(tools, chosen) {
    const [min, max, value] = [SIZES.least, SIZES.most, SIZES.usual].map(String);
    this.size = element('input', { type: 'range', min, max, step: '0.01', value, title: 'Size of the brush' });
    this.size.setAttribute('aria-label', 'Size of the brush on the card');
    this.tools.replaceChildren(...tools.map(([does, icon, title]) => {
      const button = iconButton(icon, '', title, () => this.take(does));
      button.dataset.does = does;
      if (does.startsWith('#')) button.style.setProperty('--colour', does);
      return button;
    }), this.size, iconButton(ICONS.undo, '', 'A step back on the card', () => this.canvas.undo()));
    this.take(chosen);
  }

  /** @param {string} does */
  take(does) {
    this.does = does;
    for (const button of this.tools.querySelectorAll('button[data-does]')) {
      button.setAttribute('aria-pressed', String(button instanceof HTMLElement && button.dataset.does === does));
    }
  }

  close() {
    this.stopCamera();
    this.card.hidden = true;
    this.name.value = '';
  }

  // The camera

  async photograph() {
    this.open('', 'Looking for the camera.');
    try {
      this.video = await openCamera({ width: 640, height: 640 });
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.note.textContent = error.message;
      return;
    }
    this.stand.replaceChildren(this.video);
    this.note.textContent = '';
    const take = element('button', { type: 'button', className: 'use', textContent: 'Take it', onclick: () => this.snap() });
    this.tools.replaceChildren(take);
  }

  snap() {
    const { video } = this;
    if (!video) return;
    const still = element('canvas', { width: video.videoWidth, height: video.videoHeight });
    still.getContext('2d')?.drawImage(video, 0, 0);
    this.stopCamera();
    still.toBlob((blob) => { if (blob) this.cut(new File([blob], 'photo.jpg', { type: 'image/jpeg' })); }, 'image/jpeg', 0.92);
  }

  stopCamera() {
    closeMedia(this.video);
    this.video = null;
  }

  // The brush

  listen() {
    const { view } = this.canvas;
    view.addEventListener('pointerdown', (event) => {
      if (event.button > 0 || this.painting) return;
      event.preventDefault();
      view.setPointerCapture(event.pointerId);
      this.canvas.remember();
      this.painting = { pointer: event.pointerId, at: this.place(event) };
      this.brush(event);
    });
    view.addEventListener('pointermove', (event) => this.brush(event));
    for (const type of ['pointerup', 'pointercancel']) view.addEventListener(type, () => { this.painting = null; });
  }

  /** @param {PointerEvent} event */
  brush(event) {
    if (this.painting?.pointer !== event.pointerId) return;
    const to = this.place(event);
    this.canvas.line(this.painting.at, to, { does: this.does, size: Number(this.size?.value ?? SIZES.usual) });
    this.painting.at = to;
  }

  /**
   * @param {PointerEvent} event
   * @returns {Position}
   */
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.view.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  // The end

  async finish() {
    const { name, words } = namesOf(this.name.value);
    if (!name) {
      this.note.textContent = 'Give it a name: strokes that say it show it.';
      this.name.focus();
      return;
    }
    const data = await this.canvas.toFile();
    if (!data) {
      this.note.textContent = 'Nothing of it is left to see. Bring some of it back, or draw.';
      return;
    }
    const chosen = this.faces?.querySelector('[aria-checked="true"]');
    const faces = chosen instanceof HTMLElement ? chosen.dataset.faces ?? 'ahead' : 'ahead';
    this.close();
    this.use({ name, words, faces, data });
  }
}

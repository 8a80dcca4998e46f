// @ts-check
// A place of one's own as a chip below the picture, and the one that is named and set just now.

import { element, iconButton } from './dom.js';

/**
 * data, end: base64 of a JPEG, '' for none.
 * @typedef {{ name: string, data: string, time: string, end: string, seconds: number }} OwnPlace
 */

export const TIMES = ['day', 'sunset', 'night', 'dawn'];
const LONGEST = 60; // characters, as controls/place.py has it
const MOST_SECONDS = 600;
const svg = (/** @type {string} */ path) => `<svg viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`;
export const ICONS = {
  place: svg('<path d="M4 5.500h16v13H4zM4 15.500l5-5 4 4 2.500-2.500L20 16"/><circle cx="15.500" cy="9" r="1.300" class="fill"/>'),
  edit: svg('<path d="M5 19l1-4L15.500 5.500l3 3L9 18z"/>'), remove: svg('<path d="M7 7l10 10M17 7L7 17"/>'),
  done: svg('<path d="M5 12.500l4.500 4.500L19 7.500"/>'), file: svg('<path d="M4 19.500h16M12 4v11M7.500 8.500L12 4l4.500 4.500"/>'),
  camera: svg('<path d="M4 8h3.500L9 5.500h6L16.500 8H20v11H4z"/><circle cx="12" cy="13" r="3.500"/>'),
  end: svg('<path d="M5 12h13M13 7l5 5-5 5"/>'),
};

/** @param {string} jpeg base64 */
const thumb = (jpeg) => element('img', { alt: '', src: `data:image/jpeg;base64,${jpeg}` });

/**
 * @param {Pick<OwnPlace, 'name' | 'data' | 'end'>} place
 * @param {{ heard: boolean, held: boolean, go: () => void, edit: (() => void) | null, remove: () => void }} does
 *   heard: does the prompt say it? held: is it in force? edit: null where its picture is not on this page
 */
export function placeChip({ name, data, end }, { heard, held, go, edit, remove }) {
  const chip = element('div', { className: 'st-chip', role: 'listitem' });
  chip.classList.toggle('chosen', heard);
  chip.classList.toggle('st-kept', !held);
  const main = iconButton(data ? '' : ICONS.place, name, heard ? `The prompt says ${name}` : `Go to ${name}: the prompt says it`, go);
  if (data) main.prepend(thumb(data));
  if (end) main.append(thumb(end));
  chip.append(main);
  if (edit) chip.append(iconButton(ICONS.edit, '', `Change the place ${name}`, edit));
  chip.append(iconButton(ICONS.remove, '', held ? `Take the place ${name} away` : `Forget the place ${name} on this browser`, remove));
  return chip;
}

/** @typedef {'data' | 'end'} Which picture: the first, or the one it goes over to */

export class PlaceDraft {
  /**
   * @param {OwnPlace} place as it is changed
   * @param {{ file: (which: Which) => void, camera: (which: Which) => void, done: () => void, cancel: () => void }} does
   */
  constructor(place, does) {
    this.was = place.name;
    this.place = { ...place };
    this.does = does;
    this.chip = element('div', { className: 'st-chip st-placedraft', role: 'listitem' });
    this.field = element('input', { type: 'text', value: place.name, maxLength: LONGEST, placeholder: 'name it, as: my garden' });
    this.field.setAttribute('aria-label', 'Name of the place');
    this.field.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') does.done();
      if (key === 'Escape') does.cancel();
    });
    this.time = element('select', { title: 'The time of day that the picture shows' });
    this.time.setAttribute('aria-label', 'The time of day that the picture shows');
    this.time.append(...TIMES.map((name) => element('option', { value: name, textContent: name, selected: name === place.time })));
    this.seconds = element('input', { type: 'number', min: '0', max: String(MOST_SECONDS), step: '0.5', value: String(place.seconds) });
    this.seconds.setAttribute('aria-label', 'Seconds from the first picture to the second');
    this.show();
  }

  /** @param {Which} which */
  pickers(which) {
    const of = which === 'data' ? 'the place' : 'what it goes over to';
    return [
      iconButton(ICONS.file, which === 'data' ? 'Picture' : 'End', `Choose a picture of ${of}`, () => this.does.file(which)),
      iconButton(ICONS.camera, '', `Take a picture of ${of} with the camera`, () => this.does.camera(which)),
    ];
  }

  show() {
    const { place } = this;
    /** @type {HTMLElement[]} */
    const parts = place.data ? [thumb(place.data), this.field, this.time] : this.pickers('data');
    if (place.data && place.end) {
      const drop = iconButton(ICONS.remove, '', 'Without the second picture', () => { this.place.end = ''; this.show(); });
      parts.push(element('i', { innerHTML: ICONS.end }), thumb(place.end), this.seconds, element('em', { textContent: 's' }), drop);
    } else if (place.data) parts.push(...this.pickers('end'));
    if (place.data) parts.push(iconButton(ICONS.done, '', 'Done (Enter)', this.does.done));
    this.chip.replaceChildren(...parts, iconButton(ICONS.remove, '', 'Never mind (Esc)', this.does.cancel));
  }

  /**
   * @param {Which} which
   * @param {string} jpeg base64
   */
  take(which, jpeg) {
    this.place[which] = jpeg;
    this.show();
    this.field.focus();
  }

  /** What is set now; its name as the server keeps it. @returns {OwnPlace} */
  get value() {
    const seconds = Math.min(Math.max(Number(this.seconds.value) || 0, 0), MOST_SECONDS);
    return { ...this.place, name: placeName(this.field.value), time: this.time.value, seconds };
  }
}

/**
 * A name as controls/place.py keeps it: small letters, one space between words.
 * @param {string} text
 */
export function placeName(text) {
  return text.trim().split(/\s+/u).join(' ').toLowerCase();
}

/**
 * Does a text say a name? As controls/place.py, `says`, nearly: letters are compared as small ones.
 * @param {string} text
 * @param {string} name
 */
export function saysName(text, name) {
  const words = name.split(' ').map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/gu, '\\$&'));
  return new RegExp(`(?<![\\p{L}\\p{N}_])${words.join('\\s+')}(?![\\p{L}\\p{N}_])`, 'u').test(text.toLowerCase());
}

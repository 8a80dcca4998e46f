// @ts-check
// Places of one's own: a picture becomes a backdrop under a name that prompts can say (studio/controls/place.py). Those
// that were made here are kept in this browser, and shown dim until they are in force.

import { element, find } from './dom.js';
import { MediaError } from './media.js';
import { ICONS, PlaceDraft, placeChip, saysName } from './placeparts.js';
import { placeOfCamera, placeOfFile } from './placepicture.js';
import { inForce } from './state.js';
import { browserStorage } from './storage.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */
/** @import { OwnPlace, Which } from './placeparts.js' */
/** @import { PlacePicture } from './placepicture.js' */

export const KIND = 'place';
const KEPT = 'studio-places';
const MOST = 12; // as controls/place.py has it
const WIDEST = 512; // pixels a side
const SECONDS = 8;
const WORDS = 'A place of your own: a picture becomes the backdrop';
const FULL = `There are ${MOST} places of your own, as many as are possible. Take one away first.`;

export class Places {
  /** @type {PlaceDraft | null} that is named and set now */
  draft = null;

  /** @type {Map<number, OwnPlace>} on their way to the server, by number */
  sent = new Map();

  side = WIDEST;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.library = readPlaces(browserStorage.get(KEPT));
    this.list = element('div', { className: 'st-places', role: 'list' });
    this.list.setAttribute('aria-label', 'Places of your own');
    this.chooser = element('input', { type: 'file', accept: 'image/*', hidden: true, className: 'st-place-file' });
    this.chooser.setAttribute('aria-label', 'A picture of a place');
    this.button = element('button', { className: 'st-icon st-place-tool', title: WORDS, innerHTML: ICONS.place });
    this.button.setAttribute('aria-label', WORDS);
    this.button.dataset.do = KIND;
    find(page.box, '.st-label', HTMLElement).before(this.button);
    find(page.box, '.st-strokes', HTMLElement).after(this.list);
    page.box.append(this.chooser);
    /** @type {Which} */
    this.wanted = 'data';
    this.chooser.addEventListener('change', () => {
      const [file] = this.chooser.files ?? [];
      this.chooser.value = '';
      if (file) this.take(this.wanted, () => placeOfFile(file, this.side));
    });
  }

  get plays() {
    return this.page.model.plays.includes(KIND);
  }

  /** The places in force, by name. */
  get held() {
    return this.page.controls.all(KIND);
  }

  // Editing

  toggle() {
    if (this.draft) this.end();
    else if (this.plays) this.edit(null);
    else this.page.toasts.show(this.page.refusalOf(KIND) || `${this.page.model.model} has no places of one's own; the pocket model has.`);
  }

  /** @param {OwnPlace | null} place null: a new one */
  edit(place) {
    if (!place && new Set([...this.held.keys(), ...this.library.map(({ name }) => name)]).size >= MOST) {
      this.page.toasts.show(FULL, 'error');
      return;
    }
    this.draft = new PlaceDraft(place ?? { name: '', data: '', time: 'day', end: '', seconds: SECONDS }, {
      done: () => this.done(), cancel: () => this.end(),
      camera: (which) => this.take(which, () => placeOfCamera(this.side)),
      file: (which) => { this.wanted = which; this.chooser.click(); },
    });
    this.show();
    if (place) this.draft.field.focus();
  }

  /**
   * A picture is dropped: a new place, or what the one that is edited goes over to.
   * @param {File} file
   */
  drop(file) {
    if (!this.draft) this.edit(null);
    if (this.draft) this.take(this.draft.place.data ? 'end' : 'data', () => placeOfFile(file, this.side));
  }

  /**
   * @param {Which} which
   * @param {() => Promise<PlacePicture>} open
   */
  async take(which, open) {
    const { draft, page } = this;
    try {
      const { jpeg, words } = await open();
      if (draft !== this.draft) return;
      draft?.take(which, jpeg);
      if (words) page.toasts.show(words);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      page.toasts.show(error.message, 'error');
    }
  }

  /** What is named and set is sent; the draft stays until the server has taken it. */
  done() {
    const { draft, page } = this;
    if (!draft || !draft.place.data || !page.isConnected()) return;
    if (draft.value.name) this.send(draft.value);
    else page.toasts.show('Name the place, with words that a prompt can say.', 'error');
  }

  end() {
    this.draft = null;
    this.show();
  }

  // Towards the server, and this browser's memory

  /** @param {OwnPlace} place */
  send(place) {
    const { outbox } = this.page;
    outbox.sendControl({ kind: KIND, ...place });
    this.sent.set(outbox.number, place);
  }

  /**
   * The server has taken it: it is kept, and a prompt that does not say it yet does so now.
   * @param {number} number
   */
  taken(number) {
    const place = this.sent.get(number);
    this.sent.delete(number);
    if (!place) return;
    const { controls } = this.page;
    controls.fold({ kind: KIND, ...place });
    if (place.data) {
      const { was = '' } = this.draft ?? {};
      const isNew = !this.library.some(({ name }) => name === place.name);
      this.keep([...this.library.filter(({ name }) => name !== place.name && name !== was), place]);
      if (was && was !== place.name && this.held.has(was)) this.takeAway(was);
      this.draft = null;
      if (isNew) this.go(place);
    }
    controls.changed({ kind: KIND });
  }

  /** @param {OwnPlace[]} places */
  keep(places) {
    this.library = places.slice(-MOST);
    browserStorage.set(KEPT, JSON.stringify(this.library));
  }

  /**
   * The prompt says it; one that was only kept comes into force first.
   * @param {Pick<OwnPlace, 'name'>} place
   */
  go({ name }) {
    const { controls, panel } = this.page;
    const kept = this.library.find((one) => one.name === name);
    if (!this.held.has(name) && kept) this.send(kept);
    const prompt = inForce(controls, 'prompt');
    if (!prompt || saysName(prompt.text, name)) return;
    controls.set({ ...prompt, text: name, mix: [] });
    panel.isWriting = false;
    panel.show();
  }

  /** @param {string} name */
  takeAway(name) {
    this.send({ name, data: '', time: 'day', end: '', seconds: SECONDS });
  }

  /** @param {string} name in force: it is kept on; kept only: it is forgotten */
  remove(name) {
    if (this.held.has(name)) {
      if (this.page.isConnected()) this.takeAway(name);
      return;
    }
    this.keep(this.library.filter((one) => one.name !== name));
    this.show();
  }

  // What is seen of them

  show() {
    const { draft, held, library, list, page } = this;
    const kept = new Map(library.map((place) => [place.name, place]));
    const names = this.plays ? [...new Set([...held.keys(), ...kept.keys()])] : [];
    const text = inForce(page.controls, 'prompt')?.text ?? '';
    const chips = names.filter((name) => !draft || draft.was !== name || !name).map((name) => {
      const place = kept.get(name);
      return placeChip(place ?? { name, data: '', end: '' }, {
        heard: held.has(name) && saysName(text, name), held: held.has(name), go: () => this.go({ name }),
        edit: place ? () => this.edit(place) : null, remove: () => this.remove(name),
      });
    });
    list.replaceChildren(...chips, ...(draft ? [draft.chip] : []));
    page.box.classList.toggle('plays-places', this.plays);
    page.box.classList.toggle('has-places', list.childElementCount > 0);
    this.button.setAttribute('aria-pressed', String(draft !== null));
  }

  /** @param {[number, number]} [size] width, height of the pictures of a model that begins to play */
  restart(size) {
    if (size) {
      this.side = Math.min(WIDEST, ...size);
      this.sent.clear();
    }
    if (!this.plays) this.draft = null;
    this.show();
  }
}

/**
 * What this browser keeps; none of what cannot be read.
 * @param {string | null} text
 * @returns {OwnPlace[]}
 */
export function readPlaces(text) {
  try {
    const places = JSON.parse(text ?? '[]');
    const isPlace = (/** @type {any} */ one) => one && typeof one.name === 'string' && typeof one.data === 'string' && one.data;
    return Array.isArray(places) ? places.filter(isPlace).map((one) => ({ time: 'day', end: '', seconds: SECONDS, ...one })) : [];
  } catch {
    return [];
  }
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const places = new Places(page);
  page.box.addEventListener('ownplace', (event) => places.drop(/** @type {CustomEvent<File>} */ (event).detail));
  return {
    actions: { [KIND]: () => places.toggle() },
    messages: {
      hello: ({ size }) => places.restart(size),
      state: () => places.restart(),
      sent: ({ number }) => places.taken(number),
      error: ({ number }) => places.sent.delete(number),
    },
    changed: (control) => {
      if (!control || control.kind === KIND || control.kind === 'prompt') places.show();
    },
  };
}

// @ts-check
// Words for parts of the picture: a mask that is painted in a colour, and what is heard where it is (controls/region.py).

import { element, find } from './dom.js';
import { listenFirst, PaintedMask } from './paintedmask.js';
import { Draft, regionChip } from './region-chips.js';

/** @import { Control, Feature, Position } from './types.js' */
/** @import { Page } from './page.js' */

const KIND = 'region';
const SHARE = 0.5; // of the brush's size
const WORDS = 'Words for a part of the picture: paint where they are heard (O)';
const ICON = '<svg viewBox="0 0 24 24"><path d="M5 8V5h3M16 5h3v3M19 16v3h-3M8 19H5v-3M9 10h6M12 10v5" /></svg>';
const UNPAINTED = 'Paint over the picture where these words are to be heard.';
const UNWORDED = 'Write the words that are to be heard where you painted.';

export class Regions {
  /** @type {Draft | null} that is painted and written now */
  draft = null;

  /** @type {Map<string, PaintedMask>} of the regions in force, by id */
  masks = new Map();

  /** @type {{ pointer: number, at: Position } | null} */
  painting = null;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.area = page.hand.area;
    this.list = element('div', { className: 'st-regions', role: 'list' });
    this.list.setAttribute('aria-label', 'Words for parts of the picture');
    this.button = element('button', { className: 'st-icon st-region-tool', title: WORDS, innerHTML: ICON });
    this.button.setAttribute('aria-label', WORDS);
    this.button.dataset.do = 'region';
    find(page.box, '.st-label', HTMLElement).before(this.button);
    find(page.box, '.st-strokes', HTMLElement).after(this.list);
    listenFirst(this.area, { down: (event) => this.down(event), move: (event) => this.move(event), up: (event) => this.up(event) });
  }

  /** The regions in force, by id. */
  get held() {
    return this.page.controls.all(KIND);
  }

  get plays() {
    return this.page.model.plays.includes(KIND);
  }

  // Editing

  /** Begin a new one, or end with the one that is edited. */
  toggle() {
    if (this.draft) this.done();
    else if (this.plays) this.edit({ kind: KIND, id: `r${Date.now().toString(36)}`, text: '', mask: '', strength: 1 });
    else this.page.toasts.show(this.page.refusalOf(KIND) || `${this.page.model.model} hears one prompt for the whole picture.`);
  }

  /** @param {Control} region */
  edit(region) {
    this.end();
    const mask = this.maskOf(region);
    this.draft = new Draft(region, mask, {
      done: () => this.done(), changed: (gesture) => this.send(gesture), colour: this.page.controls.colour(region.id),
    });
    this.show();
    this.draft.field.focus();
  }

  /** @param {Control} region */
  maskOf({ id, mask: file }) {
    const known = this.masks.get(id);
    if (known) return known;
    const mask = new PaintedMask(this.page.stage.view, this.page.controls.colour(id));
    if (file) mask.read(file);
    this.masks.set(id, mask);
    return mask;
  }

  /** What is painted and written is sent, if there is both. */
  done() {
    const { draft } = this;
    if (!draft) return;
    if (!draft.isEmpty && !this.send()) return;
    this.end();
  }

  end() {
    this.draft = null;
    this.painting = null;
    this.show();
  }

  /**
   * Set the region as it is now; false, and it is said why, where something is lacking.
   * @param {string | null} gesture many small changes that are one step back; null: whatever is lacking is said
   */
  send(gesture = null) {
    const { draft, page } = this;
    if (!draft) return false;
    const lacks = draft.mask.isEmpty ? UNPAINTED : draft.text ? '' : UNWORDED;
    if (lacks && !gesture) page.toasts.show(lacks);
    if (lacks) return false;
    const region = { kind: KIND, id: draft.id, text: draft.text, mask: draft.mask.toFile(), strength: draft.strength };
    const before = this.held.get(draft.id);
    const same = before && ['text', 'mask', 'strength'].every((field) => before[field] === /** @type {any} */ (region)[field]);
    return same || page.controls.set(region, gesture && `${gesture} ${draft.id}`);
  }

  /** @param {Control} region that is in force */
  remove(region) {
    if (this.draft?.id === region.id) this.end();
    this.page.controls.set(this.page.controls.removal(this.page.controls.asControl(region)));
  }

  // The hand on the picture

  /** @param {PointerEvent} event */
  down(event) {
    if (!this.draft || this.painting) return this.draft !== null;
    if (event.button > 0) return false;
    event.preventDefault();
    this.area.setPointerCapture(event.pointerId);
    this.painting = { pointer: event.pointerId, at: this.page.hand.position(event) };
    this.paint(event);
    return true;
  }

  /** @param {PointerEvent} event */
  paint(event) {
    const { draft, painting, page } = this;
    if (!draft || !painting) return;
    const to = page.hand.position(event);
    draft.mask.line(painting.at, to, SHARE * page.brush.settings.size, event.altKey || draft.erases);
    painting.at = to;
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.painting?.pointer === event.pointerId) this.paint(event);
    else if (this.draft) this.page.hand.hoverOver(this.page.hand.position(event));
    return this.draft !== null;
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (this.painting?.pointer !== event.pointerId) return this.draft !== null;
    this.painting = null;
    this.send('paint'); // the words may come later
    return true;
  }

  // What is seen of them

  /** The regions in force as chips, the one that is edited open; its mask, or that of the chip under the pointer. */
  show() {
    const { area, draft, held, list, page } = this;
    for (const id of this.masks.keys()) if (!held.has(id) && draft?.id !== id) this.forget(id);
    const shown = draft && !held.has(draft.id) ? [...held.values(), draft] : [...held.values()];
    list.replaceChildren(...(this.plays ? shown : []).map((region) => (draft && region.id === draft.id ? draft.chip : regionChip(region, {
      colour: page.controls.colour(region.id), edit: () => this.edit(region), remove: () => this.remove(region),
      look: (on) => this.look(region, on),
    }))));
    area.querySelectorAll('canvas.st-region').forEach((canvas) => canvas.remove());
    if (draft) this.look(draft, true);
    area.classList.toggle('st-painting', draft !== null);
    page.box.classList.toggle('plays-regions', this.plays);
    page.box.classList.toggle('has-regions', list.childElementCount > 0);
    this.button.setAttribute('aria-pressed', String(draft !== null));
  }

  /** @param {string} id */
  forget(id) {
    this.masks.get(id)?.canvas.remove();
    this.masks.delete(id);
  }

  /**
   * @param {any} region
   * @param {boolean} on
   */
  look(region, on) {
    const { canvas } = region.mask instanceof PaintedMask ? region.mask : this.maskOf(region);
    canvas.classList.add('st-region');
    if (on) this.area.append(canvas);
    else if (region.id !== this.draft?.id) canvas.remove();
  }

  /** The server says what is in force: what is known of the masks may be old. */
  restart() {
    for (const id of [...this.masks.keys()]) if (id !== this.draft?.id) this.forget(id);
    if (!this.plays) this.end();
    this.show();
  }
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const regions = new Regions(page);
  return {
    actions: { region: () => regions.toggle() },
    messages: { hello: () => regions.restart(), state: () => regions.restart() },
    changed: (control) => {
      if (control && control.kind !== KIND) return;
      if (control && regions.draft?.id !== control.id) regions.forget(control.id); // undo brought another mask back
      regions.show();
    },
  };
}

// @ts-check
// The audition: what could be set next, small in the picture's corner beside the programme, then taken or thrown away.
// It is begun here, or by whoever dispatches `st-audition` with {controls} on the page's box; `st-audition-over` says
// that one has ended, or did not begin.

import { element, find, iconButton } from './dom.js';
import { isApplied, shownPrompt } from './panel.js';
import { inForce } from './state.js';

/** @import { Control, Controls, Feature } from './types.js' */
/** @import { Page } from './page.js' */

/** @param {string} drawn */
const icon = (drawn) => `<svg viewBox="0 0 24 24" aria-hidden="true">${drawn}</svg>`;
const EYES = [9, 12, 15].map((at) => `<circle cx="${at}" cy="${at}" r="1.200" class="fill" />`).join('');
const DICE = icon(`<rect x="4.500" y="4.500" width="15" height="15" rx="3.500" />${EYES}`);
const TAKE = icon('<path d="M5 12.500l4.500 4.500L19 7.500" />');
const CROSS = icon('<path d="M7 7l10 10M17 7L7 17" />');
const CORNER = icon('<rect x="3.500" y="5.500" width="17" height="13" rx="2" /><path d="M12.500 5.500v6h8" />');
const OTHER_USES = 'textarea, select, input, [contenteditable], .st-strip'; // of Enter and Escape
const PRESSED_BY_ENTER = 'button, a, summary';

/**
 * What a control changes of the one in force: the fields, by name; of a kind with a slot for each name all of them.
 * @param {Control} control
 * @param {Control | null} now
 * @returns {Record<string, any>}
 */
export function changedFields(control, now) {
  const differs = (/** @type {string} */ field) => JSON.stringify(control[field]) !== JSON.stringify(now?.[field]);
  return Object.fromEntries(Object.entries(control).filter(([field]) => field !== 'kind' && differs(field)));
}

/**
 * What is auditioned, in words.
 * @param {Control} control
 * @param {Record<string, any>} changes of the one in force
 */
export function auditionWords({ kind, name, weight, label, text, mix = [] }, changes) {
  if (kind === 'lora') return `${name} ${Number(weight).toFixed(2)}`;
  if (label) return label;
  if (changes.text || changes.mix) return [text, ...mix.map((/** @type {[string, number]} */ [other]) => other)].join(' + ');
  return Object.entries(changes).map(([field, value]) => `${field.replace('_', ' ')} ${value}`).join(', ') || kind;
}

/**
 * The prompt as it is written, the fields that are not there as they are in force.
 * @param {Control} now
 * @param {Record<string, string | undefined>} written
 * @returns {Control}
 */
export function writtenPrompt(now, written) {
  const read = (/** @type {string} */ field, /** @type {string} */ text) => {
    if (typeof now[field] !== 'number') return text;
    return text === '' ? now[field] : Number(text);
  };
  const there = Object.entries(written).flatMap(([field, text]) => (text === undefined ? [] : [[field, read(field, text)]]));
  return { ...now, ...Object.fromEntries(there) };
}

/**
 * The controls as they are set once they are taken, and those that undo it. Of a kind with one slot only what it changed
 * when it was begun is set, so that a dial turned since stays.
 * @param {Controls} controls
 * @param {Control[]} tried
 * @param {Record<string, any>[]} changes
 */
export function takenControls(controls, tried, changes) {
  const redo = tried.map((one, at) => (isNamed(controls, one) ? one : { ...(inForce(controls, one.kind) ?? one), ...changes[at] }));
  return { redo, undo: redo.flatMap((one) => controls.inverse(one)) };
}

/**
 * Has its kind a slot for each name?
 * @param {Controls} controls
 * @param {Control} control
 */
const isNamed = (controls, { kind }) => Boolean(controls.kinds.get(kind)?.slot_field);

class Audition {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Control[]} */
    this.controls = []; // that are auditioned; none: nothing is
    /** @type {Record<string, any>[]} */
    this.changes = []; // of each, what it changed of the control in force when it began
    this.picture = element('img', { alt: 'What would be next' });
    this.words = element('p');
    this.corner = this.makeCorner();
    this.bar = this.makeBar();
    find(page.box, '.st-stage', HTMLElement).append(this.corner);
    this.picture.addEventListener('load', () => this.seen());
    page.box.addEventListener('st-audition', (event) => this.begin(/** @type {CustomEvent} */ (event).detail.controls));
    document.addEventListener('keydown', (event) => this.key(event), true);
  }

  makeCorner() {
    const corner = element('div', { className: 'st-audition', hidden: true });
    const buttons = element('div');
    buttons.append(
      iconButton(TAKE, 'Take', 'Take it into the programme (Enter)', () => this.take()),
      iconButton(DICE, '', 'Another seed', () => this.dice()),
      iconButton(CROSS, '', 'Throw it away (Esc)', () => this.drop()),
    );
    corner.setAttribute('role', 'group');
    corner.setAttribute('aria-label', 'Audition: what would be next');
    corner.append(this.picture, this.words, buttons);
    for (const name of ['pointerdown', 'pointermove', 'pointerup']) { // nothing is painted under it
      corner.addEventListener(name, (event) => event.stopPropagation());
    }
    corner.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.stopPropagation(); }); // presses a button
    return corner;
  }

  /** Beside Apply: what is written there and not applied, or another seed. */
  makeBar() {
    const bar = element('div', { className: 'st-audition-bar' });
    bar.append(
      iconButton(CORNER, 'Audition', 'Try what is written beside the programme, or else another seed (A)', () => this.written()),
      iconButton(DICE, '', 'Try another seed beside the programme', () => this.dice()),
    );
    return bar;
  }

  /** Gradio makes the panel when it likes, and anew. */
  placeBar() {
    if (!this.bar.isConnected) document.getElementById('studio-apply')?.after(this.bar);
  }

  /** @param {Control[]} controls */
  begin(controls) {
    this.page.command('audition', { controls });
  }

  /** Try what is written in the prompt and not applied; where nothing is, another seed. */
  written() {
    const now = inForce(this.page.controls, 'prompt');
    const written = shownPrompt();
    if (now && !isApplied(now, written)) this.begin([writtenPrompt(now, written)]);
    else this.dice();
  }

  /** Try another seed, with whatever else is tried. */
  dice() {
    const sampling = this.controls.find(({ kind }) => kind === 'sampling') ?? inForce(this.page.controls, 'sampling');
    if (sampling) this.begin([...this.controls.filter(({ kind }) => kind !== 'sampling'), { ...sampling, seed: -1 }]);
    else this.page.isConnected();
  }

  /** Set it, as one step that undo takes back. */
  take() {
    const { controls, panel } = this.page;
    if (!this.controls.length || !this.page.isConnected()) return;
    const { redo, undo } = takenControls(controls, this.controls, this.changes);
    controls.together(redo, undo);
    this.page.command('audition-drop');
    this.over(true);
    panel.show();
  }

  drop() {
    if (!this.controls.length) return;
    this.page.command('audition-drop');
    this.over(false);
  }

  /**
   * What the server says is auditioned now.
   * @param {{ controls: Control[], ended: string }} message
   */
  changed({ controls, ended }) {
    if (ended) this.page.toasts.show(ended);
    this.over(false);
    if (!controls.length) return;
    this.controls = controls;
    const { controls: now } = this.page;
    this.changes = controls.map((one) => changedFields(one, isNamed(now, one) ? null : inForce(now, one.kind)));
    this.words.textContent = controls.map((one, at) => auditionWords(one, this.changes[at])).join(' · ');
    this.words.title = this.words.textContent;
    this.corner.hidden = false;
    const { top, bottom } = this.corner.getBoundingClientRect();
    if (top < 0 || bottom > window.innerHeight) this.page.box.scrollIntoView({ behavior: 'smooth' }); // a phone's panel is below
  }

  /** @param {boolean} taken */
  over(taken) {
    const { controls, corner, page } = this;
    if (corner.contains(document.activeElement)) find(page.box, '.st-stage', HTMLElement).focus({ preventScroll: true });
    this.controls = [];
    corner.hidden = true;
    this.picture.removeAttribute('src');
    page.box.dispatchEvent(new CustomEvent('st-audition-over', { detail: { controls, taken } }));
  }

  /** The picture is on the page: the next one may come, and somebody looks. */
  seen() {
    if (document.visibilityState === 'visible') this.page.link.send({ type: 'command', name: 'audition-seen' });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { target, key, ctrlKey, metaKey, altKey } = event;
    const does = { Enter: () => this.take(), Escape: () => this.drop() }[key];
    if (!does || !this.controls.length || ctrlKey || metaKey || altKey || this.page.box.querySelector('dialog[open]')) return;
    if (target instanceof Element && target.closest(key === 'Enter' ? `${OTHER_USES}, ${PRESSED_BY_ENTER}` : OTHER_USES)) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const audition = new Audition(page);
  return {
    actions: { audition: () => (audition.controls.length ? audition.take() : audition.written()) },
    messages: {
      hello: () => { if (audition.controls.length) audition.over(false); }, // told again, if it goes on
      audition: (message) => audition.changed(message),
      'audition-picture': ({ picture }) => { audition.picture.src = picture; },
    },
    measure: () => audition.placeBar(),
  };
}

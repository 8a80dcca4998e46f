// @ts-check
// Other hands than the pointer: knobs and pads by MIDI, a gamepad, sound. What they do are controls like any other.

import { pageActions } from './actions.js';
import { element, find } from './dom.js';
import { Gamepads } from './gamepad.js';
import { BRUSH, Drives, targets } from './hand-targets.js';
import { dialled } from './ghosts.js';
import { Midi, knobWords } from './midi.js';
import { Sound } from './sound.js';
import { SoundView } from './sound-view.js';

/** @import { Page } from './page.js' */
/** @import { Feature } from './types.js' */

const KNOBS = '<circle cx="6" cy="12.500" r="2.200" /><circle cx="12" cy="9.500" r="2.200" /><circle cx="18" cy="15.500" r="2.200" />';
const ICON = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 4v6M6 15v5M12 4v3M12 12v8M18 4v9M18 18v2" />${KNOBS}</svg>`;
const PRESSES = /** @type {const} */ (['pointerdown', 'mousedown', 'touchstart', 'pointerup', 'mouseup', 'touchend', 'click']);
const NO_PAD = 'No gamepad: plug one in and press a button on it.';
const PLAYS = 'The left stick paints. A B X Y and the cross play slots 1 to 8; LB and RB undo and redo, LT and RT size, Start pauses.';

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const hands = new Hands(page);
  return {
    actions: { hands: () => hands.toggle() },
    frame: () => hands.shown(),
    draw: (now) => hands.look(now),
    measure: () => hands.measure(),
    messages: { hello: () => hands.show() },
  };
}

class Hands {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.drives = new Drives(page);
    const show = () => this.show();
    this.midi = new Midi({ turn: (id, share) => this.drives.put(id, share), press: (action) => this.press(action), changed: show });
    this.gamepads = new Gamepads(page, (action) => this.press(action));
    this.sound = new Sound(page, this.drives, show);
    this.button = openButton(page.box);
    this.midiSays = element('p');
    this.midiButton = element('button', { onclick: () => this.pressMidi() });
    this.bound = element('ul');
    this.padSays = element('p', { textContent: NO_PAD });
    this.soundView = new SoundView(page, this.sound);
    this.box = this.makeBox();
    page.box.append(this.box);
    document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.toggle(false); });
    for (const press of PRESSES) document.addEventListener(press, (event) => this.pick(event), { capture: true, passive: false });
    document.addEventListener('keydown', (event) => { if (event.key === 'Enter') this.pick(event); }, true);
    if (this.midi.bindings.size) this.openIfGranted();
    show();
  }

  makeBox() {
    const box = element('section', { className: 'st-hands', hidden: true });
    box.setAttribute('aria-label', 'Hands');
    const head = element('div', { className: 'st-hands-head' });
    const close = element('button', { textContent: 'Close', title: 'Close (Escape)' });
    close.dataset.do = 'hands';
    head.append(element('b', { textContent: 'Hands' }), close);
    this.midiSays.setAttribute('aria-live', 'polite');
    box.append(head, part('MIDI', this.midiButton), this.midiSays, this.bound, part('Gamepad'), this.padSays, this.soundView.box);
    return box;
  }

  /** What was bound plays again without a press, where the browser has been told that this page may. */
  async openIfGranted() {
    try {
      const { state } = await navigator.permissions.query({ name: /** @type {PermissionName} */ ('midi') });
      if (state === 'granted') await this.midi.open();
    } catch { /* this browser cannot say: it is opened by a press */ }
  }

  /** @param {boolean} [open] */
  toggle(open = this.box.hidden) {
    if (!open && this.midi.learning) this.midi.learn(false);
    this.box.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    this.show();
  }

  /** @param {string} action of a button or a key, by name */
  press(action) {
    const actions = { ...pageActions(this.page), ...this.page.features.actions };
    actions[action]?.(new Event('hand'));
  }

  pressMidi() {
    if (this.midi.access) this.midi.learn();
    else this.midi.open();
  }

  /**
   * While it learns, a press on a slider or a slot chooses it, and does nothing else.
   * @param {Event} event
   */
  pick(event) {
    if (!this.midi.learning || !(event.target instanceof Element) || this.box.contains(event.target)) return;
    const id = targetUnder(this.page, event.target);
    if (!id) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (id !== this.midi.target) this.midi.choose(id);
  }

  /** A picture is on the canvas: what hands have done since goes. */
  shown() {
    this.gamepads.send();
    this.drives.flush(performance.now());
  }

  /** @param {number} now ms */
  look(now) {
    this.gamepads.look(now);
    this.sound.look(now);
    this.drives.flushLate(now);
    if (!this.box.hidden) this.soundView.draw();
  }

  measure() {
    if (this.drives.turned) this.page.panel.show();
    this.drives.turned = false;
    if (this.drives.isLate(performance.now())) this.gamepads.send();
    const { pad } = this.gamepads;
    this.padSays.textContent = pad ? `${pad.id.replace(/\s*\(.*/, '')}. ${PLAYS}` : NO_PAD;
  }

  show() {
    const { midi } = this;
    const known = targets(this.page);
    const name = (/** @type {string} */ id) => {
      if (id.startsWith('slot-')) return `Slot ${id.slice(5)}`;
      return known.get(id)?.label ?? `${id} (not on this model)`;
    };
    document.documentElement.classList.toggle('st-learning', midi.learning);
    this.box.classList.toggle('learning', midi.learning);
    this.midiButton.textContent = midi.learning ? 'Stop' : midi.access ? 'Learn' : 'Turn on';
    this.midiSays.textContent = midiWords(midi, name);
    this.button.classList.toggle('on', Boolean(this.sound.listening));
    this.bound.replaceChildren(...[...midi.bindings].map(([key, id]) => this.boundRow(key, name(id))));
    this.soundView.show();
  }

  /**
   * @param {string} key
   * @param {string} name
   */
  boundRow(key, name) {
    const row = element('li');
    const off = element('button', { textContent: '×', title: `Let go of ${name}`, onclick: () => this.midi.unbind(key) });
    off.setAttribute('aria-label', off.title);
    row.append(element('span', { textContent: knobWords(key) }), element('b', { textContent: name }), off);
    return row;
  }
}

/**
 * The slider or the slot that something on the page is a part of, by its id.
 * @param {Page} page
 * @param {Element} at
 */
function targetUnder(page, at) {
  const slot = at.closest('.st-slot');
  if (slot?.parentElement) return `slot-${[...slot.parentElement.children].indexOf(slot) + 1}`;
  const box = at.closest('.slider_input_container, .st-lora, .st-size');
  const range = box?.querySelector('input[type=range]');
  const found = range && dialled(page).find((one) => one.range === range);
  if (!found) return null;
  return found.range === page.brush.size ? BRUSH : `${found.slot} ${found.field}`;
}

/**
 * How it stands with MIDI, in a sentence.
 * @param {Midi} midi
 * @param {(id: string) => string} name
 */
export function midiWords({ problem, access, learning, target, inputs }, name) {
  if (problem) return problem;
  if (!access) return 'Knobs and pads that are plugged into this machine.';
  if (learning) return target ? `Now turn a knob for ${name(target)}.` : 'Press a slider or a prompt slot on the page, then turn a knob.';
  if (!inputs.length) return 'Nothing is plugged in.';
  return `${inputs.map((input) => input.name || 'A controller').join(', ')}. Pads play the prompt slots.`;
}

/**
 * @param {string} title
 * @param {...HTMLElement} buttons
 */
function part(title, ...buttons) {
  const head = element('div', { className: 'st-hands-part' });
  head.append(element('h4', { textContent: title }), ...buttons);
  return head;
}

/** @param {HTMLElement} box */
function openButton(box) {
  const button = element('button', { className: 'st-icon st-hands-open', innerHTML: ICON, title: 'Hands: MIDI, gamepad, sound' });
  button.dataset.do = 'hands';
  button.setAttribute('aria-label', button.title);
  button.setAttribute('aria-expanded', 'false');
  find(box, '[data-do="theme"]', HTMLElement).before(button);
  return button;
}

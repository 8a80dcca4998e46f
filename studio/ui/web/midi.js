// @ts-check
// Knobs and pads by Web MIDI: what they are bound to is learnt, and kept in this browser.

import { browserStorage } from './storage.js';

/** @typedef {{ key: string, share: number }} Turned a knob, key or pad by name, and how far: 0..1 */

const KEPT = 'studio-midi';
const [NOTE, CONTROLLER, BEND] = [0x90, 0xb0, 0xe0];
const PADS = { first: 36, slots: 9 }; // the notes that most boxes of pads begin with play the prompt slots
const IS_PRESS = /^slot-[1-9]$/; // what is pressed, and not turned
export const NO_MIDI = 'This browser has no Web MIDI here: Chrome, Edge and Firefox have it, on this machine or over https.';

/**
 * What a MIDI message says; null for what turns nothing.
 * @param {ArrayLike<number>} data
 * @returns {Turned | null}
 */
export function turnedBy(data) {
  const [status = 0, first = 0, second = 0] = Array.from(data);
  const channel = (status & 0x0f) + 1;
  switch (status & 0xf0) {
    case CONTROLLER: return { key: `cc ${channel} ${first}`, share: second / 127 };
    case NOTE: return { key: `note ${channel} ${first}`, share: second / 127 };
    case BEND: return { key: `bend ${channel}`, share: (second * 128 + first) / 16383 };
    default: return null;
  }
}

/**
 * A knob as people call it: CC 21, note 36, and its channel where that is not the first.
 * @param {string} key
 */
export function knobWords(key) {
  const [kind, channel, number = ''] = key.split(' ');
  const name = { cc: 'CC', note: 'Note', bend: 'Pitch bend' }[kind] ?? kind;
  return `${name} ${number}`.trim() + (channel === '1' ? '' : ` (channel ${channel})`);
}

/**
 * The bindings that this browser keeps; none where it keeps anything else.
 * @param {string | null} text
 * @returns {Map<string, string>}
 */
export function readBindings(text) {
  try {
    const kept = JSON.parse(text ?? '[]');
    const isPair = (/** @type {any} */ pair) => pair?.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string';
    return new Map(Array.isArray(kept) ? kept.filter((pair) => Array.isArray(pair) && isPair(pair)) : []);
  } catch {
    return new Map();
  }
}

export class Midi {
  /** @type {MIDIAccess | null} */
  access = null;

  /** @type {Map<string, number>} how far each knob was turned last */
  last = new Map();

  learning = false;

  /** @type {string | null} */
  target = null; // what the next knob is bound to

  problem = '';

  /**
   * @param {object} options
   * @param {(id: string, share: number) => void} options.turn a slider by its id
   * @param {(action: string) => void} options.press
   * @param {() => void} options.changed what is bound, learnt or connected
   */
  constructor({ turn, press, changed }) {
    this.turn = turn;
    this.press = press;
    this.changed = changed;
    this.bindings = readBindings(browserStorage.get(KEPT));
  }

  /** Ask for what is plugged in; the browser asks the person. */
  async open() {
    if (!navigator.requestMIDIAccess) {
      this.problem = NO_MIDI;
    } else {
      try {
        this.access = await navigator.requestMIDIAccess();
        this.access.onstatechange = () => this.listen();
        this.problem = '';
        this.listen();
      } catch {
        this.problem = 'The browser lets this page use no MIDI: allow it beside the page’s address, and press again.';
      }
    }
    this.changed();
  }

  /** Hear every input there is, also one that is plugged in later. */
  listen() {
    for (const input of this.inputs) input.onmidimessage = ({ data }) => { if (data) this.hear(data); };
    this.changed();
  }

  get inputs() {
    return [...this.access?.inputs.values() ?? []].filter(({ state }) => state !== 'disconnected');
  }

  /** @param {ArrayLike<number>} data of a message */
  hear(data) {
    const turned = turnedBy(data);
    if (!turned) return;
    const { key, share } = turned;
    const before = this.last.get(key) ?? 0;
    this.last.set(key, share);
    if (this.target) {
      this.bind(key, this.target);
      return;
    }
    const id = this.bindings.get(key) ?? padSlot(key);
    if (!id) return;
    if (!IS_PRESS.test(id)) {
      if (!key.startsWith('note') || share) this.turn(id, share);
    } else if (key.startsWith('note') ? share : share >= 0.5 && before < 0.5) {
      this.press(id);
    }
  }

  /** Begin to learn, or stop. */
  learn(learning = !this.learning) {
    this.learning = learning;
    this.target = null;
    this.changed();
  }

  /** @param {string} id the next knob is bound to it */
  choose(id) {
    this.target = id;
    this.changed();
  }

  /**
   * @param {string} key
   * @param {string} id
   */
  bind(key, id) {
    this.bindings.set(key, id);
    this.learn(false);
    this.keep();
  }

  /** @param {string} key */
  unbind(key) {
    this.bindings.delete(key);
    this.keep();
  }

  keep() {
    browserStorage.set(KEPT, JSON.stringify([...this.bindings]));
    this.changed();
  }
}

/**
 * The prompt slot of a pad that is bound to nothing.
 * @param {string} key
 */
function padSlot(key) {
  const [kind, , number] = key.split(' ');
  const slot = Number(number) - PADS.first + 1;
  return kind === 'note' && slot >= 1 && slot <= PADS.slots ? `slot-${slot}` : undefined;
}

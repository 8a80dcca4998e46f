// @ts-check
// Gradio's panel beside the picture: what its components set, and what they show.

import { element, fillSlider, formatCount } from './dom.js';
import { PromptNotes } from './notes.js';
import { inForce, loraWeight } from './state.js';

/** @import { Controls } from './types.js' */
/** @typedef {[kind: string, field: string]} Field a component's: the control and the field of it that it shows */

const PROMPT_FIELDS = '#studio-prompt, #studio-negative, #studio-switch, #studio-blend, #studio-interpolation';

/**
 * Does what the components show of the prompt say the same as the prompt in force? A component that is not there does.
 * @param {Record<string, any> | null} prompt
 * @param {Record<string, string | undefined>} shown
 */
export function isApplied(prompt, shown) {
  const same = (/** @type {any} */ applied, /** @type {string} */ value) =>
    (typeof applied === 'number' ? Number(value) === applied : value === String(applied).trim());
  return !prompt || Object.entries(shown).every(([field, value]) => value === undefined || same(prompt[field], value));
}

/**
 * Is it a number that is still being typed?
 * @param {any} value
 */
function isUnfinished(value) {
  return value === null || (typeof value === 'string' && /^\s*[+-]?\s*$/.test(value));
}

/**
 * A whole number that was typed; as text where JavaScript cannot count so far, or where it is none, which the server says.
 * @param {any} typed
 */
export function wholeNumber(typed) {
  const text = String(typed).trim();
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

export class Panel {
  /**
   * @param {{ controls: Controls, refresh: () => void, isConnected: () => boolean }} options
   *   refresh: have Gradio ask every component for its value (`values`); isConnected: if not, it is said
   */
  constructor({ controls, refresh, isConnected }) {
    this.controls = controls;
    this.refresh = refresh;
    this.isConnected = isConnected;
    this.isWriting = false; // is there something written that is neither applied nor taken back?
    /** @type {string[]} */
    this.loras = [];
    this.notes = new PromptNotes();
  }

  // What the components do (studio/ui/panel.py calls these)

  /**
   * The fields of a control that wait in the panel for Apply. What is not there, or a number left empty, stays as it is.
   * @param {string} kind
   * @param {string[]} fields
   * @param {any[]} values
   */
  applyFields(kind, fields, values) {
    const now = inForce(this.controls, kind);
    if (!now) {
      this.isConnected();
      return;
    }
    const isEmpty = (/** @type {any} */ value, /** @type {any} */ before) => value === null || (value === '' && typeof before === 'number');
    const written = fields.map((field, at) => [field, values[at]]).filter(([field, value]) => !isEmpty(value, now[field]));
    const alone = kind === 'prompt' ? { mix: [], weight: 1 } : {}; // what is written is heard whole
    this.isWriting = !this.controls.set({ ...now, ...alone, ...Object.fromEntries(written) });
  }

  /**
   * One field of a control was moved.
   * @param {string} kind
   * @param {string} field
   * @param {any} value
   */
  setField(kind, field, value) {
    const before = inForce(this.controls, kind);
    if (isUnfinished(value)) return;
    const set = this.controls.widget(kind, field)?.type === 'whole' ? wholeNumber(value) : value;
    if (before && before[field] !== set) this.controls.set({ ...before, [field]: set }, `${kind} ${field}`);
  }

  /**
   * A button that counts a field up.
   * @param {string} kind
   * @param {string} field
   */
  countUp(kind, field) {
    const now = inForce(this.controls, kind);
    if (now) this.controls.set({ ...now, [field]: now[field] + 1 });
  }

  /** @param {string} name */
  playPreset(name) {
    this.isWriting = false;
    this.controls.preset(name);
  }

  /**
   * What the components show, field by field: the controls in force; words that are being written stay as they are.
   * @param {Field[]} fields
   * @param {any[]} shown
   */
  values(fields, shown) {
    const writing = this.isWriting && this.showUnapplied();
    return fields.map(([kind, field], at) => {
      const value = writing && kind === 'prompt' ? shown[at] : inForce(this.controls, kind)?.[field];
      return typeof shown[at] === 'string' && typeof value === 'number' ? String(value) : value;
    });
  }

  // What it shows

  listenToWriting() {
    document.addEventListener('input', ({ target }) => {
      if (target instanceof Element && target.closest(PROMPT_FIELDS)) this.isWriting = true;
    });
  }

  show() {
    this.refresh();
    this.showLoras();
  }

  /** The button says whether something is written that is not applied; so does the answer. */
  showUnapplied() {
    const written = shownPrompt();
    const unapplied = !isApplied(inForce(this.controls, 'prompt'), written);
    document.getElementById('studio-apply')?.classList.toggle('unapplied', unapplied);
    this.notes.show(written, (field) => this.controls.widget('prompt', field)?.longest);
    return unapplied;
  }

  /** What a preset is about, where the pointer rests on its button. */
  describePresets() {
    const words = [...document.querySelectorAll('#studio-preset-words li')];
    [...document.querySelectorAll('#studio-presets button')].forEach((button, at) => {
      if (button instanceof HTMLElement) button.title = words[at]?.textContent || '';
    });
  }

  /** A slider for the weight of each LoRA the model was opened with. */
  showLoras() {
    const list = document.getElementById('studio-loras');
    const range = this.controls.widget('lora', 'weight');
    if (!list || !range) return; // nothing was described yet
    const names = JSON.stringify(this.loras);
    if (list.dataset.shown !== names) {
      list.dataset.shown = names;
      list.replaceChildren(...this.loras.map((name) => loraRow(name, range, (weight) => this.setLora(name, weight))));
    }
    this.loras.forEach((name, at) => showWeight(list.children[at], loraWeight(this.controls, name)));
  }

  /**
   * @param {string} name
   * @param {number} weight
   */
  setLora(name, weight) {
    this.controls.set({ kind: 'lora', name, weight }, `lora ${name}`);
  }

  /**
   * How many pictures the similarity filter lets stand.
   * @param {number} rate 0..1
   */
  showSkipRate(rate) {
    const line = document.getElementById('studio-skips');
    const text = inForce(this.controls, 'similarity')?.threshold ? `skips ${Math.round(100 * rate)} % of the frames` : '';
    if (line && line.textContent !== text) line.textContent = text;
  }

  /**
   * Since which frame the prompt is seen, and how long it took where that was not meant.
   * @param {number} frame
   * @param {number} ms
   */
  showLiveSince(frame, ms = 0) {
    const line = document.getElementById('studio-live');
    if (line) line.textContent = `live since frame ${formatCount(frame)}${ms ? ` · ${(ms / 1000).toFixed(2)} s` : ''}`;
  }
}

/** The prompt's fields as the components show them now, undefined for those that are not there. */
export function shownPrompt() {
  const value = (/** @type {string} */ selector) => {
    const field = document.querySelector(selector);
    return field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? field.value.trim() : undefined;
  };
  return {
    text: value('#studio-prompt textarea'), negative: value('#studio-negative textarea'),
    switch: value('#studio-switch input:checked'), blend: value('#studio-blend input[type=number]'),
    interpolation: value('#studio-interpolation input:checked'),
  };
}

/**
 * @param {string} name
 * @param {{ minimum: number, maximum: number, step: number }} range
 * @param {(weight: number) => void} moved
 */
function loraRow(name, { minimum, maximum, step }, moved) {
  const row = element('label', { className: 'st-lora' });
  const range = element('input', { type: 'range', min: String(minimum), max: String(maximum), step: String(step) });
  range.oninput = () => {
    showWeight(row, Number(range.value));
    moved(Number(range.value));
  };
  row.append(element('span', { textContent: name }), element('output'), range);
  return row;
}

/**
 * @param {Element} row
 * @param {number} weight
 */
function showWeight(row, weight) {
  const [range, output] = [row.querySelector('input'), row.querySelector('output')];
  if (!range || !output) return;
  range.value = String(weight);
  fillSlider(range);
  output.textContent = weight.toFixed(2);
}

// @ts-check
// What a hand other than the pointer can turn: every slider there is, by name; and how its values go, once a picture.

import { inForce, loraWeight } from './state.js';

/** @import { Control } from './types.js' */
/** @import { Page } from './page.js' */
/** @typedef {{ id: string, label: string, minimum: number, maximum: number, step: number, value: number }} Target value: now */

export const BRUSH = 'brush size';
const PATIENCE = 250; // ms without a picture (paused), after which values go anyhow
const HIDDEN_BY_PAGE = 'source'; // a word in a widget's `needs` that says nothing of the model

/**
 * Every slider there is for the model that plays.
 * @param {Page} page
 * @returns {Map<string, Target>}
 */
export function targets(page) {
  const { controls, model: { plays }, panel: { loras }, brush } = page;
  const known = [HIDDEN_BY_PAGE, '', ...plays];
  const kinds = [...controls.kinds.values()].filter(({ kind, slot_field: name }) => !name && plays.includes(kind));
  const panel = kinds.flatMap(({ kind, widgets }) => {
    const shown = widgets.filter(({ needs = '' }) => needs.split(' ').every((/** @type {string} */ word) => known.includes(word)));
    const sliders = shown.filter(({ type, waits }) => type === 'slider' && !waits);
    const now = inForce(controls, kind) ?? { kind };
    return sliders.map((widget) => ({ ...rangeOf(widget), id: `${kind} ${widget.field}`, label: widget.label, value: now[widget.field] }));
  });
  const weight = controls.widget('lora', 'weight');
  const styles = loras.flatMap((name) => (
    weight ? { ...rangeOf(weight), id: `lora ${name} weight`, label: name, value: loraWeight(controls, name) } : []));
  const [minimum, maximum, step] = [brush.size.min, brush.size.max, brush.size.step].map(Number);
  const size = { id: BRUSH, label: 'Brush size', minimum, maximum, step, value: brush.settings.size };
  return new Map([...panel, ...styles, size].map((target) => [target.id, target]));
}

/** @param {{ minimum: number, maximum: number, step: number }} widget */
const rangeOf = ({ minimum, maximum, step }) => ({ minimum, maximum, step });

/**
 * The value at a share of a slider, 0..1, on one of its steps.
 * @param {Pick<Target, 'minimum' | 'maximum' | 'step'>} target
 * @param {number} share
 */
export function valueAt({ minimum, maximum, step }, share) {
  const far = Math.max(0, Math.min(1, share)) * (maximum - minimum);
  return Number(Math.min(maximum, minimum + Math.round(far / step) * step).toFixed(6));
}

/**
 * The share of a slider that a value is at.
 * @param {Pick<Target, 'minimum' | 'maximum'>} target
 * @param {number} value
 */
export function shareAt({ minimum, maximum }, value) {
  return Math.max(0, Math.min(1, (value - minimum) / (maximum - minimum)));
}

/** What hands have turned since the last picture: only the newest value of each slider goes. */
export class Drives {
  /** @type {Map<string, { share: number, undoable: boolean }>} */
  waiting = new Map();

  at = 0; // ms, when something went last
  turned = false; // since the panel was last shown

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
  }

  /**
   * @param {string} id of a target
   * @param {number} share of its range, 0..1
   * @param {boolean} undoable is it a step back? What moves by itself is none
   */
  put(id, share, undoable = true) {
    this.waiting.set(id, { share, undoable });
  }

  /**
   * A picture is there: what waits goes.
   * @param {number} now ms
   */
  flush(now) {
    this.at = now;
    const { controls, link } = this.page;
    if (!this.waiting.size || !link.connected) return;
    for (const [slot, { control, undoable }] of this.changes()) {
      if (undoable) controls.set(control, `hands ${slot}`);
      else controls.apply(control);
      this.turned = true;
    }
    this.waiting.clear();
  }

  /**
   * Where no pictures come, what waits goes now and then.
   * @param {number} now ms
   */
  flushLate(now) {
    if (this.isLate(now)) this.flush(now);
  }

  /**
   * Have no pictures come for a while?
   * @param {number} now ms
   */
  isLate(now) {
    return now - this.at > PATIENCE;
  }

  /** One control for all fields of it that were turned. */
  changes() {
    const known = targets(this.page);
    /** @type {Map<string, { control: Control, undoable: boolean }>} */
    const made = new Map();
    for (const [id, { share, undoable }] of this.waiting) {
      const target = known.get(id);
      const value = target && valueAt(target, share);
      if (!target || value === undefined || value === target.value) continue;
      if (id === BRUSH) this.page.brush.resize(value);
      else this.change(made, id, { value, undoable });
    }
    return made;
  }

  /**
   * @param {Map<string, { control: Control, undoable: boolean }>} made
   * @param {string} id "kind field", or "kind name field"
   * @param {{ value: number, undoable: boolean }} change
   */
  change(made, id, { value, undoable }) {
    const [kind, ...rest] = id.split(' ');
    const field = rest.pop() ?? '';
    const name = rest.join(' ');
    const slot = name ? `${kind} ${name}` : kind;
    const before = made.get(slot);
    const now = before?.control ?? (name ? { kind, name } : inForce(this.page.controls, kind));
    if (now) made.set(slot, { control: { ...now, [field]: value }, undoable: undoable || Boolean(before?.undoable) });
  }
}

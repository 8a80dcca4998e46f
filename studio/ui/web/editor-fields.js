// @ts-check
// The words and values of the chosen event, to be changed: made from what the server says of each kind of control.

import { element } from './dom.js';
import { secondsWords } from './edits.js';

/** @import { ControlKind, Gesture, OpenedTake, WidgetDescription } from './types.js' */

const LABEL = { type: 'text', field: 'label', label: 'Subject', longest: 80 };
const SIZE = { type: 'slider', field: 'size', label: 'Size', minimum: 0.1, maximum: 0.8, step: 0.01 };
/** What a kind has that no widget of the panel shows. @type {Record<string, any[]>} */
const OWN = { stroke: [LABEL, SIZE] };
const SHOWN = ['text', 'slider', 'whole', 'choice', 'toggle'];

/**
 * The fields of a kind of control that are shown, each once.
 * @param {ControlKind | undefined} kind
 * @param {Record<string, any>} values
 * @returns {WidgetDescription[]}
 */
export function fieldsOf(kind, values) {
  const all = [...(OWN[kind?.kind ?? ''] ?? []), ...(kind?.widgets ?? [])];
  return all.filter(({ type, field }, place) => (
    SHOWN.includes(type) && field in values && all.findIndex((one) => one.field === field && SHOWN.includes(one.type)) === place));
}

/**
 * @param {WidgetDescription} widget
 * @param {any} value
 * @param {(value: any) => void} set
 * @returns {HTMLElement}
 */
function field(widget, value, set) {
  const { type, minimum, maximum, step, choices } = widget;
  if (type === 'choice') {
    const select = element('select', { onchange: () => set(select.value) });
    select.append(...choices.map((/** @type {string} */ one) => element('option', { value: one, textContent: one })));
    select.value = value;
    return select;
  }
  if (type === 'toggle') {
    const box = element('input', { type: 'checkbox', checked: value, onchange: () => set(box.checked) });
    return box;
  }
  if (type === 'text') {
    const input = element('input', { type: 'text', value, maxLength: widget.longest ?? 4000, onchange: () => set(input.value) });
    return input;
  }
  const number = element('input', { type: 'number', value, onchange: () => set(Number(number.value)) });
  if (type === 'slider') Object.assign(number, { min: String(minimum), max: String(maximum), step: String(step) });
  return number;
}

export class Fields {
  /**
   * @param {{ kinds: () => Map<string, ControlKind>, change: (values: Record<string, any>) => void, remove: () => void }} options
   */
  constructor({ kinds, change, remove }) {
    this.kinds = kinds;
    this.change = change;
    this.remove = remove;
    this.box = element('div', { className: 'ed-fields' });
  }

  /**
   * @param {Gesture | null} gesture
   * @param {OpenedTake} take
   */
  show(gesture, take) {
    if (!gesture) {
      const notes = [...take.notes];
      const hint = 'Drag an event in time, or choose it to change its words or values. [ and ] mark a part.';
      this.box.replaceChildren(element('p', { textContent: notes.join('. ') || hint, className: notes.length ? 'ed-note' : '' }));
      return;
    }
    const { kind, words, first, opening, values, events } = gesture;
    const when = opening ? 'From the start' : secondsWords(first, take);
    const parts = fieldsOf(this.kinds().get(kind), values).map((widget) => {
      const label = element('label', { className: `ed-${widget.type}` });
      const set = (/** @type {any} */ value) => this.change({ [widget.field]: value });
      label.append(element('span', { textContent: widget.label }), field(widget, values[widget.field], set));
      return label;
    });
    const many = events.length > 1 ? `, ${events.length} events` : '';
    const erase = element('button', { textContent: 'Delete', className: 'ed-delete', onclick: () => this.remove() });
    this.box.replaceChildren(element('b', { textContent: `${when}${many}`, title: words }), ...parts, erase);
  }
}

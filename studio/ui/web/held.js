// @ts-check
// The controls in force, as this page knows them: folded as the server folds them (studio/controls/state.py).
//
// No kind of control is known here by name, but for the strokes that the canvas draws: the server describes each kind
// (studio/controls/messages.py, `describe`), and from that alone controls are folded, undone and taken back.

/** @import { Control, ControlKind, Stroke } from './types.js' */

const EVERY_NAME = '*'; // of a control that clears: all the slots of the kind
const STROKE = 'stroke';
export const ONE_SLOT = { slot_field: '', clears: '', absent: {}, timed: false }; // a kind that was not described

export class HeldControls {
  /** @type {Map<string, ControlKind>} */
  kinds = new Map();

  /** @type {Map<string, any>} of a kind with a slot for each name a Map of controls by name, of another a control */
  held = new Map([[STROKE, new Map()]]);

  /**
   * Learn what kinds of control there are.
   * @param {ControlKind[]} kinds
   */
  describe(kinds) {
    this.kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
  }

  /**
   * Take over the server's state: {kind: message, or a list of them}.
   * @param {Record<string, any>} state
   */
  take(state) {
    for (const [kind, { slot_field: name }] of this.kinds) {
      if (state[kind] === undefined) continue;
      this.held.set(kind, name ? new Map(state[kind].map((/** @type {Control} */ one) => [one[name], { ...one }])) : state[kind]);
    }
  }

  /**
   * The control in force of a kind with one slot; null before the server has told it.
   * @param {string} kind
   * @returns {Control | null}
   */
  get(kind) {
    return this.held.get(kind) ?? null;
  }

  /**
   * The controls in force of a kind with a slot for each name, by name.
   * @param {string} kind
   * @returns {Map<string, any>}
   */
  all(kind) {
    if (!this.held.has(kind)) this.held.set(kind, new Map());
    return this.held.get(kind);
  }

  /** @returns {Map<string, Stroke>} */
  get strokes() {
    return this.all(STROKE);
  }

  /**
   * How a field of a control is shown (studio/controls/widgets.py).
   * @param {string} kind
   * @param {string} field
   */
  widget(kind, field) {
    return this.kinds.get(kind)?.widgets.find((widget) => widget.field === field);
  }

  // Folding: what is in force once a control has taken effect

  /**
   * Put a control into its slot, or empty the slot that it clears.
   * @param {Control} control
   */
  fold(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || ONE_SLOT;
    if (clears) this.emptied(clears, control[name]).forEach((one) => this.all(one.kind).delete(one[this.slotField(one)]));
    else if (!name) this.held.set(control.kind, control);
    else if (this.isAbsent(control)) this.all(control.kind).delete(control[name]);
    else this.all(control.kind).set(control[name], { ...control, since: null });
  }

  /**
   * Does a control leave its slot empty?
   * @param {Control} control
   */
  isAbsent(control) {
    const absent = Object.entries(this.kinds.get(control.kind)?.absent || {});
    return absent.length > 0 && absent.every(([field, value]) => control[field] === value);
  }

  /**
   * The controls that bring back what is in its place now.
   * @param {Control} control
   * @returns {(Control | null)[]}
   */
  inverse(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || ONE_SLOT;
    if (!name) return [this.get(control.kind)];
    if (clears) {
      const emptied = this.emptied(clears, control[name]).map((one) => this.asControl(one));
      return emptied.length || control[name] === EVERY_NAME ? emptied : [this.removal(control)];
    }
    const before = this.all(control.kind).get(control[name]);
    return [before ? this.asControl(before) : this.removal(control)];
  }

  /**
   * What goes when slots of a kind are emptied: what belongs to them first, then they themselves.
   * @param {string} kind
   * @param {string} name of the slots, or that of all
   * @returns {any[]}
   */
  emptied(kind, name) {
    const gone = [...this.kinds.values()].filter((one) => one.belongs_to === kind).map((one) => one.kind);
    return [...gone, kind].flatMap((one) => [...this.all(one).entries()])
      .filter(([id]) => name === EVERY_NAME || id === name).map(([, held]) => held);
  }

  /** @param {Control} control */
  slotField(control) {
    return (this.kinds.get(control.kind) || ONE_SLOT).slot_field;
  }

  /**
   * The place that a control takes, in words.
   * @param {Control} control
   */
  slotOf(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || ONE_SLOT;
    return JSON.stringify([clears || control.kind, name ? control[name] : '']);
  }

  /**
   * The control that empties the slot of another, or is that other where nothing does.
   * @param {Control} control
   * @returns {Control}
   */
  removal(control) {
    const { slot_field: name, absent, clears } = this.kinds.get(control.kind) || ONE_SLOT;
    if (clears) return control;
    if (Object.keys(absent || {}).length) return { ...control, ...absent };
    const clearing = this.clearing(control.kind);
    return clearing ? { kind: clearing.kind, [clearing.slot_field]: control[name] } : control;
  }

  /**
   * The kind of control that clears another's slots.
   * @param {string} kind
   */
  clearing(kind) {
    return [...this.kinds.values()].find(({ clears }) => clears === kind);
  }

  /**
   * The controls that empty all slots that can be emptied at once.
   * @returns {Control[]}
   */
  clearings() {
    const kinds = [...this.kinds.values()].filter(({ clears }) => clears);
    return kinds.map(({ kind, slot_field: name }) => ({ kind, [name]: EVERY_NAME }));
  }

  /**
   * Every control in force that undo brings back.
   * @returns {(Control | null)[]}
   */
  everything() {
    const kinds = [...this.kinds.values()].filter(({ undoable, clears }) => undoable && !clears);
    return kinds.flatMap(({ kind, slot_field: name }) => (
      name ? [...this.all(kind).values()].map((held) => this.asControl(held)) : [this.get(kind)]));
  }

  /**
   * What is held, as the message that it came from: what the page itself knows of it is left out.
   * @param {Control} held
   * @returns {Control}
   */
  asControl(held) {
    const fields = this.kinds.get(held.kind)?.fields ?? Object.keys(held);
    return { kind: held.kind, ...Object.fromEntries(fields.filter((field) => field in held).map((field) => [field, held[field]])) };
  }

  /**
   * Would it change nothing? It matters when a timed control takes effect, so none of those is left out.
   * @param {Control} control
   */
  isInForce(control) {
    const { timed, slot_field: name } = this.kinds.get(control.kind) || ONE_SLOT;
    return !timed && !name && same(control, this.get(control.kind));
  }
}

/**
 * Is this control in force already?
 * @param {Control} control
 * @param {Control | null} now
 */
const same = (control, now) => JSON.stringify(control) === JSON.stringify(now);

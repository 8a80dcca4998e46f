// @ts-check
// What is set on this page: every change goes to the server and can be undone. The server has the last word.

import { HeldControls, ONE_SLOT } from './held.js';
import { lasting, present, stepOf } from './steps.js';

/** @import { Control, Step } from './types.js' */

// Told apart by people with any kind of colour vision, on dark and on bright pictures (after Okabe and Ito).
export const COLOURS = ['#ffb454', '#4cc9f0', '#ff6b8b', '#7ddc8a', '#c792ea', '#f5e663', '#5b8cff', '#ff8f5c'];
const MOMENTS = new Set(['rewind', 'branch', 'open-bookmark']); // what goes elsewhere in time
const MOST_SENT = 50; // controls of one movement that are remembered, in case that one is refused

export class Controls extends HeldControls {
  /** @type {Step[]} */
  past = [];

  /** @type {Step[]} */
  future = [];

  /** @type {Map<string, string>} */
  colours = new Map();

  journey = 0; // the number of the last step in time

  /** @type {Map<number, { step: Step, back: 'undo' | 'redo' }>} steps in time that the server has not answered */
  journeys = new Map();

  /**
   * @param {object} page
   * @param {() => boolean} page.ready can the server be reached?
   * @param {(control: Control) => unknown} page.send hands a control to it
   * @param {(preset: string) => unknown} page.play hands a preset's name to it
   * @param {(moment: Control) => unknown} page.go goes back in time (rewind), over to what was left (branch) or to a bookmark
   * @param {(control: Control | null) => unknown} page.changed is called after every change here
   */
  constructor({ ready, send, play, go, changed }) {
    super();
    this.ready = ready;
    this.send = send;
    this.play = play;
    this.go = go;
    this.changed = changed;
  }

  /** @param {Record<string, any>} state */
  take(state) {
    super.take(state);
    this.changed(null);
  }

  /**
   * A stroke's colour, the same as long as the page is open.
   * @param {string} id
   * @returns {string}
   */
  colour(id) {
    const known = this.colours.get(id);
    if (known) return known;
    const inUse = new Set([...this.strokes.keys()].map((other) => this.colours.get(other)));
    const chosen = COLOURS.find((colour) => !inUse.has(colour)) || COLOURS[this.colours.size % COLOURS.length];
    this.colours.set(id, chosen);
    return chosen;
  }

  nextColour() {
    const inUse = new Set([...this.strokes.keys()].map((id) => this.colour(id)));
    return COLOURS.find((colour) => !inUse.has(colour)) || COLOURS[this.strokes.size % COLOURS.length];
  }

  // Undo

  /**
   * Set something, as one step back; `gesture` marks the many small steps of one movement. False: nothing was set.
   * @param {Control} control
   * @param {string | number | null} gesture
   */
  set(control, gesture = null) {
    if (!this.ready()) return false;
    const now = performance.now();
    const last = stepOf(this.past, gesture, [control], this);
    if (last) {
      Object.assign(last, { redo: [control], at: now, sent: [...(last.sent ?? []), control].slice(-MOST_SENT) });
    } else {
      this.past.push({ undo: this.inverse(control), redo: [control], gesture, at: now, sent: [control] });
    }
    this.future = [];
    this.apply(control);
    return true;
  }

  /** Take every stroke away. */
  clear() {
    const redo = [...this.strokes.values()].map((held) => this.removal(this.asControl(held)));
    if (redo.length) this.together(redo, redo.flatMap((one) => this.inverse(one)));
  }

  /**
   * A preset takes every stroke away and sets what it will: one step back brings all of it back.
   * @param {string} name
   */
  preset(name) {
    this.together([{ kind: 'preset', name }], [...this.clearings(), ...this.everything()]);
  }

  /**
   * Go back to a frame and play on from there: one step back goes on where it was left.
   * @param {number} frame
   */
  travel(frame) {
    this.elsewhere({ kind: 'rewind', frame });
  }

  /**
   * Go elsewhere in time, or over to what was left: one step back goes on where it was left.
   * @param {Control} moment
   */
  elsewhere(moment) {
    this.together([moment], [{ kind: 'branch' }]);
  }

  /**
   * The server says what was left by a step in time: that is where the way back leads.
   * @param {number} number of the step
   * @param {number | null} branch null: nothing was left, as nothing was played
   */
  left(number, branch) {
    const { step, back } = this.journeys.get(number) ?? {};
    this.journeys.delete(number);
    if (!step || !back) return;
    if (branch !== null) step[back] = [{ kind: 'branch', branch }];
    else if (back === 'undo') step.undo = [];
  }

  /**
   * Apply several as one step back; those of one gesture on the same things are one step.
   * @param {Control[]} redo
   * @param {(Control | null)[]} undo
   * @param {string | number | null} gesture
   */
  together(redo, undo, gesture = null) {
    if (!this.ready()) return;
    const now = performance.now();
    const last = stepOf(this.past, gesture, redo, this);
    const step = last ?? { undo, redo, gesture, at: now };
    Object.assign(step, { redo, at: now });
    if (!last) this.past.push(step);
    this.future = [];
    redo.forEach((control) => this.apply(control, step, 'undo'));
  }

  undo() {
    return this.replay(this.past, this.future, 'undo');
  }

  redo() {
    return this.replay(this.future, this.past, 'redo');
  }

  /**
   * Move a step from one end of the history to the other and apply it: the controls that changed something.
   * @param {Step[]} from
   * @param {Step[]} to
   * @param {'undo' | 'redo'} way
   * @returns {Control[] | null}
   */
  replay(from, to, way) {
    if (!this.ready()) return null;
    const step = from.pop();
    if (!step) return null;
    to.push(Object.assign(step, { undo: lasting(step.undo, this.kinds), redo: lasting(step.redo, this.kinds), gesture: null }));
    const controls = present(step[way]).filter((control) => !this.isInForce(control));
    controls.forEach((control) => this.apply(control, step, way === 'undo' ? 'redo' : 'undo'));
    return controls;
  }

  /**
  /**
   * @param {Control} control
   * @param {Step | null} step that it is of
   * @param {'undo' | 'redo'} back which of the step's ways leads back from it
   */
  apply(control, step = null, back = 'undo') {
    if (control.kind === 'preset') return this.play(control.name);
    if (MOMENTS.has(control.kind)) {
      this.journey += 1;
      if (step) this.journeys.set(this.journey, { step, back });
      return this.go({ ...control, step: this.journey });
    }
    this.fold(control);
    this.send(control);
    return this.changed(control);
  }

  /**
   * The server refused it: as it was before. A place on its way elsewhere stays: the server may have taken later ones.
   * @param {Control} control
   */
  refused(control) {
    const { timed, slot_field: name } = this.kinds.get(control.kind) || ONE_SLOT;
    const step = this.past.find(({ redo, sent }) => (name ? redo : sent ?? redo).includes(control));
    if (!step) return;
    const others = name ? [] : (step.sent ?? []).filter((one) => one !== control);
    if (others.length) {
      this.refusedInGesture(step, control, others);
      return;
    }
    if (step.redo.length > 1) {
      this.refusedAmongMany(step, control);
      return;
    }
    this.past.splice(this.past.indexOf(step), 1);
    const [before] = step.undo;
    if (before && (!name || !timed || this.kinds.get(before.kind)?.clears)) this.fold(before);
    this.changed(null);
  }

  /**
   * One of several that were set as one step was refused: the others stay.
   * @param {Step} step
   * @param {Control} control
   */
  refusedAmongMany(step, control) {
    const own = present(step.undo).filter((one) => this.slotOf(one) === this.slotOf(control));
    const others = present(step.undo).filter((one) => !own.includes(one));
    Object.assign(step, { redo: step.redo.filter((one) => one !== control), undo: others });
    own.filter(({ kind }) => this.kinds.get(kind)?.clears).forEach((one) => this.fold(one));
    this.changed(null);
  }

  /**
   * One of many small steps was refused: the last of the others is in force, as the server has it.
   * @param {Step} step
   * @param {Control} control
   * @param {Control[]} others
   */
  refusedInGesture(step, control, others) {
    step.sent = others;
    if (!step.redo.includes(control)) return;
    step.redo = others.slice(-1);
    this.fold(step.redo[0]);
    this.changed(null);
  }
}

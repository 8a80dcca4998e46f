// @ts-check
// What is set on this page: every change goes to the server and can be undone. The server has the last word.

import { HeldControls, ONE_SLOT } from './held.js';

/** @import { Control, Step } from './types.js' */

// Told apart by people with any kind of colour vision, on dark and on bright pictures (after Okabe and Ito).
const COLOURS = ['#ffb454', '#4cc9f0', '#ff6b8b', '#7ddc8a', '#c792ea', '#f5e663', '#5b8cff', '#ff8f5c'];
const ONE_GESTURE = 900; // ms within which moves of a slider are one step back
const MOST_SENT = 50; // controls of one movement that are remembered, in case that one is refused

export class Controls extends HeldControls {
  /** @type {Step[]} */
  past = [];

  /** @type {Step[]} */
  future = [];

  /** @type {Map<string, string>} */
  colours = new Map();

  /**
   * @param {object} page
   * @param {() => boolean} page.ready can the server be reached?
   * @param {(control: Control) => unknown} page.send hands a control to it
   * @param {(preset: string) => unknown} page.play hands a preset's name to it
   * @param {(moment: Control) => unknown} page.go goes back in time (rewind), or over to what was left (branch)
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
    const last = this.stepOf(gesture, [control], now);
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
    const undo = [...this.strokes.values()].map((held) => this.asControl(held));
    if (undo.length) this.together(undo.map((stroke) => this.removal(stroke)), undo);
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
    this.together([{ kind: 'rewind', frame }], [{ kind: 'branch' }]);
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
    const last = this.stepOf(gesture, redo, now);
    if (last) Object.assign(last, { redo, at: now });
    else this.past.push({ undo, redo, gesture, at: now });
    this.future = [];
    redo.forEach((control) => this.apply(control));
  }

  /**
   * The step that controls of a gesture go on with: the last, or one before it where another finger came between.
   * @param {string | number | null} gesture
   * @param {Control[]} controls
   * @param {number} now ms
   */
  stepOf(gesture, controls, now) {
    if (!gesture) return undefined;
    const slots = (/** @type {Control[]} */ ones) => ones.map((one) => this.slotOf(one)).join();
    const between = this.past.findLastIndex((step) => !step.gesture || slots(step.redo) === slots(controls));
    const step = this.past[between];
    return step?.gesture === gesture && slots(step.redo) === slots(controls) && now - (step.at ?? 0) < ONE_GESTURE ? step : undefined;
  }

  /** @param {Control} control */
  slotOf(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || ONE_SLOT;
    return JSON.stringify([clears || control.kind, name ? control[name] : '']);
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
    const taken = from.pop();
    if (!taken) return null;
    const step = { ...taken, undo: this.lasting(taken.undo), redo: this.lasting(taken.redo), gesture: null };
    to.push(step);
    const controls = present(step[way]).filter((control) => !this.isInForce(control));
    controls.forEach((control) => this.apply(control));
    return controls;
  }

  /**
   * Controls as undo sends them again.
   * @template {Control | null} C
   * @param {C[]} controls
   * @returns {C[]}
   */
  lasting(controls) {
    return controls.map((control) => {
      const fleeting = control ? this.kinds.get(control.kind)?.momentary ?? [] : [];
      const kept = Object.entries(control ?? {}).filter(([field]) => !fleeting.includes(field));
      return fleeting.length ? /** @type {C} */ (Object.fromEntries(kept)) : control;
    });
  }

  /** @param {Control} control */
  apply(control) {
    if (control.kind === 'preset') return this.play(control.name);
    if (control.kind === 'rewind' || control.kind === 'branch') return this.go(control);
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

/**
 * Those of the controls that the server had told.
 * @param {(Control | null)[]} controls
 * @returns {Control[]}
 */
const present = (controls) => controls.flatMap((control) => control ?? []);

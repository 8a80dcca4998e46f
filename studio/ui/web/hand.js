// @ts-check
// The hands that paint: pointers and arrow keys over the picture. A drag or a pin is sent while it moves, a path at its end.

import { crossKey } from './cross.js';
import { strokeAt, thinned, withinPicture } from './geometry.js';
import { beginStroke, beside, isStraight, lengthen, paintedMessage, pressureOf } from './painted.js';
import { onAxis } from './snap.js';

/** @import { BrushSettings, Controls, PaintedStroke, Position, Stroke } from './types.js' */

const UNNAMED = 'Type what to paint first, for example fox.';
const ENDLESS = 1e7; // ms
const STILL = 4; // pixels a hand may tremble before it takes a subject with it

/**
 * @typedef {object} Taking
 * @property {() => boolean} can this model, without a subject's name?
 * @property {(stroke: PaintedStroke, frame: number) => void} begin
 * @property {(stroke: PaintedStroke, keep: boolean) => void} end the hand lets go
 */

/**
 * @typedef {object} HandOptions
 * @property {HTMLElement} area that is painted on
 * @property {Controls} controls
 * @property {() => BrushSettings} brush
 * @property {(time: number) => { frame: number, strokes: Stroke[] }} seen the frame on the canvas then, and the strokes in it
 * @property {() => number} rate frames a second
 * @property {() => string} refusal why the model takes no strokes, or ''
 * @property {(id: string | null, clicked: boolean) => void} selected another subject is chosen; clicked: and not painted
 * @property {(position: Position, id: string) => Position} snap where a pin is put that is pointed there
 * @property {Taking} [taking] hold of what is in the picture itself
 * @property {(text: string) => void} announce to a screen reader
 * @property {(text: string) => void} warn
 */

export class Hand {
  /** @param {HandOptions} options */
  constructor(options) {
    this.options = options;
    this.area = options.area;
    this.controls = options.controls;
    /** @type {Map<number, PaintedStroke>} */
    this.strokes = new Map(); // that are being painted, by pointer
    /** @type {Position | null} */
    this.hover = null;
    /** @type {Position} */
    this.cross = [0.5, 0.5];
    /** @type {Set<string>} */
    this.chosen = new Set();
    this.moved = true; // since it was last drawn
    this.listen();
  }

  /** The stroke that is painted, null while none is. */
  get stroke() {
    return this.strokes.values().next().value ?? null;
  }

  /** The subject that was chosen last. */
  get selected() {
    return [...this.chosen].at(-1) ?? null;
  }

  listen() {
    const { area } = this;
    area.addEventListener('pointerdown', (event) => this.down(event));
    area.addEventListener('pointermove', (event) => this.move(event));
    area.addEventListener('pointerup', (event) => this.up(event));
    area.addEventListener('pointercancel', (event) => this.up(event));
    area.addEventListener('pointerleave', () => this.hoverOver(null));
    area.addEventListener('contextmenu', (event) => event.preventDefault());
    area.addEventListener('keydown', (event) => crossKey(this, event));
  }

  /** @param {Position | null} position */
  hoverOver(position) {
    this.hover = position;
    this.moved = true;
  }

  /**
   * Choose a subject, or several, and no other.
   * @param {string | null | Iterable<string>} ids
   * @param {boolean} clicked
   */
  select(ids, clicked = false) {
    this.chosen = new Set(typeof ids === 'string' ? [ids] : ids ?? []);
    this.moved = true;
    this.options.selected(this.selected, clicked);
  }

  /**
   * The stroke under a place, in the picture that was on the canvas then.
   * @param {Position} position
   * @param {number} time ms
   */
  strokeUnder(position, time = performance.now()) {
    const { width, height } = this.area.getBoundingClientRect();
    const { frame, strokes } = this.options.seen(time);
    return strokeAt(strokes, position, frame, height / width);
  }

  /** @param {{ clientX: number, clientY: number }} event */
  position({ clientX, clientY }) {
    const box = this.area.getBoundingClientRect();
    return withinPicture([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const brush = this.options.brush();
    if (event.button > 0 || this.strokes.has(event.pointerId) || brush.mode === 'select') return;
    const position = this.position(event);
    const held = event.altKey ? undefined : this.strokeUnder(position, event.timeStamp);
    if (!this.isFree(held)) return;
    if (!this.paints(held, brush.label)) return;
    event.preventDefault();
    this.area.focus({ preventScroll: true });
    this.area.setPointerCapture(event.pointerId);
    const { frame } = this.options.seen(event.timeStamp);
    const stroke = beginStroke(event, position, { ...brush, mode: brush.mode }, held && { held, frame });
    this.strokes.set(event.pointerId, stroke);
    if (!held) this.select(stroke.id);
    this.extend(stroke, position, event);
    this.takeHold(stroke, frame);
  }

  /**
   * Is there something to paint, or to take hold of? If not, it is said why.
   * @param {Stroke | undefined} held
   * @param {string} label
   */
  paints(held, label) {
    const something = held || label || this.options.taking?.can();
    const problem = this.options.refusal() || (something ? '' : UNNAMED);
    if (problem) this.options.warn(problem);
    return !problem;
  }

  /**
   * A hand without a subject's name takes hold of what is in the picture.
   * @param {PaintedStroke} stroke
   * @param {number} frame that is seen
   */
  takeHold(stroke, frame) {
    if (stroke.label) return;
    stroke.taken = 'asked';
    this.options.taking?.begin(stroke, frame);
  }

  /**
   * A further finger takes hold of a further subject, and paints none.
   * @param {Stroke | undefined} held
   */
  isFree(held) {
    return !this.strokes.size || (held !== undefined && ![...this.strokes.values()].some(({ id }) => id === held.id));
  }

  /** @param {PointerEvent} event */
  move(event) {
    this.hoverOver(this.position(event));
    const stroke = this.strokes.get(event.pointerId);
    if (!stroke) return; // nobody's
    const steps = event.getCoalescedEvents?.() || [];
    (steps.length ? steps : [event]).forEach((step) => this.extend(stroke, this.position(step), step));
  }

  /**
   * The hand is there: a drag or pin goes with it once a screen refresh, a path grows. With Shift it goes straight.
   * @param {PaintedStroke} stroke
   * @param {Position} position
   * @param {PointerEvent} event
   */
  extend(stroke, position, event) {
    const { width, height } = this.area.getBoundingClientRect();
    const [far, down] = [width * (position[0] - stroke.from[0]), height * (position[1] - stroke.from[1])];
    stroke.moved ||= !stroke.held || Math.hypot(far, down) > STILL;
    if (!stroke.moved) return;
    if (stroke.held && stroke.held.id !== this.selected) this.select(stroke.held.id);
    const at = isStraight(stroke, event) ? withinPicture(onAxis(stroke.from, position, height / width)) : position;
    if (stroke.mode === 'path') {
      lengthen(stroke, at, event, this.options.rate());
      return;
    }
    const place = beside(at, stroke.offset);
    stroke.points = [[0, ...(stroke.mode === 'pin' ? this.options.snap(place, stroke.id) : place), pressureOf(stroke, event)]];
    stroke.changed = true;
  }

  /** Send where a hand has gone since; of several, the one that has waited longest. Called once a screen refresh. */
  sendChanges() {
    const stroke = [...this.strokes.values()].find(({ changed, taken }) => changed && taken !== 'asked');
    if (!stroke) return;
    this.send(stroke);
    if (this.strokes.size < 2) return;
    this.strokes.delete(stroke.pointer);
    this.strokes.set(stroke.pointer, stroke);
  }

  /** @param {PaintedStroke} stroke */
  send(stroke) {
    stroke.changed = false;
    if (this.controls.set(this.message(stroke), stroke.gesture)) this.keepGesture(stroke, performance.now() + ENDLESS); // however long the hand rests
  }

  /** @param {PointerEvent} event */
  up(event) {
    const stroke = this.strokes.get(event.pointerId);
    if (!stroke) return;
    if (event.type === 'pointerup') this.extend(stroke, this.position(event), event);
    if (stroke.moved && stroke.taken !== 'asked') this.finish(stroke);
    this.strokes.delete(event.pointerId);
    if (stroke.taken) this.options.taking?.end(stroke, event.shiftKey);
    this.moved = true;
    if (stroke.moved) return;
    this.select(stroke.id, true);
    this.options.announce(`${stroke.label} chosen`);
  }

  /** @param {PaintedStroke} stroke whose hand lets go */
  finish(stroke) {
    if (stroke.mode === 'path') {
      this.controls.set(this.message({ ...stroke, points: thinned(stroke.points) }));
    } else {
      this.send(stroke);
      this.keepGesture(stroke, 0); // the next one is another step back
    }
    this.options.announce(`${stroke.label}: ${stroke.mode} set`);
  }

  /**
   * Until when moves of this gesture are one step back.
   * @param {PaintedStroke} stroke
   * @param {number} at ms
   */
  keepGesture({ gesture }, at) {
    const step = this.controls.past.findLast((one) => one.gesture === gesture);
    if (step) step.at = at;
  }

  /** @param {Pick<PaintedStroke, 'id' | 'label' | 'points' | 'mode' | 'size' | 'grab'>} stroke */
  message(stroke) {
    return paintedMessage(stroke, this.controls.strokes.get(stroke.id));
  }
}

// @ts-check
// The hands that paint: pointers and arrow keys over the picture. A drag or a pin is sent while it moves, a path at its end.

import { NEUTRAL } from './course.js';
import { pointTime, strokeAt, thinned, withinPicture } from './geometry.js';
import { beginStroke, paintedMessage } from './painted.js';
import { onAxis } from './snap.js';

/** @import { BrushSettings, Controls, PaintedPoint, PaintedStroke, Position, Stroke } from './types.js' */

const UNNAMED = 'Type what to paint first, for example fox.';
/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [NEAR, FAR] = [0.02, 0.1]; // of the picture: a step of the cross, and one with Shift
const ENDLESS = 1e7; // ms
const STILL = 4; // pixels a hand may tremble before it takes a subject with it

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
    area.addEventListener('keydown', (event) => this.key(event));
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
    const problem = this.options.refusal() || (held || brush.label ? '' : UNNAMED);
    if (problem) {
      this.options.warn(problem);
      return;
    }
    event.preventDefault();
    this.area.focus({ preventScroll: true });
    this.area.setPointerCapture(event.pointerId);
    const { frame } = this.options.seen(event.timeStamp);
    const stroke = beginStroke(event, position, { ...brush, mode: brush.mode }, held && { held, frame });
    this.strokes.set(event.pointerId, stroke);
    if (!held) this.select(stroke.id);
    this.extend(stroke, position, event);
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
    const at = event.shiftKey ? withinPicture(onAxis(stroke.from, position, height / width)) : position;
    const last = stroke.points[stroke.points.length - 1];
    const pressure = event.pointerType === 'pen' && event.pressure ? event.pressure : last[3];
    if (stroke.mode === 'path') {
      const t = pointTime(event.timeStamp - stroke.began, this.options.rate(), last[0]);
      if (event.shiftKey) stroke.points.splice(1);
      stroke.points.push([t, ...at, pressure]);
    } else {
      const place = withinPicture([at[0] + stroke.offset[0], at[1] + stroke.offset[1]]);
      stroke.points = [[0, ...(stroke.mode === 'pin' ? this.options.snap(place, stroke.id) : place), pressure]];
      stroke.changed = true;
    }
  }

  /** Send where a hand has gone since; of several, the one that has waited longest. Called once a screen refresh. */
  sendChanges() {
    const stroke = [...this.strokes.values()].find(({ changed }) => changed);
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
    if (stroke.moved) this.finish(stroke);
    this.strokes.delete(event.pointerId);
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

  /**
   * Without a pointer: arrows move the cross, Enter places the subject there.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const step = ARROWS[event.key];
    if (this.options.refusal()) return;
    if (step && !event.ctrlKey && !event.metaKey) this.moveCross(step, event.shiftKey ? FAR : NEAR);
    else if (event.key !== 'Enter' || !this.placeAtCross()) return;
    event.preventDefault();
  }

  /**
   * @param {Position} step
   * @param {number} far
   */
  moveCross([x, y], far) {
    this.cross = withinPicture([this.cross[0] + far * x, this.cross[1] + far * y]);
    this.hoverOver(this.cross);
  }

  placeAtCross() {
    const { label, mode, size } = this.options.brush();
    if (!label) {
      this.options.warn(UNNAMED);
      return false;
    }
    const id = this.selected && this.controls.strokes.has(this.selected) ? this.selected : `k${Date.now().toString(36)}`;
    const points = [/** @type {PaintedPoint} */ ([0, ...this.cross, NEUTRAL])];
    this.controls.set(this.message({ id, label, mode: mode === 'pin' ? 'pin' : 'drag', size, points }));
    this.select(id);
    this.options.announce(`${label} placed at ${this.cross.map((value) => Math.round(value * 100)).join(', ')} per cent`);
    return true;
  }
}

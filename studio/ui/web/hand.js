// @ts-check
// The hand that paints: pointer and arrow keys over the picture. A drag or a pin is sent while it moves, a path at its end.

import { pointTime, strokeAt, thinned, withinPicture } from './geometry.js';

/** @import { BrushSettings, Controls, PaintedStroke, Position, Stroke } from './types.js' */

const UNNAMED = 'Type what to paint first, for example fox.';
/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [NEAR, FAR] = [0.02, 0.1]; // of the picture: a step of the cross, and one with Shift
const ENDLESS = 1e7; // ms

/**
 * @typedef {object} HandOptions
 * @property {HTMLElement} area that is painted on
 * @property {Controls} controls
 * @property {() => BrushSettings} brush
 * @property {() => number} frame that is seen now
 * @property {() => number} rate frames a second
 * @property {() => string} refusal why the model takes no strokes, or ''
 * @property {(id: string | null) => void} selected another subject is chosen
 * @property {(text: string) => void} announce to a screen reader
 * @property {(text: string) => void} warn
 */

export class Hand {
  /** @param {HandOptions} options */
  constructor(options) {
    this.options = options;
    this.area = options.area;
    this.controls = options.controls;
    /** @type {PaintedStroke | null} */
    this.stroke = null; // that is being painted
    /** @type {Position | null} */
    this.hover = null;
    /** @type {Position} */
    this.cross = [0.5, 0.5];
    /** @type {string | null} */
    this.selected = null;
    this.moved = true; // since it was last drawn
    this.listen();
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

  /** @param {string | null} id */
  select(id) {
    this.selected = id;
    this.moved = true;
    this.options.selected(id);
  }

  /**
   * The stroke under a place.
   * @param {Position} position
   */
  strokeUnder(position) {
    const { width, height } = this.area.getBoundingClientRect();
    return strokeAt(this.controls.strokes.values(), position, this.options.frame(), height / width);
  }

  /** @param {{ clientX: number, clientY: number }} event */
  position({ clientX, clientY }) {
    const box = this.area.getBoundingClientRect();
    return withinPicture([(clientX - box.left) / box.width, (clientY - box.top) / box.height]);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button > 0 || this.stroke) return;
    const position = this.position(event);
    const held = event.altKey ? undefined : this.strokeUnder(position);
    const problem = this.options.refusal() || (held || this.options.brush().label ? '' : UNNAMED);
    if (problem) {
      this.options.warn(problem);
      return;
    }
    event.preventDefault();
    this.area.focus({ preventScroll: true });
    this.area.setPointerCapture(event.pointerId);
    this.stroke = beginStroke(event, position, this.options.brush(), held);
    this.select(this.stroke.id);
    this.extend(this.stroke, position, event.timeStamp);
  }

  /** @param {PointerEvent} event */
  move(event) {
    this.hoverOver(this.position(event));
    const { stroke } = this;
    if (!stroke || stroke.pointer !== event.pointerId) return; // nobody's, or a second finger
    const steps = event.getCoalescedEvents?.() || [];
    (steps.length ? steps : [event]).forEach((step) => this.extend(stroke, this.position(step), step.timeStamp));
  }

  /**
   * The hand is there: a drag or pin goes with it once a screen refresh, a path grows.
   * @param {PaintedStroke} stroke
   * @param {Position} position
   * @param {number} time ms
   */
  extend(stroke, position, time) {
    if (stroke.mode === 'path') {
      const before = stroke.points[stroke.points.length - 1][0];
      stroke.points.push([pointTime(time - stroke.began, this.options.rate(), before), ...position]);
    } else {
      stroke.points = [[0, ...position]];
      stroke.trail.push([time, ...position]);
      stroke.changed = true;
    }
  }

  /** Send where the hand has gone since. Called once a screen refresh. */
  sendChanges() {
    const { stroke } = this;
    if (!stroke?.changed) return;
    stroke.changed = false;
    if (!this.controls.set(this.message(stroke), stroke.began)) return;
    this.keepGesture(performance.now() + ENDLESS); // one gesture, however long the hand rests
    const painted = this.controls.strokes.get(stroke.id);
    if (painted) painted.trail = stroke.trail;
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { stroke } = this;
    if (!stroke || stroke.pointer !== event.pointerId) return;
    if (event.type === 'pointerup') this.extend(stroke, this.position(event), event.timeStamp);
    if (stroke.mode === 'path') {
      this.controls.set(this.message({ ...stroke, points: thinned(stroke.points) }));
    } else {
      stroke.changed = true;
      this.sendChanges();
      this.keepGesture(0); // the next one is another step back
    }
    this.stroke = null;
    this.moved = true;
    this.options.announce(`${stroke.label}: ${stroke.mode} set`);
  }

  /**
   * Until when moves of this gesture are one step back.
   * @param {number} at ms
   */
  keepGesture(at) {
    const last = this.controls.past.at(-1);
    if (last) last.at = at;
  }

  /** @param {Pick<PaintedStroke, 'id' | 'label' | 'points' | 'mode' | 'size'>} stroke */
  message({ id, label, points, mode, size }) {
    const loop = this.controls.strokes.get(id)?.loop ?? true;
    return { kind: 'stroke', id, label, points, mode, size, loop };
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
    this.controls.set(this.message({ id, label, mode: mode === 'path' ? 'drag' : mode, size, points: [[0, ...this.cross]] }));
    this.select(id);
    this.options.announce(`${label} placed at ${this.cross.map((value) => Math.round(value * 100)).join(', ')} per cent`);
    return true;
  }
}

/**
 * A stroke under the hand: the one it took hold of, or a new one of the brush's subject.
 * @param {PointerEvent} event
 * @param {Position} position
 * @param {BrushSettings} brush
 * @param {Stroke | undefined} held
 * @returns {PaintedStroke}
 */
function beginStroke(event, position, brush, held) {
  const { id, label, size } = held ?? { ...brush, id: `s${Date.now().toString(36)}${Math.random().toString(36).slice(2, 5)}` };
  const { pointerId: pointer, timeStamp: began } = event;
  return { pointer, id, label, size, mode: brush.mode, began, points: [[0, ...position]], trail: [], changed: false };
}

// @ts-check
// A pad beside the camera's sliders: pushed, the camera pans; the wheel or two fingers zoom, a twist turns. Let go, it
// moves as it did before.

import { element } from './dom.js';
import { inForce } from './state.js';

/** @import { Control, Feature, Position } from './types.js' */
/** @import { Page } from './page.js' */
/** @typedef {{ pan_x?: number, pan_y?: number, zoom?: number, rotate?: number }} Motion of one frame (studio/controls/camera.py) */

// As far as the sliders go: at the pad's edge; at twice or half the fingers' distance; at an eighth of a turn.
const [PAN, ZOOM, TURN] = [0.05, 0.05, 3];
const MIDDLE = 0.08; // of the way to the edge: so near to the middle nothing moves
const NOTCH = 0.01; // of zoom, a notch of the wheel
const REST = 250; // ms after the last notch it stops
const STEPS = { pan_x: 1000, pan_y: 1000, zoom: 1000, rotate: 10 }; // as fine as the sliders
const TITLE = 'Push where the camera is to go. Wheel or pinch: zoom. Shift, or a twist of two fingers: turn. Arrows, + and − too.';
/** @type {Record<string, Motion>} */
const KEYS = {
  ArrowLeft: { pan_x: -PAN / 2 }, ArrowRight: { pan_x: PAN / 2 }, ArrowUp: { pan_y: -PAN / 2 }, ArrowDown: { pan_y: PAN / 2 },
  '+': { zoom: ZOOM / 2 }, '=': { zoom: ZOOM / 2 }, '-': { zoom: -ZOOM / 2 },
};

const within = (/** @type {number} */ value) => Math.max(-1, Math.min(1, value));

/**
 * The motion of a push.
 * @param {number} across of the way from the middle to the edge, -1..1, to the right
 * @param {number} down
 * @param {boolean} turns does it turn in place of panning?
 * @returns {Motion}
 */
export function pushed(across, down, turns = false) {
  const [x, y] = [across, down].map((far) => (Math.abs(far) < MIDDLE ? 0 : within(far)));
  return rounded(turns ? { rotate: TURN * x } : { pan_x: PAN * x, pan_y: PAN * y });
}

/**
 * The motion of two fingers: apart what is seen grows, and it turns with them, so the camera turns the other way.
 * @param {[Position, Position]} from
 * @param {[Position, Position]} to
 * @returns {Motion}
 */
export function pinched(from, to) {
  const [before, now] = [from, to].map(([[x, y], [right, below]]) => ({
    far: Math.max(1, Math.hypot(right - x, below - y)), angle: Math.atan2(below - y, right - x),
  }));
  const turned = Math.atan2(Math.sin(now.angle - before.angle), Math.cos(now.angle - before.angle));
  return rounded({ zoom: ZOOM * within(Math.log2(now.far / before.far)), rotate: -TURN * within(turned / (Math.PI / 4)) });
}

/** @param {Motion} motion */
function rounded(motion) {
  const fine = Object.entries(motion).map(([field, value]) => {
    const steps = STEPS[/** @type {keyof typeof STEPS} */ (field)];
    return [field, Math.round(value * steps) / steps || 0];
  });
  return /** @type {Motion} */ (Object.fromEntries(fine));
}

export class Pad {
  box = element('div', { className: 'st-pad', title: TITLE, tabIndex: 0 });
  knob = element('i');

  /** @type {Map<number, Position>} */
  fingers = new Map();

  /** @type {[Position, Position] | null} */
  first = null; // where two fingers came together

  /** @type {Control | null} */
  before = null; // the motion that was in force when it was taken hold of

  gesture = 0;
  rest = 0;
  notches = 0;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.box.setAttribute('role', 'application');
    this.box.setAttribute('aria-label', TITLE);
    this.box.append(this.knob);
    this.listen();
  }

  listen() {
    const { box } = this;
    box.addEventListener('pointerdown', (event) => this.down(event));
    box.addEventListener('pointermove', (event) => this.moved(event));
    for (const end of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) {
      box.addEventListener(end, ({ pointerId }) => this.up(pointerId));
    }
    box.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    box.addEventListener('keydown', (event) => this.key(event));
    for (const end of ['keyup', 'blur']) box.addEventListener(end, () => { if (!this.fingers.size) this.release(); });
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.box.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.first = this.two() ?? this.first;
    if (!this.first) this.push(event);
  }

  /** @param {PointerEvent} event */
  moved(event) {
    if (!this.fingers.has(event.pointerId)) return;
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const now = this.two();
    if (!this.first) this.push(event);
    else if (now) this.move(pinched(this.first, now)); // the finger that is left of two pushes nothing
  }

  /** @param {number} pointer */
  up(pointer) {
    if (!this.fingers.delete(pointer) || this.fingers.size) return;
    this.first = null;
    this.release();
  }

  /** @returns {[Position, Position] | null} */
  two() {
    const [one, other] = this.fingers.values();
    return one && other ? [one, other] : null;
  }

  /** @param {PointerEvent} event */
  push({ clientX, clientY, shiftKey }) {
    const { left, top, width, height } = this.box.getBoundingClientRect();
    this.move(pushed((2 * (clientX - left)) / width - 1, (2 * (clientY - top)) / height - 1, shiftKey));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    this.notches = within(this.notches - (Math.sign(event.deltaY) * NOTCH) / ZOOM);
    this.move(rounded({ zoom: ZOOM * this.notches }));
    clearTimeout(this.rest);
    this.rest = window.setTimeout(() => this.release(), REST);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const motion = KEYS[event.key];
    if (!motion || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(rounded(motion));
  }

  /**
   * Have the camera move so; what is not said of stands still.
   * @param {Motion} motion
   */
  move(motion) {
    const { controls } = this.page;
    const now = inForce(controls, 'camera_motion');
    if (!now) return;
    if (!this.before) {
      this.before = now;
      this.gesture += 1;
    }
    const wanted = { ...now, pan_x: 0, pan_y: 0, zoom: 0, rotate: 0, frames: 0, ...motion };
    this.show(wanted);
    if (Object.entries(wanted).some(([field, value]) => now[field] !== value)) controls.set(wanted, `pad ${this.gesture}`);
  }

  /** It moves as before; there is nothing to undo. */
  release() {
    const { before, page: { controls, panel } } = this;
    this.notches = 0;
    if (!before) return;
    const gesture = `pad ${this.gesture}`;
    this.before = null;
    controls.set(before, gesture);
    controls.past = controls.past.filter((step) => step.gesture !== gesture);
    this.show({});
    panel.show();
  }

  /** @param {Motion} motion */
  show({ pan_x = 0, pan_y = 0, zoom = 0, rotate = 0 }) {
    const values = { x: pan_x / PAN, y: pan_y / PAN, zoom: 1 + 0.6 * (zoom / ZOOM), turn: `${(-rotate * 45) / TURN}deg` };
    for (const [name, value] of Object.entries(values)) this.knob.style.setProperty(`--${name}`, String(value));
    this.box.classList.toggle('held', Boolean(this.before));
  }
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const pad = new Pad(page);
  return {
    measure: () => { // Gradio makes its place, and may make it again
      const place = document.getElementById('studio-pad');
      if (place && !place.contains(pad.box)) place.append(pad.box);
    },
  };
}

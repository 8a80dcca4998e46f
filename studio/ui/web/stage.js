// The picture, the strokes over it, and the hand that paints them. Places are 0..1 of the picture throughout.

import { place, simplified } from './controls.js';

const GRAB = 0.42; // of a subject's size: how near to its centre a hand takes hold of it
const TRAIL = 1400; // ms a live drag's trail is seen
const MOST_POINTS = 400;
const NAMELESS = 'Type what to paint first, for example fox.';
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const round = (value) => Math.round(value * 1e5) / 1e5;
const clamp = (value) => Math.min(1, Math.max(0, value));

export class Stage {
  /** brush() -> {label, mode, size}; rate() -> frames a second; told(text) speaks to a screen reader; refused() -> why the model takes no strokes, or ''. */
  constructor({ stage, view, ink, controls, brush, rate, told, refused, selected }) {
    Object.assign(this, { stage, view, ink, controls, brush, rate, told, refused, onSelect: selected });
    this.pen = ink.getContext('2d');
    this.picture = view.getContext('2d', { alpha: false, desynchronized: true });
    this.frame = 0;
    this.drawn = 0; // sequence of the frame on the canvas
    this.selected = null;
    this.stroke = null; // under the hand now
    this.hover = null;
    this.cross = [0.5, 0.5];
    this.bare = false;
    this.dirty = true;
    new ResizeObserver(() => this.fit()).observe(stage);
    stage.addEventListener('pointerdown', (event) => this.down(event));
    stage.addEventListener('pointermove', (event) => this.move(event));
    stage.addEventListener('pointerup', (event) => this.up(event));
    stage.addEventListener('pointercancel', (event) => this.up(event));
    stage.addEventListener('pointerleave', () => { this.hover = null; this.dirty = true; });
    stage.addEventListener('contextmenu', (event) => event.preventDefault());
    stage.addEventListener('keydown', (event) => this.key(event));
    this.fit();
  }

  resize(width, height) {
    if (this.view.width === width && this.view.height === height) return;
    Object.assign(this.view, { width, height });
    this.stage.closest('.st').style.setProperty('--aspect', width / height);
  }

  fit() {
    const { width, height } = this.ink.getBoundingClientRect();
    const dots = Math.min(window.devicePixelRatio || 1, 2);
    Object.assign(this.ink, { width: Math.round(width * dots), height: Math.round(height * dots) });
    this.pen.setTransform(dots, 0, 0, dots, 0, 0);
    Object.assign(this, { width, height, dirty: true });
  }

  /** Draw a frame unless a newer one is there already; true once it is on the canvas. */
  async show(frame) {
    const bitmap = await createImageBitmap(frame.jpeg);
    const newer = frame.sequence > this.drawn;
    if (newer) {
      this.resize(bitmap.width, bitmap.height);
      this.picture.drawImage(bitmap, 0, 0);
      Object.assign(this, { drawn: frame.sequence, frame: frame.index, dirty: true });
    }
    bitmap.close();
    return newer;
  }

  // The hand

  at(event) {
    const box = this.ink.getBoundingClientRect();
    return [round(clamp((event.clientX - box.left) / box.width)), round(clamp((event.clientY - box.top) / box.height))];
  }

  near([x, y]) {
    const tall = this.height / this.width;
    const far = (stroke) => Math.hypot(place(stroke, this.frame)[0] - x, (place(stroke, this.frame)[1] - y) * tall);
    const within = [...this.controls.strokes.values()].filter((stroke) => far(stroke) < stroke.size * GRAB);
    return within.sort((one, other) => far(one) - far(other))[0];
  }

  down(event) {
    if (event.button > 0 || this.stroke) return;
    if (this.refused()) {
      this.told(this.refused(), true);
      return;
    }
    const spot = this.at(event);
    const taken = event.altKey ? null : this.near(spot);
    const { label, mode, size } = this.brush();
    if (!taken && !label) {
      this.told(NAMELESS, true);
      return;
    }
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const id = taken ? taken.id : `s${Date.now().toString(36)}${Math.random().toString(36).slice(2, 5)}`;
    const began = event.timeStamp;
    this.stroke = { pointer: event.pointerId, id, label: taken?.label || label, mode, size: taken?.size || size, began, points: [[0, ...spot]], trail: [] };
    this.select(id);
    this.live(spot, event.timeStamp);
  }

  move(event) {
    this.hover = this.at(event);
    this.dirty = true;
    if (this.stroke?.pointer !== event.pointerId) return; // nobody's, or a second finger
    const steps = event.getCoalescedEvents?.() || [];
    (steps.length ? steps : [event]).forEach((step) => this.live(this.at(step), step.timeStamp));
  }

  /** The hand is there: a drag or pin goes with it once a screen refresh, a path grows. */
  live(spot, time) {
    const { stroke } = this;
    if (stroke.mode === 'path') {
      const frames = Math.max(0, ((time - stroke.began) / 1000) * this.rate());
      stroke.points.push([Math.max(stroke.points.at(-1)[0], Math.round(frames * 100) / 100), ...spot]);
    } else {
      stroke.points = [[0, ...spot]];
      stroke.trail.push([time, ...spot]);
      stroke.waiting = true;
    }
  }

  flush() {
    const { stroke } = this;
    if (!stroke?.waiting) return;
    stroke.waiting = false;
    if (!this.controls.set(this.control(stroke), stroke.began)) return;
    this.controls.past.at(-1).at = performance.now() + 1e7; // one gesture, however long the hand rests
    this.controls.strokes.get(stroke.id).trail = stroke.trail;
  }

  up(event) {
    const { stroke } = this;
    if (stroke?.pointer !== event.pointerId) return;
    if (event.type === 'pointerup') this.live(this.at(event), event.timeStamp);
    if (stroke.mode === 'path') {
      this.controls.set(this.control({ ...stroke, points: thinned(stroke.points) }));
    } else {
      stroke.waiting = true;
      this.flush();
      if (this.controls.past.length) this.controls.past.at(-1).at = 0;
    }
    this.stroke = null;
    this.dirty = true;
    this.told(`${stroke.label}: ${stroke.mode} set`);
  }

  control({ id, label, points, mode, size }) {
    const loop = this.controls.strokes.get(id)?.loop ?? true;
    return { kind: 'stroke', id, label, points, mode, size, loop };
  }

  select(id) {
    this.selected = id;
    this.dirty = true;
    this.onSelect(id);
  }

  /** Without a pointer: arrows move the cross, Enter places the subject there. */
  key(event) {
    if (this.refused()) return null;
    const step = ARROWS[event.key];
    if (step && !event.ctrlKey && !event.metaKey) {
      const far = event.shiftKey ? 0.1 : 0.02;
      this.cross = this.cross.map((value, axis) => round(clamp(value + far * step[axis])));
      this.hover = this.cross;
    } else if (event.key === 'Enter') {
      const { label, mode, size } = this.brush();
      if (!label) return this.told(NAMELESS, true);
      const id = this.selected && this.controls.strokes.has(this.selected) ? this.selected : `k${Date.now().toString(36)}`;
      this.controls.set(this.control({ id, label, mode: mode === 'path' ? 'drag' : mode, size, points: [[0, ...this.cross]] }));
      this.select(id);
      this.told(`${label} placed at ${this.cross.map((value) => Math.round(value * 100)).join(', ')} per cent`);
    } else {
      return null;
    }
    this.dirty = true;
    return event.preventDefault();
  }

  // The ink

  draw(now) {
    this.flush();
    if (!this.dirty) return;
    this.dirty = false;
    this.pen.clearRect(0, 0, this.width, this.height);
    if (this.bare) return;
    const pending = this.stroke?.mode === 'path' ? [{ ...this.stroke, since: null, drawing: true }] : [];
    for (const stroke of [...this.controls.strokes.values(), ...pending]) this.drawStroke(stroke, now);
    if (this.hover && !this.stroke && !this.refused() && matchMedia('(hover: hover)').matches) this.drawBrush();
  }

  drawStroke(stroke, now) {
    const { pen } = this;
    const [x, y] = this.pixels(place(stroke, this.frame));
    pen.strokeStyle = pen.fillStyle = this.controls.colour(stroke.id);
    pen.lineJoin = pen.lineCap = 'round';
    if (stroke.mode === 'path') this.drawPath(stroke);
    else this.drawTrail(stroke, now);
    const chosen = stroke.id === this.selected;
    this.outlined(() => {
      pen.beginPath();
      if (stroke.mode === 'pin') pen.rect(x - 5, y - 5, 10, 10);
      else pen.arc(x, y, chosen ? 7 : 6, 0, 7);
    });
    pen.beginPath();
    pen.arc(x, y, 2, 0, 7);
    pen.fill();
    if (chosen || this.stroke?.id === stroke.id) this.drawName(stroke, x, y);
  }

  drawPath(stroke) {
    const { pen } = this;
    const points = stroke.points.map((point) => this.pixels(point.slice(1)));
    pen.setLineDash(stroke.since == null ? [2, 6] : []);
    this.outlined(() => {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x, y));
    });
    pen.setLineDash([]);
    const [x, y] = points.at(-1);
    const [fromX, fromY] = points.findLast((point) => Math.hypot(point[0] - x, point[1] - y) > 8) || [x - 1, y];
    const angle = Math.atan2(y - fromY, x - fromX);
    this.outlined(() => {
      pen.beginPath();
      pen.moveTo(x - 10 * Math.cos(angle - 0.5), y - 10 * Math.sin(angle - 0.5));
      pen.lineTo(x, y);
      pen.lineTo(x - 10 * Math.cos(angle + 0.5), y - 10 * Math.sin(angle + 0.5));
    });
  }

  drawTrail(stroke, now) {
    const { pen } = this;
    const trail = (stroke.trail || []).filter(([time]) => now - time < TRAIL);
    if (stroke.trail) stroke.trail.splice(0, stroke.trail.length - trail.length);
    pen.lineWidth = 2.5;
    for (let i = 1; i < trail.length; i += 1) {
      pen.globalAlpha = Math.max(0, 1 - (now - trail[i][0]) / TRAIL) * 0.9;
      pen.beginPath();
      pen.moveTo(...this.pixels(trail[i - 1].slice(1)));
      pen.lineTo(...this.pixels(trail[i].slice(1)));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    if (trail.length) this.dirty = true;
  }

  drawName({ label }, x, y) {
    const { pen } = this;
    this.letters ||= getComputedStyle(this.stage).fontFamily;
    pen.font = `500 12px ${this.letters}`;
    const wide = Math.min(pen.measureText(label).width, this.width - 24) + 14;
    const left = Math.max(4, Math.min(x - wide / 2, this.width - wide - 4));
    const top = y > 44 ? y - 36 : y + 16;
    const colour = pen.fillStyle;
    pen.fillStyle = 'rgba(12, 13, 15, .78)';
    pen.beginPath();
    pen.roundRect(left, top, wide, 20, 6);
    pen.fill();
    pen.fillStyle = colour;
    pen.fillText(this.fitting(label, wide - 14), left + 7, top + 14);
  }

  /** As much of the words as goes into so many pixels. */
  fitting(words, wide) {
    const width = (text) => this.pen.measureText(text).width;
    if (width(words) <= wide) return words;
    const letters = [...words];
    while (letters.length > 1 && width(`${letters.join('')}…`) > wide) letters.pop();
    return `${letters.join('').trimEnd()}…`;
  }

  drawBrush() {
    const { pen } = this;
    const [x, y] = this.pixels(this.hover);
    const taken = this.near(this.hover);
    const { size } = taken || this.brush();
    this.stage.classList.toggle('taking', Boolean(taken));
    pen.strokeStyle = pen.fillStyle = taken ? this.controls.colour(taken.id) : 'rgba(255, 255, 255, .85)';
    if (taken && taken.id !== this.selected) this.drawName(taken, ...this.pixels(place(taken, this.frame)));
    pen.setLineDash([3, 5]);
    this.outlined(() => {
      pen.beginPath();
      pen.arc(x, y, (size / 2) * this.width, 0, 7);
    }, 1.2);
    pen.setLineDash([]);
    pen.fillStyle = pen.strokeStyle;
    pen.beginPath();
    pen.arc(x, y, 1.8, 0, 7);
    pen.fill();
  }

  /** A line seen on any picture: dark around, colour within. */
  outlined(shape, width = 2.2) {
    const { pen } = this;
    const colour = pen.strokeStyle;
    shape();
    pen.lineWidth = width + 2;
    pen.strokeStyle = 'rgba(8, 9, 11, .5)';
    pen.stroke();
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }

  pixels([x, y]) {
    return [x * this.width, y * this.height];
  }
}

function thinned(points) {
  let tolerance = 0.0015;
  let kept = simplified(points, tolerance);
  while (kept.length > MOST_POINTS) kept = simplified(points, (tolerance *= 2));
  return kept;
}

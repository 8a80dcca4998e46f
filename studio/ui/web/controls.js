// What is set, as this page knows it: prompt, sampling and strokes, every change undoable. The server has the last word.

// Told apart by people with any kind of colour vision, on dark and on bright pictures (after Okabe and Ito).
const COLOURS = ['#ffb454', '#4cc9f0', '#ff6b8b', '#7ddc8a', '#c792ea', '#f5e663', '#5b8cff', '#ff8f5c'];
const ONE_GESTURE = 900; // ms within which moves of a slider are one step back
const SINGLE = ['prompt', 'sampling', 'similarity', 'structure', 'sink']; // kinds there is one of

export class Controls {
  /** ready() says whether the server can be reached; send(control) and play(preset) hand it something; changed(control) is called after every change here. */
  constructor({ ready, send, play, changed }) {
    Object.assign(this, { ready, send, play, changed, loras: {}, strokes: new Map(), past: [], future: [] });
    SINGLE.forEach((kind) => { this[kind] = null; });
    this.colours = new Map();
  }

  /** Take over the server's state. */
  take({ strokes, loras, ...others }) {
    SINGLE.forEach((kind) => { this[kind] = others[kind]; });
    this.loras = { ...loras };
    const known = this.strokes;
    this.strokes = new Map(strokes.map((stroke) => [stroke.id, { ...stroke, trail: known.get(stroke.id)?.trail }]));
    this.changed(null);
  }

  colour(id) {
    if (!this.colours.has(id)) {
      const inUse = new Set([...this.strokes.keys()].map((other) => this.colours.get(other)));
      this.colours.set(id, COLOURS.find((colour) => !inUse.has(colour)) || COLOURS[this.colours.size % COLOURS.length]);
    }
    return this.colours.get(id);
  }

  nextColour() {
    const inUse = new Set([...this.strokes.keys()].map((id) => this.colour(id)));
    return COLOURS.find((colour) => !inUse.has(colour)) || COLOURS[this.strokes.size % COLOURS.length];
  }

  /** The control that brings back what is in its place now. */
  inverse(control) {
    if (SINGLE.includes(control.kind)) return this[control.kind];
    if (control.kind === 'lora') return { ...control, weight: this.loras[control.name] ?? 0 };
    const before = this.strokes.get(control.id);
    return before ? asControl(before) : { kind: 'erase', id: control.id };
  }

  /** Set something, as one step back; `gesture` marks the many small steps of one movement. False: nothing was set. */
  set(control, gesture = null) {
    if (!this.ready()) return false;
    const now = performance.now();
    const last = this.past.at(-1);
    if (gesture && last && last.gesture === gesture && now - last.at < ONE_GESTURE) {
      Object.assign(last, { redo: [control], at: now });
    } else {
      this.past.push({ undo: [this.inverse(control)], redo: [control], gesture, at: now });
    }
    this.future = [];
    this.apply(control);
    return true;
  }

  clear() {
    const undo = [...this.strokes.values()].map(asControl);
    if (undo.length) this.together(undo.map(({ id }) => ({ kind: 'erase', id })), undo);
  }

  /** A preset takes every stroke away and sets what it will: one step back brings all of it back. */
  preset(name) {
    const before = [...SINGLE.map((kind) => this[kind]), ...[...this.strokes.values()].map(asControl)];
    this.together([{ kind: 'preset', name }], [{ kind: 'erase', id: '*' }, ...before]);
  }

  together(redo, undo) {
    if (!this.ready()) return;
    this.past.push({ undo, redo });
    this.future = [];
    redo.forEach((control) => this.apply(control));
  }

  undo() {
    return this.replay(this.past, this.future, 'undo');
  }

  redo() {
    return this.replay(this.future, this.past, 'redo');
  }

  replay(from, to, way) {
    if (!from.length || !this.ready()) return null;
    const step = from.pop();
    to.push({ ...step, gesture: null });
    const controls = step[way].filter((control) => control && (control.kind === 'prompt' || !same(control, this[control.kind])));
    controls.forEach((control) => this.apply(control));
    return controls;
  }

  apply(control) {
    if (control.kind === 'preset') return this.play(control.name);
    if (SINGLE.includes(control.kind)) this[control.kind] = control;
    else if (control.kind === 'lora') this.loras[control.name] = control.weight;
    else if (control.kind === 'erase' && control.id === '*') this.strokes.clear();
    else if (control.kind === 'erase') this.strokes.delete(control.id);
    else this.strokes.set(control.id, { ...control, trail: this.strokes.get(control.id)?.trail, since: null });
    this.send(control);
    return this.changed(control);
  }

  /** The server refused it: as it was before. */
  refused(control) {
    const step = this.past.find(({ redo }) => redo.includes(control));
    if (!step) return;
    this.past.splice(this.past.indexOf(step), 1);
    if (SINGLE.includes(control.kind)) [this[control.kind]] = step.undo;
    else if (control.kind === 'lora') this.loras[control.name] = step.undo[0].weight;
    else if (control.kind === 'stroke' && step.undo[0].kind === 'erase') this.strokes.delete(control.id);
    this.changed(null);
  }
}

/** Is this control in force already? */
const same = (control, now) => JSON.stringify(control) === JSON.stringify(now);

function asControl({ kind, id, label, points, mode, size, loop }) {
  return { kind: kind || 'stroke', id, label, points, mode, size, loop };
}

/** Where a stroke's subject is in a frame, as [x, y]: studio/trajectory.py says the same. */
export function place(stroke, frame) {
  const { points, mode, loop, since } = stroke;
  if (mode === 'drag') return points.at(-1).slice(1);
  if (mode === 'pin' || since == null) return points[0].slice(1);
  const length = points.at(-1)[0];
  let t = Math.max(0, frame - since);
  if (loop && length > 0) t %= length;
  const after = points.findIndex((point) => point[0] > t);
  if (after < 1) return (after ? points.at(-1) : points[0]).slice(1);
  const [[t0, x0, y0], [t1, x1, y1]] = [points[after - 1], points[after]];
  const share = (t - t0) / (t1 - t0);
  return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}

/** Leave out points that change the line by less than `tolerance` (Ramer, Douglas, Peucker); times are kept. */
export function simplified(points, tolerance = 0.0015) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points.at(-1)];
  let worst = 0;
  let where = 0;
  for (let i = 1; i < points.length - 1; i += 1) {
    const share = last[0] > first[0] ? (points[i][0] - first[0]) / (last[0] - first[0]) : 0;
    const off = Math.hypot(points[i][1] - first[1] - share * (last[1] - first[1]),
      points[i][2] - first[2] - share * (last[2] - first[2]));
    if (off > worst) [worst, where] = [off, i];
  }
  if (worst <= tolerance) return [first, last];
  return [...simplified(points.slice(0, where + 1), tolerance).slice(0, -1), ...simplified(points.slice(where), tolerance)];
}

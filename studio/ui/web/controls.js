// What is set, as this page knows it, every change undoable. The server has the last word.
//
// No kind of control is known here by name, but for the strokes that the canvas draws: the server describes each kind
// (studio/controls/messages.py, `describe`), and from that alone controls are folded, undone and taken back.

// Told apart by people with any kind of colour vision, on dark and on bright pictures (after Okabe and Ito).
const COLOURS = ['#ffb454', '#4cc9f0', '#ff6b8b', '#7ddc8a', '#c792ea', '#f5e663', '#5b8cff', '#ff8f5c'];
const ONE_GESTURE = 900; // ms within which moves of a slider are one step back
const MOST_SENT = 50; // controls of one movement that are remembered, in case that one is refused
const EVERY_NAME = '*'; // of a control that clears: all the slots of the kind
const STROKE = 'stroke';

export class Controls {
  /** ready() says whether the server can be reached; send(control) and play(preset) hand it something; changed(control) is called after every change here. */
  constructor({ ready, send, play, changed }) {
    Object.assign(this, { ready, send, play, changed, kinds: new Map(), held: new Map([[STROKE, new Map()]]), past: [], future: [] });
    this.colours = new Map();
  }

  /** Learn what kinds of control there are: what one with a slot for each name holds is a Map, of one with one slot a message. */
  describe(kinds) {
    this.kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
  }

  /** Take over the server's state: {kind: message, or a list of them}. */
  take(state) {
    for (const [kind, { slot_field: name }] of this.kinds) {
      if (state[kind] === undefined) continue;
      const known = name && this.all(kind);
      this.held.set(kind, name
        ? new Map(state[kind].map((one) => [one[name], { ...one, trail: known.get(one[name])?.trail }]))
        : state[kind]);
    }
    this.changed(null);
  }

  /** The control in force of a kind with one slot; null before the server has told it. */
  get(kind) {
    return this.held.get(kind) ?? null;
  }

  /** The controls in force of a kind with a slot for each name, by name. */
  all(kind) {
    if (!this.held.has(kind)) this.held.set(kind, new Map());
    return this.held.get(kind);
  }

  get strokes() {
    return this.all(STROKE);
  }

  /** How a field of a control is shown: {type, label, minimum, maximum, ...} (studio/controls/widgets.py). */
  widget(kind, field) {
    return this.kinds.get(kind)?.widgets.find((widget) => widget.field === field);
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

  // Folding: what is in force once a control has taken effect

  /** Put a control into its slot, or empty the slot that it clears. */
  fold(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || {};
    if (clears && control[name] === EVERY_NAME) this.all(clears).clear();
    else if (clears) this.all(clears).delete(control[name]);
    else if (!name) this.held.set(control.kind, control);
    else if (this.isAbsent(control)) this.all(control.kind).delete(control[name]);
    else this.all(control.kind).set(control[name], { ...control, trail: this.all(control.kind).get(control[name])?.trail, since: null });
  }

  /** Does a control leave its slot empty? */
  isAbsent(control) {
    const absent = Object.entries(this.kinds.get(control.kind)?.absent || {});
    return absent.length > 0 && absent.every(([field, value]) => control[field] === value);
  }

  /** The controls that bring back what is in its place now. */
  inverse(control) {
    const { slot_field: name, clears } = this.kinds.get(control.kind) || {};
    if (!name) return [this.get(control.kind)];
    const held = this.all(clears || control.kind);
    if (clears && control[name] === EVERY_NAME) return [...held.values()].map((one) => this.asControl(one));
    const before = held.get(control[name]);
    return [before ? this.asControl(before) : this.removal(control)];
  }

  /** The control that empties the slot of another, or is that other where nothing does. */
  removal(control) {
    const { slot_field: name, absent, clears } = this.kinds.get(control.kind) || {};
    if (clears) return control;
    if (Object.keys(absent || {}).length) return { ...control, ...absent };
    const clearing = this.clearing(control.kind);
    return clearing ? { kind: clearing.kind, [clearing.slot_field]: control[name] } : control;
  }

  /** The kind of control that clears another's slots. */
  clearing(kind) {
    return [...this.kinds.values()].find(({ clears }) => clears === kind);
  }

  /** What is held, as the message that it came from: what the page itself knows of it is left out. */
  asControl(held) {
    const { fields } = this.kinds.get(held.kind);
    return { kind: held.kind, ...Object.fromEntries(fields.filter((field) => field in held).map((field) => [field, held[field]])) };
  }

  // Undo

  /** Set something, as one step back; `gesture` marks the many small steps of one movement. False: nothing was set. */
  set(control, gesture = null) {
    if (!this.ready()) return false;
    const now = performance.now();
    const last = this.past.at(-1);
    if (gesture && last && last.gesture === gesture && now - last.at < ONE_GESTURE) {
      Object.assign(last, { redo: [control], at: now, sent: [...last.sent, control].slice(-MOST_SENT) });
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

  /** A preset takes every stroke away and sets what it will: one step back brings all of it back. */
  preset(name) {
    this.together([{ kind: 'preset', name }], [...this.clearings(), ...this.everything()]);
  }

  /** The controls that empty all slots that can be emptied at once. */
  clearings() {
    const kinds = [...this.kinds.values()].filter(({ clears }) => clears);
    return kinds.map(({ kind, slot_field: name }) => ({ kind, [name]: EVERY_NAME }));
  }

  /** Every control in force that undo brings back. */
  everything() {
    const kinds = [...this.kinds.values()].filter(({ undoable, clears }) => undoable && !clears);
    return kinds.flatMap(({ kind, slot_field: name }) => (
      name ? [...this.all(kind).values()].map((held) => this.asControl(held)) : [this.get(kind)]));
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
    const controls = step[way].filter((control) => control && !this.isInForce(control));
    controls.forEach((control) => this.apply(control));
    return controls;
  }

  /** Would it change nothing? It matters when a timed control takes effect, so none of those is left out. */
  isInForce(control) {
    const { timed, slot_field: name } = this.kinds.get(control.kind) || {};
    return !timed && !name && same(control, this.get(control.kind));
  }

  apply(control) {
    if (control.kind === 'preset') return this.play(control.name);
    this.fold(control);
    this.send(control);
    return this.changed(control);
  }

  /** The server refused it: as it was before. A place on its way elsewhere stays: the server may have taken later ones. */
  refused(control) {
    const { timed, slot_field: name } = this.kinds.get(control.kind) || {};
    const step = this.past.find(({ redo, sent }) => (name ? redo : sent ?? redo).includes(control));
    if (!step) return;
    if (!name && step.sent?.length > 1) return this.refusedInGesture(step, control);
    this.past.splice(this.past.indexOf(step), 1);
    const [before] = step.undo;
    if (before && (!name || !timed || this.kinds.get(before.kind)?.clears)) this.fold(before);
    return this.changed(null);
  }

  /** One of many small steps was refused: the one before it is in force, as the server has it. */
  refusedInGesture(step, control) {
    step.sent = step.sent.filter((one) => one !== control);
    if (!step.redo.includes(control)) return;
    step.redo = [step.sent.at(-1)];
    this.fold(step.sent.at(-1));
    this.changed(null);
  }
}

/** Is this control in force already? */
const same = (control, now) => JSON.stringify(control) === JSON.stringify(now);

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

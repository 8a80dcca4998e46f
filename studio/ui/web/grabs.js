// @ts-check
// Taking hold of a thing in the picture itself: the server cuts it out (studio/ui/commands/grab.py), and from then on it
// is a stroke like any other. What a hand did meanwhile waits for the answer.

import { BrushedMask } from './brushedmask.js';
import { NEUTRAL } from './course.js';
import { beginStrokes } from './messages.js';
import { beside } from './painted.js';

/** @import { Control, PaintedPoint, PaintedStroke, Position } from './types.js' */
/** @import { Page } from './page.js' */

/** @typedef {{ stroke: PaintedStroke, ended: boolean, keep: boolean }} Asked */
/** @typedef {{ outline: string, middle: Position, cutout: Control, gesture: string }} Thing outline: points of a polygon, in 0..1 */

const PASTES = ['cutouts', 'underpainting'];
const LINGER = 500; // ms a thing stays held once the picture shows where it was put: time to press it again, which keeps it
const ENDLESS = 1e7; // ms
const MOST_RECEIPTS = 64;

export class Grabs {
  /** @type {Map<number, Asked>} by the number of the command */
  asked = new Map();

  /** @type {Map<string, Thing>} what was cut out here, by the stroke's id */
  things = new Map();

  /** @type {Map<string, number>} since when (ms) a thing is let go, by id */
  leaving = new Map();

  /** @type {Map<number, number>} at which frame a revision took effect: a receipt may come before the answer */
  begun = new Map();

  stiffness = 0.5; // of the next thing

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.changed = () => {};
    this.brushed = new BrushedMask(page, () => this.can() && !page.brush.settings.label, () => this.changed());
  }

  /** Does the model show what is cut out? */
  can() {
    return PASTES.includes(this.page.model.strokes.by);
  }

  /**
   * A hand has pressed on the picture: ask for what is there.
   * @param {PaintedStroke} stroke
   * @param {number} frame that is seen
   */
  begin(stroke, frame) {
    const { page } = this;
    const [x, y] = stroke.from;
    const number = page.outbox.reserve();
    const mask = this.brushed.take(stroke.from);
    this.asked.set(number, { stroke, ended: false, keep: false });
    const { id, size } = stroke;
    page.command('grab', { number, frame, x, y, id, size, stiffness: this.stiffness, ...(mask ? { mask } : {}) });
    if (!page.link.connected) this.refused(number);
  }

  /**
   * The hand lets go. A thing that was dragged is let go too; kept, it stays where it is, as one on a path or a pin does.
   * @param {PaintedStroke} stroke
   * @param {boolean} keep
   */
  end(stroke, keep) {
    const asked = [...this.asked.values()].find((one) => one.stroke === stroke);
    if (asked) Object.assign(asked, { ended: true, keep });
    else if (keep || stroke.mode !== 'drag') this.keep(stroke.id);
    else this.leaving.set(stroke.id, performance.now());
  }

  // What the server says

  /** @param {any} answer that the thing is taken hold of */
  grabbed({ number, outline, cutout, stroke: control, revision }) {
    const { page } = this;
    const asked = this.asked.get(number);
    this.asked.delete(number);
    this.fold(cutout, control, revision);
    if (!asked) return; // the page has begun anew meanwhile
    const { stroke } = asked;
    const [, x, y] = control.points[0];
    this.things.set(control.id, { outline: outline.join(' '), middle: [x, y], cutout, gesture: stroke.gesture });
    page.controls.past.push({
      undo: [{ kind: 'erase', id: control.id }], redo: [control], gesture: stroke.gesture, at: performance.now() + ENDLESS,
    });
    page.controls.future = [];
    this.hold(stroke, control);
    page.hand.options.announce('taken');
    if (!asked.ended) return;
    page.hand.finish(stroke);
    this.end(stroke, asked.keep);
  }

  /**
   * The session has the controls already: the page takes them as its own.
   * @param {Control} cutout
   * @param {Control} control
   * @param {number} revision
   */
  fold(cutout, control, revision) {
    const { page } = this;
    page.controls.fold(cutout);
    page.controls.fold(control);
    const held = page.controls.strokes.get(control.id);
    if (held) held.revision = revision;
    page.outbox.sentFor(control, revision, performance.now());
    page.seen.confirm(revision);
    const frame = this.begun.get(revision);
    if (frame !== undefined) {
      page.seen.begin(revision, frame);
      beginStrokes(page, [[revision, 'stroke', frame]]);
    }
    page.controls.changed(control);
  }

  /**
   * The hand has the thing: what it did meanwhile counts, from where the thing was under it.
   * @param {PaintedStroke} stroke
   * @param {Control} control
   */
  hold(stroke, { label, size, grab, points: [[, x, y]] }) {
    const offset = /** @type {Position} */ ([x - stroke.from[0], y - stroke.from[1]]);
    const points = stroke.points.map(([t, px, py]) => /** @type {PaintedPoint} */ ([t, ...beside([px, py], offset), NEUTRAL]));
    Object.assign(stroke, { label, size, grab, offset, points, taken: 'held', changed: stroke.mode !== 'path' });
  }

  /** @param {number} number of a command that cannot be done */
  refused(number) {
    const asked = this.asked.get(number);
    this.asked.delete(number);
    const { hand } = this.page;
    if (asked && hand.strokes.get(asked.stroke.pointer) === asked.stroke) hand.strokes.delete(asked.stroke.pointer);
    if (asked && hand.selected === asked.stroke.id) hand.select(null);
  }

  /** @param {[revision: number, kind: string, frame: number][]} items */
  receive(items) {
    for (const [revision, , frame] of items) this.begun.set(revision, frame);
    for (const revision of [...this.begun.keys()].slice(0, -MOST_RECEIPTS)) this.begun.delete(revision);
  }

  /** A link begins anew: what was asked for is not answered any more. */
  restart() {
    for (const number of [...this.asked.keys()]) this.refused(number);
    this.begun.clear();
    if (!this.can()) this.brushed.clear();
  }

  // Letting go

  /**
   * It stays, and can be brought back when it was taken away.
   * @param {string} id
   */
  keep(id) {
    const thing = this.things.get(id);
    const step = this.page.controls.past.findLast(({ gesture }) => gesture === thing?.gesture);
    if (thing && step && step.redo[0].kind !== 'cutout') step.redo = [thing.cutout, ...step.redo];
    this.page.hand.select(id, true);
  }

  /** Once a screen refresh: what the picture shows where it was put is let go; what was pressed again is kept. */
  settle(now = performance.now()) {
    const { controls, hand, outbox } = this.page;
    for (const [id, since] of this.leaving) {
      const isHeld = [...hand.strokes.values()].some((stroke) => stroke.id === id);
      if (!controls.strokes.has(id)) this.leaving.delete(id);
      else if (isHeld) {
        this.leaving.delete(id);
        this.keep(id);
      } else if (outbox.pending(id).length) this.leaving.set(id, now);
      else if (now - since > LINGER) this.letGo(id);
    }
  }

  /** @param {string} id */
  letGo(id) {
    const { controls, hand } = this.page;
    const gesture = this.things.get(id)?.gesture;
    this.leaving.delete(id);
    this.things.delete(id);
    controls.past = controls.past.filter((step) => step.gesture !== gesture); // nothing is in force of it
    if (hand.selected === id) hand.select(null);
    controls.apply({ kind: 'erase', id });
  }
}

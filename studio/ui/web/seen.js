// @ts-check
// What the model has: the strokes as they are in the picture on the canvas, which is older than what was sent since.

import { place, settled } from './course.js';

/** @import { Control, Feature, Frame, Position, Stroke } from './types.js' */
/** @import { Outbox } from './outbox.js' */

const KEPT = 96; // frames and pictures that are remembered
export const TRAIL = 20; // frames a trail is seen

/** @typedef {{ stroke: Stroke | null, since: number }} Version `stroke`: null from the frame on at which it was erased */

export class Seen {
  /** @type {Map<string, Version[]>} by the stroke's id, the first in force first */
  versions = new Map();

  /** @type {Map<number, Control>} that have a revision and no receipt yet */
  confirmed = new Map();

  /** @type {{ at: number, frame: number }[]} when (ms) pictures came to the canvas */
  pictures = [];

  /** @param {{ outbox: Outbox, frame: () => number, strokes: () => Map<string, Stroke> }} options frame: on the canvas */
  constructor({ outbox, frame, strokes }) {
    this.outbox = outbox;
    this.frame = frame;
    this.strokes = strokes;
  }

  /** @returns {Feature} */
  get feature() {
    return {
      messages: {
        hello: () => this.restart(),
        state: () => this.restart(),
        sent: ({ revision }) => this.confirm(revision),
        receipts: ({ items }) => items.forEach((/** @type {number[]} */ [revision, , frame]) => this.begin(revision, frame)),
      },
      frame: (frame) => this.showed(frame, performance.now()),
    };
  }

  /** The server said what is in force: that is what was, too. */
  restart() {
    this.versions = new Map([...this.strokes()].map(([id, stroke]) => [id, [{ stroke, since: stroke.since ?? 0 }]]));
  }

  /** @param {number} revision that a control was given */
  confirm(revision) {
    const sent = this.outbox.unshown.find((one) => one.revision === revision);
    if (sent && ['stroke', 'erase'].includes(sent.control.kind)) this.confirmed.set(revision, sent.control);
  }

  /**
   * A control took effect at a frame.
   * @param {number} revision
   * @param {number} frame
   */
  begin(revision, frame) {
    const control = this.confirmed.get(revision);
    this.confirmed.delete(revision);
    if (control?.kind === 'stroke') this.put(/** @type {Stroke} */ (control), frame);
    const erased = control?.kind === 'erase' ? [control.id].flatMap((id) => (id === '*' ? [...this.versions.keys()] : id)) : [];
    for (const id of erased) this.add(id, { stroke: null, since: frame });
  }

  /**
   * @param {Stroke} stroke
   * @param {number} since
   */
  put(stroke, since) {
    const before = this.versions.get(stroke.id)?.at(-1)?.stroke ?? undefined;
    const version = { ...stroke, since, ...settled({ ...stroke, since }, before, since) };
    this.add(stroke.id, { stroke: version, since });
    const held = this.strokes().get(stroke.id);
    if (held?.since === since) Object.assign(held, { begun: version.begun, lead: version.lead });
  }

  /**
   * @param {string} id
   * @param {Version} version
   */
  add(id, version) {
    const old = this.frame() - KEPT;
    const known = (this.versions.get(id) ?? []).filter(({ since }) => since < version.since);
    while (known.length > 1 && known[1].since < old) known.shift();
    this.versions.set(id, [...known, version]);
  }

  /**
   * @param {Pick<Frame, 'index'>} frame
   * @param {number} at ms
   */
  showed({ index }, at) {
    this.pictures.push({ at, frame: index });
    if (this.pictures.length > KEPT) this.pictures.shift();
  }

  /**
   * The frame that was on the canvas at a time, and the strokes as they are in it; those that are in no picture yet as
   * they were sent.
   * @param {number} time ms
   */
  at(time) {
    const frame = this.pictures.findLast((picture) => picture.at <= time)?.frame ?? this.frame();
    const [seen, held] = [this.in(frame), this.strokes()];
    const unseen = [...held.values()].filter(({ id }) => !seen.some((one) => one.id === id));
    return { frame, strokes: [...seen.filter(({ id }) => held.has(id)), ...unseen] };
  }

  /**
   * The strokes in a frame, as far as it is known.
   * @param {number} frame
   * @returns {Stroke[]}
   */
  in(frame) {
    return [...this.versions.keys()].flatMap((id) => this.version(id, frame) ?? []);
  }

  /**
   * A stroke as it is in a frame; undefined before it was there.
   * @param {string} id
   * @param {number} frame
   */
  version(id, frame) {
    return this.versions.get(id)?.findLast(({ since }) => since <= frame)?.stroke ?? undefined;
  }

  /**
   * Where the subject was in the frames before the one on the canvas, the last first.
   * @param {string} id
   * @returns {Position[]}
   */
  trail(id) {
    const now = this.frame();
    const places = [];
    for (let frame = now; frame > now - TRAIL && frame >= 0; frame -= 1) {
      const stroke = this.version(id, frame);
      if (!stroke) break;
      places.push(place(stroke, frame));
    }
    return places;
  }
}

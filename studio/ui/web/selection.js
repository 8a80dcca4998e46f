// @ts-check
// What is chosen of the painted subjects, and what is done to it: all of it one step back.

import { withinPicture } from './geometry.js';
import { SelectionHand } from './selection-hand.js';
import { SelectionView } from './selection-view.js';
import { linesOf, NEAR, snapTo } from './snap.js';
import { delayed, duplicated, looped, mirrored, moved, restored, retimed } from './transforms.js';

/** @import { Control, Position } from './types.js' */
/** @import { Page } from './page.js' */
/** @import { Lines } from './snap.js' */

const [SMALL, LARGE] = [0.01, 0.05]; // of the picture: a nudge
/** @type {Record<string, Position>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const NO_PATH = 'It stands still: only a path has a time. Draw one over it with the brush Path (W).';
const FASTEST = 'A path takes a frame at least: it is as fast as it can be.';
const SLOWEST = 'A path takes a million frames at most: it is as slow as it can be.';

export class Selection {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.hand = page.hand;
    this.controls = page.controls;
    this.area = page.hand.area;
    /** @type {Lines} */
    this.guides = { x: [], y: [] }; // that are met just now
    this.open = false; // is the bar shown?
    this.names = 0;
    this.mover = new SelectionHand(this);
    this.view = new SelectionView(this);
    this.mover.listen();
  }

  get isSelecting() {
    return this.page.brush.settings.mode === 'select';
  }

  /** The chosen strokes that are there, as they were last set. */
  get strokes() {
    return [...this.hand.chosen].flatMap((id) => this.controls.strokes.get(id) ?? []);
  }

  /** A name that nothing else has. */
  name() {
    this.names += 1;
    return `d${Date.now().toString(36)}${this.names}`;
  }

  /** @param {Lines} lines that what is moved has met */
  guide(lines = { x: [], y: [] }) {
    this.guides = lines;
    this.view.stale = true;
  }

  /**
   * Where a pin is put that is pointed there: on a line that is near.
   * @param {Position} place
   * @param {string} id
   * @returns {Position}
   */
  snapPin(place, id) {
    const { width, height } = this.area.getBoundingClientRect();
    const known = linesOf(this.controls.strokes.values(), new Set([id]));
    const { move: [dx, dy], lines } = snapTo([place], known, [NEAR / width, NEAR / height]);
    this.guide(lines);
    return withinPicture([place[0] + dx, place[1] + dy]);
  }

  // Choosing

  /** @param {string[]} ids */
  choose(ids) {
    this.hand.select(ids, true);
  }

  /** @param {string} id */
  toggle(id) {
    const chosen = new Set(this.hand.chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.choose([...chosen]);
  }

  /**
   * The hand chose: after painting the bar stays away.
   * @param {boolean} clicked
   */
  chosen(clicked) {
    this.open = clicked && this.hand.chosen.size > 0;
    this.view.stale = true;
  }

  // What is done to what is chosen

  /**
   * @param {Control[]} messages
   * @param {string | null} gesture
   */
  set(messages, gesture = null) {
    if (!messages.length) return;
    const before = messages.flatMap(({ id }) => this.controls.strokes.get(id) ?? []);
    this.controls.together(messages, restored(before), gesture);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = ARROWS[event.key];
    if (!step || !this.isSelecting || !this.strokes.length || event.ctrlKey || event.metaKey) return false;
    const far = event.shiftKey ? LARGE : SMALL;
    this.set(moved(this.strokes, [far * step[0], far * step[1]]), `nudge ${[...this.hand.chosen]}`);
    event.preventDefault();
    return true;
  }

  /** @param {number} factor of the time a lap takes */
  retime(factor) {
    const { messages, still, kept } = retimed(this.strokes, factor);
    this.set(messages);
    if (kept) this.page.toasts.show(factor < 1 ? FASTEST : SLOWEST);
    else if (still && !messages.length) this.page.toasts.show(NO_PATH);
  }

  delay() {
    const { messages, delay } = delayed(this.strokes);
    this.set(messages);
    this.page.toasts.show(!messages.length ? NO_PATH : delay ? `Sets out ${delay} frames later.` : 'Sets out at once.');
  }

  loop() {
    const { messages, words } = looped(this.strokes);
    this.set(messages);
    this.page.toasts.show(messages.length ? `The path ${words}.` : NO_PATH);
  }

  /** @param {boolean} across */
  mirror(across) {
    if (this.strokes.length) this.set(mirrored(this.strokes, across));
  }

  duplicate() {
    if (!this.strokes.length) return;
    const copies = duplicated(this.strokes, () => this.name());
    this.controls.together(copies, copies.map(({ id }) => ({ kind: 'erase', id })));
    this.choose(copies.map(({ id }) => id));
  }

  erase() {
    const gone = this.strokes;
    if (!gone.length) return;
    this.controls.together(gone.map(({ id }) => ({ kind: 'erase', id })), restored(gone));
    this.choose([]);
  }
}

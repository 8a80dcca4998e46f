// @ts-check
// The hand that chooses and moves: in the mode Select (V) instead of painting; a long press on a subject does in every mode.

import { strokeAt } from './geometry.js';
import { linesOf, NEAR, onAxis, snapTo } from './snap.js';
import { boxOf, duplicated, lineAt, moved, placesOf, restored } from './transforms.js';

/** @import { Control, Position, Stroke } from './types.js' */
/** @import { Selection } from './selection.js' */

/**
 * @typedef {object} Gesture
 * @property {'move' | 'band'} kind
 * @property {number} pointer
 * @property {Position} from
 * @property {Position} to
 * @property {Stroke[]} strokes as they were
 * @property {Control[]} undo
 * @property {string} name
 * @property {boolean} copies are they new?
 * @property {boolean} more were others chosen before?
 * @property {boolean} changed since it was last sent
 * @property {boolean} began has it gone far enough to count?
 */

const STILL = 4; // pixels
const LINE = 12; // pixels beside a path that still count as on it
const LONG = 450; // ms a finger rests that chooses
const SEND_EVERY = 100; // ms, and longer for many

export class SelectionHand {
  /** @param {Selection} selection */
  constructor(selection) {
    const { area, controls, hand, page } = selection;
    this.selection = selection;
    this.page = page;
    this.hand = hand;
    this.controls = controls;
    this.area = area;
    /** @type {Gesture | null} */
    this.gesture = null;
    /** @type {{ pointer: number, timer: ReturnType<typeof setTimeout>, at: Position } | null} */
    this.resting = null; // a finger
    this.sentAt = 0;
  }

  listen() {
    const ways = {
      pointerdown: (/** @type {any} */ event) => this.down(event), pointermove: (/** @type {any} */ event) => this.move(event),
      pointerup: (/** @type {any} */ event) => this.up(event), pointercancel: (/** @type {any} */ event) => this.up(event),
      keydown: (/** @type {any} */ event) => this.selection.key(event),
    };
    for (const [type, isTaken] of Object.entries(ways)) {
      const hear = (/** @type {Event} */ event) => { if (isTaken(event)) event.stopImmediatePropagation(); }; // no other hand hears of it
      this.area.addEventListener(type, hear, { capture: true });
    }
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.target instanceof Element && event.target.closest('.st-deeds')) return true;
    if (event.button > 0 || this.gesture) return Boolean(this.gesture);
    const at = this.hand.position(event);
    if (!this.selection.isSelecting) {
      this.rest(event, at);
      return false;
    }
    this.hand.hoverOver(null);
    this.area.focus({ preventScroll: true });
    this.begin(event, at, this.under(at, event.timeStamp));
    return true;
  }

  /**
   * The subject or the path under a place, as it was seen there; of several, one that is chosen.
   * @param {Position} at
   * @param {number} time ms
   */
  under(at, time) {
    const { width, height } = this.area.getBoundingClientRect();
    const { frame, strokes } = this.page.seen.at(time);
    const of = (/** @type {(stroke: Stroke) => boolean} */ which) => (
      strokeAt(strokes.filter(which), at, frame, height / width)
      ?? lineAt([...this.controls.strokes.values()].filter(which), at, LINE / width, height / width));
    return of(({ id }) => this.hand.chosen.has(id)) ?? of(() => true);
  }

  /**
   * @param {PointerEvent} event
   * @param {Position} at
   * @param {Stroke | undefined} hit
   */
  begin(event, at, hit) {
    const { pointerId: pointer, shiftKey: more } = event;
    this.area.setPointerCapture(pointer);
    if (hit && more) this.selection.toggle(hit.id);
    else if (hit) this.selection.choose(this.hand.chosen.has(hit.id) ? [...this.hand.chosen] : [hit.id]);
    else if (!hit && !more) this.selection.choose([]);
    const strokes = hit ? this.selection.strokes : [];
    this.gesture = {
      kind: hit ? 'move' : 'band', pointer, from: at, to: at, strokes, undo: restored(strokes), name: `move ${this.selection.name()}`,
      copies: false, more, changed: false, began: false,
    };
    if (hit && event.altKey) this.copyInto(this.gesture);
  }

  /** @param {Gesture} gesture whose subjects stay, and copies of them go with the hand */
  copyInto(gesture) {
    const copies = /** @type {any[]} */ (duplicated(gesture.strokes, () => this.selection.name(), 0));
    Object.assign(gesture, { strokes: copies, copies: true, undo: copies.map(({ id }) => ({ kind: 'erase', id })) });
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { gesture, resting } = this;
    if (resting?.pointer === event.pointerId && this.pixels(resting.at, this.hand.position(event)) > 2 * STILL) this.unrest();
    if (!gesture) return false;
    if (gesture.pointer !== event.pointerId) return true;
    const at = this.hand.position(event);
    gesture.began ||= this.pixels(gesture.from, at) > STILL;
    if (!gesture.began) return true;
    if (gesture.kind === 'move') this.moveTo(gesture, at, event.shiftKey);
    else this.chooseIn(gesture, at);
    return true;
  }

  /**
   * @param {Position} one
   * @param {Position} other
   */
  pixels(one, other) {
    const { width, height } = this.area.getBoundingClientRect();
    return Math.hypot((one[0] - other[0]) * width, (one[1] - other[1]) * height);
  }

  /**
   * @param {Gesture} gesture
   * @param {Position} at
   * @param {boolean} straight
   */
  moveTo(gesture, at, straight) {
    const { width, height } = this.area.getBoundingClientRect();
    const to = straight ? onAxis(gesture.from, at, height / width) : at;
    const by = /** @type {Position} */ ([to[0] - gesture.from[0], to[1] - gesture.from[1]]);
    const [left, top, right, bottom] = boxOf(gesture.strokes);
    const marks = /** @type {Position[]} */ ([[left, top], [(left + right) / 2, (top + bottom) / 2], [right, bottom]]).map(([x, y]) => (
      /** @type {Position} */ ([x + by[0], y + by[1]])));
    const snapped = snapTo(marks, linesOf(this.controls.strokes.values(), this.hand.chosen), [NEAR / width, NEAR / height]);
    this.selection.guide(straight ? undefined : snapped.lines);
    gesture.to = straight ? to : [to[0] + snapped.move[0], to[1] + snapped.move[1]];
    gesture.changed = true;
  }

  /**
   * @param {Gesture} gesture
   * @param {Position} at
   */
  chooseIn(gesture, at) {
    gesture.to = at;
    const [left, right] = [gesture.from[0], at[0]].sort((one, other) => one - other);
    const [top, bottom] = [gesture.from[1], at[1]].sort((one, other) => one - other);
    const within = [...this.controls.strokes.values()].filter((stroke) => (
      placesOf(stroke).every(([, x, y]) => x >= left && x <= right && y >= top && y <= bottom)));
    this.selection.choose([...(gesture.more ? this.hand.chosen : []), ...within.map(({ id }) => id)]);
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.unrest();
    this.selection.guide();
    const { gesture } = this;
    if (!gesture) return false;
    if (gesture.pointer !== event.pointerId) return true;
    if (gesture.kind === 'move' && gesture.began) this.sendMove(gesture);
    if (gesture.copies && gesture.began) this.selection.choose(gesture.strokes.map(({ id }) => id));
    this.gesture = null;
    return true;
  }

  /** @param {Gesture} gesture */
  sendMove(gesture) {
    gesture.changed = false;
    this.sentAt = performance.now();
    const by = /** @type {Position} */ ([gesture.to[0] - gesture.from[0], gesture.to[1] - gesture.from[1]]);
    this.controls.together(moved(gesture.strokes, by), gesture.undo, gesture.name);
  }

  /** Once a screen refresh: what the hand moves is sent now and then, so the picture goes with it. */
  sendChanges() {
    const { gesture } = this;
    const every = Math.max(SEND_EVERY, 15 * (gesture?.strokes.length ?? 0)); // a server takes 150 messages a second
    if (gesture?.kind === 'move' && gesture.changed && performance.now() - this.sentAt > every) this.sendMove(gesture);
  }

  /**
   * A finger that rests on a subject chooses it, in any mode; then it moves it.
   * @param {PointerEvent} event
   * @param {Position} at
   */
  rest(event, at) {
    this.unrest();
    const hit = event.pointerType === 'touch' && !this.hand.stroke ? this.under(at, event.timeStamp) : undefined;
    const isSubject = hit && this.hand.strokeUnder(at, event.timeStamp)?.id === hit.id;
    if (!hit || !isSubject) return;
    const timer = setTimeout(() => {
      this.resting = null;
      this.hand.strokes.delete(event.pointerId);
      this.begin(event, at, hit);
      navigator.vibrate?.(12);
    }, LONG);
    this.resting = { pointer: event.pointerId, timer, at };
  }

  unrest() {
    if (this.resting) clearTimeout(this.resting.timer);
    this.resting = null;
  }

}

// @ts-check
// A take's edits, to be undone and redone, and where its events are in the editor's lanes: no page needed.

/** @import { Gesture, TakeEdit, OpenedTake } from './types.js' */

const CLIP_LEAST = 0.012; // of a lane's width, so that there is something to take hold of

/** The lanes, from above, and the kinds of control in each; the last has all others. */
export const LANES = [
  { name: 'Prompt', kinds: ['prompt'] },
  { name: 'Strokes', kinds: ['stroke', 'erase'] },
  { name: 'Settings', kinds: [] },
];

/** The edits of one take, in order; what was undone comes back by redo until another is made. */
export class EditList {
  /** @param {TakeEdit[]} edits */
  constructor(edits = []) {
    this.edits = edits;
    /** @type {TakeEdit[]} */
    this.undone = [];
  }

  /** @param {TakeEdit} edit */
  add(edit) {
    this.edits = [...this.edits, edit];
    this.undone = [];
  }

  /** The last edit could not be made. */
  drop() {
    this.edits = this.edits.slice(0, -1);
  }

  undo() {
    return this.shift('edits', 'undone');
  }

  redo() {
    return this.shift('undone', 'edits');
  }

  /**
   * @param {'edits' | 'undone'} from
   * @param {'edits' | 'undone'} to
   * @returns {boolean} whether there was one
   */
  shift(from, to) {
    const last = this[from].at(-1);
    if (!last) return false;
    this[from] = this[from].slice(0, -1);
    this[to] = [...this[to], last];
    return true;
  }
}

/**
 * The lane of a kind of control, by its number.
 * @param {string} kind
 */
export function laneOf(kind) {
  const found = LANES.findIndex(({ kinds }) => kinds.includes(kind));
  return found < 0 ? LANES.length - 1 : found;
}

/**
 * Where a gesture lies, as shares of the lane: a prompt until the next one, anything else as long as it took.
 * @param {Gesture} gesture
 * @param {OpenedTake} take
 * @returns {{ left: number, width: number }}
 */
export function clipOf(gesture, { start, frames, gestures }) {
  const { kind, first } = gesture;
  const next = gestures.filter((one) => one.kind === kind && one.first > first).map((one) => one.first);
  const last = kind === 'prompt' ? Math.min(start + frames, ...next) : gesture.last + 1;
  const left = (first - start) / frames;
  return { left, width: Math.max(CLIP_LEAST, Math.min(1 - left, (last - first) / frames)) };
}

/**
 * The frame at a share of the take's width.
 * @param {number} share 0..1
 * @param {{ start: number, frames: number }} take
 */
export function frameOf(share, { start, frames }) {
  return start + Math.round(Math.min(1, Math.max(0, share)) * frames);
}

/**
 * The gesture that is nearest to one of before an edit: of its kind and slot, at about its frame.
 * @param {Gesture[]} gestures
 * @param {{ kind: string, slot: string, first: number } | null} wanted
 * @returns {Gesture | null}
 */
export function foundAgain(gestures, wanted) {
  if (!wanted) return null;
  const alike = gestures.filter(({ kind, slot }) => kind === wanted.kind && slot === wanted.slot);
  const apart = (/** @type {Gesture} */ one) => Math.abs(one.first - wanted.first);
  return alike.sort((one, other) => apart(one) - apart(other))[0] ?? null;
}

/**
 * Seconds from a take's start, as 3.2 s.
 * @param {number} frame
 * @param {{ start: number, fps: number }} take
 */
export function secondsWords(frame, { start, fps }) {
  return `${((frame - start) / fps).toFixed(1)} s`;
}

/**
 * Where the seconds are on the ruler, some ten of them at most: share of the width, and the words.
 * @param {{ frames: number, fps: number }} take
 */
export function rulerMarks({ frames, fps }) {
  const seconds = frames / fps;
  const step = [0.5, 1, 2, 5, 10, 30, 60, 300, 600].find((one) => seconds / one <= 12) ?? 3600;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, n) => ({ share: (n * step) / seconds, words: `${n * step}` }))
    .filter(({ share }) => share < 0.99);
}

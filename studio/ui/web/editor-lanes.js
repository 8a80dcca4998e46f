// @ts-check
// The editor's lanes: events as clips that are dragged in time, a ruler with the playhead, and a marked part.

import { element } from './dom.js';
import { LANES, clipOf, frameOf, laneOf, rulerMarks, secondsWords } from './edits.js';

/** @import { Gesture, OpenedTake } from './types.js' */

const MOVED = 4; // pixels from which on a press is a drag

/**
 * @typedef {{ select: (gesture: Gesture) => void, move: (gesture: Gesture, by: number) => void, seek: (frame: number) => void,
 *   colour: (id: string) => string }} LaneActions
 */

export class Lanes {
  /** @param {LaneActions} actions */
  constructor(actions) {
    this.actions = actions;
    this.box = element('div', { className: 'ed-lanes', tabIndex: -1 });
    this.ruler = element('div', { className: 'ed-ruler', title: 'Click to set the playhead' });
    this.tracks = LANES.map(({ name }) => {
      const track = element('div', { className: 'ed-track' });
      track.dataset.lane = name.toLowerCase();
      return track;
    });
    this.part = element('i', { className: 'ed-part' });
    this.head = element('i', { className: 'ed-head' });
    const over = element('div', { className: 'ed-over' });
    over.append(this.part, this.head);
    this.box.append(element('span'), this.ruler);
    LANES.forEach(({ name }, place) => this.box.append(element('span', { textContent: name }), this.tracks[place]));
    this.box.append(over);
    this.listenToRuler();
  }

  listenToRuler() {
    const seek = (/** @type {PointerEvent} */ { clientX }) => {
      const { take } = this;
      if (take) this.actions.seek(Math.min(take.start + take.frames - 1, frameOf(this.shareUnder(clientX), take)));
    };
    this.ruler.addEventListener('pointerdown', (event) => {
      this.ruler.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.ruler.addEventListener('pointermove', (event) => { if (this.ruler.hasPointerCapture(event.pointerId)) seek(event); });
  }

  /** @param {number} x the pointer's, of the window */
  shareUnder(x) {
    const { left, width } = this.ruler.getBoundingClientRect();
    return (x - left) / width;
  }

  /**
   * Show a take, the chosen gesture marked.
   * @param {OpenedTake} take
   * @param {Gesture | null} selected
   */
  show(take, selected) {
    this.take = take;
    this.ruler.replaceChildren(...rulerMarks(take).map(({ share, words }) => {
      const mark = element('span', { textContent: words });
      mark.style.left = `${100 * share}%`;
      return mark;
    }));
    const focused = this.tracks.some((track) => track.contains(document.activeElement));
    this.tracks.forEach((track) => track.replaceChildren());
    for (const gesture of take.gestures) this.tracks[laneOf(gesture.kind)].append(this.clip(gesture, take, gesture === selected));
    if (focused) this.focus();
  }

  /** Give the chosen clip the keys, or the lanes: undo is the editor's, not the page's, when what had them is gone. */
  focus() {
    const chosen = this.box.querySelector('.ed-clip[aria-pressed="true"]');
    (chosen instanceof HTMLElement ? chosen : this.box).focus();
  }

  /**
   * @param {Gesture} gesture
   * @param {OpenedTake} take
   * @param {boolean} chosen
   */
  clip(gesture, take, chosen) {
    const { kind, slot, words, first, opening } = gesture;
    const { left, width } = clipOf(gesture, take);
    const when = opening ? 'from the start' : `at ${secondsWords(first, take)}`;
    const clip = element('button', { className: `ed-clip ed-${kind}`, title: `${words}, ${when}` });
    clip.append(element('span', { textContent: kind === 'prompt' || kind === 'stroke' ? words : '' }));
    clip.setAttribute('aria-label', `${kind}: ${words}, ${when}`);
    clip.setAttribute('aria-pressed', String(chosen));
    clip.classList.toggle('opening', opening);
    Object.assign(clip.style, { left: `${100 * left}%`, width: `${100 * width}%` });
    if (kind === 'stroke') clip.style.setProperty('--colour', this.actions.colour(slot));
    this.listenToClip(clip, gesture);
    return clip;
  }

  /**
   * A press chooses it, a drag moves it.
   * @param {HTMLButtonElement} clip
   * @param {Gesture} gesture
   */
  listenToClip(clip, gesture) {
    /** @type {number | null} */
    let from = null;
    let by = 0;
    clip.addEventListener('pointerdown', (event) => {
      clip.setPointerCapture(event.pointerId);
      from = event.clientX;
      by = 0;
      event.stopPropagation();
    });
    clip.addEventListener('pointermove', ({ clientX }) => {
      if (from === null || gesture.opening || !this.take || Math.abs(clientX - from) < MOVED) return;
      const { width } = this.ruler.getBoundingClientRect();
      by = Math.round(((clientX - from) / width) * this.take.frames);
      clip.classList.add('moving');
      clip.style.translate = `${clientX - from}px`;
    });
    const end = () => {
      if (from === null) return;
      from = null;
      clip.classList.remove('moving');
      clip.style.translate = '';
      if (by) this.actions.move(gesture, by);
      else this.actions.select(gesture);
    };
    clip.addEventListener('pointerup', end);
    clip.addEventListener('pointercancel', () => {
      from = null;
      clip.style.translate = '';
    });
    clip.addEventListener('click', (event) => { if (!event.detail) this.actions.select(gesture); }); // by Enter or Space
  }

  /**
   * The playhead's place, and the part that is marked.
   * @param {number} frame
   * @param {{ first: number | null, last: number | null }} marks
   * @param {boolean} playing
   */
  showHead(frame, { first, last }, playing) {
    const { take } = this;
    if (!take) return;
    const share = (/** @type {number} */ one) => Math.min(1, Math.max(0, (one - take.start) / take.frames));
    this.head.style.left = `${100 * share(frame)}%`;
    this.head.classList.toggle('playing', playing);
    const [from, to] = [share(first ?? take.start), share(last ?? take.start + take.frames)];
    this.part.hidden = first === null && last === null;
    Object.assign(this.part.style, { left: `${100 * from}%`, width: `${100 * Math.max(0, to - from)}%` });
  }
}

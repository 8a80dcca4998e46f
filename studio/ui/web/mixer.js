// @ts-check
// Several slots at once: a crossfader for two, a slider each for more. The weights move live, or glide over some frames.

import { element, fillSlider } from './dom.js';
import { choice } from './slotparts.js';
import { mixOf, soundsLike } from './slotdata.js';
import { inForce } from './state.js';

/** @import { Control, Slot } from './types.js' */
/** @import { Page } from './page.js' */
/** @typedef {{ page: Page, slots: () => (Slot | null)[], play: (prompt: Control) => boolean, waits: () => boolean }} Parts */

/** @type {[string, string, string][]} */
const WAYS = [
  ['linear', 'Linear', 'The mean of the words by weight'],
  ['slerp', 'Spherical', 'Along the arc between the words, which keeps them as strong as they are'],
];
const MOST_FRAMES = 1000; // of a change (studio/controls/prompt.py)
const OVER = 'How many frames a change takes; 0 follows your hand';
const TITLE = 'Choose two slots or more and set how much of each is heard';

export class Mixer {
  /** @param {Parts} parts waits: are prompts set for a beat or a marker? */
  constructor({ page, slots, play, waits }) {
    this.page = page;
    this.slots = slots;
    this.play = play;
    this.waits = waits;
    /** @type {Map<number, number>} */
    this.weights = new Map(); // of the chosen slots, 0..1, by their places
    this.interpolation = 'linear';
    this.picks = element('div', { className: 'st-picks' });
    this.sliders = element('div', { className: 'st-weights' });
    this.over = element('input', { type: 'number', min: '0', max: String(MOST_FRAMES), value: '0', title: OVER });
    const over = element('label', { className: 'st-over' });
    over.append('over', this.over, 'frames');
    const row = element('div', { className: 'st-how' });
    row.append(choice('Between words', WAYS, this.interpolation, (way) => this.setWay(way)), over);
    this.box = element('details', { className: 'st-mixer' });
    this.box.append(element('summary', { textContent: 'Mix', title: TITLE }), this.picks, this.sliders, row);
    this.show();
  }

  /** @param {string} way */
  setWay(way) {
    this.interpolation = way;
    if (this.weights.size > 1) this.send(true);
  }

  /** What is in the slots has changed: a button for each that is full. */
  show() {
    const slots = this.slots();
    for (const at of [...this.weights.keys()]) if (!slots[at]) this.weights.delete(at);
    this.picks.replaceChildren(...slots.flatMap((slot, at) => (slot ? [this.pick(slot, at)] : [])));
    if (!this.picks.childElementCount) this.picks.append(element('p', { textContent: 'Fill two slots first.' }));
    this.showSliders();
  }

  /**
   * @param {Slot} slot
   * @param {number} at
   */
  pick(slot, at) {
    const button = element('button', { textContent: String(at + 1), title: slot.text, onclick: () => this.toggle(at) });
    button.setAttribute('aria-pressed', String(this.weights.has(at)));
    return button;
  }

  /** @param {number} at */
  toggle(at) {
    if (this.weights.has(at)) this.weights.delete(at);
    else this.weights.set(at, this.weights.size ? 0 : 1);
    this.show();
  }

  showSliders() {
    const places = [...this.weights.keys()].sort((one, other) => one - other);
    const rows = places.length === 2 ? [this.crossfader(places)] : places.length > 2 ? places.map((at) => this.slider(at)) : [];
    this.sliders.replaceChildren(...rows);
  }

  /** @param {number[]} places of two slots: the left end is all of the one, the right end all of the other */
  crossfader([one, other]) {
    const [from, to] = [this.weights.get(one) ?? 0, this.weights.get(other) ?? 0];
    return this.row(`${one + 1}`, `${other + 1}`, from + to ? to / (from + to) : 0.5, (share) => {
      this.weights.set(one, 1 - share);
      this.weights.set(other, share);
    });
  }

  /** @param {number} at */
  slider(at) {
    return this.row(`${at + 1}`, '', this.weights.get(at) ?? 0, (weight) => this.weights.set(at, weight));
  }

  /**
   * @param {string} left what stands before the slider
   * @param {string} right and behind it
   * @param {number} value 0..1
   * @param {(value: number) => void} moved
   */
  row(left, right, value, moved) {
    const row = element('label', { className: 'st-weight' });
    const range = element('input', { type: 'range', min: '0', max: '1', step: '0.01', value: String(value) });
    range.setAttribute('aria-label', right ? `From slot ${left} to slot ${right}` : `Weight of slot ${left}`);
    range.oninput = () => {
      fillSlider(range);
      moved(Number(range.value));
      this.send(false);
    };
    range.onchange = () => this.send(true);
    row.append(element('span', { textContent: left }), range, element('span', { textContent: right }));
    fillSlider(range);
    return row;
  }

  /**
   * Have the mix heard: while the hand moves, if a change takes no time and waits for nothing; else once it lets go.
   * @param {boolean} isOver has the hand let go?
   */
  send(isOver) {
    const { page } = this;
    const blend = Math.min(MOST_FRAMES, Math.max(0, Math.round(Number(this.over.value) || 0)));
    const isLive = !blend && !this.waits();
    if (!isLive && !isOver) return;
    const { prompt, problem } = this.mix(blend);
    if (problem && isOver) page.toasts.show(problem, 'error');
    if (!prompt || (isLive && isOver && soundsLike(prompt, inForce(page.controls, 'prompt')))) return;
    if (isLive) page.controls.set(prompt, 'mix');
    else this.play(prompt);
    page.panel.show();
  }

  /** @param {number} blend frames */
  mix(blend) {
    const slots = this.slots();
    const chosen = [...this.weights].sort(([one], [other]) => one - other)
      .flatMap(([at, weight]) => { const slot = slots[at]; return slot ? [{ slot, weight }] : []; });
    const now = inForce(this.page.controls, 'prompt');
    return mixOf(chosen, { interpolation: this.interpolation, blend, switch: now?.switch ?? 'recache' });
  }
}

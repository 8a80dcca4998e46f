// @ts-check
// When a slot's prompt takes effect: at once, on the beat, on the bar or at a marker. What waits is shown and called off.

import { element, iconButton } from './dom.js';
import { choice } from './slotparts.js';
import { inForce } from './state.js';
import { soundsLike } from './slotdata.js';
import { beatsOf, dueFrame, tempoOf, tempoProblem, withTap } from './tempo.js';

/** @import { Control } from './types.js' */
/** @import { Page } from './page.js' */
/** @import { Beats, When } from './tempo.js' */

const AHEAD = 0.1; // seconds, beside the line's own, in which a control surely comes to the server
const USUAL_RATE = 24;
/** @type {[When, string, string][]} */
const CHOICES = [
  ['now', 'Now', 'A slot plays at once'],
  ['beat', 'Beat', 'A slot plays on the next beat'],
  ['bar', 'Bar', 'A slot plays on the next bar of four beats'],
  ['marker', 'Marker', 'A slot plays at the next marker (M sets one)'],
];
const CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 7l10 10M17 7L7 17" /></svg>';

export class Cue {
  /**
   * @param {Page} page
   * @param {() => number[]} markers the frames that are marked
   */
  constructor(page, markers) {
    this.page = page;
    this.markers = markers;
    /** @type {When} */
    this.when = 'now';
    /** @type {Beats | null} */
    this.beats = null;
    /** @type {number[]} */
    this.taps = [];
    /** @type {[frame: number, words: string][]} */
    this.ahead = [];
    /** @type {Control | null} */
    this.sent = null; // what waits at the server for its frame
    this.hasCome = false; // has it just come into force?
    /** @type {Control | null} */
    this.before = null; // the prompt in force before the last change
    this.tempo = element('input', { type: 'number', className: 'st-tempo', placeholder: 'bpm', title: 'Beats a minute' });
    this.tempo.setAttribute('aria-label', 'Tempo, beats a minute');
    this.tempo.onchange = () => this.type(Number(this.tempo.value));
    this.tapper = element('button', { textContent: 'Tap', title: 'Tap the beat (G)', onpointerdown: () => this.tap() });
    this.tapper.onkeydown = ({ key }) => { if (key === 'Enter' || key === ' ') this.tap(); };
    this.line = element('p', { className: 'st-ahead', hidden: true });
    this.box = element('div', { className: 'st-cue' });
    const whens = choice('When a slot plays', CHOICES, this.when, (when) => { this.when = /** @type {When} */ (when); });
    this.box.append(whens, this.tapper, this.tempo, this.line);
  }

  get rate() {
    return this.page.playback.status.fps || USUAL_RATE;
  }

  /** A beat, by hand. */
  tap() {
    this.taps = withTap(this.taps, performance.now());
    const tempo = tempoOf(this.taps);
    if (tempo) this.setTempo(tempo, this.taps.length - 1);
    this.tapper.classList.remove('beat');
    requestAnimationFrame(() => this.tapper.classList.add('beat'));
  }

  /** @param {number} tempo beats a minute, that was typed */
  type(tempo) {
    this.taps = [];
    this.setTempo(tempo, 0);
  }

  /**
   * @param {number} tempo beats a minute
   * @param {number} count of this beat in its bar
   */
  setTempo(tempo, count) {
    const problem = tempoProblem(tempo);
    if (problem) this.page.toasts.show(problem, 'error');
    else this.beats = beatsOf(tempo, this.rate, this.page.stage.frame, count);
    this.showTempo();
  }

  showTempo() {
    this.tempo.value = this.beats ? String(Math.round((60 * this.rate) / this.beats.frames)) : '';
  }

  /**
   * Set a prompt, now or when it is due. False: nothing was set.
   * @param {Control} prompt
   */
  play(prompt) {
    const { page } = this;
    if (this.when === 'now') return page.controls.set(prompt);
    const { frame: latest = 0, round_trip_ms: trip = 0 } = page.playback.status;
    const soonest = Math.max(page.stage.frame, latest) + Math.ceil((AHEAD + trip / 1000) * this.rate);
    const { frame, problem } = dueFrame(this.when, { soonest, beats: this.beats, markers: this.markers() });
    if (problem) page.toasts.show(problem, 'error');
    if (frame === undefined || !page.isConnected()) return false;
    this.sent = prompt;
    page.command('later', { control: prompt, frame });
    return true;
  }

  callOff() {
    this.sent = null;
    this.page.command('call-off');
  }

  /** @param {[number, string][]} items what waits at the server */
  take(items) {
    this.ahead = items;
    if (!items.length) this.sent = null; // it has come, or something else took its place
    this.show();
  }

  /** Something was set, here or elsewhere: what waited and is in force now is a step back, as anything that is set. */
  changed() {
    const now = inForce(this.page.controls, 'prompt');
    if (this.sent && soundsLike(this.sent, now) && !soundsLike(this.sent, this.before)) {
      this.page.controls.past.push({ undo: [this.before], redo: [this.sent] });
      this.page.controls.future = [];
      this.sent = null;
      this.hasCome = true;
    }
    this.before = now;
  }

  /** What waits, in words, and how long still. */
  show() {
    const [next] = this.ahead;
    this.line.hidden = !next;
    if (!next) {
      this.line.replaceChildren();
      return;
    }
    if (!this.line.childElementCount) {
      this.line.append(element('span'), iconButton(CROSS, '', 'Call it off', () => this.callOff()));
    }
    const [frame, words] = next;
    const seconds = Math.max(0, (frame - this.page.stage.frame) / this.rate);
    const more = this.ahead.length > 1 ? ` (and ${this.ahead.length - 1} more)` : '';
    this.line.children[0].textContent = `“${words}” in ${seconds.toFixed(1)} s, at frame ${frame}${more}`;
  }
}

// @ts-check
// What the panel of hands shows of sound: what is heard, and the sliders that it moves.

import { element } from './dom.js';
import { targets } from './hand-targets.js';

/** @import { Heard } from './hearing.js' */
/** @import { Modulation, Sound } from './sound.js' */
/** @import { Page } from './page.js' */
/** @import { Target } from './hand-targets.js' */

/** @type {[by: keyof Heard, words: string, title: string][]} */
const HEARD = [
  ['level', 'Level', 'How loud it is'], ['onset', 'Onset', 'Jumps up when something begins, and fades'],
  ['beat', 'Beat', 'Jumps up on each beat of the tempo, and falls to the next'],
  ['tempo', 'Tempo', '60 beats a minute is the low end, 180 the high one'],
];
const QUIET = 'Level, onsets and beat of what is heard move sliders. It is listened to here and sent nowhere.';
const SMOOTH = { min: '0', max: '2', step: '0.05' };

export class SoundView {
  /**
   * @param {Page} page
   * @param {Sound} sound
   */
  constructor(page, sound) {
    this.page = page;
    this.sound = sound;
    this.box = element('div', { className: 'st-sound' });
    this.says = element('p');
    this.says.setAttribute('aria-live', 'polite');
    this.bars = HEARD.map(([, words, title]) => bar(words, title));
    this.meter = element('div', { className: 'st-sound-meter', hidden: true });
    this.meter.append(...this.bars);
    this.list = element('ul');
    this.more = element('button', { textContent: '+ Move a slider', onclick: () => sound.add() });
    this.end = element('button', { textContent: 'Stop', hidden: true, onclick: () => sound.stop() });
    const chooser = element('input', { type: 'file', accept: 'audio/*,video/*', hidden: true });
    chooser.onchange = () => {
      const [file] = chooser.files ?? [];
      chooser.value = '';
      if (file) sound.openFile(file);
    };
    const head = element('div', { className: 'st-hands-part' });
    const microphone = element('button', { textContent: 'Microphone', onclick: () => sound.openMicrophone() });
    const file = element('button', { textContent: 'File', title: 'A sound file', onclick: () => chooser.click() });
    head.append(element('h4', { textContent: 'Sound' }), microphone, file, this.end, chooser);
    this.box.append(head, this.says, this.meter, this.list, this.more);
  }

  show() {
    const { sound } = this;
    this.says.textContent = sound.problem || (sound.name ? `Listening to ${sound.name}.` : QUIET);
    this.meter.hidden = this.end.hidden = !sound.listening;
    const known = [...targets(this.page).values()];
    this.list.replaceChildren(...sound.modulations.map((one) => this.row(one, known)));
  }

  /** Once a screen refresh. */
  draw() {
    const { heard, hearing, listening } = this.sound;
    if (!listening) return;
    HEARD.forEach(([by], at) => this.bars[at].style.setProperty('--share', String(heard[by])));
    this.bars[3].title = hearing.beat ? `${hearing.beat.tempo} beats a minute` : 'No beat yet';
  }

  /**
   * @param {Modulation} one
   * @param {Target[]} known
   */
  row(one, known) {
    const { sound } = this;
    const row = element('li');
    const by = select('What moves it', HEARD.map(([value, words]) => [value, words]), one.by);
    by.onchange = () => sound.change(one, { by: /** @type {keyof Heard} */ (by.value) });
    const target = select('What is moved', known.map(({ id, label }) => [id, label]), one.target);
    target.onchange = () => sound.change(one, { target: target.value });
    const range = known.find(({ id }) => id === one.target);
    const low = number('Where nothing is heard', one.low, range);
    low.onchange = () => sound.change(one, { low: within(low, one.low) });
    const high = number('Where it is highest', one.high, range);
    high.onchange = () => sound.change(one, { high: within(high, one.high) });
    const smooth = element('input', { type: 'range', ...SMOOTH, value: String(one.smooth), title: 'How smoothly it moves' });
    smooth.setAttribute('aria-label', smooth.title);
    smooth.onchange = () => sound.change(one, { smooth: Number(smooth.value) });
    const off = element('button', { textContent: '×', title: 'Move it no more', onclick: () => sound.remove(one) });
    off.setAttribute('aria-label', off.title);
    row.append(by, target, off, low, high, smooth);
    return row;
  }
}

/**
 * @param {string} label
 * @param {string[][]} options value and words of each
 * @param {string} chosen
 */
function select(label, options, chosen) {
  const made = element('select', { title: label });
  made.setAttribute('aria-label', label);
  made.append(...options.map(([value, words]) => new Option(words, value, false, value === chosen)));
  if (!options.some(([value]) => value === chosen)) made.append(new Option(`${chosen} (not on this model)`, chosen, false, true));
  return made;
}

/**
 * @param {string} label
 * @param {number} value
 * @param {Target | undefined} range
 */
function number(label, value, range) {
  const limits = range ? { min: String(range.minimum), max: String(range.maximum), step: String(range.step) } : {};
  const made = element('input', { type: 'number', ...limits, value: String(value), title: label });
  made.setAttribute('aria-label', label);
  return made;
}

/**
 * What was typed, within the field's limits; what it was, where that is no number.
 * @param {HTMLInputElement} field
 * @param {number} before
 */
function within(field, before) {
  const value = field.valueAsNumber;
  if (!Number.isFinite(value)) return before;
  const [least, most] = [field.min, field.max].map((text, at) => (text === '' ? [-Infinity, Infinity][at] : Number(text)));
  return Math.max(least, Math.min(most, value));
}

/**
 * @param {string} words
 * @param {string} title
 */
function bar(words, title) {
  const made = element('span', { textContent: words, title });
  made.append(element('i'));
  return made;
}

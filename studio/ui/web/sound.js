// @ts-check
// Sound that plays controls: a microphone or a file is listened to here, and moves sliders between two values.

import { shareAt, targets } from './hand-targets.js';
import { Hearing, smoothed } from './hearing.js';
import { browserStorage } from './storage.js';

/** @import { Heard } from './hearing.js' */
/** @import { Drives, Target } from './hand-targets.js' */
/** @import { Page } from './page.js' */
/**
 * @typedef {object} Modulation
 * @property {keyof Heard} by
 * @property {string} target the id of a slider
 * @property {number} low its value where nothing is heard
 * @property {number} high
 * @property {number} smooth seconds
 */

const KEPT = 'studio-sound';
const FIRST = ['camera_motion zoom', 'sampling strength']; // what shows most
const WINDOW = 1024; // samples, 21 ms
const SOURCES = /** @type {const} */ (['level', 'onset', 'beat', 'tempo']);
/** @type {Heard} */
const SILENCE = { level: 0, onset: 0, beat: 0, tempo: 0 };
const AS_PLAYED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const WORDS = {
  NotAllowedError: 'The browser lets this page hear no microphone: allow it beside the page’s address, and press again.',
  NotFoundError: 'There is no microphone. Plug one in, or choose a file.',
};

/**
 * The modulations that this browser keeps; what is none is left out.
 * @param {string | null} text
 * @returns {Modulation[]}
 */
export function readModulations(text) {
  try {
    const kept = JSON.parse(text ?? '[]');
    return (Array.isArray(kept) ? kept : []).filter((one) => SOURCES.includes(one?.by) && typeof one.target === 'string'
      && [one.low, one.high, one.smooth].every(Number.isFinite));
  } catch {
    return [];
  }
}

/**
 * From where a slider stands, which is what silence leaves it at, to its end.
 * @param {Target} target
 */
function rangeFrom({ value, minimum, maximum }) {
  return { low: value < maximum ? value : minimum, high: maximum };
}

export class Sound {
  /** @type {AudioContext | null} */
  context = null;

  /** @type {{ analyser: AnalyserNode, samples: Float32Array<ArrayBuffer>, spectrum: Uint8Array<ArrayBuffer>, stop: () => void } | null} */
  listening = null;

  name = '';
  problem = '';
  heard = SILENCE;
  at = 0; // ms
  hearing = new Hearing();

  /** @type {Map<Modulation, number>} the share that each has come to */
  shares = new Map();

  /** @type {Map<string, number>} what sliders were before sound took them */
  before = new Map();

  /**
   * @param {Page} page
   * @param {Drives} drives
   * @param {() => void} changed
   */
  constructor(page, drives, changed) {
    this.page = page;
    this.drives = drives;
    this.changed = changed;
    this.modulations = readModulations(browserStorage.get(KEPT));
  }

  async openMicrophone() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.fail('This browser has no microphone for this page: open it on this machine or over https.');
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: AS_PLAYED });
      const source = this.audio().createMediaStreamSource(stream);
      this.listen(source, 'the microphone', () => stream.getTracks().forEach((track) => track.stop()));
      for (const track of stream.getTracks()) track.onended = () => this.fail('The microphone is gone; plug it in and press again.');
    } catch (error) {
      const { name } = /** @type {Error} */ (error);
      this.fail(WORDS[/** @type {keyof typeof WORDS} */ (name)] ?? `The microphone cannot be heard (${name}).`);
    }
  }

  /** @param {File} file of sound, or of a video with sound; it is heard too, and starts over */
  async openFile(file) {
    const address = URL.createObjectURL(file);
    const player = new Audio(address);
    player.loop = true;
    try {
      await player.play();
    } catch {
      URL.revokeObjectURL(address);
      this.fail(`${file.name} cannot be played here; choose a sound file, as MP3, WAV or OGG.`);
      return;
    }
    const source = this.audio().createMediaElementSource(player);
    source.connect(this.audio().destination);
    this.listen(source, file.name, () => { player.pause(); URL.revokeObjectURL(address); });
  }

  /** The browser gives sound only after a press, so it is made then. */
  audio() {
    this.context ??= new AudioContext();
    this.context.resume();
    return this.context;
  }

  /**
   * @param {AudioNode} source
   * @param {string} name
   * @param {() => void} end
   */
  listen(source, name, end) {
    this.stop();
    const analyser = this.audio().createAnalyser();
    Object.assign(analyser, { fftSize: WINDOW, smoothingTimeConstant: 0 });
    source.connect(analyser);
    const stop = () => { source.disconnect(); end(); };
    this.listening = { analyser, samples: new Float32Array(WINDOW), spectrum: new Uint8Array(WINDOW / 2), stop };
    Object.assign(this, { name, problem: '', hearing: new Hearing() });
    this.changed();
  }

  /** @param {string} problem */
  fail(problem) {
    this.stop();
    this.problem = problem;
    this.changed();
  }

  /** Hear no more; what sound has moved goes back to where it was. */
  stop() {
    this.listening?.stop();
    Object.assign(this, { listening: null, name: '', problem: '', heard: SILENCE });
    this.letGo([...this.before.keys()]);
    this.changed();
  }

  /** @param {string[]} ids of the sliders that sound moves no more */
  letGo(ids) {
    const known = targets(this.page);
    for (const id of ids) {
      const target = known.get(id);
      if (target) this.drives.put(id, shareAt(target, this.before.get(id) ?? 0), false);
      this.before.delete(id);
    }
  }

  /**
   * Listen, once a screen refresh.
   * @param {number} now ms
   */
  look(now) {
    const passed = (now - this.at) / 1000;
    this.at = now;
    if (!this.listening) return;
    const { analyser, samples, spectrum } = this.listening;
    analyser.getFloatTimeDomainData(samples);
    analyser.getByteFrequencyData(spectrum);
    this.heard = this.hearing.hear(samples, spectrum, now);
    this.move(passed);
  }

  /**
   * Move what sound plays.
   * @param {number} passed seconds
   */
  move(passed) {
    const known = targets(this.page);
    for (const one of this.modulations) {
      const target = known.get(one.target);
      const share = smoothed(this.shares.get(one) ?? 0, this.heard[one.by], one.smooth, passed);
      this.shares.set(one, share);
      if (!target) continue; // of another model
      if (!this.before.has(one.target)) this.before.set(one.target, target.value);
      this.drives.put(one.target, shareAt(target, one.low + share * (one.high - one.low)), false);
    }
  }

  /** Have the level move the first slider that none moves yet. */
  add() {
    const taken = new Set(this.modulations.map(({ target }) => target));
    const known = targets(this.page);
    const free = [...FIRST.flatMap((id) => known.get(id) ?? []), ...known.values()].find(({ id }) => !taken.has(id));
    if (free) this.modulations.push({ by: 'level', target: free.id, ...rangeFrom(free), smooth: 0.1 });
    this.keep();
  }

  /**
   * @param {Modulation} one
   * @param {Partial<Modulation>} change
   */
  change(one, change) {
    const target = change.target && targets(this.page).get(change.target);
    if (target) this.letGo([one.target]);
    Object.assign(one, change, target ? rangeFrom(target) : {});
    this.keep();
  }

  /** @param {Modulation} one */
  remove(one) {
    this.modulations = this.modulations.filter((other) => other !== one);
    this.letGo([one.target].filter((id) => this.before.has(id)));
    this.keep();
  }

  keep() {
    browserStorage.set(KEPT, JSON.stringify(this.modulations));
    this.changed();
  }
}

// @ts-check
// What is heard in sound: how loud it is, when something begins, and the beat. From numbers alone; sound.js listens.

/** @typedef {{ level: number, onset: number, beat: number, tempo: number }} Heard each 0..1; tempo: of TEMPI */

export const TEMPI = [60, 180]; // beats a minute
const [QUIET, LOUD] = [-50, -6]; // dB, the ends of the level
const KEPT = 43; // looks, whose changes tell what is usual
const APART = 120; // ms at least between two onsets
const MEMORY = 8000; // ms of onsets that tell the tempo
const FADE = 180; // ms in which an onset fades to a third
const LEAST_RISE = 0.015; // of the spectrum's height: what is less is noise
const [SURE, SUREST, CHANCE] = [0.6, 0.95, 5.3]; // how well onsets must fit a tempo, 0..1: few fit one by chance (the log of how many tempi are tried)
const FEWEST = 6; // onsets
const NEAR = 6; // beats a minute, within which one peak lies
const TIE = 0.97; // tempi that fit nearly as well as the best: the slowest of them is meant

/**
 * How loud samples are, 0..1.
 * @param {ArrayLike<number>} samples -1..1
 */
export function levelOf(samples) {
  let sum = 0;
  for (let at = 0; at < samples.length; at += 1) sum += samples[at] ** 2;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.max(0, Math.min(1, (decibels - QUIET) / (LOUD - QUIET)));
}

/**
 * How much louder the parts of a spectrum have become, the mean of those that have, 0..1.
 * @param {ArrayLike<number>} before 0..255 each
 * @param {ArrayLike<number>} now
 */
export function riseOf(before, now) {
  let sum = 0;
  for (let at = 0; at < now.length; at += 1) sum += Math.max(0, now[at] - (before[at] ?? 0));
  return now.length ? sum / (255 * now.length) : 0;
}

/**
 * The tempo of onsets, in beats a minute, and a time of one of its beats; null where they fit none.
 * @param {number[]} onsets ms
 * @returns {{ tempo: number, beat: number } | null}
 */
export function beatOf(onsets) {
  if (onsets.length < FEWEST) return null;
  const tempi = Array.from({ length: TEMPI[1] - TEMPI[0] + 1 }, (_, at) => TEMPI[0] + at);
  const fits = tempi.map((tempo) => ({ tempo, ...fitOf(onsets, 60_000 / tempo) }));
  const best = Math.max(...fits.map(({ fit }) => fit));
  if (best < Math.max(SURE, Math.min(SUREST, Math.sqrt(CHANCE / onsets.length)))) return null;
  const slowest = fits.findIndex(({ fit }) => fit >= TIE * best);
  const near = fits.slice(slowest, slowest + NEAR);
  const peak = near.reduce((one, other) => (other.fit > one.fit ? other : one));
  return { tempo: peak.tempo, beat: peak.beat };
}

/**
 * How well onsets lie on the beats of a period, 0..1, and a time of one of them.
 * @param {number[]} onsets ms
 * @param {number} period ms
 */
function fitOf(onsets, period) {
  let [across, up] = [0, 0];
  for (const onset of onsets) {
    const angle = (2 * Math.PI * onset) / period;
    across += Math.cos(angle) / onsets.length;
    up += Math.sin(angle) / onsets.length;
  }
  return { fit: Math.hypot(across, up), beat: (Math.atan2(up, across) / (2 * Math.PI)) * period };
}

export class Hearing {
  /** @type {number[]} ms */
  onsets = [];

  /** @type {number[]} */
  rises = [];

  /** @type {ArrayLike<number>} */
  spectrum = [];

  /** @type {{ tempo: number, beat: number } | null} */
  beat = null;

  /**
   * Hear on.
   * @param {ArrayLike<number>} samples -1..1
   * @param {ArrayLike<number>} spectrum 0..255 each
   * @param {number} now ms
   * @returns {Heard}
   */
  hear(samples, spectrum, now) {
    const rise = this.spectrum.length ? riseOf(this.spectrum, spectrum) : 0;
    this.spectrum = Array.from(spectrum);
    if (this.isOnset(rise, now)) {
      this.onsets = [...this.onsets.filter((onset) => now - onset < MEMORY), now];
      this.beat = beatOf(this.onsets);
    }
    this.rises = [...this.rises, rise].slice(-KEPT);
    const since = now - (this.onsets.at(-1) ?? -Infinity);
    if (since > MEMORY) this.beat = null;
    return { level: levelOf(samples), onset: Math.exp(-since / FADE), ...this.beatNow(now) };
  }

  /**
   * Does something begin? It rises clearly more than is usual.
   * @param {number} rise
   * @param {number} now ms
   */
  isOnset(rise, now) {
    const mean = this.rises.reduce((sum, one) => sum + one, 0) / Math.max(1, this.rises.length);
    const spread = Math.sqrt(this.rises.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, this.rises.length));
    return rise > Math.max(LEAST_RISE, mean + 1.5 * spread) && now - (this.onsets.at(-1) ?? -Infinity) > APART;
  }

  /**
   * A pulse on each beat that falls to the next, and the tempo; 0 where there is none.
   * @param {number} now ms
   */
  beatNow(now) {
    if (!this.beat) return { beat: 0, tempo: 0 };
    const period = 60_000 / this.beat.tempo;
    const passed = (now - this.beat.beat) / period;
    return { beat: 1 - (passed - Math.floor(passed)), tempo: (this.beat.tempo - TEMPI[0]) / (TEMPI[1] - TEMPI[0]) };
  }
}

/**
 * A value on its way to another, smoothed over a time.
 * @param {number} before
 * @param {number} to
 * @param {number} seconds in which it goes two thirds of the way; 0: at once
 * @param {number} passed seconds since
 */
export function smoothed(before, to, seconds, passed) {
  return seconds <= 0 ? to : to + (before - to) * Math.exp(-Math.max(0, passed) / seconds);
}

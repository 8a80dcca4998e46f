// @ts-check
// Beats: from taps to frames, and the frame at which something that waits for a beat, a bar or a marker is due.

/** @typedef {'now' | 'beat' | 'bar' | 'marker'} When */
/** @typedef {{ origin: number, frames: number }} Beats the frame of a first beat, and frames from beat to beat */

export const TEMPI = [20, 300]; // beats a minute
const BAR = 4; // beats
const PAUSE = 60_000 / TEMPI[0]; // ms without a tap after which another tempo begins
const HEARD = 8; // taps, the last of which count
const NO_TEMPO = 'There is no beat yet: tap G in time, or type a tempo.';
const NO_MARKER = 'No marker lies ahead. M sets one at the frame you see; go back before it, and the prompt waits for it.';

/**
 * The taps that count once there is another: those since the last pause.
 * @param {number[]} taps ms
 * @param {number} now
 */
export function withTap(taps, now) {
  return now - (taps.at(-1) ?? -Infinity) > PAUSE ? [now] : [...taps, now].slice(-HEARD);
}

/**
 * Beats a minute of some taps; null of fewer than two.
 * @param {number[]} taps ms
 */
export function tempoOf(taps) {
  return taps.length < 2 ? null : (60_000 * (taps.length - 1)) / (taps[taps.length - 1] - taps[0]);
}

/**
 * What is wrong with a tempo, or ''.
 * @param {number} tempo beats a minute
 */
export function tempoProblem(tempo) {
  const [least, most] = TEMPI;
  if (tempo >= least && tempo <= most) return '';
  return `A tempo of ${Math.round(tempo) || 0} cannot be played; type ${least} to ${most} beats a minute, or tap B.`;
}

/**
 * The beats of a tempo, in frames at the rate that is played; only frames go into a take.
 * @param {number} tempo beats a minute
 * @param {number} rate frames a second
 * @param {number} frame of one of its beats
 * @param {number} count that beat's number from the first of a bar
 * @returns {Beats}
 */
export function beatsOf(tempo, rate, frame, count = 0) {
  const frames = (60 * rate) / tempo;
  return { origin: frame - count * frames, frames };
}

/**
 * The frame at which something is due, or why there is none.
 * @param {When} when
 * @param {{ soonest: number, beats: Beats | null, markers: number[] }} page soonest: the first frame that can be met
 * @returns {{ frame?: number, problem?: string }}
 */
export function dueFrame(when, { soonest, beats, markers }) {
  if (when === 'marker') {
    const frame = Math.min(...markers.filter((marker) => marker >= soonest));
    return Number.isFinite(frame) ? { frame } : { problem: NO_MARKER };
  }
  if (!beats) return { problem: NO_TEMPO };
  const apart = beats.frames * (when === 'bar' ? BAR : 1);
  return { frame: Math.round(beats.origin + Math.ceil((soonest - beats.origin) / apart) * apart) };
}

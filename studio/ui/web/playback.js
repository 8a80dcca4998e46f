// @ts-check
// Playing or paused, and what the server says of its session twice a second.

/** @import { Status, ShowToast } from './types.js' */

const SETTLING = 1000; // ms after a press in which a status may still be from before it

/**
 * Is it paused, as far as the page can tell? Until the server has seen to a press, its word is from before it.
 * @param {boolean} serverPaused
 * @param {{ paused: boolean, pressedAt: number, sending: boolean, now: number }} page sending: is a pause on its way?
 */
export function pausedAfter(serverPaused, { paused, pressedAt, sending, now }) {
  return sending || now - pressedAt < SETTLING ? paused : serverPaused;
}

/**
 * What the person must know of a status, or ''.
 * @param {Pick<Status, 'error' | 'problem'>} status
 */
export function problemOf({ error, problem }) {
  return error ? `The session stopped: ${error}. Start again with Backspace.` : problem || '';
}

export class Playback {
  /**
   * @param {{ send: (control: import('./types.js').Control) => void, isSending: () => boolean,
   *   showPaused: (paused: boolean) => void, toast: ShowToast }} options isSending: is a pause on its way to the server?
   */
  constructor({ send, isSending, showPaused, toast }) {
    this.send = send;
    this.isSending = isSending;
    this.showPaused = showPaused;
    this.toast = toast;
    /** @type {Status} */
    this.status = { fps: 24, paused: false, recording: false };
    this.paused = false;
    this.problem = '';
    this.pressedAt = -Infinity;
  }

  toggle() {
    this.pressedAt = performance.now();
    this.setPaused(!this.paused);
    this.send({ kind: 'pause', paused: this.paused });
  }

  /** @param {boolean} paused */
  setPaused(paused) {
    this.paused = paused;
    this.showPaused(paused);
  }

  /**
   * The server says how it stands. A problem is told once.
   * @param {Status} status
   */
  update(status) {
    const problem = problemOf(status);
    if (problem && problem !== this.problem) this.toast(problem, 'error');
    const page = { paused: this.paused, pressedAt: this.pressedAt, sending: this.isSending(), now: performance.now() };
    this.status = status;
    this.problem = problem;
    this.setPaused(pausedAfter(status.paused, page));
  }
}

// @ts-check
// The line of a page that shows the picture alone: it opens itself again until the link is withdrawn.

import { NoSocket, talkOverSocket } from './socket.js';

/** @import { Browser, Frame, Message } from './types.js' */

const SILENCE = 15000; // ms without a word, where the server asks every five seconds: the line is dead
const [FIRST_PAUSE, LONGEST_PAUSE, GROWTH] = [400, 4000, 1.7]; // ms between two tries, and how it grows
const WAITING = 'Waiting for the picture.';

/**
 * @typedef {{ frame: (frame: Frame) => unknown, lost: (words: string) => void, ended: (words: string) => void }} Handlers
 *   lost: the line broke, and is tried again; ended: the link was withdrawn
 */

export class Viewing {
  /** @param {{ address: string, on: Handlers, browser: Browser, opened?: () => void }} options address: of the socket; opened: a line begins */
  constructor({ address, on, browser, opened = () => {} }) {
    this.address = address;
    this.on = on;
    this.browser = browser;
    this.opened = opened;
    /** @type {import('./types.js').Deliver | null} */
    this.deliver = null;
    this.ended = false;
  }

  /** @param {Message} message */
  send(message) {
    this.deliver?.(message);
  }

  /**
   * Show a frame, in place of whatever is said; none that was still being decoded as the link was withdrawn.
   * @param {Frame} frame
   * @param {{ show: (frame: Frame) => unknown, clear: () => void }} stage
   * @param {{ textContent: string | null }} words
   */
  async show(frame, stage, words) {
    await stage.show(frame);
    if (this.ended) stage.clear();
    else words.textContent = '';
    this.send({ type: 'ack', sequence: frame.sequence });
  }

  /** Look on until the link is withdrawn. */
  async run() {
    let pause = FIRST_PAUSE;
    while (!this.ended) {
      const words = await this.talk();
      if (this.deliver) pause = FIRST_PAUSE;
      this.deliver = null;
      if (this.ended) return;
      this.on.lost(words || WAITING);
      await new Promise((resolve) => { this.browser.setTimeout(() => resolve(null), pause); });
      pause = Math.min(pause * GROWTH, LONGEST_PAUSE);
    }
  }

  /** One line to its end; gives the server's words of why it ended, or ''. */
  async talk() {
    const { address, browser } = this;
    try {
      const protocols = ['studio.v1'];
      return await talkOverSocket({ browser, address, protocols, line: this.line(), silence: () => SILENCE, opened: () => {} });
    } catch (error) {
      if (!(error instanceof NoSocket)) throw error;
      return '';
    }
  }

  /** @returns {import('./types.js').Line} */
  line() {
    const viewing = this;
    return {
      opened: (deliver) => {
        this.deliver = deliver;
        this.opened();
      },
      frame: (frame) => this.on.frame(frame),
      message: ({ type, number }) => { if (type === 'ping') this.send({ type: 'pong', number }); },
      superseded: (words) => {
        this.ended = true;
        this.on.ended(words);
      },
      get ended() { return viewing.ended; },
    };
  }
}

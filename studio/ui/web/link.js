// @ts-check
// The way to the server and back: a WebSocket, or where none comes through, plain HTTP pulls with the same frames.
// Opens itself again, on the same session, when it is lost; it ends for good only when another page took the session.

import { talkByPull } from './pull.js';
import { NoSocket, talkOverSocket } from './socket.js';

/** @import { Admission, Browser, Deliver, Frame, LinkState, Message } from './types.js' */

const SILENCE = 10000; // ms without a word, where the server says something twice a second: the line is dead, and no one will say so
const PULL_SILENCE = 20000; // ms, where an answer may take ten seconds to come
const [FIRST_PAUSE, LONGEST_PAUSE, GROWTH] = [400, 4000, 1.7]; // ms between two tries, and how it grows
const STEADY = 5000; // ms a link must have lasted for the next pause to be the first again
const LOOK_EVERY = 1500; // ms between two looks whether the server answers
const ELSEWHERE = 'This session goes on in another tab.';

/** @type {Browser} */
export const BROWSER = {
  WebSocket: globalThis.WebSocket,
  fetch: (...request) => fetch(...request),
  now: () => performance.now(),
  setTimeout: (call, ms) => setTimeout(call, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * What is called with what arrives.
 * @typedef {object} Handlers
 * @property {(frame: Frame) => unknown} frame
 * @property {(message: Message) => void} message
 * @property {(state: LinkState, detail: string) => void} state `detail`: the server's words, or for `live` what carries it
 */

export class Link {
  /** @param {{ root: string, ask: () => Promise<Admission>, on: Handlers, pull?: boolean, browser?: Browser }} options ask: for a ticket */
  constructor({ root, ask, on, pull = false, browser = BROWSER }) {
    this.root = root;
    this.base = `${root}/gradio_api/studio`;
    this.ask = ask;
    this.on = on;
    this.pull = pull;
    this.browser = browser;
    /** @type {Deliver | null} */
    this.deliver = null; // to the server; null while there is no link
    /** @type {WebSocket | null} */
    this.socket = null;
    this.ended = false;
    this.silence = SILENCE;
    this.pullSilence = PULL_SILENCE;
  }

  get connected() {
    return Boolean(this.deliver);
  }

  /**
   * Send a message, or a picture's bytes; it is dropped while there is no link, as the state is told anew when there is one.
   * @type {import('./types.js').Send}
   */
  send(message) {
    this.deliver?.(message);
    return this.connected;
  }

  /** End it for good. */
  end() {
    this.ended = true;
    this.deliver = null;
    if (this.socket) Object.assign(this.socket, { onmessage: null }).close();
  }

  /**
   * Another page has the seat: to come back would take it away there.
   * @param {string} words
   */
  superseded(words) {
    if (!this.ended) this.on.state('superseded', words || ELSEWHERE);
    this.end();
  }

  /** Keep a link open until it is ended. */
  async run() {
    let pause = FIRST_PAUSE;
    while (!this.ended) {
      const began = this.browser.now();
      const { waits, words } = await this.connect();
      if (this.connected && this.browser.now() - began > STEADY) pause = FIRST_PAUSE;
      this.deliver = null;
      if (this.ended) return;
      if (!waits) this.on.state('lost', words);
      await this.sleep(pause);
      pause = Math.min(pause * GROWTH, LONGEST_PAUSE);
      await this.untilReachable(words);
    }
  }

  /** One link from its ticket to its end: was there no seat, and the server's words of why it ended. */
  async connect() {
    try {
      const { ticket, waiting } = await this.ask();
      if (waiting && !this.ended) this.on.state('waiting', waiting);
      if (waiting || this.ended) return { waits: true, words: '' };
      return { waits: false, words: await this.talk(ticket ?? '') };
    } catch (error) {
      console.debug('studio link:', error);
      return { waits: false, words: '' };
    }
  }

  /**
   * Talk until the link ends; gives the server's words of why, or ''.
   * @param {string} ticket
   */
  async talk(ticket) {
    const { browser, base } = this;
    if (!this.pull) {
      try {
        const opened = (/** @type {WebSocket} */ socket) => { this.socket = socket; };
        const [address, protocols] = [`${base.replace(/^http/, 'ws')}/ws`, ['studio.v1', `ticket.${ticket}`]];
        return await talkOverSocket({ browser, address, protocols, opened, line: this.line(), silence: () => this.silence });
      } catch (error) {
        if (!(error instanceof NoSocket)) throw error;
        this.pull = true;
      }
    }
    return talkByPull({ browser, base, ticket, line: this.line(), silence: () => this.pullSilence });
  }

  /** @returns {import('./types.js').Line} */
  line() {
    const link = this;
    return {
      opened: (deliver, transport) => {
        this.deliver = deliver;
        this.on.state('live', transport);
      },
      frame: (frame) => this.on.frame(frame),
      message: (message) => this.receive(message),
      superseded: (words) => this.superseded(words),
      get ended() { return link.ended; },
    };
  }

  /** @param {Message} message */
  receive(message) {
    if (message.type === 'ping') this.send({ type: 'pong', number: message.number });
    if (message.type === 'superseded') this.superseded(message.message);
    else this.on.message(message);
  }

  /**
   * Gradio shows an error for every event while the server is away, so a ticket is asked for only once it answers again.
   * @param {string} words
   */
  async untilReachable(words) {
    while (!this.ended && !(await this.isReachable())) {
      this.on.state('lost', words); // also where a seat was waited for
      await this.sleep(LOOK_EVERY);
    }
  }

  /** @returns {Promise<boolean>} */
  isReachable() {
    return this.browser.fetch(`${this.root}/gradio_api/app_id`).then((answer) => answer.ok, () => false);
  }

  /** @param {number} ms */
  sleep(ms) {
    return new Promise((resolve) => { this.browser.setTimeout(() => resolve(null), ms); });
  }
}

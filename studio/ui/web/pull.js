// @ts-check
// The link by plain HTTP, with the same frames and messages, where no WebSocket comes through.

import { endsForGood, isCloseCode, unpackFrame } from './wire.js';

/** @import { Browser, Line, Message } from './types.js' */
/** @typedef {(path: string, options?: RequestInit) => Promise<Response>} Ask */

const UP_EVERY = 200; // ms between two looks for messages
const MOST_AT_ONCE = 64; // messages in one request

/** The server refused: `code` as a socket's close code, `words` for the person. */
class Refusal extends Error {
  /**
   * @param {string} path
   * @param {number} status
   * @param {{ code?: number, error?: string }} answer
   */
  constructor(path, status, { code, error }) {
    super(`${path} answered ${status}`);
    this.code = code;
    this.words = error ?? '';
  }
}

/**
 * Pull until the line is dead or the server ends it; what is under way then is called off, not left beside the next line.
 * Gives the server's words of why it ended, or ''; rejects where the line broke.
 * @param {{ browser: Browser, base: string, ticket: string, line: Line, silence: () => number }} options
 *   silence: ms without an answer after which the line counts as dead
 * @returns {Promise<string>}
 */
export async function talkByPull({ browser, base, ticket, line, silence }) {
  const abort = new AbortController();
  /** @type {any} */
  let timer = null;
  const expectAnswer = () => {
    browser.clearTimeout(timer);
    timer = browser.setTimeout(() => abort.abort(), silence());
  };
  /** @type {Ask} */
  const ask = async (path, options) => {
    const answer = await browser.fetch(base + path, { ...options, signal: abort.signal });
    if (!answer.ok) throw new Refusal(path, answer.status, await answer.json().catch(() => ({})));
    expectAnswer();
    return answer;
  };
  expectAnswer();
  try {
    await new Pull(ask, line, browser).run(ticket);
    return '';
  } catch (error) {
    if (!(error instanceof Refusal) || !error.code || !isCloseCode(error.code)) throw error;
    if (endsForGood(error.code)) line.superseded(error.words);
    return error.words;
  } finally {
    browser.clearTimeout(timer);
    abort.abort();
  }
}

class Pull {
  /**
   * @param {Ask} ask
   * @param {Line} line
   * @param {Browser} browser
   */
  constructor(ask, line, browser) {
    this.ask = ask;
    this.line = line;
    this.browser = browser;
    /** @type {Message[]} */
    this.queue = [];
    this.wake = () => {};
    /** @type {Record<string, string>} */
    this.headers = {};
  }

  /** @param {string} ticket */
  async run(ticket) {
    const opened = await this.ask('/link', { method: 'POST', headers: { 'x-studio-ticket': ticket } });
    const { token, messages } = await opened.json();
    this.headers = { 'x-studio-link': token };
    this.line.opened((message) => (message instanceof Uint8Array ? this.upload(message) : this.enqueue(message)), 'pull');
    this.receive(messages);
    await Promise.all([this.exchange(), this.frames(), this.frames()]);
  }

  /** @param {Message[]} messages */
  receive(messages) {
    messages.forEach((message) => this.line.message(message));
  }

  /** @param {Message} message */
  enqueue(message) {
    this.queue.push(message);
    this.wake();
  }

  /**
   * A picture, beside the messages. A lost link is found by the pulls.
   * @param {Uint8Array<ArrayBuffer>} picture
   */
  async upload(picture) {
    const headers = { ...this.headers, 'content-type': 'application/octet-stream' };
    try {
      const answer = await this.ask('/up', { method: 'POST', headers, body: picture });
      this.receive((await answer.json()).messages);
    } catch (error) {
      console.debug('studio picture:', error);
    }
  }

  /** Messages up, and those that wait for the page down. */
  async exchange() {
    while (!this.line.ended) {
      if (!this.queue.length) await this.untilWoken(UP_EVERY);
      const body = JSON.stringify({ messages: this.queue.splice(0, MOST_AT_ONCE) });
      const answer = await this.ask('/up', { method: 'POST', headers: this.headers, body });
      this.receive((await answer.json()).messages);
    }
  }

  async frames() {
    while (!this.line.ended) {
      const answer = await this.ask('/frame', { headers: this.headers, cache: 'no-store' });
      if (answer.status === 200) this.line.frame(unpackFrame(await answer.arrayBuffer()));
    }
  }

  /** @param {number} ms */
  untilWoken(ms) {
    return new Promise((resolve) => {
      const timer = this.browser.setTimeout(() => resolve(null), ms);
      this.wake = () => {
        this.browser.clearTimeout(timer);
        resolve(null);
      };
    });
  }
}

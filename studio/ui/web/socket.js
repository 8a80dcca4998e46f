// @ts-check
// The link over a WebSocket.

import { CLOSE, endsForGood, isCloseCode, unpackFrame } from './wire.js';

/** @import { Browser, Line } from './types.js' */

const OPEN_WITHIN = 2500; // ms for a socket's first word; some proxies never answer a handshake, nor refuse it
const OPEN = 1; // WebSocket.OPEN
const STOPPING = 'The server has stopped. Trying again until it is back.';

/** No socket comes through here; HTTP may. */
export class NoSocket extends Error {}

/**
 * Talk to the server until the socket ends. Gives the server's words of why, or ''; rejects with NoSocket if nothing ever came.
 * @param {{ browser: Browser, address: string, protocols: string[], line: Line, silence: () => number, opened: (socket: WebSocket) => void }} options
 *   silence: ms without a word after which the line counts as dead; opened: is given the socket, so that it can be closed
 * @returns {Promise<string>}
 */
export function talkOverSocket({ browser, address, protocols, line, silence, opened }) {
  return new Promise((resolve, reject) => {
    const socket = new browser.WebSocket(address, protocols);
    /** @type {any} */
    let timer = null;
    let live = false;
    const finish = (words = '', known = false) => {
      browser.clearTimeout(timer);
      if (live || known || line.ended) resolve(words);
      else reject(new NoSocket('no socket'));
    };
    const expectWord = (/** @type {number} */ ms) => {
      browser.clearTimeout(timer);
      timer = browser.setTimeout(() => {
        Object.assign(socket, { onclose: null, onmessage: null });
        socket.close();
        finish();
      }, ms);
    };
    expectWord(OPEN_WITHIN);
    opened(socket);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send('{"type":"open"}');
    socket.onmessage = ({ data }) => {
      expectWord(silence());
      if (data instanceof ArrayBuffer) return line.frame(unpackFrame(data));
      if (!live) line.opened((message) => send(socket, message), 'socket');
      live = true;
      return line.message(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (endsForGood(code)) line.superseded(reason);
      if (!isCloseCode(code)) finish();
      else finish(reason || (code === CLOSE.stopping ? STOPPING : ''), true);
    };
  });
}

/**
 * @param {WebSocket} socket
 * @param {import('./types.js').Message | Uint8Array<ArrayBuffer>} message
 */
function send(socket, message) {
  if (socket.readyState === OPEN) socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
}

// @ts-check
// How pictures are sent: the server is told what this browser shows, and the page says which it is where one asks.

import { find } from './dom.js';
import { tellDecoder } from './pictures.js';

/** @import { Feature, Status } from './types.js' */
/** @import { Page } from './page.js' */

/**
 * What is said of the link while the pointer rests on it.
 * @param {number} kbits a second of H.264; 0 for JPEG
 */
export function sentAs(kbits) {
  return kbits ? `Pictures come as H.264, about ${kbits} kbit/s: the line is slow for more` : 'Pictures come as JPEG';
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const link = find(page.box, '.st-link', HTMLElement);
  let token = '';
  return {
    messages: {
      hello: (hello) => {
        if (hello.token === token || page.link.pull) return; // another model, or a carrier that may lose one
        token = hello.token;
        tellDecoder(page.stage.pictures, (message) => page.link.send(message));
      },
      status: (/** @type {Status} */ { kbits = 0 }) => { link.title = sentAs(kbits); },
    },
  };
}

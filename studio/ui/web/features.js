// @ts-check
// What the page can do beside painting: one line each. A feature makes its own elements, has a stylesheet of its name,
// and says what it does with keys, messages and frames; none knows another.

import { install as audition } from './audition.js';
import { install as backdrop } from './backdrop.js';
import { install as drop } from './drop.js';
import { install as editor } from './editor.js';
import { install as exports } from './exports.js';
import { install as ghosts } from './ghosts.js';
import { install as grab } from './grab-feature.js';
import { install as hands } from './hands.js';
import { install as latency } from './latency.js';
import { install as live } from './live.js';
import { install as moments } from './moments.js';
import { install as motion } from './motion.js';
import { install as pad } from './pad.js';
import { install as place } from './place.js';
import { install as projector } from './projector.js';
import { install as picturesSent } from './pictures-sent.js';
import { install as regions } from './regions.js';
import { install as selection } from './selection-feature.js';
import { install as slots } from './slots.js';
import { install as subjects } from './subjects.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */

/** @type {Record<string, (page: Page) => Feature>} */
const FEATURES = {
  seen: ({ seen }) => seen.feature, audition, backdrop, drop, editor, exports, ghosts, hands, latency, live, moments, motion,
  pad, picturesSent, place, projector, regions, slots, subjects, selection, grab, // its slider stands in the bar of the selection
};

export class Features {
  /** @type {Feature[]} */
  all = [];

  /**
   * Put every feature on the page.
   * @param {Page} page whose parts are all there
   */
  install(page) {
    this.all = Object.values(FEATURES).map((install) => install(page));
  }

  /** What buttons and keys do, by name. */
  get actions() {
    return Object.assign({}, ...this.all.map(({ actions }) => actions));
  }

  /**
   * Tell every feature that wants to hear of it.
   * @template {'frame' | 'draw' | 'measure' | 'changed'} Event
   * @param {Event} event
   * @param {Parameters<Required<Feature>[Event]>} values
   */
  tell(event, ...values) {
    for (const one of this.all) /** @type {any} */ (one)[event]?.(...values);
  }

  /** @param {any} message of the server */
  take(message) {
    for (const { messages } of this.all) messages?.[message.type]?.(message);
  }
}

// @ts-check
// Short notices over the picture.

import { element } from './dom.js';

/** @import { ToastKind } from './types.js' */

const MOST = 3;
const SHOWN_FOR = { notice: 5000, error: 9000, news: 30000 }; // ms

export class Toasts {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
  }

  /**
   * Show a notice for some seconds; the hand goes through it to the picture. What stands there already is not said twice, and news replace older ones.
   * @param {string} text
   * @param {ToastKind} kind
   */
  show(text, kind = 'notice') {
    if ([...this.list.children].some((toast) => toast.textContent === text)) return;
    if (kind === 'news') this.list.querySelector('.news')?.remove();
    const toast = element('div', { className: `st-toast ${kind}`, textContent: text });
    this.list.append(toast);
    while (this.list.children.length > MOST) this.list.firstElementChild?.remove();
    setTimeout(() => toast.remove(), SHOWN_FOR[kind]);
  }
}

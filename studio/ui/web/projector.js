// @ts-check
// The picture out of the page: a window for a projector, and a link for other programs. Both show it and change nothing.

import { element, find } from './dom.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */
/** @typedef {{ secret: string, watching: number }} Views */

const WINDOW = 'studio-picture'; // the name of the window: there is one, and a second press comes back to it
const BLOCKED = 'The browser opened no window. Allow this page to open windows beside the address, then try again.';
const LINK = 'The link is copied, for OBS, VLC or any player of MJPEG. It ends with this session, or when you withdraw it.';
const SHARED = 'Whoever has the link sees the picture and can change nothing.';

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const view = new Projector(page);
  return {
    actions: {
      picture: () => view.toggle(),
      projector: () => view.open(),
      'copy-mjpeg': () => view.copy(),
      'withdraw-views': () => view.withdraw(),
    },
    messages: { views: (/** @type {Views} */ views) => view.take(views) },
  };
}

/**
 * How many look on, in words.
 * @param {number} watching
 */
export function watchingWords(watching) {
  if (!watching) return 'Nobody looks on.';
  return watching === 1 ? 'One looks on.' : `${watching} look on.`;
}

class Projector {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Views} */
    this.views = { secret: '', watching: 0 };
    /** @type {Window | null} */
    this.window = null;
    this.button = find(page.box, '[data-do="picture"]', HTMLElement);
    this.says = element('p', { textContent: SHARED });
    this.withdrawButton = menuButton('withdraw-views', 'Withdraw the links', 'End all windows and players; new links have another address');
    this.menu = this.makeMenu();
    page.box.append(this.menu);
    document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.toggle(false); });
    document.addEventListener('pointerdown', ({ target }) => {
      if (target instanceof Node && !this.menu.contains(target) && !this.button.contains(target)) this.toggle(false);
    });
  }

  makeMenu() {
    const menu = element('section', { className: 'st-out', hidden: true });
    menu.setAttribute('aria-label', 'The picture alone');
    const open = menuButton('projector', 'Window for a projector', 'The picture alone, full screen by a double click (Shift F)');
    const copy = menuButton('copy-mjpeg', 'Copy the MJPEG link', 'For OBS, VLC and other programs');
    menu.append(open, copy, this.withdrawButton, this.says);
    return menu;
  }

  /** @param {boolean} [open] */
  toggle(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  /** @param {Views} views */
  take({ secret, watching }) {
    const moved = this.views.secret && this.views.secret !== secret;
    this.views = { secret, watching };
    this.says.textContent = `${SHARED} ${watchingWords(watching)}`;
    this.withdrawButton.disabled = !watching && !this.given;
    if (moved && this.window && !this.window.closed) this.window.location.replace(this.address('view'));
  }

  given = false; // was a link copied, or a window opened?

  /** @param {'view' | 'mjpeg'} what */
  address(what) {
    return `${this.page.link.base}/${what}/${this.views.secret}`;
  }

  open() {
    this.toggle(false);
    if (!this.views.secret || !this.page.isConnected()) return;
    this.window = window.open(this.address('view'), WINDOW, 'popup,width=960,height=600');
    if (this.window) this.window.focus();
    else this.page.toasts.show(BLOCKED, 'error');
    this.given = true;
  }

  async copy() {
    this.toggle(false);
    if (!this.views.secret || !this.page.isConnected()) return;
    this.given = true;
    try {
      await navigator.clipboard.writeText(this.address('mjpeg'));
      this.page.toasts.show(LINK);
    } catch { // no https, or the browser asks first: it can still be read
      this.page.toasts.show(this.address('mjpeg'), 'news');
    }
  }

  withdraw() {
    this.window = null; // it ends with the others, and does not follow to the new address
    this.given = false;
    this.page.command('withdraw-views');
  }
}

/**
 * @param {string} action
 * @param {string} textContent
 * @param {string} title
 */
function menuButton(action, textContent, title) {
  const button = element('button', { type: 'button', textContent, title });
  button.dataset.do = action;
  return button;
}

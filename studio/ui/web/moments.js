// @ts-check
// The panel's list of moments: branches that were left and bookmarks on disk, to be gone to, named, kept, compared, removed.

import { Comparison } from './compare.js';
import { element, iconButton } from './dom.js';

/** @import { Feature, Moments } from './types.js' */
/** @import { Page } from './page.js' */
/**
 * A moment as the list shows it. `id`: a branch's number, or the name of a bookmark's file.
 * @typedef {{ id: number | string, name: string, about: string, title: string, picture: string }} Moment
 */

const ICONS = {
  bookmark: '<svg viewBox="0 0 24 24"><path d="M7 4.500h10v15l-5-4-5 4z" /></svg>',
  go: '<svg viewBox="0 0 24 24"><path class="fill" d="M8 5.500v13l10.500-6.500z" /></svg>',
  keep: '<svg viewBox="0 0 24 24"><path d="M12 4.500v10M7.500 10.500l4.500 4.500 4.500-4.500M5 19.500h14" /></svg>',
  compare: '<svg viewBox="0 0 24 24"><path d="M4 6h7v12H4zM13 6h7v12h-7z" /></svg>',
  remove: '<svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17" /></svg>',
};
const LONGEST_NAME = 60; // characters
const BOOKMARK = 'Bookmark this moment (B)';
export const EMPTY = 'B bookmarks this moment. What you leave by going back appears here too.';

/**
 * The branches, the newest first, then the bookmarks, as the list shows them.
 * @param {Pick<Moments, 'branches' | 'bookmarks'>} moments
 * @param {number} rate frames a second
 * @param {string} model that plays
 * @returns {Moment[]}
 */
export function momentsOf({ branches, bookmarks }, rate, model) {
  const seconds = (/** @type {number} */ frames) => (frames / rate).toFixed(1);
  return [
    ...branches.map(({ id, name, fork, frame, words, picture }) => (
      { id, name, about: `forks at ${seconds(fork)} s, ${seconds(Math.max(0, frame - fork))} s long`, title: words, picture })),
    ...bookmarks.map(({ name, title, frame, model: of, words, picture }) => (
      { id: name, name: title, about: `bookmark at ${seconds(frame)} s${of === model ? '' : `, ${of}`}`, title: words, picture })),
  ].reverse();
}

export class MomentList {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.shown = '';
    /** @type {Moments} */
    this.moments = { start: null, prompts: [], branches: [], bookmarks: [], reason: '' };
    this.comparison = new Comparison(page);
  }

  /** @param {Moments} moments */
  take(moments) {
    this.moments = moments;
    this.show();
  }

  /** Put the list into the panel, unless it is there; a name that is being written is left alone. */
  show() {
    const box = document.getElementById('studio-moments');
    const { page: { model, playback } } = this;
    const list = momentsOf(this.moments, playback.status.fps || 24, model.model);
    const key = JSON.stringify(list.map(({ id, name, title }) => [id, name, title]));
    if (!box || (key === this.shown && box.childElementCount) || box.contains(writing())) return;
    this.shown = key;
    this.comparison.choices(this.moments.branches);
    const button = iconButton(ICONS.bookmark, 'Bookmark', BOOKMARK, () => this.page.command('bookmark'));
    const rows = element('div', { className: 'st-moments' });
    rows.append(...list.map((moment) => this.row(moment)));
    if (!list.length) rows.append(element('p', { textContent: EMPTY }));
    box.replaceChildren(button, this.comparison.box, rows);
  }

  /** @param {Moment} moment */
  row(moment) {
    const { id, name, about, title, picture } = moment;
    const row = element('div', { className: 'st-moment', title });
    row.dataset.moment = String(id);
    const words = element('div');
    words.append(this.nameField(moment), element('small', { textContent: about }), this.buttons(id, name));
    const image = element('img', { src: picture, alt: '', onclick: () => this.go(id) });
    row.append(image, words);
    return row;
  }

  /**
   * The name, which can be written over in place.
   * @param {Moment} moment
   */
  nameField({ id, name }) {
    const field = element('input', { value: name, maxLength: LONGEST_NAME, spellcheck: false });
    field.setAttribute('aria-label', `Name of ${name}`);
    field.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') field.value = name;
      if (key === 'Enter') field.blur();
    });
    field.addEventListener('blur', () => {
      const to = field.value.trim();
      if (to && to !== name) this.page.command('rename-moment', { moment: id, to });
      else field.value = name;
      this.shown = ''; // what came meanwhile
    });
    return field;
  }

  /**
   * @param {number | string} id
   * @param {string} name
   */
  buttons(id, name) {
    const { page, comparison } = this;
    const buttons = element('span');
    buttons.append(iconButton(ICONS.go, '', `Play on in ${name}`, () => this.go(id)));
    if (typeof id === 'number') {
      buttons.append(
        iconButton(ICONS.compare, '', `Compare ${name} with what is played`, () => comparison.begin(id)),
        iconButton(ICONS.keep, '', `Keep ${name} as a take`, () => page.command('keep-branch', { branch: id })),
      );
    }
    buttons.append(iconButton(ICONS.remove, '', `Remove ${name}`, () => page.command('remove-moment', { moment: id })));
    return buttons;
  }

  /**
   * Go there, as a step that undo takes back.
   * @param {number | string} id
   */
  go(id) {
    const { controls } = this.page;
    if (typeof id === 'number') controls.elsewhere({ kind: 'branch', branch: id });
    else controls.elsewhere({ kind: 'open-bookmark', bookmark: id });
  }
}

/** The field of a name that is being written, if one is. */
function writing() {
  const { activeElement } = document;
  return activeElement instanceof HTMLInputElement && activeElement.closest('.st-moment') ? activeElement : null;
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const list = new MomentList(page);
  const button = iconButton(ICONS.bookmark, '', BOOKMARK, () => {});
  Object.assign(button, { className: 'st-icon' }).dataset.do = 'bookmark';
  page.box.querySelector('.st-time')?.append(button);
  return {
    actions: { bookmark: () => page.command('bookmark') },
    messages: {
      hello: () => list.comparison.end(),
      timeline: (moments) => list.take(moments),
      left: ({ step, branch }) => page.controls.left(step, branch),
      video: ({ take }) => page.takes.replace(take),
      comparison: (begun) => list.comparison.begun(begun),
      compared: (frames) => list.comparison.add(frames),
    },
    draw: (now) => list.comparison.draw(now),
    measure: () => list.show(),
  };
}

// @ts-check
// The editor's upper row: what is edited, and what can be done with all of it.

import { element, iconButton } from './dom.js';

/** @import { OpenedTake } from './types.js' */

const ICONS = {
  undo: '<svg viewBox="0 0 24 24"><path d="M9 5L4.500 9.500 9 14M5 9.500h9a5 5 0 0 1 0 10h-3" /></svg>',
  redo: '<svg viewBox="0 0 24 24"><path d="M15 5l4.500 4.500L15 14M19 9.500h-9a5 5 0 0 0 0 10h3" /></svg>',
  into: '<svg viewBox="0 0 24 24"><path d="M14 5H9v14h5" /></svg>',
  out: '<svg viewBox="0 0 24 24"><path d="M10 5h5v14h-5" /></svg>',
  close: '<svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17" /></svg>',
};

/**
 * @param {string} textContent
 * @param {string} title
 * @param {() => void} onclick
 */
function word(textContent, title, onclick) {
  return element('button', { textContent, title, onclick });
}

export class Bar {
  /** @param {Record<string, () => void>} actions by name */
  constructor(actions) {
    this.box = element('div', { className: 'ed-bar' });
    this.title = element('b');
    this.undo = iconButton(ICONS.undo, '', 'Undo this edit (Ctrl Z)', actions.undo);
    this.redo = iconButton(ICONS.redo, '', 'Redo (Ctrl Shift Z)', actions.redo);
    this.part = element('span', { className: 'ed-partly', hidden: true });
    this.part.append(
      word('Loop ×2', 'Play the marked part twice', actions.loop),
      word('Trim', 'Keep the marked part alone', actions.trim),
      word('Slower', 'Stretch the marked part to twice its time', actions.slower),
      word('Faster', 'Press the marked part into half its time', actions.faster),
    );
    this.play = word('Preview', 'Show the take in the place of the live picture', actions.play);
    this.box.append(
      this.title, this.undo, this.redo,
      iconButton(ICONS.into, '', 'The part begins at the playhead ([)', actions.into),
      iconButton(ICONS.out, '', 'The part ends at the playhead (])', actions.out),
      word('+ Prompt', 'Other words from the playhead on', actions.prompt), this.part,
      element('i'), this.play,
      word('Save version', 'Keep it as another take, beside the one it is of', actions.save),
      word('Render', 'Make a video of it: with more steps, on another model', actions.render),
      iconButton(ICONS.close, '', 'Close the editor (Escape)', actions.close),
    );
  }

  /** @param {OpenedTake} take */
  name({ take, versions }) {
    this.title.textContent = take.replace(/^\d+-\d+-/, '').replaceAll('-', ' ');
    this.title.title = versions.length ? `${take}, a version of ${versions.at(-1)}` : take;
  }

  /** @param {{ undo: boolean, redo: boolean }} can */
  can({ undo, redo }) {
    this.undo.setAttribute('aria-disabled', String(!undo));
    this.redo.setAttribute('aria-disabled', String(!redo));
  }

  /**
   * @param {boolean} playing whether a take is shown in the place of the live picture
   * @param {boolean} marked whether a part is marked
   */
  show(playing, marked) {
    this.part.hidden = !marked;
    this.play.textContent = playing ? 'Back to live' : 'Preview';
    this.play.classList.toggle('playing', playing);
  }
}

// @ts-check
// What stands beside the prompt: words that are too many to be sent, and what of those in force the model does not read.

import { element, formatCount } from './dom.js';

const END = 40; // characters that are shown of where words end

/**
 * What is said of words that are too long to be sent, '' of any others.
 * @param {string} what they are
 * @param {string | undefined} text
 * @param {number | undefined} longest
 */
export function tooLong(what, text, longest) {
  const letters = [...(text ?? '')]; // as Python counts them
  if (!longest || letters.length <= longest) return '';
  const end = letters.slice(Math.max(0, longest - END), longest).join('');
  return `This ${what} has ${formatCount(letters.length)} characters, and ${formatCount(longest)} can be sent: they end with “…${end}”.`;
}

export class PromptNotes {
  constructor() {
    /** @type {string[]} */
    this.remarks = []; // of the model, on the prompt in force
    this.shown = '[]';
  }

  /**
   * Show the notes, where they are others than those that stand there.
   * @param {Record<string, string | undefined>} written in the panel
   * @param {(field: string) => number | undefined} longest how many characters of a field can be sent
   */
  show({ text, negative }, longest) {
    const list = document.getElementById('studio-remarks');
    const overlong = [tooLong('prompt', text, longest('text')), tooLong('negative prompt', negative, longest('negative'))];
    const notes = [...overlong.filter(Boolean), ...this.remarks];
    if (!list || (this.shown === JSON.stringify(notes) && list.childElementCount === notes.length)) return;
    this.shown = JSON.stringify(notes);
    list.setAttribute('role', 'status');
    list.replaceChildren(...notes.map((note) => element('p', { textContent: note })));
  }
}

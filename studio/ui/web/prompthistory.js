// @ts-check
// The prompts that were applied: Alt and an arrow in the prompt's box walk through them.

import { browserStorage } from './storage.js';

const KEPT = 'studio-prompts';
const MOST = 50;
const BOX = '#studio-prompt textarea';

/**
 * The texts once another was applied: the last is the newest, each stands there once.
 * @param {string[]} texts
 * @param {string} text
 */
export function withPrompt(texts, text) {
  return [...texts.filter((one) => one !== text), text].slice(-MOST);
}

export class PromptHistory {
  constructor() {
    this.texts = readTexts(browserStorage.get(KEPT));
    this.at = this.texts.length; // where the walk is; behind the last is what is being written
    this.draft = '';
  }

  listen() {
    document.addEventListener('keydown', (event) => {
      const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!way || !event.altKey || !(event.target instanceof HTMLTextAreaElement) || !event.target.matches(BOX)) return;
      event.preventDefault();
      const text = this.step(way, event.target.value);
      if (text !== null) write(event.target, text);
    });
  }

  /** @param {string} text that was applied */
  add(text) {
    if (text !== this.texts.at(-1)) {
      this.texts = withPrompt(this.texts, text);
      browserStorage.set(KEPT, JSON.stringify(this.texts));
      this.at = this.texts.length;
    }
  }

  /**
   * One further: the text that stands there, null at either end. What was being written waits at the end.
   * @param {number} way -1 is to an earlier one
   * @param {string} written
   */
  step(way, written) {
    if (this.at >= this.texts.length) this.draft = written;
    let at = this.at + way;
    if (way < 0 && this.texts[at] === written.trim()) at -= 1; // what stands in the box is the newest
    if (at < 0 || at > this.texts.length) return null;
    this.at = at;
    return this.texts[at] ?? this.draft;
  }
}

/**
 * Write into a box as a hand would: Gradio listens to its input.
 * @param {HTMLTextAreaElement} box
 * @param {string} text
 */
function write(box, text) {
  Object.assign(box, { value: text });
  box.setSelectionRange(text.length, text.length);
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

/** @param {string | null} text */
function readTexts(text) {
  try {
    const texts = JSON.parse(text ?? '[]');
    return Array.isArray(texts) ? texts.filter((one) => typeof one === 'string').slice(-MOST) : [];
  } catch {
    return [];
  }
}

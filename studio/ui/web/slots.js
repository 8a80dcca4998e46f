// @ts-check
// Nine prompts at hand, each with a picture of what it gave: played by a key, mixed, on the beat.

import { Cue } from './cue.js';
import { element } from './dom.js';
import { Markers } from './markers.js';
import { Mixer } from './mixer.js';
import { PromptHistory } from './prompthistory.js';
import { SLOTS, promptOf, readSlots, shareOfSlot, sharesOf, slotOf, soundsLike } from './slotdata.js';
import { listenToPress, thumbnail } from './slotparts.js';
import { inForce } from './state.js';
import { browserStorage, tabStorage } from './storage.js';

/** @import { Control, Feature, Slot } from './types.js' */
/** @import { Page } from './page.js' */

const KEPT = 'studio-slots';
const SETTLED = 1; // seconds that words are live before their picture is taken

class Slots {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {(Slot | null)[]} */
    this.slots = readSlots(tabStorage.get(KEPT) ?? browserStorage.get(KEPT)); // this seat's, or those of the last page
    /** @type {number | null} */
    this.liveAt = null; // the frame from which on the words in force are whole, until their picture is taken
    this.frame = 0; // that was seen last
    this.buttons = this.slots.map((_, at) => this.button(at));
    const grid = element('div', { className: 'st-slots' });
    grid.setAttribute('role', 'group');
    grid.setAttribute('aria-label', 'Prompt slots');
    grid.append(...this.buttons);
    this.markers = new Markers(page);
    this.cue = new Cue(page, () => this.markers.frames);
    this.mixer = new Mixer({
      page, slots: () => this.slots, play: (prompt) => this.cue.play(prompt), waits: () => this.cue.when !== 'now',
    });
    this.history = new PromptHistory();
    this.box = element('div', { className: 'st-slotbox' });
    this.heard = element('p', { className: 'st-heard', hidden: true });
    this.box.append(grid, this.cue.box, this.mixer.box, this.heard); // the last, for it comes and goes under a moving hand
    this.history.listen();
    this.show();
  }

  /** @param {number} at */
  button(at) {
    const button = element('button', { className: 'st-slot' });
    button.append(element('img', { alt: '' }), element('b', { textContent: String(at + 1) }), element('span'));
    listenToPress(button, { press: () => (this.slots[at] ? this.play(at) : this.store(at)), hold: () => this.store(at) });
    button.addEventListener('keydown', (event) => {
      if (event.key !== 'Delete') return;
      event.stopPropagation(); // elsewhere it takes the chosen subject away
      this.empty(at);
    });
    return button;
  }

  /** Gradio puts the panel there when it will. */
  place() {
    const home = document.getElementById('studio-slots');
    if (home && this.box.parentElement !== home) home.replaceChildren(this.box);
  }

  /** @param {number} at */
  play(at) {
    const slot = this.slots[at];
    if (!slot) {
      this.page.toasts.show(`Slot ${at + 1} is empty. Click it, or press Ctrl Alt ${at + 1}, and it takes the present prompt.`);
      return;
    }
    if (this.cue.play(promptOf(slot))) this.page.panel.show();
  }

  /**
   * Show beside the stream what a slot would give (whoever can listens to it).
   * @param {number} at
   */
  audition(at) {
    const slot = this.slots[at];
    if (slot) this.page.box.dispatchEvent(new CustomEvent('st-audition', { detail: { controls: [promptOf(slot)] } }));
    else this.page.toasts.show(`Slot ${at + 1} is empty, so there is nothing to audition.`);
  }

  /**
   * Put the present prompt into a slot, with the picture that it gives if that is seen already.
   * @param {number} at
   */
  store(at) {
    const prompt = inForce(this.page.controls, 'prompt');
    if (!prompt) return;
    this.slots[at] = slotOf(prompt, this.liveAt === null && this.page.stage.drawn ? thumbnail(this.page.stage.view) : '');
    this.keep();
  }

  /** @param {number} at */
  empty(at) {
    this.slots[at] = null;
    this.keep();
  }

  keep() {
    for (const storage of [tabStorage, browserStorage]) storage.set(KEPT, JSON.stringify(this.slots));
    this.show();
    this.mixer.show();
  }

  /** @param {[number, string, number][]} receipts */
  began(receipts) {
    const last = receipts.findLast(([, kind]) => kind === 'prompt');
    if (!last) return;
    this.liveAt = last[2] + (inForce(this.page.controls, 'prompt')?.blend ?? 0);
    if (this.cue.hasCome) this.page.panel.showLiveSince(last[2]);
    this.cue.hasCome = false;
  }

  /**
   * A second after words went live their picture is taken, for every slot that says the same.
   * @param {number} frame that is seen
   */
  seen(frame) {
    const { outbox, stage } = this.page;
    if (this.liveAt !== null && frame < this.frame) this.liveAt = Math.min(this.liveAt, frame); // taken back in time
    this.frame = frame;
    if (this.liveAt === null || outbox.isSending('prompt')) return;
    if (frame < this.liveAt + SETTLED * this.cue.rate) return;
    this.liveAt = null;
    const prompt = inForce(this.page.controls, 'prompt');
    const same = this.slots.filter((slot) => soundsLike(slot, prompt));
    if (!same.length) return;
    const picture = thumbnail(stage.view);
    for (const slot of same) if (slot) slot.picture = picture;
    this.keep();
  }

  /** @param {Control | null} control */
  changed(control) {
    const prompt = inForce(this.page.controls, 'prompt');
    if (prompt && !prompt.mix?.length && control?.kind !== 'stroke') this.history.add(prompt.text);
    this.cue.changed();
    this.show();
  }

  show() {
    const prompt = inForce(this.page.controls, 'prompt');
    const isMix = Boolean(prompt && sharesOf(prompt).length > 1);
    this.heard.hidden = !isMix;
    this.heard.textContent = prompt && isMix ? `You hear ${titleOf(prompt)}` : '';
    this.slots.forEach((slot, at) => {
      const button = this.buttons[at];
      const [picture, , words] = button.children;
      const title = slot ? titleOf(slot) : '';
      const src = slot?.picture ?? '';
      if (src && picture.getAttribute('src') !== src) picture.setAttribute('src', src);
      /** @type {HTMLElement} */ (picture).hidden = !src;
      words.textContent = title || '+';
      button.title = slot ? `${title} (${at + 1}; hold or right-click to put the present prompt here)` : 'Put the present prompt here';
      button.setAttribute('aria-label', slot ? `Slot ${at + 1}: ${title}` : `Slot ${at + 1}: empty, put the present prompt here`);
      button.classList.toggle('empty', !slot);
      button.classList.toggle('live', soundsLike(slot, prompt));
      button.style.setProperty('--heard', String(slot ? shareOfSlot(slot, prompt) : 0));
    });
  }
}

/** @param {Record<string, any>} prompt */
function titleOf(prompt) {
  const heard = sharesOf(prompt);
  return heard.length === 1 ? heard[0][0] : heard.map(([text, share]) => `${Math.round(100 * share)} % ${text}`).join(' + ');
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const slots = new Slots(page);
  const each = (/** @type {string} */ name, /** @type {(at: number) => void} */ does) => (
    Object.fromEntries(Array.from({ length: SLOTS }, (_, at) => [`${name}-${at + 1}`, () => does(at)])));
  return {
    actions: {
      ...each('slot', (at) => slots.play(at)), ...each('audition', (at) => slots.audition(at)), ...each('store', (at) => slots.store(at)),
      tap: () => slots.cue.tap(), marker: () => slots.markers.toggle(page.stage.frame),
    },
    messages: {
      receipts: ({ items }) => slots.began(items),
      ahead: ({ items }) => { slots.cue.take(items); slots.markers.take(items); },
    },
    frame: ({ index }) => slots.seen(index),
    measure: () => { slots.place(); slots.cue.show(); slots.markers.show(); },
    changed: (control) => slots.changed(control),
  };
}

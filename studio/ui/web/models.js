// @ts-check
// Which model plays: the list to choose from, and the one on its way while the present one plays on.

import { element, find, formatBytes } from './dom.js';

/** @import { ModelOffer, ModelProgress, ShowToast } from './types.js' */

/** @type {Record<string, string>} */
const UNDER_WAY = { waiting: 'waiting for its turn', download: 'downloading', load: 'loading' };

/**
 * How far a model on its way is, as text, or null where its way has ended.
 * @param {ModelProgress} progress
 */
export function progressText({ name, stage, done, total }) {
  if (!UNDER_WAY[stage]) return null;
  const share = total ? ` · ${Math.floor((100 * done) / total)} % of ${formatBytes(total)}` : '';
  return `${name}: ${UNDER_WAY[stage]}${share}`;
}

/**
 * Licence, download and memory of a model on offer, as a line.
 * @param {ModelOffer} offer
 */
export function offerFacts({ licence, here, download_bytes: download, memory_bytes: memory }) {
  const facts = [licence, here ? 'here' : download && `${formatBytes(download)} to download`, memory && `${formatBytes(memory)} of memory`];
  return facts.filter(Boolean).join(' · ');
}

export class Models {
  /**
   * @param {{ box: HTMLElement, command: (name: string, more?: object) => void, toast: ShowToast }} options
   *   box: holds the dialog and the progress; command: goes to the server
   */
  constructor({ box, command, toast }) {
    this.box = box;
    this.command = command;
    this.toast = toast;
    this.dialog = find(box, '.st-models', HTMLDialogElement);
    this.progress = find(box, '.st-loading', HTMLElement);
  }

  /**
   * The model that plays, and whether there is another.
   * @param {string} name
   * @param {boolean} choice
   */
  show(name, choice) {
    find(this.box, '.st-model', HTMLElement).hidden = !choice;
    find(this.box, '[data-hud="model"]', HTMLElement).textContent = name;
    this.progress.hidden = true;
    if (this.dialog.open) this.command('models');
  }

  open() {
    this.command('models');
    this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }

  /** @param {{ items: ModelOffer[], playing: string }} offers */
  list({ items, playing }) {
    find(this.dialog, '.st-models-list', HTMLElement).replaceChildren(...items.map((offer) => this.row(offer, offer.name === playing)));
  }

  /**
   * @param {ModelOffer} offer
   * @param {boolean} playing
   */
  row(offer, playing) {
    const { name, what, here, fits, slow, reason, expect } = offer;
    const row = element('div', { className: `st-offer${fits ? '' : ' unfit'}`, role: 'listitem' });
    const words = element('div');
    words.append(element('b', { textContent: name }), element('p', { textContent: what }));
    words.append(element('small', { textContent: offerFacts(offer) }));
    if (expect) words.append(element('small', { className: 'expect', textContent: expect }));
    if (reason && (slow || !fits)) words.append(element('small', { className: 'why', textContent: reason }));
    const text = playing ? 'Playing' : here ? 'Play' : 'Download and play';
    const play = element('button', { textContent: text, disabled: playing || !fits });
    play.setAttribute('aria-label', `${text} ${name}`);
    play.onclick = () => {
      this.close();
      this.command('load', { model: name });
    };
    row.append(words, play);
    return row;
  }

  /**
   * How far the model on its way is; the end of it is said once.
   * @param {ModelProgress} progress
   */
  showProgress(progress) {
    const { name, stage, done, total, what } = progress;
    const text = progressText(progress);
    this.progress.hidden = text === null;
    if (text === null) {
      if (stage === 'ready') this.toast(`${name} plays now. ${what}`.trim());
      else this.toast(what, stage === 'failed' ? 'error' : 'notice');
      return;
    }
    const bar = find(this.progress, 'progress', HTMLProgressElement);
    find(this.progress, 'span', HTMLElement).textContent = text;
    if (total) bar.value = done / total;
    else bar.removeAttribute('value');
  }
}

// @ts-check
// Rendering a take: how, how far it is, and what came of it.

import { element, formatDuration } from './dom.js';

/** @import { ModelOffer, OpenedTake, RenderProgress } from './types.js' */

/**
 * How far a rendering is, in words.
 * @param {RenderProgress} progress
 */
export function renderWords({ stage, done, total, seconds, what }) {
  if (stage === 'load') return 'Making the model ready …';
  if (stage !== 'render') return what;
  const left = seconds > 1 ? `, about ${formatDuration(Math.ceil(seconds))} left` : '';
  return `Rendering frame ${done} of ${total}${left}`;
}

/** The row of options, which becomes the row of progress while a take is rendered. */
export class RenderBox {
  /**
   * @param {{ begin: (options: object) => void, cancel: () => void, models: () => void, address: (secret: string) => string }} options
   */
  constructor({ begin, cancel, models, address }) {
    this.begin = begin;
    this.cancel = cancel;
    this.models = models;
    this.address = address;
    this.box = element('div', { className: 'ed-render', hidden: true });
    this.steps = element('input', { type: 'number', min: '1', max: '16', step: '1', value: '8' });
    this.model = element('select');
    this.size = element('input', { type: 'text', placeholder: 'as it is', size: 8 });
    this.note = element('p');
    this.options = this.makeOptions();
    this.bar = element('progress', { max: 1 });
    this.state = element('p');
    this.result = element('a', { hidden: true, textContent: 'Download' });
    this.stop = element('button', { textContent: 'Cancel', className: 'ed-cancel', onclick: () => this.cancel() });
    this.progress = element('div', { className: 'ed-progress', hidden: true });
    this.progress.setAttribute('role', 'status');
    this.progress.append(this.bar, this.state, this.result, this.stop);
    this.box.append(this.options, this.progress);
    this.underWay = false;
  }

  makeOptions() {
    const row = element('div', { className: 'ed-options' });
    const labelled = (/** @type {string} */ words, /** @type {HTMLElement} */ input) => {
      const label = element('label');
      label.append(element('span', { textContent: words }), input);
      return label;
    };
    this.sizeLabel = labelled('Size', this.size);
    const go = element('button', { textContent: 'Render mp4', className: 'ed-go', onclick: () => this.start() });
    const close = element('button', { textContent: 'Close', onclick: () => { this.box.hidden = true; } });
    row.append(labelled('Steps', this.steps), this.sizeLabel, labelled('Model', this.model), go, close);
    return row;
  }

  start() {
    const size = this.size.value.trim().match(/^(\d+)(?:\s*x\s*(\d+))?$/i);
    const sides = size && !this.sizeLabel?.hidden ? { size: [Number(size[1]), Number(size[2] ?? size[1])] } : {};
    this.begin({ steps: Number(this.steps.value) || 0, model: this.model.value, ...sides });
  }

  /**
   * @param {OpenedTake} take
   */
  open(take) {
    this.box.hidden = !this.box.hidden && !this.underWay;
    if (this.box.hidden) return;
    if (this.sizeLabel) this.sizeLabel.hidden = !take.sizes;
    this.models();
    if (!this.underWay) this.showOptions();
  }

  showOptions() {
    this.options.hidden = false;
    this.progress.hidden = true;
  }

  /**
   * The models that a take can be rendered on: those that are here.
   * @param {{ items: ModelOffer[], playing: string }} offers
   */
  list({ items, playing }) {
    const others = items.filter(({ name, here, fits }) => here && fits && name !== playing);
    const { value } = this.model;
    this.model.replaceChildren(
      element('option', { value: '', textContent: playing || 'the one that plays' }),
      ...others.map(({ name }) => element('option', { value: name, textContent: name })),
    );
    this.model.value = value;
  }

  /** @param {RenderProgress} progress */
  show(progress) {
    const { stage, done, total, name, video } = progress;
    this.underWay = stage === 'load' || stage === 'render';
    this.box.hidden = false;
    this.options.hidden = true;
    this.progress.hidden = false;
    this.bar.hidden = this.stop.hidden = !this.underWay;
    if (stage === 'load') this.bar.removeAttribute('value');
    else this.bar.value = total ? done / total : 0;
    this.state.textContent = renderWords(progress);
    this.result.hidden = !video;
    if (video) Object.assign(this.result, { href: this.address(video), download: `${name}.mp4` });
    if (stage === 'cancelled') this.showOptions();
  }
}

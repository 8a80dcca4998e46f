// @ts-check
// From the hand to the picture: measured always, shown in stages on a click, and held by the dial.

import { DriftView, refresh } from './drift.js';
import { element, find } from './dom.js';
import { listenToInput } from './pointer.js';
import { LatencyMeter, ServerClock, STAGES, levelOf, stagesOf, total } from './stages.js';

/** @import { Page } from './page.js' */
/** @import { Feature, Frame } from './types.js' */
/** @import { Stages } from './stages.js' */
/** @typedef {{ name: string, ms: number, why: string, stands: string, quality: number, rate: number, held: boolean }} Dial */

const CHOICES = [
  ['off', 'Off', 'Nothing is changed'], ['snappy', 'Snappy', 'As soon as 80 ms, with what steps that leaves'],
  ['balanced', 'Balanced', 'Within 150 ms; never more steps than the model was made for'],
  ['fine', 'Fine', 'Up to 300 ms, spent on steps'],
];
const [LEAST, MOST, USUAL] = [30, 2000, 150]; // ms that may be asked for

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  listenToInput(document);
  const view = new LatencyView(page);
  return {
    actions: { latency: () => view.toggle(), refresh: () => refresh(page) },
    messages: {
      ping: ({ time }) => view.clock.add(time, performance.now()),
      dial: (dial) => view.showDial(dial),
      drift: (drift) => view.drift.show(drift),
      hello: () => view.meter.clear(),
    },
    frame: (frame, shown) => view.frameDrawn(frame, shown),
    measure: () => {
      view.report();
      view.show();
    },
  };
}

class LatencyView {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.meter = new LatencyMeter();
    this.clock = new ServerClock();
    this.drift = new DriftView();
    /** @type {Dial} */
    this.dial = { name: 'off', ms: 0, why: '', stands: '', quality: 88, rate: 30, held: false };
    this.button = hudButton(page.box);
    this.rows = STAGES.map(([, label, about]) => stageRow(label, about));
    this.headline = element('b');
    this.says = element('p', { className: 'st-latency-says' });
    this.says.setAttribute('aria-live', 'polite');
    this.number = element('input', { type: 'number', min: String(LEAST), max: String(MOST), step: '10', value: String(USUAL) });
    this.popover = this.makePopover();
    page.box.append(this.popover);
    document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.toggle(false); });
  }

  makePopover() {
    const box = element('section', { className: 'st-latency', hidden: true });
    box.setAttribute('aria-label', 'Latency');
    const head = element('div', { className: 'st-latency-head' });
    const close = element('button', { textContent: 'Close', className: 'st-latency-close', title: 'Close (Escape)' });
    close.dataset.do = 'latency';
    head.append(element('span', { textContent: 'Hand to picture' }), this.headline, close);
    const fall = element('div', { className: 'st-waterfall' });
    fall.append(...this.rows);
    box.append(head, fall, this.makeDial(), this.says, this.drift.box);
    return box;
  }

  makeDial() {
    const group = element('div', { className: 'st-dial' });
    group.setAttribute('role', 'radiogroup');
    group.setAttribute('aria-label', 'Latency to hold');
    for (const [name, label, about] of CHOICES) {
      const button = element('button', { textContent: label, title: about, onclick: () => this.ask(name) });
      button.dataset.dial = name;
      button.setAttribute('role', 'radio');
      group.append(button);
    }
    const label = element('label', { title: `Milliseconds from hand to picture, ${LEAST} to ${MOST}` });
    label.dataset.dial = 'number';
    this.number.setAttribute('aria-label', 'Milliseconds to hold');
    this.number.onchange = () => this.askNumber();
    this.number.onkeydown = ({ key }) => { if (key === 'Enter') this.askNumber(); };
    label.append(this.number, 'ms');
    group.append(label);
    return group;
  }

  askNumber() {
    const ms = Math.max(LEAST, Math.min(MOST, Math.round(Number(this.number.value)) || USUAL));
    this.number.value = String(ms);
    if (this.dial.name !== 'number' || this.dial.ms !== ms) this.ask(ms);
  }

  /** @param {string | number} to */
  ask(to) {
    this.page.command('dial', { to });
  }

  /** @param {boolean} [open] */
  toggle(open = this.popover.hidden) {
    this.popover.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    this.show();
  }

  /**
   * A picture is on the canvas; the next screen refresh shows it.
   * @param {Frame} frame
   * @param {{ at: number }[]} shown the controls that it is the first to show
   */
  frameDrawn(frame, shown) {
    requestAnimationFrame(() => {
      const painted = performance.now();
      const began = shown.at(-1)?.at;
      const { status } = this.page.playback;
      const rate = this.page.playback.paused ? 0 : Number(this.page.hud.meter.rate(painted)) || 0;
      const stages = stagesOf(frame, { status, clock: this.clock, painted, began, rate });
      this.meter.add(stages, painted, began === undefined ? null : painted - began);
    });
  }

  /** @param {Dial} dial */
  showDial(dial) {
    this.dial = dial;
    for (const one of this.popover.querySelectorAll('[data-dial]')) {
      if (!(one instanceof HTMLElement)) continue;
      one.setAttribute(one instanceof HTMLLabelElement ? 'data-chosen' : 'aria-checked', String(one.dataset.dial === dial.name));
    }
    this.says.replaceChildren(...(sentences(dial).map((text) => element('span', { textContent: text }))));
    if (dial.name === 'number' && document.activeElement !== this.number) this.number.value = String(dial.ms);
    this.show();
  }

  /** The server is told what the dial goes by, while it is on. */
  report() {
    const report = this.dial.name !== 'off' && this.meter.report(performance.now());
    if (report) this.page.link.send({ type: 'measured', ...report });
  }

  /** The HUD's figure, and the popover where it is open. */
  show() {
    const now = performance.now();
    const latency = this.meter.latency(now);
    const text = latency ? `${latency.measured ? '' : '≈ '}${Math.round(latency.ms)}` : '–';
    this.page.hud.set('latency', text);
    this.button.dataset.level = latency ? levelOf(latency.ms, this.dial.ms) : '';
    if (this.popover.hidden) return;
    this.headline.textContent = latency ? `${text} ms` : '–';
    const stages = this.meter.stages(now);
    if (stages) this.showStages(stages);
  }

  /** @param {Stages} stages */
  showStages(stages) {
    const whole = total(stages) || 1;
    let from = 0;
    STAGES.forEach(([name], at) => {
      const row = this.rows[at];
      row.style.setProperty('--from', String(from / whole));
      row.style.setProperty('--share', String(stages[name] / whole));
      find(row, 'b', HTMLElement).textContent = stages[name] < 10 ? stages[name].toFixed(1) : String(Math.round(stages[name]));
      from += stages[name];
    });
  }
}

/**
 * What the dial has done and why, and how it stands.
 * @param {Dial} dial
 */
function sentences({ name, why, stands }) {
  return name === 'off' ? ['Off: nothing is changed. Choose how soon the picture should answer.'] : [why, stands].filter(Boolean);
}

/**
 * The HUD's figure as a button.
 * @param {HTMLElement} box
 */
function hudButton(box) {
  const span = find(box, '.st-hud span:has([data-hud="latency"])', HTMLElement);
  const title = 'From your hand to the picture that shows it, on this page: in stages';
  const button = element('button', { className: 'st-latency-open', title });
  button.dataset.do = 'latency';
  button.setAttribute('aria-expanded', 'false');
  button.append(...span.childNodes);
  span.replaceWith(button);
  find(button, 'em', HTMLElement).textContent = 'ms hand to picture';
  return button;
}

/**
 * @param {string} label
 * @param {string} about
 */
function stageRow(label, about) {
  const row = element('div', { className: 'st-fall', title: about });
  row.append(element('span', { textContent: label }), element('i'), element('b', { textContent: '–' }));
  return row;
}

// @ts-check
// Motion transfer: a driving video is sent, what moves in it is shown dotted, named, and becomes ordinary strokes.

import { COLOURS } from './controls.js';
import { place } from './course.js';
import { element, iconButton } from './dom.js';

/** @import { Control, Feature, Point } from './types.js' */
/** @import { Page } from './page.js' */
/** @typedef {{ points: Point[], size: number, first: number, last: number }} Thing as studio/motion/paths.py, `MovingThing` */
/** @typedef {Thing & { id: string, label: string }} Named */
/** @typedef {{ name: string, stage: string, done: number, total: number, seconds: number, things: Thing[], note: string }} Found */

export const LARGEST = 64 * 2 ** 20; // bytes: studio/ui/driving.py
const RATE = 24; // frames a second that paths count their time in: studio/motion/paths.py
const SVG = 'http://www.w3.org/2000/svg';
const ACROSS = 1000; // of the drawing's width
const TITLE = 'Motion from a video: what moves in it becomes paths';
const ICONS = {
  film: '<svg viewBox="0 0 24 24"><path d="M4 6h16v12H4zM8 6v12M16 6v12" /><path d="M10 14c1.500 0 1-3.500 2-3.500s.5 2 2 1" /></svg>',
  remove: '<svg viewBox="0 0 24 24"><path d="M7 7l10 10M17 7L7 17" /></svg>',
};

/**
 * How far it is, in words.
 * @param {Pick<Found, 'name' | 'done' | 'total'>} found
 */
export function findingWords({ name, done, total }) {
  const share = total ? `: ${Math.min(99, Math.floor((100 * done) / total))} %` : '';
  return `Looking for motion in ${name}${share}`;
}

/**
 * The strokes that moving things become.
 * @param {Named[]} things
 * @returns {Control[]}
 */
export function strokesOf(things) {
  return things.map(({ id, label, points, size }) => ({ kind: 'stroke', id, label: label.trim(), points, mode: 'path', size, loop: true }));
}

export class MotionPreview {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Named[]} */
    this.things = [];
    this.names = 0;
    this.since = 0; // ms: when the preview began
    this.token = '';
    this.bar = element('div', { className: 'st-motion', hidden: true });
    this.bar.setAttribute('role', 'group');
    this.bar.setAttribute('aria-label', 'Motion from a video');
    this.drawing = document.createElementNS(SVG, 'svg');
    this.drawing.setAttribute('class', 'st-motion-paths');
    page.box.append(this.bar);
    page.hand.area.append(this.drawing);
  }

  /**
   * Send a video, if the model takes strokes.
   * @param {File} file
   */
  async send(file) {
    const { page } = this;
    const say = (/** @type {string} */ words) => page.toasts.show(words, 'error');
    if (!page.isConnected()) return;
    if (page.refusalOf('stroke')) say(page.refusalOf('stroke'));
    else if (file.size > LARGEST) say(`${file.name} is too large: a driving video has at most ${Math.round(LARGEST / 1e6)} MB.`);
    else await this.post(file, say);
  }

  /**
   * @param {File} file
   * @param {(words: string) => void} say
   */
  async post(file, say) {
    this.show(`Sending ${file.name}`);
    const named = { 'x-studio-link': this.token, 'x-studio-name': encodeURIComponent(file.name) };
    const headers = { ...named, 'content-type': 'application/octet-stream' };
    try {
      const answer = await fetch(`${this.page.takes.root}/gradio_api/studio/motion`, { method: 'POST', headers, body: file });
      const { error } = await answer.json();
      if (!error) return;
      say(error.charAt(0).toUpperCase() + error.slice(1));
    } catch {
      say(`${file.name} did not come through to the server. Try again.`);
    }
    this.end();
  }

  /** @param {Found} found as the server tells it */
  take(found) {
    if (found.stage === 'finding') this.show(findingWords(found));
    else if (found.stage === 'done') this.preview(found);
    else this.end();
    if (found.stage === 'failed') this.page.toasts.show(found.note, 'error');
    if (found.stage === 'done' && found.note) this.page.toasts.show(capital(found.note), 'news');
  }

  /**
   * What is under way, with a cross that calls it off.
   * @param {string} words
   */
  show(words) {
    const cancel = iconButton(ICONS.remove, '', 'Call it off', () => { this.page.command('cancel-motion'); this.end(); });
    this.bar.replaceChildren(element('span', { textContent: words }), cancel);
    this.bar.hidden = false;
  }

  /** @param {Found} found */
  preview({ things }) {
    const { label } = this.page.brush.settings;
    this.things = things.map((thing) => ({ ...thing, id: this.name(), label: label || 'fox' }));
    this.since = performance.now();
    this.colour();
    this.showThings();
  }

  /** Each thing has a colour that nothing else has, and keeps it as a stroke. */
  colour() {
    const { controls } = this.page;
    const used = new Set([...controls.strokes.keys()].map((id) => controls.colour(id)));
    const free = COLOURS.filter((colour) => !used.has(colour));
    const colours = free.length ? free : COLOURS;
    this.things.forEach(({ id }, number) => controls.colours.set(id, colours[number % colours.length]));
  }

  name() {
    this.names += 1;
    return `m${Date.now().toString(36)}${this.names}`;
  }

  showThings() {
    if (!this.things.length) {
      this.end();
      return;
    }
    const words = this.things.length > 1 ? `Use ${this.things.length} paths` : 'Use the path';
    const use = element('button', { className: 'use', textContent: words, onclick: () => this.use() });
    const away = iconButton(ICONS.remove, '', 'Throw the motion away', () => this.end());
    this.bar.replaceChildren(...this.things.map((thing) => this.chip(thing)), use, away);
    this.bar.hidden = false;
    this.drawPaths();
  }

  /** @param {Named} thing */
  chip(thing) {
    const chip = element('label', { className: 'st-motion-thing' });
    chip.style.setProperty('--colour', this.page.controls.colour(thing.id));
    const field = element('input', { value: thing.label, maxLength: 80, spellcheck: false });
    field.setAttribute('list', 'st-labels');
    field.setAttribute('aria-label', 'What moves along this path');
    field.addEventListener('input', () => { thing.label = field.value; });
    field.addEventListener('keydown', ({ key }) => { if (key === 'Enter') this.use(); });
    const remove = iconButton(ICONS.remove, '', 'Leave this path out', () => {
      this.things = this.things.filter((other) => other !== thing);
      this.showThings();
    });
    chip.append(element('i'), field, remove);
    return chip;
  }

  drawPaths() {
    const { width, height } = this.page.stage.view;
    const down = (ACROSS * height) / width;
    this.drawing.setAttribute('viewBox', `0 0 ${ACROSS} ${down}`);
    this.drawing.replaceChildren(...this.things.flatMap(({ id, points }) => {
      const line = document.createElementNS(SVG, 'polyline');
      line.setAttribute('points', points.map(([, x, y]) => `${(x * ACROSS).toFixed(1)},${(y * down).toFixed(1)}`).join(' '));
      const dot = document.createElementNS(SVG, 'circle');
      dot.setAttribute('r', '9');
      for (const part of [line, dot]) part.style.setProperty('--colour', this.page.controls.colour(id));
      return [line, dot];
    }));
  }

  /** @param {number} now ms */
  draw(now) {
    if (!this.drawing.childElementCount) return;
    const { width, height } = this.drawing.viewBox.baseVal;
    this.drawing.querySelectorAll('circle').forEach((dot, number) => {
      const { points } = this.things[number];
      const [x, y] = place({ points, mode: 'path', loop: true, since: 0 }, ((now - this.since) / 1000) * RATE);
      dot.setAttribute('cx', String(x * width));
      dot.setAttribute('cy', String(y * height));
    });
  }

  /** The paths become strokes, one step back, chosen: the bar beside them changes them. */
  use() {
    const { page } = this;
    const strokes = strokesOf(this.things);
    if (strokes.some(({ label }) => !label)) {
      page.toasts.show('Write what moves along each path, or leave the path out.');
      return;
    }
    if (!page.isConnected()) return;
    page.controls.together(strokes, strokes.map(({ id }) => ({ kind: 'erase', id })));
    this.end();
    page.brush.setMode('select');
    page.selection?.choose(strokes.map(({ id }) => id));
  }

  end() {
    this.things = [];
    this.bar.hidden = true;
    this.bar.replaceChildren();
    this.drawing.replaceChildren();
  }
}

const capital = (/** @type {string} */ words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const preview = new MotionPreview(page);
  const chooser = element('input', { type: 'file', accept: 'video/*,image/gif', hidden: true, className: 'st-motion-file' });
  chooser.setAttribute('aria-label', 'A driving video');
  chooser.addEventListener('change', () => {
    if (chooser.files?.[0]) preview.send(chooser.files[0]);
    chooser.value = '';
  });
  page.box.addEventListener('drivingvideo', (event) => { if (event instanceof CustomEvent) preview.send(event.detail); });
  const button = iconButton(ICONS.film, '', TITLE, () => {});
  Object.assign(button, { className: 'st-icon st-motion-open' }).dataset.do = 'motion';
  page.box.querySelector('.st-brush')?.append(button);
  page.box.append(chooser);
  return {
    actions: { motion: () => chooser.click() },
    messages: {
      hello: ({ token }) => { preview.token = token; },
      motion: (found) => preview.take(found),
    },
    draw: (now) => preview.draw(now),
  };
}

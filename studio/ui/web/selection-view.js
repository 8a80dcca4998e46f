// @ts-check
// What is seen of the choice: outlines over the picture, lines that it snaps to, and the bar with what can be done.

import { place, sizeAt } from './course.js';
import { element, iconButton } from './dom.js';
import { boxOf } from './transforms.js';

/** @import { Stroke } from './types.js' */
/** @import { Selection } from './selection.js' */

const SVG = 'http://www.w3.org/2000/svg';
const ICONS = {
  faster: '<path d="M5 7l6 5-6 5zM13 7l6 5-6 5z"/>', slower: '<path d="M19 7l-6 5 6 5zM11 7l-6 5 6 5z"/>',
  delay: '<circle cx="12" cy="12.500" r="7"/><path d="M12 8.500v4l2.500 2M12 3v2"/>',
  loop: '<path d="M6 9h10a3.500 3.500 0 0 1 0 7H7M9 6L6 9l3 3"/>',
  across: '<path d="M12 4v16M9 8l-5 8h5zM15 8l5 8h-5z"/>', down: '<path d="M4 12h16M8 9l8-5v5zM8 15l8 5v-5z"/>',
  copy: '<rect x="8" y="8" width="11" height="11" rx="2"/><path d="M16 5H7a2 2 0 0 0-2 2v9"/>',
  remove: '<path d="M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7"/>',
};
const [FASTER, SLOWER] = [0.8, 1.25];
const GAP = 12; // pixels between the choice and its bar

/** @type {[icon: keyof typeof ICONS, words: string, action: (selection: Selection) => void, path: boolean][]} path: for paths alone */
const BUTTONS = [
  ['slower', 'Slower', (selection) => selection.retime(SLOWER), true],
  ['faster', 'Faster', (selection) => selection.retime(FASTER), true],
  ['delay', 'Set out later', (selection) => selection.delay(), true],
  ['loop', 'Over and over, once, there and back', (selection) => selection.loop(), true],
  ['across', 'Mirror left to right', (selection) => selection.mirror(true), false],
  ['down', 'Mirror top to bottom', (selection) => selection.mirror(false), false],
  ['copy', 'Duplicate (Ctrl D)', (selection) => selection.duplicate(), false],
  ['remove', 'Remove (Delete)', (selection) => selection.erase(), false],
];

export class SelectionView {
  /** @param {Selection} selection */
  constructor(selection) {
    this.selection = selection;
    this.stale = true;
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.classList.add('st-outlines');
    this.bar = element('div', { className: 'st-deeds', hidden: true });
    this.bar.setAttribute('role', 'toolbar');
    this.bar.setAttribute('aria-label', 'What is done to the chosen subjects');
    this.bar.append(...BUTTONS.map(([icon, words, action, path]) => {
      const button = iconButton(`<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[icon]}</svg>`, '', words, () => action(selection));
      button.dataset.path = String(path);
      return button;
    }));
    selection.area.append(this.svg, this.bar);
  }

  /** Draw it anew, if something has changed. */
  draw() {
    if (!this.stale) return;
    this.stale = false;
    const { strokes, mover: { gesture }, guides, hand, page, open } = this.selection;
    const { width, height } = selectionBox(this.selection);
    const frame = page.stage.frame;
    const known = (/** @type {Stroke} */ stroke) => page.seen.version(stroke.id, frame) ?? stroke;
    const rings = hand.stroke || (!open && !gesture) ? [] : strokes.map((stroke) => ring(known(stroke), frame, width, height));
    const band = gesture?.kind === 'band' && gesture.began ? [rect(gesture.from, gesture.to, width, height)] : [];
    this.svg.replaceChildren(...lines(guides, width, height), ...rings, ...band);
    this.bar.hidden = !open || !strokes.length || Boolean(gesture?.began);
    if (!this.bar.hidden) this.placeBar(strokes, width, height);
  }

  /**
   * Below the choice, or above it where it is low; whole within the picture.
   * @param {Stroke[]} strokes
   * @param {number} width pixels
   * @param {number} height
   */
  placeBar(strokes, width, height) {
    this.bar.classList.toggle('still', !strokes.some(({ mode }) => mode === 'path'));
    const [left, top, right, bottom] = boxOf(strokes);
    const around = Math.max(...strokes.map(({ size }) => size / 2)) * width;
    const { offsetWidth: wide, offsetHeight: high } = this.bar;
    const low = bottom * height + around + GAP;
    const under = low + high + GAP < height ? low : top * height - around - GAP - high;
    const x = ((left + right) / 2) * width - wide / 2;
    const keep = (/** @type {number} */ at, /** @type {number} */ most) => Math.round(Math.max(4, Math.min(most - 4, at)));
    const y = under < 4 ? height : under;
    this.bar.style.transform = `translate(${keep(x, width - wide)}px, ${keep(y, height - high)}px)`;
  }
}

/** @param {Selection} selection */
const selectionBox = ({ area }) => ({ width: area.clientWidth, height: area.clientHeight });

/**
 * @param {string} kind
 * @param {Record<string, string | number>} attributes
 */
function shape(kind, attributes) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/**
 * A ring as large as the subject, where it is in the picture.
 * @param {Stroke} stroke
 * @param {number} frame
 * @param {number} width
 * @param {number} height
 */
function ring(stroke, frame, width, height) {
  const [x, y] = place(stroke, frame);
  return shape('circle', { cx: x * width, cy: y * height, r: (sizeAt(stroke, frame) / 2) * width, class: 'ring' });
}

/**
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} width
 * @param {number} height
 */
function rect([x0, y0], [x1, y1], width, height) {
  const [x, y] = [Math.min(x0, x1) * width, Math.min(y0, y1) * height];
  return shape('rect', { x, y, width: Math.abs(x1 - x0) * width, height: Math.abs(y1 - y0) * height, class: 'band' });
}

/**
 * @param {import('./snap.js').Lines} guides
 * @param {number} width
 * @param {number} height
 */
function lines({ x, y }, width, height) {
  return [
    ...x.map((at) => shape('line', { x1: at * width, x2: at * width, y1: 0, y2: height })),
    ...y.map((at) => shape('line', { x1: 0, x2: width, y1: at * height, y2: at * height })),
  ];
}

// @ts-check
// The painted subjects, each as a chip below the picture.

import { brushHint } from './brush.js';
import { element, find, iconButton } from './dom.js';
import { browserStorage } from './storage.js';

/** @import { BrushSettings, Controls, Stroke, StrokeWay } from './types.js' */

const ICONS = {
  drag: '<circle cx="12" cy="12" r="5"/>', pin: '<rect x="7" y="7" width="10" height="10"/>',
  path: '<path d="M4 17c6 0 4-10 9-10s3 7 7 4"/>', loop: '<path d="M6 9h10a3 3 0 0 1 0 6H7M9 6L6 9l3 3"/>',
  back: '<path d="M5 12h14M9 8l-4 4 4 4M15 8l4 4-4 4"/>', once: '<path d="M5 12h13M14 8l4 4-4 4"/>',
  remove: '<path d="M7 7l10 10M17 7L7 17"/>',
};
/** @type {Record<'loop' | 'back' | 'once', { words: string, next: 'loop' | 'back' | 'once', set: Partial<Stroke> }>} */
export const LOOPS = {
  loop: { words: 'starts over at the end', next: 'once', set: { loop: true, ping_pong: false } },
  once: { words: 'stays at the end', next: 'back', set: { loop: false, ping_pong: false } },
  back: { words: 'goes back the way it came', next: 'loop', set: { loop: true, ping_pong: true } },
};

/**
 * What a path does at its end.
 * @param {Pick<Stroke, 'loop' | 'ping_pong'>} stroke
 */
export const loopOf = ({ loop, ping_pong: back }) => (loop ? back ? 'back' : 'loop' : 'once');

export const icon = (/** @type {keyof typeof ICONS} */ name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;

export class StrokeList {
  /**
   * @param {{ box: HTMLElement, controls: Controls, brush: () => BrushSettings, way: () => StrokeWay, chosen: () => Set<string>,
   *   choose: (id: string) => void, refusal: () => string }} options way: how the model plays
   *   strokes; refusal: why the model takes no strokes, or ''
   */
  constructor({ box, controls, brush, way, chosen, choose, refusal }) {
    this.list = find(box, '.st-strokes', HTMLElement);
    this.swatch = find(box, '.st-swatch', HTMLElement);
    this.controls = controls;
    this.brush = brush;
    this.way = way;
    this.chosen = chosen;
    this.choose = choose;
    this.refusal = refusal;
  }

  /** This person has painted: the hint has done its work. */
  hasPainted() {
    browserStorage.set('studio-painted', 'yes');
  }

  show() {
    this.swatch.style.background = this.controls.nextColour();
    const strokes = [...this.controls.strokes.values()];
    const hint = this.hint(strokes.length);
    const chips = strokes.map(({ id, label, mode, loop, ping_pong: back }) => [id, label, mode, loop, back]);
    const shown = JSON.stringify([[...this.chosen()], hint, chips]);
    if (this.list.dataset.shown === shown) return;
    this.list.dataset.shown = shown;
    this.list.replaceChildren(...strokes.map((stroke) => this.chip(stroke)));
    if (hint) this.list.append(element('p', { className: 'st-hint', textContent: hint }));
  }

  /**
   * What the hand does with this brush; said while nothing is painted, and until this person has painted once.
   * @param {number} strokes
   */
  hint(strokes) {
    if (this.refusal()) return this.refusal();
    if (strokes && browserStorage.get('studio-painted')) return '';
    const { by, words } = this.way();
    const pastes = ['cutouts', 'underpainting'].includes(by);
    return pastes ? `${brushHint(this.brush(), true)} ${words}` : brushHint(this.brush());
  }

  /** @param {Stroke} stroke */
  chip(stroke) {
    const { id, label, mode } = stroke;
    const chip = element('div', { className: 'st-chip', role: 'listitem' });
    chip.dataset.id = id;
    chip.style.setProperty('--colour', this.controls.colour(id));
    chip.classList.toggle('chosen', this.chosen().has(id));
    chip.append(iconButton(icon(mode), label, `Choose ${label}`, () => this.choose(id)));
    if (mode === 'path') {
      const way = loopOf(stroke);
      const words = `${label} ${LOOPS[way].words}`;
      chip.append(iconButton(icon(way), '', words, () => this.controls.set(strokeMessage(stroke, LOOPS[LOOPS[way].next].set))));
    }
    chip.append(iconButton(icon('remove'), '', `Remove ${label}`, () => this.controls.set({ kind: 'erase', id })));
    return chip;
  }
}

/**
 * The message that sets a stroke again, with changes. A path goes on where it is.
 * @param {Stroke} stroke
 * @param {Partial<Stroke>} changes
 */
export function strokeMessage({ id, label, points, mode, size, loop, ping_pong: back, delay, pressure, stiffness }, changes) {
  return {
    kind: 'stroke', id, label, points, mode, size, loop,
    ...(back ? { ping_pong: back } : {}),
    ...(delay ? { delay } : {}),
    ...(stiffness === undefined ? {} : { stiffness }),
    ...(pressure?.length ? { pressure } : {}),
    ...(mode === 'path' ? { begun: null } : {}),
    ...changes,
  };
}

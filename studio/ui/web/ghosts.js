// @ts-check
// A ghost on each slider: the value that the picture on the screen was made with, while the hand has set another.

import { element } from './dom.js';

/** @import { Page } from './page.js' */
/** @import { Control, Controls, Feature } from './types.js' */

/**
 * What the picture has: for each slot the last control that a picture has shown, or that is in force with none on its way.
 */
export class ShownControls {
  /** @type {Map<string, Control>} */
  shown = new Map();

  /** @param {Controls} controls */
  constructor(controls) {
    this.controls = controls;
  }

  /** @param {Control} control */
  slot({ kind, ...control }) {
    const name = this.controls.kinds.get(kind)?.slot_field;
    return name ? `${kind} ${control[name]}` : kind;
  }

  /** Every control in force, with its slot. @returns {[slot: string, control: Control][]} */
  inForce() {
    const held = [...this.controls.held.values()].flatMap((one) => (one instanceof Map ? [...one.values()] : one ?? []));
    return held.map((control) => [this.slot(control), control]);
  }

  /**
   * A picture is there.
   * @param {Control[]} seen those it is the first to show
   * @param {Control[]} waiting those sent that none has shown
   */
  frame(seen, waiting) {
    const onTheirWay = new Set(waiting.map((control) => this.slot(control)));
    for (const [slot, control] of this.inForce()) if (!onTheirWay.has(slot)) this.shown.set(slot, control);
    for (const control of seen) this.shown.set(this.slot(control), control);
  }

  /**
   * The value of a field in the picture, where it is another than what is set; else null.
   * @param {string} slot
   * @param {string} field
   * @param {number} set
   * @returns {number | null}
   */
  ghost(slot, field, set) {
    const value = this.shown.get(slot)?.[field];
    return typeof value === 'number' && value !== set ? value : null;
  }
}

/** A slider on the page. @typedef {{ range: HTMLInputElement, slot: string, field: string, absent: number | null }} Dialled */

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const shown = new ShownControls(page.controls);
  const show = () => dialled(page).forEach((slider) => {
    const set = Number(slider.range.value);
    showGhost(slider.range, shown.ghost(slider.slot, slider.field, set));
  });
  return {
    frame: (_, seen) => {
      const { unconfirmed, unshown } = page.outbox;
      shown.frame(seen.map(({ control }) => control), [...unconfirmed.values(), ...unshown].map(({ control }) => control));
      show();
    },
    changed: show,
  };
}

/**
 * Every slider there is: the panel's, one for each LoRA, the chosen subject's size.
 * @param {Page} page
 * @returns {Pick<Dialled, 'range' | 'slot' | 'field'>[]}
 */
export function dialled(page) {
  const panel = [...page.controls.kinds.values()].filter(({ slot_field: name }) => !name).flatMap(({ kind, widgets }) => (
    widgets.filter(({ type, waits }) => type === 'slider' && !waits).flatMap(({ field, name }) => {
      const range = rangeOf(kind, name || field);
      return range instanceof HTMLInputElement ? [{ range, slot: kind, field }] : [];
    })));
  const loras = page.panel.loras.flatMap((name, at) => {
    const range = document.getElementById('studio-loras')?.children[at]?.querySelector('input');
    return range ? [{ range, slot: `lora ${name}`, field: 'weight' }] : [];
  });
  const size = page.brush.size;
  return [...panel, ...loras, { range: size, slot: `stroke ${page.hand.selected}`, field: 'size' }];
}

/**
 * Where the panel puts a widget's slider: under its name, or with its kind where that was taken.
 * @param {string} kind
 * @param {string} name
 */
function rangeOf(kind, name) {
  const box = document.getElementById(`studio-${kind}-${name}`) ?? document.getElementById(`studio-${name}`);
  return box?.querySelector('input[type=range]');
}

/**
 * @param {HTMLInputElement} range
 * @param {number | null} value
 */
function showGhost(range, value) {
  const holder = range.parentElement;
  if (!holder) return;
  let ghost = holder.querySelector(':scope > .st-ghost');
  if (value === null) {
    ghost?.remove();
    return;
  }
  if (!(ghost instanceof HTMLElement)) {
    ghost = element('span', { className: 'st-ghost', title: 'What the picture has' });
    holder.append(ghost);
  }
  const place = (value - Number(range.min)) / (Number(range.max) - Number(range.min));
  const share = Math.max(0, Math.min(1, place));
  if (ghost instanceof HTMLElement) {
    ghost.style.left = `${range.offsetLeft + 8 + share * (range.offsetWidth - 16)}px`;
    ghost.style.top = `${range.offsetTop + range.offsetHeight / 2}px`;
  }
}

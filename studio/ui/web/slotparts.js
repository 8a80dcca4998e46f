// @ts-check
// Small parts that the slots are made of.

import { element } from './dom.js';

/**
 * A row of buttons of which one is pressed.
 * @param {string} label
 * @param {[value: string, words: string, title: string][]} choices
 * @param {string} chosen
 * @param {(value: string) => void} choose
 */
export function choice(label, choices, chosen, choose) {
  const row = element('div', { className: 'st-choice' });
  row.setAttribute('role', 'radiogroup');
  row.setAttribute('aria-label', label);
  const buttons = choices.map(([value, words, title]) => {
    const button = element('button', { textContent: words, title, onclick: () => press(value) });
    button.setAttribute('role', 'radio');
    button.dataset.value = value;
    return button;
  });
  /** @param {string} value */
  function press(value) {
    for (const button of buttons) button.setAttribute('aria-checked', String(button.dataset.value === value));
    choose(value);
  }
  row.append(...buttons);
  for (const button of buttons) button.setAttribute('aria-checked', String(button.dataset.value === chosen));
  return row;
}

/**
 * The canvas as a small JPEG in a data URL.
 * @param {HTMLCanvasElement} view
 * @param {number} width pixels
 */
export function thumbnail(view, width = 104) {
  const height = Math.max(1, Math.round((width * view.height) / view.width));
  const small = element('canvas', { width, height });
  small.getContext('2d')?.drawImage(view, 0, 0, width, height);
  return small.toDataURL('image/jpeg', 0.72);
}

const LONG = 550; // ms that a press lasts which means: put it here

/**
 * Listen to a button that is pressed, or held (or pressed with the right button).
 * @param {HTMLElement} button
 * @param {{ press: () => void, hold: () => void }} does
 */
export function listenToPress(button, { press, hold }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isHeld = false;
  const holds = () => {
    clearTimeout(timer);
    if (!isHeld) hold();
    isHeld = true; // the click that comes when it is let go means nothing
  };
  button.addEventListener('pointerdown', ({ button: which }) => {
    isHeld = false;
    if (which === 0) timer = setTimeout(holds, LONG);
  });
  for (const event of ['pointerup', 'pointercancel', 'pointerleave']) button.addEventListener(event, () => clearTimeout(timer));
  button.addEventListener('contextmenu', (event) => {
    event.preventDefault();
    holds();
    isHeld = /** @type {PointerEvent} */ (event).pointerType === 'touch';
  });
  button.addEventListener('click', () => {
    if (!isHeld) press();
    isHeld = false;
  });
}

// @ts-check
// The keys: one table for what they do and for the list of them that the page shows.

import { element } from './dom.js';

/** @typedef {{ key: string, code?: string, ctrlKey: boolean, metaKey: boolean, altKey?: boolean, shiftKey: boolean }} Pressed */
/** @typedef {{ shown: string, does: string, keys: Record<string, string> }} Shortcut */

/**
 * An action for each of the nine digit keys.
 * @param {string} held keys
 * @param {string} action
 * @returns {Record<string, string>}
 */
function digits(held, action) {
  return Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`${held}${at + 1}`, `${action}-${at + 1}`]));
}

/**
 * As shown, in words, and the page's action by key (`Ctrl+` also means the Command key of a Mac). Lines without keys are
 * gestures, or keys that the picture itself takes.
 * @type {Shortcut[]}
 */
export const SHORTCUTS = [
  { shown: 'Space', does: 'play or pause', keys: { ' ': 'play' } },
  { shown: 'R', does: 'record, and stop', keys: { r: 'record' } },
  { shown: 'S', does: 'save this picture', keys: { s: 'snapshot' } },
  { shown: 'K', does: 'keep the last 30 seconds', keys: { k: 'keep' } },
  { shown: 'B', does: 'bookmark this moment', keys: { b: 'bookmark' } },
  { shown: 'Shift Z', does: 'take the picture back 2 seconds', keys: { 'Shift+z': 'back' } },
  { shown: 'Y', does: 'refresh from this picture', keys: { y: 'refresh' } },
  { shown: 'Backspace', does: 'start again from frame 0', keys: { Backspace: 'reset' } },
  { shown: 'Q W E', does: 'live, path, pin', keys: { q: 'drag-mode', w: 'path-mode', e: 'pin-mode' } },
  { shown: 'H', does: 'take hold of things in the picture, where the model can', keys: { h: 'take-hold' } },
  { shown: 'O', does: 'words for a part of the picture, where the model can', keys: { o: 'region' } },
  { shown: 'D', does: 'a subject of your own: a picture, or a drawing', keys: { d: 'own-subject' } },
  { shown: 'V', does: 'select and change what is painted', keys: { v: 'select-mode' } },
  { shown: 'Ctrl D', does: 'duplicate what is chosen', keys: { 'Ctrl+d': 'duplicate' } },
  { shown: 'Shift + drag', does: 'straight; where nothing is named, paint over a thing to take hold of it', keys: {} },
  { shown: '1 … 9', does: 'play the prompt of a slot', keys: digits('', 'slot') },
  { shown: 'Shift 1 … 9', does: 'audition a slot', keys: digits('Shift+', 'audition') },
  { shown: 'Ctrl Alt 1 … 9', does: 'put the present prompt into a slot', keys: digits('Ctrl+Alt+', 'store') },
  { shown: 'G', does: 'tap the beat', keys: { g: 'tap' } },
  { shown: 'M', does: 'set a marker at the frame you see', keys: { m: 'marker' } },
  { shown: '[ ]', does: 'smaller, larger subject', keys: { '[': 'smaller', ']': 'larger' } },
  { shown: 'L', does: 'name the subject', keys: { l: 'edit-label' } },
  { shown: 'P', does: 'write the prompt', keys: { p: 'edit-prompt' } },
  { shown: 'Alt ↑ ↓', does: 'earlier and later prompts, in the prompt', keys: {} },
  { shown: 'Ctrl Enter', does: 'apply the prompt', keys: { 'Ctrl+Enter': 'apply-prompt', 'Ctrl+Shift+Enter': 'apply-prompt' } },
  { shown: 'A', does: 'try what is written beside the programme, or else another seed; again: take it', keys: { a: 'audition' } },
  { shown: 'Enter, Esc', does: 'take what is auditioned, or throw it away', keys: {} },
  { shown: 'Ctrl Z', does: 'undo; with Shift, redo', keys: { 'Ctrl+z': 'undo', 'Ctrl+Shift+z': 'redo' } },
  { shown: 'C', does: 'remove all strokes', keys: { c: 'clear' } },
  { shown: 'Delete, X', does: 'remove the chosen subject', keys: { Delete: 'erase', x: 'erase' } },
  { shown: 'Alt + drag', does: 'a new subject over another', keys: {} },
  { shown: '\\ (hold)', does: 'without the overlay', keys: { '\\': 'hide-overlay' } },
  { shown: 'Arrows, Enter', does: 'move the cross and place, on the picture', keys: {} },
  { shown: 'T', does: 'light or dark', keys: { t: 'theme' } },
  { shown: 'F', does: 'full screen', keys: { f: 'fullscreen' } },
  { shown: 'Shift F', does: 'the picture in a window of its own, for a projector', keys: { 'Shift+f': 'projector' } },
  { shown: '?', does: 'these keys', keys: { '?': 'help' } },
];
const ACTIONS = Object.assign({ Escape: 'deselect' }, ...SHORTCUTS.map(({ keys }) => keys));
const TEXT_FIELDS = 'textarea, select, [contenteditable], input:not([type=range], [type=radio], [type=checkbox])';
const PRESSED_BY_SPACE = 'button, a, [type=checkbox]';

/**
 * Where a key was pressed: in a text field, under an open dialog, on what Space presses.
 * @typedef {{ typing: boolean, dialog: boolean, onButton: boolean }} Focus
 */

/**
 * The action of a key pressed there, or null where the key is not the page's. In a text field and under a dialog only
 * applying the prompt and leaving the field are.
 * @param {Pressed} event
 * @param {Focus} focus
 * @returns {string | null}
 */
export function actionFor(event, { typing, dialog, onButton }) {
  const { key } = event;
  const action = boundAction(event) ?? null;
  if (action === 'apply-prompt') return action;
  if (typing) return key === 'Escape' ? 'leave-field' : null;
  return dialog || (key === ' ' && onButton) ? null : action;
}

/**
 * The action that a key is bound to. Without Ctrl a letter means the same with Shift, unless that is bound to another.
 * A digit key is that digit whatever it types with Shift, or on this keyboard.
 * @param {Pressed} event
 * @returns {string | undefined}
 */
function boundAction({ key, code = '', ctrlKey, metaKey, altKey, shiftKey }) {
  const [, digit] = /^Digit([1-9])$/.exec(code) ?? [];
  const plain = digit ?? (key.length === 1 ? key.toLowerCase() : key);
  const shifted = `${altKey && digit ? 'Alt+' : ''}${shiftKey ? 'Shift+' : ''}${plain}`;
  return ctrlKey || metaKey ? ACTIONS[`Ctrl+${shifted}`] : ACTIONS[shifted] ?? ACTIONS[plain];
}

/**
 * Press keys anywhere on the page: each starts the action of its name.
 * @param {Record<string, (event: KeyboardEvent) => void>} actions
 * @param {() => boolean} isDialogOpen
 */
export function listenToKeys(actions, isDialogOpen) {
  document.addEventListener('keydown', (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const focus = { typing: target.matches(TEXT_FIELDS), dialog: isDialogOpen(), onButton: target.matches(PRESSED_BY_SPACE) };
    const action = actionFor(event, focus);
    if (!action) return;
    actions[action](event);
    event.preventDefault();
  });
}

/**
 * Fill a description list with the shortcuts.
 * @param {HTMLElement} list
 */
export function listShortcuts(list) {
  const entries = SHORTCUTS.map(({ shown, does }) => {
    const term = element('dt');
    term.append(element('kbd', { textContent: shown }));
    return [term, element('dd', { textContent: does })];
  });
  list.replaceChildren(...entries.flat());
}

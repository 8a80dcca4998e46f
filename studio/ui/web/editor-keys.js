// @ts-check
// The editor's own keys: what is pressed in it does not reach the page.

const FIELDS = 'input:not([type=checkbox]), select';
const PRESSING = ['Enter', ' ', 'Tab'];
const FAR = 10; // frames that an arrow moves an event with Shift

/**
 * @typedef {{ close: () => void, mark: (end: 'first' | 'last') => void, step: (way: 'undo' | 'redo') => void, remove: () => void,
 *   nudge: (frames: number) => void }} Keyed
 */

/**
 * What a key does in the editor, outside its fields; null where it is not the editor's.
 * @param {{ key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean }} event
 * @param {Keyed} editor
 * @returns {(() => void) | null}
 */
export function editorKey({ key, ctrlKey, metaKey, shiftKey }, editor) {
  if (ctrlKey || metaKey) return key.toLowerCase() === 'z' ? () => editor.step(shiftKey ? 'redo' : 'undo') : null;
  const arrow = shiftKey ? FAR : 1;
  return {
    Escape: () => editor.close(), '[': () => editor.mark('first'), ']': () => editor.mark('last'), Delete: () => editor.remove(),
    Backspace: () => editor.remove(), ArrowLeft: () => editor.nudge(-arrow), ArrowRight: () => editor.nudge(arrow),
  }[key] ?? null;
}

/**
 * @param {HTMLElement} box
 * @param {Keyed} editor
 */
export function listenToEditorKeys(box, editor) {
  box.addEventListener('keydown', (event) => {
    const field = event.target instanceof HTMLElement && event.target.matches(FIELDS) ? event.target : null;
    const does = field ? null : editorKey(event, editor);
    if (field && event.key === 'Escape') field.blur();
    if (!field && !does && !PRESSING.includes(event.key)) return;
    event.stopPropagation();
    if (!does) return;
    event.preventDefault();
    does();
  });
}

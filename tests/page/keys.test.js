import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHORTCUTS, actionFor } from '../../studio/ui/web/keys.js';

const pressed = (key, { ctrl = false, meta = false, alt = false, shift = false, ...focus } = {}) => actionFor(
  { key, code: /^\d$/.test(key) ? `Digit${key}` : '', ctrlKey: ctrl, metaKey: meta, altKey: alt, shiftKey: shift },
  { typing: false, dialog: false, onButton: false, ...focus },
);

test('every key of the table starts its action', () => {
  const actions = SHORTCUTS.flatMap(({ keys }) => Object.entries(keys));
  assert.ok(actions.length > 20);
  for (const [name, action] of actions) {
    const parts = name.split('+');
    const [key] = parts.slice(-1);
    assert.equal(pressed(key, { ctrl: parts.includes('Ctrl'), alt: parts.includes('Alt'), shift: parts.includes('Shift') }), action, name);
  }
});

test('the keys do what they always did', () => {
  const wanted = {
    ' ': 'play', r: 'record', s: 'snapshot', Backspace: 'reset', c: 'clear', t: 'theme', f: 'fullscreen', '?': 'help', q: 'drag-mode',
    w: 'path-mode', e: 'pin-mode', 1: 'slot-1', 9: 'slot-9', b: 'bookmark', g: 'tap', m: 'marker',
    '[': 'smaller', ']': 'larger', l: 'edit-label', p: 'edit-prompt', Delete: 'erase', x: 'erase',
    Escape: 'deselect', '\\': 'hide-overlay',
  };
  for (const [key, action] of Object.entries(wanted)) assert.equal(pressed(key), action, key);
});

test('no key is given twice', () => {
  const keys = SHORTCUTS.flatMap(({ keys: one }) => Object.keys(one));
  assert.equal(new Set(keys).size, keys.length);
});

test('capitals are the same keys', () => {
  assert.equal(pressed('R', { shift: true }), 'record');
});

test('undo and redo go by the command key of a Mac too', () => {
  assert.equal(pressed('z', { meta: true }), 'undo');
  assert.equal(pressed('Z', { meta: true, shift: true }), 'redo');
  assert.equal(pressed('Z', { ctrl: true, shift: true }), 'redo');
});

test("the browser's own shortcuts are left alone", () => {
  for (const key of ['r', 's', 'f', 't', 'Backspace', ' ', '1', 'Delete']) assert.equal(pressed(key, { ctrl: true }), null, key);
});

test('in a text field only applying and leaving are keys of the page', () => {
  for (const key of [' ', 'r', 'Backspace', 'x', '?', 'Delete']) assert.equal(pressed(key, { typing: true }), null, key);
  assert.equal(pressed('z', { typing: true, ctrl: true }), null, "undo is the field's");
  assert.equal(pressed('Enter', { typing: true, ctrl: true }), 'apply-prompt');
  assert.equal(pressed('Enter', { typing: true, ctrl: true, shift: true }), 'apply-prompt');
  assert.equal(pressed('Escape', { typing: true }), 'leave-field');
});

test('under a dialog nothing happens', () => {
  for (const key of [' ', 'r', 'Escape', '?']) assert.equal(pressed(key, { dialog: true }), null, key);
  assert.equal(pressed('z', { dialog: true, ctrl: true }), null);
});

test('space on a button presses the button', () => {
  assert.equal(pressed(' ', { onButton: true }), null);
  assert.equal(pressed('r', { onButton: true }), 'record');
});

test('other keys are nobody’s', () => {
  for (const key of ['j', '0', 'Enter', 'Tab', 'ArrowLeft', 'F5']) assert.equal(pressed(key), null, key);
});

test('a digit key is that digit whatever it types', () => {
  const at = (key, more = {}) => actionFor(
    { key, code: 'Digit1', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more },
    { typing: false, dialog: false, onButton: false },
  );
  assert.equal(at('!', { shiftKey: true }), 'audition-1');
  assert.equal(at('&'), 'slot-1', 'a French keyboard');
  assert.equal(at('1', { ctrlKey: true, altKey: true }), 'store-1');
  assert.equal(at('1', { ctrlKey: true }), null, "a browser's tab");
});

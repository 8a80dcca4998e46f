import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../studio/ui/web/editor-fields.js';
import { editorKey } from '../../studio/ui/web/editor-keys.js';
import { renderWords } from '../../studio/ui/web/editor-render.js';
import { EditList, clipOf, foundAgain, frameOf, laneOf, rulerMarks, secondsWords } from '../../studio/ui/web/edits.js';

const gesture = (kind, first, more = {}) => ({
  kind, slot: '', events: [first], first, last: first, words: kind, values: {}, opening: false, ...more,
});
const TAKE = {
  take: 't', start: 100, frames: 50, fps: 10, notes: [], versions: [], edits: 0, sizes: false, steps: 2,
  gestures: [gesture('prompt', 100, { opening: true }), gesture('prompt', 120), gesture('stroke', 110, { slot: 'a', last: 119 })],
};

test('what was undone is done again, until something else is', () => {
  const list = new EditList();
  assert.equal(list.undo(), false);
  list.add({ edit: 'move' });
  list.add({ edit: 'delete' });
  assert.equal(list.undo(), true);
  assert.deepEqual(list.edits.map(({ edit }) => edit), ['move']);
  assert.equal(list.redo(), true);
  assert.deepEqual(list.edits.map(({ edit }) => edit), ['move', 'delete']);
  list.undo();
  list.add({ edit: 'trim' });
  assert.equal(list.redo(), false);
  list.drop();
  assert.deepEqual(list.edits.map(({ edit }) => edit), ['move']);
});

test('a prompt lies until the next one, a stroke as long as it was drawn, a slider where it was moved', () => {
  assert.deepEqual(clipOf(TAKE.gestures[0], TAKE), { left: 0, width: 0.4 });
  assert.deepEqual(clipOf(TAKE.gestures[1], TAKE), { left: 0.4, width: 0.6 });
  assert.deepEqual(clipOf(TAKE.gestures[2], TAKE), { left: 0.2, width: 0.2 });
  assert.equal(clipOf(gesture('sampling', 140), TAKE).width, 0.02);
});

test('each kind has its lane, those nobody knows among the settings', () => {
  assert.deepEqual(['prompt', 'stroke', 'erase', 'sampling', 'lora', 'new'].map(laneOf), [0, 1, 1, 2, 2, 2]);
});

test('a place is a frame of the take, and its time is told from its start', () => {
  assert.deepEqual([-1, 0, 0.5, 1, 2].map((share) => frameOf(share, TAKE)), [100, 100, 125, 150, 150]);
  assert.equal(secondsWords(125, TAKE), '2.5 s');
  assert.deepEqual(rulerMarks(TAKE).map(({ words }) => words), ['0', '0.5', '1', '1.5', '2', '2.5', '3', '3.5', '4', '4.5']);
  assert.equal(rulerMarks({ frames: 24 * 300, fps: 24 }).length, 10);
});

test('what was chosen is chosen again where it has gone to', () => {
  const moved = { ...TAKE.gestures[1], first: 131 };
  assert.equal(foundAgain([TAKE.gestures[0], moved, TAKE.gestures[2]], { kind: 'prompt', slot: '', first: 130 }), moved);
  assert.equal(foundAgain(TAKE.gestures, { kind: 'stroke', slot: 'b', first: 110 }), null);
  assert.equal(foundAgain(TAKE.gestures, null), null);
});

test('an event has the fields that the server describes, and a stroke its name and size', () => {
  const widgets = [['text', 'text'], ['readout', 'text'], ['choice', 'switch'], ['slider', 'gone']]
    .map(([type, field]) => ({ type, field }));
  const prompt = { kind: 'prompt', widgets };
  assert.deepEqual(fieldsOf(prompt, { text: 'a', switch: 'keep' }).map(({ field }) => field), ['text', 'switch']);
  const stroke = { label: 'fox', size: 0.3, mode: 'pin' };
  assert.deepEqual(fieldsOf({ kind: 'stroke', widgets: [] }, stroke).map(({ field }) => field), ['label', 'size']);
  assert.deepEqual(fieldsOf(undefined, { id: 'a' }), []);
});

test('keys of the editor', () => {
  const done = [];
  const editor = {
    close: () => done.push('close'), mark: (end) => done.push(end), step: (way) => done.push(way), remove: () => done.push('remove'),
    nudge: (by) => done.push(by),
  };
  const press = (key, more = {}) => editorKey({ key, ctrlKey: false, metaKey: false, shiftKey: false, ...more }, editor)?.();
  ['[', ']', 'Escape', 'Delete', 'ArrowLeft'].forEach((key) => press(key));
  press('ArrowRight', { shiftKey: true });
  press('z', { ctrlKey: true });
  press('Z', { metaKey: true, shiftKey: true });
  press('k');
  press('[', { ctrlKey: true });
  assert.deepEqual(done, ['first', 'last', 'close', 'remove', -1, 10, 'undo', 'redo']);
});

test('how far a rendering is, in words', () => {
  const progress = { take: 't', done: 3, total: 90, seconds: 65.2, what: 'Same film.', name: '', video: '' };
  assert.equal(renderWords({ ...progress, stage: 'render' }), 'Rendering frame 3 of 90, about 1:06 left');
  assert.equal(renderWords({ ...progress, stage: 'render', seconds: 0.5 }), 'Rendering frame 3 of 90');
  assert.equal(renderWords({ ...progress, stage: 'load' }), 'Making the model ready …');
  assert.equal(renderWords({ ...progress, stage: 'done' }), 'Same film.');
});

// Branches and bookmarks in the panel: what the list says, which pair a comparison shows, and where undo leads.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { aboutWords, pairAt } from '../../studio/ui/web/compare.js';
import { Controls } from '../../studio/ui/web/controls.js';
import { momentsOf } from '../../studio/ui/web/moments.js';

const branch = (/** @type {number} */ id, more = {}) => (
  { id, name: `branch ${id}`, fork: 48, frame: 96, words: 'a lake', picture: 'data:', ...more });

/** @returns {{ controls: Controls, gone: any[] }} */
function page() {
  /** @type {any[]} */
  const gone = [];
  const controls = new Controls({ ready: () => true, send() {}, play() {}, go: (moment) => gone.push(moment), changed() {} });
  return { controls, gone };
}

test('a branch says where it forks and how long it is, a bookmark where it is and of which other model', () => {
  const bookmark = { name: '2026-fox', title: 'harbour', frame: 240, model: 'pocket', words: 'a fox', picture: '' };
  const list = momentsOf({ branches: [branch(1), branch(2)], bookmarks: [bookmark] }, 24, 'pocket');
  assert.deepEqual(list.map(({ id }) => id), ['2026-fox', 2, 1]);
  assert.equal(list[1].about, 'forks at 2.0 s, 2.0 s long');
  assert.equal(list[0].about, 'bookmark at 10.0 s');
  assert.equal(momentsOf({ branches: [], bookmarks: [bookmark] }, 24, 'wan')[0].about, 'bookmark at 10.0 s, pocket');
});

test('pairs go round over what there is, and the last one stands a moment', () => {
  assert.equal(pairAt(500, 0, 20), -1);
  assert.deepEqual([0, 49, 50, 199, 200, 599, 600, 650].map((ms) => pairAt(ms, 4, 20)), [0, 0, 1, 3, 3, 3, 0, 1]);
});

test('a comparison says from where, and how far it is drawn', () => {
  const begun = { names: ['branch 1', 'now'], fork: 48, firsts: [42, 42], frames: 120 };
  assert.equal(aboutWords(begun, 7), 'From frame 48, where they part: drawing 7 of 120');
  assert.equal(aboutWords({ ...begun, fork: null }, 120), 'They share nothing that is kept: 120 frames');
});

test('undo of two steps back leads to what each of them left, and redo to what undo left', () => {
  const { controls, gone } = page();
  controls.travel(12);
  controls.left(1, 7);
  controls.travel(5);
  controls.left(2, 8);
  controls.undo();
  controls.left(3, 9);
  controls.undo();
  controls.left(4, null); // nothing was played since
  controls.redo();
  controls.redo();
  const seen = gone.map(({ kind, frame, branch: id }) => (kind === 'branch' ? id : frame));
  assert.deepEqual(seen, [12, 5, 8, 7, 12, 9]);
});

test('a step in time that left nothing is undone by nothing', () => {
  const { controls, gone } = page();
  controls.elsewhere({ kind: 'open-bookmark', bookmark: 'x' });
  controls.left(1, null);
  controls.left(99, 3);
  controls.undo();
  assert.equal(gone.length, 1);
});

test('undo goes back over a slider, a stroke, a prompt and a step in time in their order', () => {
  const { controls, gone } = page();
  const kind = (/** @type {string} */ name, more = {}) => (
    { kind: name, fields: [], slot_field: '', clears: '', absent: {}, timed: false, undoable: true,
      initial: null, widgets: [], ...more });
  controls.describe([kind('prompt', { fields: ['text'] }), kind('sampling', { fields: ['scale'] }),
    kind('stroke', { fields: ['id'], slot_field: 'id', timed: true }),
    kind('erase', { fields: ['id'], slot_field: 'id', clears: 'stroke' })]);
  controls.take({ prompt: { kind: 'prompt', text: 'a' }, sampling: { kind: 'sampling', scale: 1 }, stroke: [] });
  controls.set({ kind: 'prompt', text: 'b' });
  controls.set({ kind: 'stroke', id: 's' });
  controls.travel(12);
  controls.left(1, 4);
  controls.set({ kind: 'sampling', scale: 2 });
  controls.undo();
  assert.equal(controls.get('sampling')?.scale, 1);
  controls.undo();
  assert.deepEqual(gone.at(-1), { kind: 'branch', branch: 4, step: 2 });
  controls.undo();
  assert.equal(controls.strokes.size, 0);
  controls.undo();
  assert.equal(controls.get('prompt')?.text, 'a');
  for (let i = 0; i < 4; i += 1) controls.redo();
  assert.deepEqual([controls.get('prompt')?.text, controls.strokes.size, controls.get('sampling')?.scale], ['b', 1, 2]);
  assert.deepEqual(gone.at(-1), { kind: 'rewind', frame: 12, step: 3 });
});

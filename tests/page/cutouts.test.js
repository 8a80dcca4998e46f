// Cut-outs go with the stroke that they belong to, and come back with it.
// @ts-check

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';

import { Controls } from '../../studio/ui/web/controls.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const fox = { kind: 'stroke', id: 'a', label: 'fox', points: [[0, 0.5, 0.5]], mode: 'drag' };
const bear = { ...fox, id: 'b', label: 'bear' };
const cut = { kind: 'cutout', id: 'a', data: 'AAAA' };

/** @type {Controls} */
let controls;
/** @type {any[]} */
let sent;

beforeEach(() => {
  sent = [];
  controls = new Controls({ ready: () => true, send: (one) => sent.push(one), play: () => {}, go: () => {}, changed: () => {} });
  controls.describe(KINDS);
  controls.take({ stroke: [{ ...fox, since: 3 }, { ...bear, since: 4 }], cutout: [cut] });
});

const held = (/** @type {string} */ kind) => [...controls.all(kind).keys()];

test('a stroke that is erased takes its cut-out away, and undo brings both back, the cut-out first', () => {
  controls.set({ kind: 'erase', id: 'a' });
  assert.deepEqual([held('stroke'), held('cutout')], [['b'], []]);
  controls.undo();
  assert.deepEqual([held('stroke').sort(), held('cutout')], [['a', 'b'], ['a']]);
  assert.deepEqual(sent.slice(1).map(({ kind }) => kind), ['cutout', 'stroke']);
  assert.equal(sent[1].data, cut.data);
});

test('another stroke that is erased leaves it', () => {
  controls.set({ kind: 'erase', id: 'b' });
  assert.deepEqual([held('stroke'), held('cutout')], [['a'], ['a']]);
});

test('all strokes taken away are one step back, cut-outs and all', () => {
  controls.clear();
  assert.deepEqual([held('stroke'), held('cutout')], [[], []]);
  controls.undo();
  assert.deepEqual([held('stroke').sort(), held('cutout')], [['a', 'b'], ['a']]);
});

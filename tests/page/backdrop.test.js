// What is painted under a picture, as the page knows it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isPainted } from '../../studio/ui/web/backdrop.js';
import { Controls } from '../../studio/ui/web/controls.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const UNDER = { by: 'underpainting', words: '' };
const fox = { kind: 'stroke', id: 'a', label: 'fox', points: [[0, 0.2, 0.3]], mode: 'pin', size: 0.34, loop: true };

/** Controls with a backdrop of a source. */
function withBackdrop(source, strokes = []) {
  const controls = new Controls({ ready: () => true, send: () => {}, play: () => {}, go: () => {}, changed: () => {} });
  controls.describe(KINDS);
  controls.take({ backdrop: { kind: 'backdrop', source }, stroke: strokes });
  return controls;
}

test('with strokes something is painted under a picture, unless a person wants none', () => {
  assert.equal(isPainted(withBackdrop('auto', [fox]), UNDER), true);
  assert.equal(isPainted(withBackdrop('none', [fox]), UNDER), false);
  assert.equal(isPainted(withBackdrop('auto'), UNDER), false);
});

test('a backdrop that was chosen is redrawn without strokes too, and only on models that are painted under', () => {
  assert.equal(isPainted(withBackdrop('pocket'), UNDER), true);
  assert.equal(isPainted(withBackdrop('pocket', [fox]), { by: 'tracks', words: '' }), false);
});

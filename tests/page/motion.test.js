import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingWords, strokesOf } from '../../studio/ui/web/motion.js';

test('it says how far the search is, as far as the file says how long it is', () => {
  assert.equal(findingWords({ name: 'walk.mp4', done: 12, total: 48 }), 'Looking for motion in walk.mp4: 25 %');
  assert.equal(findingWords({ name: 'walk.mp4', done: 48, total: 48 }), 'Looking for motion in walk.mp4: 99 %');
  assert.equal(findingWords({ name: 'walk.gif', done: 5, total: 0 }), 'Looking for motion in walk.gif');
});

test('things become strokes along their paths, with their names', () => {
  const thing = { id: 'm1', label: ' fox ', points: [[0, 0.1, 0.2], [9, 0.9, 0.2]], size: 0.2, first: 0, last: 1 };
  assert.deepEqual(strokesOf([thing]), [
    { kind: 'stroke', id: 'm1', label: 'fox', points: thing.points, mode: 'path', size: 0.2, loop: true },
  ]);
});

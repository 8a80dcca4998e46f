// The strip below the picture: which frame is where on it, and what letting go means.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { agoWords, frameAt, shareOf, spanWords, stripSpan } from '../../studio/ui/web/timeline.js';
import { Controls } from '../../studio/ui/web/controls.js';

test('the strip shows a minute, or as far back as anything is kept', () => {
  assert.deepEqual(stripSpan(0, 240, 24), [0, 240]);
  assert.deepEqual(stripSpan(0, 3000, 24), [1560, 3000]);
  assert.deepEqual(stripSpan(2000, 3000, 24), [2000, 3000]);
  assert.deepEqual(stripSpan(null, 7, 24), [7, 7]);
});

test('a frame is where it is had again', () => {
  const span = /** @type {[number, number]} */ ([100, 300]);
  for (const frame of [100, 150, 299, 300]) assert.equal(frameAt(shareOf(frame, span), span), frame);
  assert.equal(shareOf(20, span), 0);
  assert.equal(frameAt(1.7, span), 300);
  assert.equal(shareOf(5, [5, 5]), 1);
});

test('how long ago is said in seconds', () => {
  assert.equal(agoWords(3, 24), 'now');
  assert.equal(agoWords(36, 24), '1.5 s back');
  assert.equal(agoWords(720, 24), '30 s back');
  assert.equal(spanWords([100, 340], 24), 'last 10 s');
  assert.equal(spanWords([0, 5], 24), '');
});

test('going back is a step that undo goes forward from, and redo makes again', () => {
  /** @type {any[]} */
  const gone = [];
  const controls = new Controls({ ready: () => true, send() {}, play() {}, go: (moment) => gone.push(moment), changed() {} });
  controls.travel(12);
  controls.undo();
  controls.redo();
  assert.deepEqual(gone, [{ kind: 'rewind', frame: 12, step: 1 }, { kind: 'branch', step: 2 }, { kind: 'rewind', frame: 12, step: 3 }]);
});

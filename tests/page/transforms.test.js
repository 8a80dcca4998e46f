// What is done to painted strokes, and the lines that things snap to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, onAxis, snapTo } from '../../studio/ui/web/snap.js';
import { boxOf, delayed, duplicated, lineAt, looped, mirrored, moved, retimed } from '../../studio/ui/web/transforms.js';

const path = (more = {}) => ({
  kind: 'stroke', id: 'a', label: 'fox', mode: 'path', size: 0.3, loop: true, since: 3, points: [[0, 0.2, 0.4], [10, 0.6, 0.8]], ...more,
});
const pin = (more = {}) => path({ id: 'b', mode: 'pin', points: [[0, 0.9, 0.1]], ...more });

test('a path that is moved goes on where it is, and keeps its time', () => {
  const [message] = moved([path()], [0.1, -0.2]);
  assert.deepEqual(message.points, [[0, 0.3, 0.2], [10, 0.7, 0.6]]);
  assert.equal(message.begun, null);
  assert.equal('begun' in moved([pin()], [0, 0])[0], false);
});

test('several are moved together, no further than the picture reaches, and keep their distance', () => {
  const messages = moved([path(), pin()], [0.5, -0.5]);
  assert.deepEqual(messages.map(({ points }) => points[0].slice(1)), [[0.3, 0.3], [1, 0]]);
});

test('mirrored twice is as before; what is at one point is mirrored in the picture', () => {
  for (const across of [true, false]) {
    const strokes = [path(), pin()];
    const again = mirrored(mirrored(strokes, across), across);
    assert.deepEqual(again.map(({ points }) => points), strokes.map(({ points }) => points));
  }
  assert.deepEqual(mirrored([path()], true)[0].points, [[0, 0.6, 0.4], [10, 0.2, 0.8]]);
  assert.deepEqual(mirrored([path()], false)[0].points, [[0, 0.2, 0.8], [10, 0.6, 0.4]]);
  assert.deepEqual(mirrored([pin()], true)[0].points, [[0, 0.1, 0.1]]);
});

test('slower takes longer, and no path is made faster than a frame nor of what stands still', () => {
  assert.deepEqual(retimed([path(), pin()], 1.25).messages.map(({ points }) => points), [[[0, 0.2, 0.4], [12.5, 0.6, 0.8]]]);
  for (const factor of [0, -1, 0.01, 1e9]) assert.deepEqual(retimed([path()], factor), { messages: [], still: 0, kept: 1 });
  assert.deepEqual(retimed([pin(), path({ points: [[0, 0.1, 0.1], [0, 0.1, 0.1]] })], 0.8), { messages: [], still: 2, kept: 0 });
});

test('a delay goes round, and the path sets out anew', () => {
  const { messages: [message], delay } = delayed([path(), pin()]);
  assert.deepEqual([message.delay, message.begun, delay], [12, 0, 12]);
  assert.equal(delayed([path({ delay: 96 })]).delay, 0);
  assert.deepEqual(delayed([pin()]).messages, []);
});

test('at its end a path starts over, stays, or goes back', () => {
  const ways = [];
  let stroke = path();
  for (let i = 0; i < 3; i += 1) {
    const { messages: [message] } = looped([stroke]);
    stroke = { ...stroke, ...message };
    ways.push([stroke.loop, stroke.ping_pong]);
  }
  assert.deepEqual(ways, [[false, false], [true, true], [true, false]]);
});

test('copies have names of their own and lie beside, within the picture', () => {
  const copies = duplicated([path(), pin()], (number) => `copy${number}`);
  assert.deepEqual(copies.map(({ id }) => id), ['copy0', 'copy1']);
  const [left, top, right, bottom] = boxOf(copies);
  assert.ok(left >= 0 && top >= 0 && right <= 1 && bottom <= 1);
  assert.notDeepEqual(copies[0].points, path().points);
});

test('what a pen pressed and how a path loops stays through it all', () => {
  const stroke = path({ pressure: [0.2, 0.9], ping_pong: true, delay: 12 });
  const ways = [moved([stroke], [0.1, 0]), mirrored([stroke], true), retimed([stroke], 2).messages, duplicated([stroke], () => 'c')];
  for (const [message] of ways) {
    assert.deepEqual([message.pressure, message.ping_pong, message.delay], [[0.2, 0.9], true, 12]);
  }
});

test('a path is chosen by its line, in a wide picture too', () => {
  assert.equal(lineAt([path()], [0.4, 0.61], 0.03, 1).id, 'a');
  assert.equal(lineAt([path()], [0.4, 0.7], 0.03, 1), undefined);
  assert.equal(lineAt([path()], [0.4, 0.64], 0.03, 0.5).id, 'a');
  assert.equal(lineAt([pin()], [0.9, 0.1], 0.03, 1), undefined);
});

test('with Shift it goes level, upright or slanting', () => {
  assert.deepEqual(onAxis([0.5, 0.5], [0.8, 0.53], 1), [0.8, 0.5]);
  const [x, y] = onAxis([0.5, 0.5], [0.52, 0.9], 1);
  assert.ok(Math.abs(x - 0.5) < 1e-9 && Math.abs(y - 0.9) < 1e-9);
  const [slantX, slantY] = onAxis([0, 0], [0.4, 0.76], 0.5);
  assert.ok(Math.abs(slantX - slantY * 0.5) < 1e-9);
});

test('things snap to thirds, to the middle and to others that stand still, each direction by itself', () => {
  const lines = linesOf([path(), pin()], new Set());
  assert.deepEqual(lines.x, [1 / 3, 1 / 2, 2 / 3, 0.9]);
  const near = [0.02, 0.02];
  const { move, lines: met } = snapTo([[0.49, 0.4]], lines, near);
  assert.ok(Math.abs(move[0] - 0.01) < 1e-9 && move[1] === 0);
  assert.deepEqual(met, { x: [0.5], y: [] });
  assert.deepEqual(snapTo([[0.905, 0.095]], lines, near).lines, { x: [0.9], y: [0.1] });
  assert.deepEqual(linesOf([pin()], new Set(['b'])).x.length, 3);
});

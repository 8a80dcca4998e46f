import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { beginStrokes } from '../../studio/ui/web/messages.js';
import { Outbox } from '../../studio/ui/web/outbox.js';

let outbox;
let sent;
let connected;
const prompt = { kind: 'prompt', text: 'a lake' };
const stroke = { kind: 'stroke', id: 'a' };

beforeEach(() => {
  [sent, connected] = [[], true];
  outbox = new Outbox({ send: (message) => connected && Boolean(sent.push(message)), frame: () => 7 });
});

test('each control goes under a number of its own, with the frame that was seen', () => {
  outbox.sendControl(prompt);
  outbox.sendControl(stroke);
  assert.deepEqual(sent, [
    { type: 'control', number: 1, control: prompt, saw: 7 }, { type: 'control', number: 2, control: stroke, saw: 7 },
  ]);
});

test('a control counts as shown by the first frame of its revision or a later one', () => {
  outbox.sendControl(prompt);
  outbox.sendControl(stroke);
  assert.equal(outbox.confirm(1, 10), prompt);
  assert.equal(outbox.confirm(2, 11), stroke);
  assert.deepEqual(outbox.shownBy(9), []);
  assert.deepEqual(outbox.shownBy(10).map(({ control }) => control), [prompt]);
  assert.deepEqual(outbox.shownBy(12).map(({ control }) => control), [stroke]);
  assert.deepEqual(outbox.shownBy(12), []);
});

test('a pause and a picture are not waited for in the picture', () => {
  outbox.sendControl({ kind: 'pause', paused: true });
  outbox.sendControl({ kind: 'picture', data: '' });
  outbox.confirm(1, 1);
  outbox.confirm(2, 2);
  assert.deepEqual(outbox.shownBy(5), []);
});

test('a control is on its way until it is confirmed or refused', () => {
  outbox.sendControl(prompt);
  assert.equal(outbox.isSending('prompt'), true);
  assert.equal(outbox.isSending('stroke'), false);
  assert.equal(outbox.reject(1), prompt);
  assert.equal(outbox.isSending('prompt'), false);
  assert.equal(outbox.reject(1), undefined);
});

test('what could not be sent is not waited for', () => {
  connected = false;
  outbox.sendControl(prompt);
  assert.equal(outbox.isSending('prompt'), false);
  assert.equal(outbox.sendPicture(new ArrayBuffer(2)), null);
});

test('a picture goes under a number of the same row', () => {
  outbox.sendControl(prompt);
  assert.equal(outbox.sendPicture(new Uint8Array([9]).buffer), 2);
  assert.deepEqual([...sent[1]], [0x53, 0x54, 0x50, 0x31, 2, 0, 0, 0, 7, 0, 0, 0, 9]);
});

test('a link that begins anew waits for nothing of the old one', () => {
  outbox.sendControl(prompt);
  outbox.sendControl(stroke);
  outbox.confirm(1, 3);
  outbox.clear();
  assert.equal(outbox.isSending('stroke'), false);
  assert.deepEqual(outbox.shownBy(9), []);
  assert.equal(outbox.confirm(2, 4), undefined);
});

test('a stroke counts its time from the frame its receipt names', () => {
  const strokes = new Map([['a', { id: 'a', revision: 5, since: null }], ['b', { id: 'b', revision: 6, since: null }]]);
  const page = { controls: { strokes }, ink: { stale: false } };
  beginStrokes(page, [[5, 'stroke', 40], [9, 'prompt', 41]]);
  assert.deepEqual([...strokes.values()], [{ id: 'a', revision: null, since: 40 }, { id: 'b', revision: 6, since: null }]);
  assert.equal(page.ink.stale, true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LARGEST, carriedBy } from '../../studio/ui/web/carried.js';
import { openedWords } from '../../studio/ui/web/drop.js';
import { progressWords } from '../../studio/ui/web/exports.js';

const LINE = 'studio-score:1:0123abcd:8:AAAABBBB';
const text = async (blob) => blob && blob.text();

test('a score is sent as it is', async () => {
  assert.equal(await text(await carriedBy(new Blob(['\n {"studio": 2}\n']))), '\n {"studio": 2}\n');
});

test('of a picture or a video goes what carries the score, and no more', async () => {
  const file = new Blob([new Uint8Array(9_000_000), LINE, new Uint8Array(100_000)]);
  assert.equal(await text(await carriedBy(file)), LINE);
});

test('a mark across two blocks is found', async () => {
  for (const before of [4 * 2 ** 20 - 7, 4 * 2 ** 20 - 1, 8 * 2 ** 20 - 39]) {
    assert.equal(await text(await carriedBy(new Blob([new Uint8Array(before), LINE, new Uint8Array(1000)]))), LINE);
  }
});

test('what stands behind a large video is found from its end', async () => {
  const file = new Blob([new Uint8Array(140_000_000), LINE]);
  assert.equal(await text(await carriedBy(file)), LINE);
});

test('a gif goes from its extension on', async () => {
  const gif = new Blob(['GIF89a.......', new Uint8Array([0x21, 0xff, 0x0b]), 'STUDIOSCORE', '\u0005hello']);
  const sent = new Uint8Array(await (await carriedBy(gif)).arrayBuffer());
  assert.deepEqual([...sent.slice(0, 4)], [0x21, 0xff, 0x0b, 0x53]);
});

test('a damaged head goes to the server, which says so', async () => {
  assert.equal(await text(await carriedBy(new Blob(['xx', 'studio-score:1:zz:9:AAAA']))), 'studio-score:1:zz:9:AAAA');
});

test('a picture without a score is none, a small zip may have one', async () => {
  assert.equal(await carriedBy(new Blob([new Uint8Array(5000)])), null);
  assert.equal(await carriedBy(new Blob([])), null);
  const zip = new Blob(['PK\u0003\u0004rest']);
  assert.equal(await carriedBy(zip), zip);
  assert.equal(await carriedBy({ size: LARGEST + 1, slice: () => zip.slice(0, 0) }), null);
});

test('what is said', () => {
  assert.equal(openedWords('a.gif', ['it is of version 9']), 'a.gif is open, but it is of version 9.');
  assert.match(openedWords('a.gif', ['a', 'b', 'c', 'd', 'e']), /a; b; c; and 2 more\.$/);
  assert.equal(progressWords({ form: 'gif', done: 34, total: 101 }), 'gif 33 %');
  assert.equal(progressWords({ form: 'gif', done: 0, total: 0 }), 'gif 0 %');
});

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Uploader } from '../../studio/ui/web/upload.js';
import { settle } from './fakes.js';

let sent;
let page; // what the uploader finds: is there a picture, is there a link, how large is a JPEG at a quality, what time is it
let uploader;

beforeEach(() => {
  sent = [];
  page = { picture: true, connected: true, size: () => 10, now: 0 };
  uploader = new Uploader({
    draw: () => page.picture, now: () => page.now,
    encode: async (quality) => (page.size(quality) ? new Blob([new Uint8Array(page.size(quality))]) : null),
    send: (jpeg) => (page.connected ? sent.push(jpeg.byteLength) : null),
  });
});

test('one picture is on its way at a time, the next goes after the answer', async () => {
  await uploader.queue();
  await uploader.queue();
  assert.deepEqual(sent, [10]);
  uploader.answered(1);
  await settle();
  assert.deepEqual(sent, [10, 10]);
  uploader.answered(2);
  await settle();
  assert.deepEqual(sent, [10, 10], 'nothing is due any more');
});

test('an answer to something else lets nothing go', async () => {
  await uploader.queue();
  await uploader.queue();
  uploader.answered(99);
  await settle();
  assert.deepEqual(sent, [10]);
});

test('a picture that is never answered counts as lost after three seconds', async () => {
  await uploader.queue();
  page.now = 2999;
  await uploader.upload();
  assert.equal(sent.length, 1);
  page.now = 3000;
  await uploader.upload();
  assert.equal(sent.length, 2);
});

test('the best quality that the server takes is chosen', async () => {
  page.size = (quality) => (quality > 0.5 ? 600_000 : 400_000);
  await uploader.queue();
  assert.deepEqual(sent, [400_000]);
});

test('without a link the picture stays due', async () => {
  page.connected = false;
  await uploader.queue();
  assert.deepEqual([sent, uploader.due, uploader.flight], [[], true, null]);
  page.connected = true;
  await uploader.upload();
  assert.deepEqual([sent, uploader.due], [[10], false]);
});

test('where there is nothing to draw nothing goes', async () => {
  page.picture = false;
  await uploader.queue();
  assert.deepEqual(sent, []);
});

test('a link that begins anew waits for no answer of the old one', async () => {
  await uploader.queue();
  uploader.restart();
  await uploader.queue();
  assert.equal(sent.length, 2);
});

test('a picture that was being made when the link began anew is not sent', async () => {
  const old = uploader.queue();
  uploader.restart();
  await old;
  assert.deepEqual(sent, []);
});

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { sentAs } from '../../studio/ui/web/pictures-sent.js';
import { Pictures, decodesH264, tellDecoder } from '../../studio/ui/web/pictures.js';
import { watchingWords } from '../../studio/ui/web/projector.js';
import { Viewing } from '../../studio/ui/web/viewing.js';
import { CLOSE, unpackFrame } from '../../studio/ui/web/wire.js';
import { FakeClock, FakeSocket, packedFrame, settle } from './fakes.js';

let clock;
let heard;
let viewing;

beforeEach(() => {
  clock = new FakeClock();
  heard = [];
  FakeSocket.made = [];
});

/** Looking on, over a socket that is open. */
async function looking() {
  viewing = new Viewing({
    address: 'ws://studio/gradio_api/studio/watch/s',
    browser: {
      WebSocket: FakeSocket,
      setTimeout: (call, ms) => clock.set(call, ms),
      clearTimeout: (timer) => clock.clear(timer),
      now: () => clock.time,
    },
    opened: () => heard.push('opened'),
    on: {
      frame: ({ index }) => heard.push(index),
      lost: (words) => heard.push(`lost: ${words}`),
      ended: (words) => heard.push(`ended: ${words}`),
    },
  });
  viewing.run();
  await settle();
  return greeted();
}

async function greeted() {
  const socket = FakeSocket.made.at(-1);
  socket.accept();
  socket.say({ type: 'ping', number: 1 });
  await settle();
  return socket;
}

test('who looks on answers pings, and shows frames', async () => {
  const socket = await looking();
  assert.equal(socket.url, 'ws://studio/gradio_api/studio/watch/s');
  assert.deepEqual(socket.protocols, ['studio.v1']);
  socket.say(packedFrame({ sequence: 1, index: 7, revision: 0 }));
  assert.deepEqual(heard, ['opened', 7]);
  assert.deepEqual(socket.sent.map((text) => JSON.parse(text)), [{ type: 'open' }, { type: 'pong', number: 1 }]);
});

for (const [code, words] of [[CLOSE.stopping, 'It stops.'], [CLOSE.policy, 'No picture just now.'], [1006, '']]) {
  test(`a line that ends with ${code} is opened again, until it is there`, async () => {
    const socket = await looking();
    socket.hangUp(code, words);
    await settle();
    assert.equal(heard.at(-1), `lost: ${words || 'Waiting for the picture.'}`);
    await clock.advance(60000); // and no socket opens
    const tried = FakeSocket.made.length;
    assert.ok(tried > 8 && tried < 20, `tried ${tried} times in a minute`);
    FakeSocket.made.at(-1).hangUp(1006);
    await clock.advance(4000);
    await greeted();
    assert.equal(heard.at(-1), 'opened');
  });
}

test('a withdrawn link is not asked for again', async () => {
  const socket = await looking();
  socket.hangUp(CLOSE.withdrawn, 'This link was withdrawn.');
  await clock.advance(60000);
  assert.equal(heard.at(-1), 'ended: This link was withdrawn.');
  assert.equal(FakeSocket.made.length, 1);
});

test('a line without a word is dead', async () => {
  await looking();
  await clock.advance(15500);
  assert.equal(FakeSocket.made.length, 2);
});

// H.264

class FakeDecoder {
  static made = [];

  static supported = true;

  static isConfigSupported() {
    return Promise.resolve({ supported: FakeDecoder.supported });
  }

  constructor(on) {
    Object.assign(this, { on, chunks: [], state: 'unconfigured' });
    FakeDecoder.made.push(this);
  }

  configure(config) {
    this.state = 'configured';
    this.config = config;
  }

  decode(chunk) {
    if (this.state === 'closed') throw new Error('closed');
    this.chunks.push(chunk);
  }

  close() {
    this.state = 'closed';
  }

  /** The picture of a chunk comes out. */
  give(timestamp) {
    const picture = { timestamp, closed: false, close() { this.closed = true; } };
    this.on.output(picture);
    return picture;
  }
}

const chunk = (sequence, key = false) => ({ sequence, h264: { key, data: new Uint8Array([sequence]) } });
const jpeg = { sequence: 9, jpeg: new Blob([]) };

function pictures() {
  FakeDecoder.made = [];
  FakeDecoder.supported = true;
  Object.assign(globalThis, {
    VideoDecoder: FakeDecoder,
    EncodedVideoChunk: class { constructor(init) { Object.assign(this, init); } },
    createImageBitmap: () => Promise.resolve('bitmap'),
  });
  return new Pictures({ setTimeout: (call, ms) => clock.set(call, ms) });
}

test('a frame says by how it begins what it is', () => {
  const packed = packedFrame({ sequence: 4, index: 5, revision: 6 });
  assert.ok(unpackFrame(packed).jpeg);
  for (const [form, key] of [['STVK', true], ['STVD', false]]) {
    new Uint8Array(packed).set([...form].map((letter) => letter.charCodeAt(0)));
    const { jpeg: none, h264, index } = unpackFrame(packed);
    assert.deepEqual([none, h264.key, h264.data.length, index], [undefined, key, 8, 5]);
  }
});

test('chunks go to the decoder in order, and each picture to the frame it is of', async () => {
  const held = pictures();
  const asked = [chunk(1, true), chunk(2), chunk(3)].map((frame) => held.of(frame));
  const [decoder] = FakeDecoder.made;
  assert.deepEqual(decoder.chunks.map(({ type, timestamp }) => [type, timestamp]), [['key', 1], ['delta', 2], ['delta', 3]]);
  assert.equal(decoder.config.optimizeForLatency, true);
  const given = [1, 2, 3].map((timestamp) => decoder.give(timestamp));
  assert.deepEqual(await Promise.all(asked), given);
  assert.ok(decoder.give(3).closed, 'nobody waits for it');
});

test('what needs pictures that are not here is left aside, and JPEG ends a stream', async () => {
  const held = pictures();
  assert.equal(await held.of(chunk(5)), null);
  assert.equal(FakeDecoder.made.length, 0);
  const waits = held.of(chunk(6, true));
  assert.equal(await held.of(jpeg), 'bitmap');
  assert.equal(await waits, null);
  assert.equal(FakeDecoder.made[0].state, 'closed');
  assert.equal(await held.of(chunk(7)), null);
});

test('a decoder that fails or says nothing is told, and nobody waits for ever', async () => {
  const held = pictures();
  const sent = [];
  await tellDecoder(held, (message) => sent.push(message));
  assert.deepEqual(sent, [{ type: 'decodes', h264: true }]);
  const waits = held.of(chunk(1, true));
  FakeDecoder.made[0].on.error(new Error('broken'));
  assert.equal(await waits, null);
  assert.deepEqual(sent.at(-1), { type: 'decodes', h264: false });
  const late = held.of(chunk(2, true));
  await clock.advance(3000);
  assert.equal(await late, null);
});

test('a browser that shows no H.264 says nothing', async () => {
  const held = pictures();
  const sent = [];
  FakeDecoder.supported = false;
  await tellDecoder(held, (message) => sent.push(message));
  delete globalThis.VideoDecoder;
  assert.equal(await decodesH264(), false);
  assert.deepEqual(sent, []);
});

test('words for what is sent, and for how many look on', () => {
  assert.match(sentAs(0), /JPEG/);
  assert.match(sentAs(640), /H\.264, about 640 kbit\/s/);
  assert.deepEqual([0, 1, 3].map(watchingWords), ['Nobody looks on.', 'One looks on.', '3 look on.']);
});

test('a picture that is still being decoded as the link is withdrawn is not shown, and wipes no words away', async () => {
  const socket = await looking();
  const words = { textContent: 'Waiting for the picture.' };
  const done = [];
  const stage = { show: () => new Promise((resolve) => { done.push(resolve); }), clear: () => heard.push('cleared') };
  const first = viewing.show({ sequence: 1 }, stage, words);
  done.shift()();
  await first;
  assert.equal(words.textContent, '');
  const late = viewing.show({ sequence: 2 }, stage, words);
  socket.hangUp(CLOSE.withdrawn, 'This link was withdrawn.');
  await settle();
  words.textContent = 'This link was withdrawn.';
  done.shift()();
  await late;
  assert.equal(words.textContent, 'This link was withdrawn.');
  assert.deepEqual(heard, ['opened', 'ended: This link was withdrawn.', 'cleared']);
});

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Link } from '../../studio/ui/web/link.js';
import { CLOSE, packPicture } from '../../studio/ui/web/wire.js';
import { FakeClock, FakeServer, FakeSocket, packedFrame, settle } from './fakes.js';

const HELLO = { type: 'hello', model: 'tiny' };
let clock;
let server;
let states;
let messages;
let frames;
let admissions; // what the next tickets are, the last for ever
let asked;
let askedAt; // ms
let link;

console.debug = () => {};

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer();
  [states, messages, frames, askedAt, asked] = [[], [], [], [], 0];
  FakeSocket.made = [];
  admissions = [{ ticket: 't' }];
});

function start({ pull = false } = {}) {
  link = new Link({
    root: 'http://studio',
    pull,
    ask: () => {
      asked += 1;
      askedAt.push(clock.time);
      const admission = admissions.length > 1 ? admissions.shift() : admissions[0];
      return admission instanceof Error ? Promise.reject(admission) : Promise.resolve(admission);
    },
    on: {
      frame: (frame) => frames.push(frame),
      message: (message) => messages.push(message),
      state: (state, detail) => states.push(detail ? `${state}: ${detail}` : state),
    },
    browser: {
      WebSocket: FakeSocket,
      fetch: (...request) => server.fetch(...request),
      now: () => clock.time,
      setTimeout: (call, ms) => clock.set(call, ms),
      clearTimeout: (timer) => clock.clear(timer),
    },
  });
  const over = link.run();
  return settle().then(() => over);
}

/** Over a socket, live. */
async function live() {
  start();
  await settle();
  const socket = FakeSocket.made.at(-1);
  socket.accept();
  socket.say(HELLO);
  await settle();
  return socket;
}

async function pulling() {
  start({ pull: true });
  await server.answer('/studio/link', { token: 'k', messages: [HELLO] });
}

test('a socket is opened with the ticket, and the first message makes the link live', async () => {
  start();
  await settle();
  const [socket] = FakeSocket.made;
  assert.equal(socket.url, 'ws://studio/gradio_api/studio/ws');
  assert.deepEqual(socket.protocols, ['studio.v1', 'ticket.t']);
  socket.accept();
  assert.deepEqual(socket.sent, ['{"type":"open"}']);
  assert.equal(link.connected, false);
  socket.say(HELLO);
  assert.equal(link.connected, true);
  assert.deepEqual(states, ['live: socket']);
  assert.deepEqual(messages, [HELLO]);
});

test('what is sent without a link is dropped and said so', async () => {
  start();
  assert.equal(link.send({ type: 'ack' }), false);
  await settle();
  FakeSocket.made[0].accept();
  FakeSocket.made[0].say(HELLO);
  assert.equal(link.send({ type: 'ack', sequence: 3 }), true);
  assert.equal(link.send(new Uint8Array([1, 2])), true);
  assert.deepEqual(FakeSocket.made[0].sent.slice(1), ['{"type":"ack","sequence":3}', new Uint8Array([1, 2])]);
});

test('a ping is answered at once and goes no further', async () => {
  const socket = await live();
  socket.say({ type: 'ping', number: 7 });
  assert.deepEqual(JSON.parse(socket.sent.at(-1)), { type: 'pong', number: 7 });
  assert.deepEqual(messages, [HELLO, { type: 'ping', number: 7 }]);
});

test('a frame is unpacked', async () => {
  const socket = await live();
  socket.say(packedFrame({ sequence: 4, index: 70000, revision: 9 }));
  const [{ jpeg, arrived, ...numbers }] = frames;
  assert.ok(arrived <= performance.now());
  assert.deepEqual(numbers, { sequence: 4, index: 70000, revision: 9, tick: 1.5, age: 0.25, made: 0 });
  assert.equal(jpeg.size, 8);
});

test('a picture is packed as the server reads it', () => {
  const data = packPicture(258, 70000, new Uint8Array([9, 8]).buffer);
  assert.deepEqual([...data], [0x53, 0x54, 0x50, 0x31, 2, 1, 0, 0, 0x70, 0x11, 1, 0, 9, 8]);
});

for (const code of [CLOSE.policy, CLOSE.stopping, CLOSE.silent]) {
  test(`a socket closed with ${code} is told in the server's words, and opened again`, async () => {
    const socket = await live();
    socket.hangUp(code, 'because');
    await settle();
    assert.equal(link.connected, false);
    assert.deepEqual(states, ['live: socket', 'lost: because']);
    await clock.advance(400);
    assert.equal(FakeSocket.made.length, 2);
    assert.equal(link.pull, false);
  });
}

test('a server that stops without a word is said to have stopped', async () => {
  const socket = await live();
  socket.hangUp(CLOSE.stopping);
  await settle();
  assert.match(states.at(-1), /^lost: The server has stopped/);
});

test('a refused ticket does not make the page pull', async () => {
  start();
  await settle();
  FakeSocket.made[0].hangUp(CLOSE.policy, 'this ticket is used up');
  await clock.advance(400);
  assert.equal(FakeSocket.made.length, 2);
  assert.deepEqual(states, ['lost: this ticket is used up']);
});

test('another code is a lost link without words', async () => {
  const socket = await live();
  socket.hangUp(1011, 'internal');
  await settle();
  assert.deepEqual(states, ['live: socket', 'lost']);
  assert.equal(clock.timers.size, 1, 'only the pause before the next try');
});

test('a link that falls silent is dead and opened again', async () => {
  const socket = await live();
  await clock.advance(9_900);
  socket.say({ type: 'status' });
  await clock.advance(9_900);
  assert.equal(link.connected, true);
  await clock.advance(200);
  assert.equal(socket.closed, true);
  assert.deepEqual(states, ['live: socket', 'lost']);
  await clock.advance(400);
  assert.equal(FakeSocket.made.length, 2);
});

test('a paused link, which brings no frames but words, lives on for an hour', async () => {
  const socket = await live();
  for (let second = 0; second < 3600; second += 5) {
    await clock.advance(5000);
    socket.say({ type: 'ping', number: second });
  }
  assert.equal(link.connected, true);
  assert.deepEqual(states, ['live: socket']);
});

test('a dead socket says nothing more', async () => {
  const socket = await live();
  await clock.advance(10_001);
  socket.say({ type: 'notice' });
  socket.hangUp(CLOSE.superseded, 'late');
  await settle();
  assert.deepEqual(messages, [HELLO]);
  assert.equal(link.ended, false);
});

test('the pause between tries grows to four seconds, and is short again after a link that lasted', async () => {
  admissions = [new Error('no ticket')];
  start();
  await clock.advance(30_000);
  const gaps = askedAt.slice(1).map((time, at) => Math.round(time - askedAt[at]));
  assert.deepEqual(gaps.slice(0, 7), [400, 680, 1156, 1965, 3341, 4000, 4000]);
  admissions = [{ ticket: 't' }];
  await clock.advance(4000);
  const socket = FakeSocket.made.at(-1);
  socket.accept();
  socket.say(HELLO);
  await clock.advance(6000);
  const known = asked;
  socket.hangUp();
  await clock.advance(400);
  assert.equal(asked, known + 1);
});

test('a superseded page ends for good, by the message', async () => {
  const socket = await live();
  socket.say({ type: 'superseded', message: 'It goes on elsewhere.' });
  await clock.advance(60_000);
  assert.deepEqual(states, ['live: socket', 'superseded: It goes on elsewhere.']);
  assert.deepEqual([link.ended, link.deliver, socket.closed, asked], [true, null, true, 1]);
});

test('a superseded page ends for good, by the code alone', async () => {
  const socket = await live();
  socket.hangUp(CLOSE.superseded, '');
  await clock.advance(60_000);
  assert.deepEqual(states, ['live: socket', 'superseded: This session goes on in another tab.']);
  assert.deepEqual([link.ended, link.deliver, asked], [true, null, 1]);
});

test('a superseded page is told once, whatever comes after', async () => {
  const socket = await live();
  const { onclose } = socket;
  socket.say({ type: 'superseded', message: 'elsewhere' });
  onclose({ code: CLOSE.superseded, reason: 'elsewhere' });
  await clock.advance(5000);
  assert.deepEqual(states, ['live: socket', 'superseded: elsewhere']);
});

test('a page that waits for a seat says so, asks again, and is not lost', async () => {
  admissions = [{ waiting: 'Two people play.' }, { waiting: 'Two people play.' }, { ticket: 't' }];
  start();
  await clock.advance(400 + 680);
  assert.deepEqual(states, ['waiting: Two people play.', 'waiting: Two people play.']);
  assert.equal(asked, 3);
  assert.equal(FakeSocket.made.length, 1);
});

test('while the server is away no ticket is asked for', async () => {
  const socket = await live();
  server.reachable = false;
  socket.hangUp(CLOSE.stopping, 'It stops.');
  await clock.advance(20_000);
  assert.equal(asked, 1);
  assert.ok(states.filter((state) => state === 'lost: It stops.').length > 5);
  server.reachable = true;
  await clock.advance(1500);
  assert.equal(asked, 2);
});

test('a link that was ended asks for nothing more', async () => {
  const socket = await live();
  link.end();
  assert.equal(socket.closed, true);
  socket.say({ type: 'notice' });
  await clock.advance(60_000);
  assert.deepEqual([asked, states, messages], [1, ['live: socket'], [HELLO]]);
});

test('a page that leaves while it asks for a ticket opens no link', async () => {
  start();
  link.end();
  await clock.advance(5000);
  assert.equal(FakeSocket.made.length, 0);
  assert.deepEqual(states, []);
});

test('a handshake that nobody answers leads to pulling, and it stays at that', async () => {
  start();
  await settle();
  FakeSocket.made[0].accept(); // a proxy may do that
  await clock.advance(2500);
  assert.equal(FakeSocket.made[0].closed, true);
  const { options } = await server.answer('/studio/link', { token: 'k', messages: [HELLO] });
  assert.deepEqual(options.headers, { 'x-studio-ticket': 't' });
  assert.deepEqual(states, ['live: pull']);
  assert.deepEqual(messages, [HELLO]);
  link.silence = 1;
  await clock.advance(25_000);
  assert.equal(FakeSocket.made.length, 1, 'no other socket is tried');
  assert.ok(asked > 1);
});

test('a socket that is refused leads to pulling at once', async () => {
  start();
  await settle();
  FakeSocket.made[0].hangUp(1006);
  await server.answer('/studio/link', { token: 'k', messages: [] });
  assert.deepEqual(states, ['live: pull']);
});

test('a pull brings frames two at a time, under its token', async () => {
  await pulling();
  const first = await server.answer('/studio/frame', packedFrame({ sequence: 1 }));
  await server.answer('/studio/frame', packedFrame({ sequence: 2 }));
  await server.answer('/studio/frame', null, 204);
  assert.deepEqual(first.options.headers, { 'x-studio-link': 'k' });
  assert.deepEqual(frames.map(({ sequence }) => sequence), [1, 2]);
  assert.equal(server.requests.filter(({ path }) => path === '/studio/frame').length, 2);
});

test('messages go up as soon as there is one, at most 64 at once, and others come down', async () => {
  await pulling();
  link.send({ type: 'ack', sequence: 1 });
  const first = await server.next('/studio/up');
  assert.deepEqual(JSON.parse(first.options.body), { messages: [{ type: 'ack', sequence: 1 }] });
  for (let sequence = 0; sequence < 70; sequence += 1) link.send({ type: 'ack', sequence });
  first.resolve(Response.json({ messages: [{ type: 'notice', message: 'word' }, { type: 'ping', number: 3 }] }));
  const second = await server.next('/studio/up');
  assert.equal(JSON.parse(second.options.body).messages.length, 64);
  assert.deepEqual(messages.at(-2), { type: 'notice', message: 'word' });
  second.resolve(Response.json({ messages: [] }));
  const third = JSON.parse((await server.next('/studio/up')).options.body).messages;
  assert.deepEqual(third.at(-1), { type: 'pong', number: 3 });
});

test('a picture goes up beside the messages, and what becomes of it comes down', async () => {
  await pulling();
  link.send(new Uint8Array([1, 2, 3]));
  const { options } = await server.answer('/studio/up', { messages: [{ type: 'sent', number: 5 }] });
  assert.equal(options.headers['content-type'], 'application/octet-stream');
  assert.deepEqual(options.body, new Uint8Array([1, 2, 3]));
  assert.deepEqual(messages.at(-1), { type: 'sent', number: 5 });
});

test('a pull without an answer is called off, and another is opened', async () => {
  await pulling();
  await clock.advance(19_000);
  await server.answer('/studio/frame', null, 204);
  await clock.advance(19_000);
  assert.deepEqual(states, ['live: pull']);
  const open = [...server.requests];
  await clock.advance(1_100);
  assert.ok(open.length >= 2);
  assert.ok(open.every(({ options }) => options.signal.aborted), 'nothing is left beside the next line');
  assert.deepEqual(states, ['live: pull', 'lost']);
  await clock.advance(400);
  assert.equal(asked, 2);
  assert.equal(FakeSocket.made.length, 0);
});

test('a pull that the server ends says its words and comes back', async () => {
  await pulling();
  const other = server.requests.filter(({ path }) => path === '/studio/frame')[1];
  await server.answer('/studio/frame', { code: CLOSE.silent, error: 'Nothing was heard.' }, 403);
  assert.equal(other.options.signal.aborted, true, 'nothing is left beside the next line');
  assert.deepEqual(states, ['live: pull', 'lost: Nothing was heard.']);
  await clock.advance(400);
  assert.equal(asked, 2);
});

test('a pull that is superseded ends for good', async () => {
  await pulling();
  await server.answer('/studio/frame', { code: CLOSE.superseded, error: 'Elsewhere.' }, 403);
  await clock.advance(60_000);
  assert.deepEqual(states, ['live: pull', 'superseded: Elsewhere.']);
  assert.deepEqual([link.ended, asked], [true, 1]);
});

test('a refusal without a code is a lost link', async () => {
  await pulling();
  await server.answer('/studio/frame', { error: 'broken' }, 500);
  assert.deepEqual(states, ['live: pull', 'lost']);
});

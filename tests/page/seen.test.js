// What the picture on the canvas has, and a hand that takes hold of it: the page's own code in a link of a stated latency.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place, settled } from '../../studio/ui/web/course.js';
import { Hand } from '../../studio/ui/web/hand.js';
import { Outbox } from '../../studio/ui/web/outbox.js';
import { Seen } from '../../studio/ui/web/seen.js';

const pin = (x, more = {}) => ({
  kind: 'stroke', id: 'a', label: 'fox', mode: 'pin', size: 0.3, loop: true, points: [[0, x, 0.5]], ...more,
});

/** The page's parts that know what is seen, without a page. */
function parts() {
  const page = { frame: 0, strokes: new Map(), sent: [] };
  const outbox = new Outbox({ send: (message) => Boolean(page.sent.push(message)), frame: () => page.frame });
  const seen = new Seen({ outbox, frame: () => page.frame, strokes: () => page.strokes });
  const { messages, frame } = seen.feature;
  let [revision, number] = [0, 0];
  const send = (control) => {
    if (control.kind === 'stroke') page.strokes.set(control.id, { ...control, since: null });
    else page.strokes.delete(control.id);
    outbox.sendControl(control);
    [revision, number] = [revision + 1, number + 1];
    outbox.confirm(number, revision);
    messages.sent({ revision });
    return revision;
  };
  const receipt = (one, at) => messages.receipts({ items: [[one, 'stroke', at]] });
  return { page, outbox, seen, send, receipt, show: (index) => frame({ index }) };
}

test('until a picture shows a stroke it is where it was', () => {
  const { page, seen, send, receipt } = parts();
  receipt(send(pin(0.2)), 3);
  receipt(send(pin(0.8)), 9);
  const x = (frame) => seen.version('a', frame)?.points[0][1];
  assert.deepEqual([2, 3, 8, 9].map(x), [undefined, 0.2, 0.2, 0.8]);
  page.frame = 10;
  assert.deepEqual(seen.trail('a').map(([at]) => at), [0.8, 0.8, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]);
});

test('an erased one is gone from its frame on, and all of them by "*"', () => {
  const { seen, send, receipt } = parts();
  receipt(send(pin(0.2)), 3);
  receipt(send({ kind: 'erase', id: '*' }), 6);
  assert.equal(seen.in(5).length, 1);
  assert.equal(seen.in(6).length, 0);
});

test('what was on the canvas when the hand came down is asked for by its time', () => {
  const { page, seen, send, receipt, show } = parts();
  receipt(send(pin(0.2)), 3);
  receipt(send(pin(0.8)), 9);
  for (const frame of [7, 8, 9]) {
    show(frame);
    seen.pictures.at(-1).at = frame * 100;
  }
  page.frame = 9;
  assert.deepEqual([seen.at(850).frame, seen.at(850).strokes[0].points[0][1]], [8, 0.2]);
  assert.deepEqual([seen.at(950).frame, seen.at(950).strokes[0].points[0][1]], [9, 0.8]);
});

test('what is in no picture yet is where it was sent, and what was removed is not there', () => {
  const { seen, send, receipt, page } = parts();
  receipt(send(pin(0.2)), 3);
  send(pin(0.6, { id: 'b' }));
  page.frame = 5;
  assert.deepEqual(seen.at(0).strokes.map(({ id }) => id), ['a', 'b']);
  send({ kind: 'erase', id: 'a' });
  assert.deepEqual(seen.at(0).strokes.map(({ id }) => id), ['b']);
});

test('the messages that are on their way are known by the stroke, until a picture shows them', () => {
  const { outbox, send } = parts();
  const first = send(pin(0.2));
  send(pin(0.4));
  send(pin(0.6, { id: 'b' }));
  assert.deepEqual(outbox.pending('a').map(({ points }) => points[0][1]), [0.2, 0.4]);
  outbox.shownBy(first);
  assert.deepEqual(outbox.pending('a').map(({ points }) => points[0][1]), [0.4]);
});

test('the server has the last word on what was', () => {
  const { page, seen, send, receipt } = parts();
  receipt(send(pin(0.2)), 30);
  page.strokes = new Map([['c', pin(0.5, { id: 'c', since: 2 })]]);
  seen.feature.messages.state();
  assert.deepEqual([seen.in(5).map(({ id }) => id), seen.in(1)], [['c'], []]);
});

// A person who sees everything LATE frames late, and whose messages are WAY frames on their way.

const [LATE, WAY] = [8, 4];

/** Numbers in 0..1 that are the same every time. */
function dice(seed) {
  let state = seed * 2654435761 + 12345;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** One grab of a subject on a path by the page's hand: was it held, and how far did it jump in a frame at most? */
function trial(seed) {
  const chance = dice(seed);
  const points = [[0, 0.1 + 0.2 * chance(), 0.2 + 0.6 * chance()], [16 + 60 * chance(), 0.7 + 0.2 * chance(), 0.2 + 0.6 * chance()]];
  const known = { ...pin(0), mode: 'path', points, ping_pong: seed % 2 > 0, loop: seed % 3 > 0, since: 0 };
  const server = 20 + Math.floor(60 * chance());
  const { page, seen, show } = parts();
  page.strokes.set('a', known);
  seen.restart();
  page.frame = server - LATE;
  show(page.frame);
  seen.pictures.at(-1).at = 0;
  const area = Object.assign(new EventTarget(), {
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 1000, height: 1000 }), setPointerCapture() {}, focus() {},
  });
  const messages = [];
  const controls = { strokes: page.strokes, past: [], set: (control) => Boolean(messages.push(control)) };
  const hand = new Hand({
    area, controls, brush: () => ({ label: 'cow', mode: 'drag', size: 0.3 }), seen: (time) => seen.at(time), snap: (at) => at,
    rate: () => 24, refusal: () => '', selected() {}, announce() {}, warn() {},
  });
  const [x, y] = place(known, page.frame);
  const way = x < 0.5 ? 0.006 : -0.006; // of the hand, inwards
  const aim = [x + 0.08 * (chance() - 0.5), y + 0.08 * (chance() - 0.5)];
  const point = (type, step) => {
    const [clientX, clientY] = [1000 * (aim[0] + way * step), 1000 * aim[1]];
    const event = Object.assign(new Event(type), { clientX, clientY, pointerId: 1, button: 0 });
    Object.defineProperty(event, 'timeStamp', { value: 5 });
    area.dispatchEvent(event);
    hand.sendChanges();
  };
  point('pointerdown', 0);
  if (hand.stroke?.id !== 'a') return { held: false, jump: Infinity };
  let inForce = known;
  let before = place(known, server + WAY);
  let jump = 0;
  for (let step = 1; step < 90; step += 1) {
    const frame = server + WAY + step;
    point('pointermove', Math.min(step, 29));
    const message = { ...messages.at(-1), since: frame };
    inForce = { ...message, ...settled(message, inForce, frame) };
    const now = place(inForce, frame);
    jump = Math.max(jump, Math.hypot(now[0] - before[0], now[1] - before[1]));
    before = now;
  }
  return { held: true, jump, off: Math.hypot(before[0] - x - 29 * way, before[1] - y) };
}

test('a subject on its way is grabbed as it was seen, does not jump, and is where it is held in the end', () => {
  const trials = Array.from({ length: 200 }, (_, seed) => trial(seed));
  assert.ok(trials.filter(({ held }) => held).length >= 190);
  const held = trials.filter((one) => one.held);
  assert.ok(Math.max(...held.map(({ jump }) => jump)) < 0.03, `${Math.max(...held.map(({ jump }) => jump))}`);
  assert.ok(Math.max(...held.map(({ off }) => off)) < 0.01);
});

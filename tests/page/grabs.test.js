// Taking hold of a thing in the picture: what the hand does while the server cuts it out, and afterwards.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';

import { Controls } from '../../studio/ui/web/controls.js';
import { Grabs } from '../../studio/ui/web/grabs.js';
import { Hand } from '../../studio/ui/web/hand.js';
import { Outbox } from '../../studio/ui/web/outbox.js';
import { Seen } from '../../studio/ui/web/seen.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));

class Area extends EventTarget {
  getBoundingClientRect() {
    return { left: 0, top: 0, width: 100, height: 100 };
  }

  setPointerCapture() {}

  focus() {}
}

let page;
let grabs;
let sent; // controls, and commands as {command, ...}
let time;

beforeEach(() => {
  sent = [];
  time = 1000;
  const brush = { label: '', mode: 'drag', size: 0.3 };
  page = {
    model: { strokes: { by: 'cutouts', words: '' } }, brush: { settings: brush }, stage: { frame: 7, view: {} }, link: { connected: true },
    ink: {}, command: (name, more) => sent.push({ command: name, ...more }),
  };
  page.outbox = new Outbox({ send: ({ control }) => sent.push(control) > 0, frame: () => 7 });
  page.controls = new Controls({
    ready: () => true, send: (one) => page.outbox.sendControl(one), play: () => {}, go: () => {}, changed: () => {},
  });
  page.controls.describe(KINDS);
  page.seen = new Seen({ outbox: page.outbox, frame: () => 7, strokes: () => page.controls.strokes });
  page.hand = new Hand({
    area: new Area(), controls: page.controls, brush: () => brush, seen: () => ({ frame: 7, strokes: [...page.controls.strokes.values()] }),
    snap: (place) => place, rate: () => 24, refusal: () => '', selected: () => {}, announce: () => {}, warn: () => {},
    taking: { can: () => grabs.can(), begin: (...given) => grabs.begin(...given), end: (...given) => grabs.end(...given) },
  });
  grabs = new Grabs(page);
});

function point(type, x, y, more = {}) {
  const event = new Event(type, { cancelable: true });
  Object.defineProperty(event, 'timeStamp', { value: time });
  Object.assign(event, { clientX: 100 * x, clientY: 100 * y, pointerId: 1, button: 0, ...more });
  page.hand.area.dispatchEvent(event);
  page.hand.sendChanges();
}

/** The server has cut it out: its middle was at a place. */
function answer(x, y, revision = 2) {
  const { number, id } = sent.find(({ command }) => command === 'grab');
  const held = { mode: 'drag', size: 0.2, grab: [9, 0.55, y], lead: [6, 0.05, 0], stiffness: 0.5 };
  const stroke = { kind: 'stroke', id, label: 'thing', points: [[0, x, y]], ...held };
  const outline = [[0.4, 0.4], [0.6, 0.4], [0.5, 0.6]];
  grabs.grabbed({ number, id, outline, box: [], cutout: { kind: 'cutout', id, data: 'AA' }, stroke, revision });
  page.hand.sendChanges();
  return id;
}

const strokes = () => sent.filter(({ kind }) => kind === 'stroke');
const places = () => strokes().map(({ points }) => points.at(-1).slice(1));

test('what the hand does before the answer waits for it, and then counts from where the thing was under it', () => {
  point('pointerdown', 0.52, 0.5);
  point('pointermove', 0.6, 0.5);
  point('pointermove', 0.7, 0.5);
  assert.deepEqual(sent.map(({ command, frame, x, y, size }) => [command, frame, x, y, size]), [['grab', 7, 0.52, 0.5, 0.3]]);
  const id = answer(0.5, 0.5);
  assert.deepEqual(places(), [[0.68, 0.5]]);
  const [message] = strokes();
  assert.deepEqual([message.id, message.label, message.size, message.grab, message.stiffness], [id, 'thing', 0.2, [9, 0.55, 0.5], 0.5]);
  point('pointermove', 0.8, 0.6);
  assert.deepEqual(places().at(-1), [0.78, 0.6]);
});

test('a thing that was dragged is let go once the picture shows where it was put, and leaves no step behind', () => {
  point('pointerdown', 0.5, 0.5);
  const id = answer(0.5, 0.5);
  point('pointerup', 0.7, 0.5);
  grabs.settle(1e6);
  grabs.settle(2e6);
  assert.equal(page.controls.strokes.size, 1, 'no picture shows it yet');
  page.outbox.clear();
  grabs.settle(3e6);
  grabs.settle(3e6 + 400);
  assert.equal(page.controls.strokes.size, 0);
  assert.deepEqual(sent.at(-1), { kind: 'erase', id });
  assert.deepEqual([page.controls.past.length, page.controls.all('cutout').size], [0, 0]);
});

test('a hand that let go before the answer has dragged it all the same', () => {
  point('pointerdown', 0.5, 0.5);
  point('pointerup', 0.7, 0.5);
  assert.equal(strokes().length, 0);
  answer(0.5, 0.5);
  assert.deepEqual(places(), [[0.7, 0.5]]);
  assert.equal(grabs.leaving.size, 1);
});

test('kept with Shift it stays, and undo and redo take it away and bring it back, the cut-out first', () => {
  point('pointerdown', 0.5, 0.5);
  const id = answer(0.5, 0.5);
  point('pointerup', 0.7, 0.5, { shiftKey: true });
  assert.deepEqual(places().at(-1), [0.7, 0.5], 'Shift does not turn it to an axis');
  page.outbox.clear();
  grabs.settle(1e9);
  assert.deepEqual([...page.controls.strokes.keys()], [id]);
  page.controls.undo();
  assert.deepEqual(sent.at(-1), { kind: 'erase', id });
  page.controls.redo();
  assert.deepEqual(sent.slice(-2).map(({ kind }) => kind), ['cutout', 'stroke']);
});

test('pressed again while it is let go it is kept', () => {
  point('pointerdown', 0.5, 0.5);
  const id = answer(0.5, 0.5);
  point('pointerup', 0.5, 0.5);
  point('pointerdown', 0.5, 0.5);
  grabs.settle(1e6);
  point('pointerup', 0.5, 0.5);
  page.outbox.clear();
  grabs.settle(1e9);
  assert.deepEqual([[...page.controls.strokes.keys()], grabs.leaving.size], [[id], 0]);
});

test('a path goes on from the thing, and what is on a path stays', () => {
  page.brush.settings.mode = 'path';
  point('pointerdown', 0.52, 0.5);
  time += 500;
  point('pointermove', 0.6, 0.5);
  answer(0.5, 0.5);
  time += 500;
  point('pointerup', 0.72, 0.5);
  const path = strokes().at(-1);
  assert.equal(path.mode, 'path');
  assert.deepEqual([path.points[0].slice(1), path.points.at(-1).slice(1)], [[0.5, 0.5], [0.7, 0.5]]);
  assert.equal(grabs.leaving.size, 0);
});

test('where there is nothing the hand is free again', () => {
  point('pointerdown', 0.5, 0.5);
  grabs.refused(sent[0].number);
  point('pointermove', 0.6, 0.5);
  point('pointerup', 0.6, 0.5);
  assert.deepEqual([sent.length, page.hand.strokes.size, grabs.asked.size], [1, 0, 0]);
});

test('a receipt that came before the answer counts, so that the page knows where the thing is', () => {
  point('pointerdown', 0.5, 0.5);
  grabs.receive([[2, 'stroke', 11]]);
  const id = answer(0.5, 0.5);
  assert.deepEqual(page.seen.version(id, 11).lead, [6, 0.05, 0]);
  assert.equal(page.seen.version(id, 10), undefined);
});

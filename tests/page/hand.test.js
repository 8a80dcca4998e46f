// The hand over the picture, on an area of 200 x 100 pixels at (10, 20) of the screen.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Hand } from '../../studio/ui/web/hand.js';

class FakeArea extends EventTarget {
  constructor() {
    super();
    this.captured = [];
  }

  getBoundingClientRect() {
    return { left: 10, top: 20, width: 200, height: 100 };
  }

  setPointerCapture(pointer) {
    this.captured.push(pointer);
  }

  focus() {}
}

let area;
let brush;
let page; // what the hand finds: the frame, the rate, why strokes are refused
let set; // every message, with its gesture
let words;
let controls;
let hand;

beforeEach(() => {
  area = new FakeArea();
  brush = { label: 'fox', mode: 'drag', size: 0.3 };
  page = { frame: 0, rate: 50, refusal: '' };
  [set, words] = [[], []];
  controls = {
    strokes: new Map(), past: [],
    set(control, gesture = null) {
      set.push({ ...control, gesture });
      this.past.push({ at: 0, gesture });
      this.strokes.set(control.id, { ...control, since: 0 });
      return true;
    },
  };
  hand = new Hand({
    area, controls, brush: () => brush, seen: () => ({ frame: page.frame, strokes: [...controls.strokes.values()] }),
    snap: (place) => place, rate: () => page.rate, refusal: () => page.refusal,
    selected: () => {}, announce: (text) => words.push(text), warn: (text) => words.push(`! ${text}`),
  });
});

/** A pointer event at a place of the picture. */
function point(type, x, y, { at = 0, pointer = 1, ...more } = {}) {
  const event = new Event(type, { cancelable: true });
  Object.defineProperty(event, 'timeStamp', { value: at });
  area.dispatchEvent(Object.assign(event, { clientX: 10 + 200 * x, clientY: 20 + 100 * y, pointerId: pointer, button: 0, ...more }));
  return event;
}

function press(key, more = {}) {
  const event = Object.assign(new Event('keydown', { cancelable: true }), { key, ...more });
  area.dispatchEvent(event);
  return event;
}

test('a drag is sent once a screen refresh, and where it ended', () => {
  point('pointerdown', 0.5, 0.5);
  point('pointermove', 0.6, 0.5, { at: 5 });
  point('pointermove', 0.7, 0.5, { at: 9 });
  assert.equal(set.length, 0);
  hand.sendChanges();
  hand.sendChanges();
  assert.deepEqual(set.map(({ points }) => points), [[[0, 0.7, 0.5]]]);
  point('pointerup', 0.8, 0.25, { at: 20 });
  assert.deepEqual(set.at(-1).points, [[0, 0.8, 0.25]]);
  assert.deepEqual(words, ['fox: drag set']);
  assert.deepEqual(area.captured, [1]);
});

test('all of one drag is one gesture, however long the hand rests, and the next is another', () => {
  point('pointerdown', 0.5, 0.5, { at: 1000 });
  hand.sendChanges();
  assert.ok(controls.past.at(-1).at > performance.now() + 1e6);
  point('pointerup', 0.6, 0.5);
  assert.deepEqual(new Set(set.map(({ gesture }) => gesture)), new Set(['finger 1 1000']));
  assert.equal(controls.past.at(-1).at, 0);
});

test('a path is sent at its end, with the time of the hand in frames', () => {
  brush.mode = 'path';
  point('pointerdown', 0.1, 0.1, { at: 1000 });
  point('pointermove', 0.5, 0.9, { at: 1500 });
  hand.sendChanges();
  assert.equal(set.length, 0);
  point('pointerup', 0.9, 0.1, { at: 2000 });
  assert.deepEqual(set[0].points, [[0, 0.1, 0.1], [25, 0.5, 0.9], [50, 0.9, 0.1]]);
  assert.equal(set[0].loop, true);
});

test('every step that the browser gathered counts', () => {
  brush.mode = 'path';
  point('pointerdown', 0.1, 0.1, { at: 0 });
  const steps = [{ clientX: 50, clientY: 110, timeStamp: 100 }, { clientX: 70, clientY: 30, timeStamp: 200 }];
  point('pointermove', 0.3, 0.1, { at: 200, getCoalescedEvents: () => steps });
  assert.deepEqual(hand.stroke.points.slice(-2), [[5, 0.2, 0.9, 0.5], [10, 0.3, 0.1, 0.5]]);
});

test('a subject under the hand is taken hold of, with its name and size, and its loop', () => {
  controls.strokes.set('a', { id: 'a', label: 'owl', size: 0.2, mode: 'pin', loop: false, points: [[0, 0.5, 0.5]], since: 0 });
  point('pointerdown', 0.52, 0.5);
  point('pointerup', 0.7, 0.7);
  const { gesture, ...message } = set.at(-1);
  assert.deepEqual(message, { kind: 'stroke', id: 'a', label: 'owl', size: 0.2, mode: 'drag', loop: false,
    points: [[0, 0.68, 0.7]], grab: [0, 0.5, 0.5] });
  assert.equal(gesture, 'finger 1 0');
});

test('with Alt another is laid over it', () => {
  controls.strokes.set('a', { id: 'a', label: 'owl', size: 0.2, mode: 'pin', loop: true, points: [[0, 0.5, 0.5]], since: 0 });
  point('pointerdown', 0.52, 0.5, { altKey: true });
  hand.sendChanges();
  assert.equal(set[0].label, 'fox');
  assert.notEqual(set[0].id, 'a');
});

test('a subject on its way is taken hold of where it is seen', () => {
  const points = [[0, 0.1, 0.5], [10, 0.9, 0.5]];
  controls.strokes.set('a', { id: 'a', label: 'owl', size: 0.2, mode: 'path', loop: true, points, since: 0 });
  page.frame = 5;
  assert.equal(hand.strokeUnder([0.5, 0.5]).id, 'a');
  page.frame = 9;
  assert.equal(hand.strokeUnder([0.5, 0.5]), undefined);
});

test('a second finger neither moves a stroke nor ends it, nor begins one', () => {
  point('pointerdown', 0.2, 0.2);
  point('pointerdown', 0.9, 0.9, { pointer: 2 });
  point('pointermove', 0.9, 0.9, { pointer: 2 });
  hand.sendChanges();
  point('pointerup', 0.9, 0.9, { pointer: 2 });
  point('pointerup', 0.4, 0.3);
  assert.deepEqual(set.map(({ points }) => points), [[[0, 0.2, 0.2]], [[0, 0.4, 0.3]]]);
});

test('two fingers drag two subjects, by turns, each one step back', () => {
  const pinned = (id, x) => ({ id, label: 'owl', size: 0.2, mode: 'pin', loop: true, points: [[0, x, 0.5]], since: 0 });
  for (const [id, x] of [['a', 0.2], ['b', 0.8]]) controls.strokes.set(id, pinned(id, x));
  point('pointerdown', 0.2, 0.5, { at: 1 });
  point('pointerdown', 0.8, 0.5, { pointer: 2, at: 2 });
  point('pointerdown', 0.8, 0.5, { pointer: 3, at: 3 });
  for (let step = 1; step < 5; step += 1) {
    point('pointermove', 0.2 + 0.05 * step, 0.5, { at: 9 });
    point('pointermove', 0.8, 0.5 + 0.05 * step, { pointer: 2, at: 9 });
    hand.sendChanges();
  }
  assert.deepEqual(set.map(({ id }) => id), ['a', 'b', 'a', 'b']);
  point('pointerup', 0.4, 0.5);
  point('pointerup', 0.8, 0.7, { pointer: 2 });
  const last = set.slice(-2).map(({ id, points, gesture }) => [id, points[0].slice(1), gesture]);
  assert.deepEqual(last, [['a', [0.4, 0.5], 'finger 1 1'], ['b', [0.8, 0.7], 'finger 2 2']]);
});

test('a click on a subject chooses it and changes nothing', () => {
  controls.strokes.set('a', { id: 'a', label: 'owl', size: 0.2, mode: 'path', loop: true, points: [[0, 0.5, 0.5]], since: 0 });
  point('pointerdown', 0.5, 0.5);
  point('pointermove', 0.505, 0.5);
  hand.sendChanges();
  point('pointerup', 0.505, 0.5);
  assert.deepEqual(set, []);
  assert.equal(hand.selected, 'a');
});

test('with Shift a path is straight from where it began', () => {
  brush.mode = 'path';
  point('pointerdown', 0.2, 0.2, { at: 0 });
  for (const [x, y, at] of [[0.3, 0.3, 100], [0.5, 0.21, 200], [0.7, 0.22, 400]]) point('pointermove', x, y, { at, shiftKey: true });
  point('pointerup', 0.8, 0.21, { at: 600, shiftKey: true });
  assert.deepEqual(set[0].points, [[0, 0.2, 0.2], [30, 0.8, 0.2]]);
});

test('how hard a pen is pressed goes along, and of a mouse nothing', () => {
  brush.mode = 'path';
  const pen = { pointerType: 'pen' };
  point('pointerdown', 0.2, 0.2, { at: 0, pressure: 0.2, ...pen });
  point('pointermove', 0.8, 0.2, { at: 400, pressure: 0.9, ...pen });
  point('pointerup', 0.8, 0.2, { at: 400, pressure: 0, ...pen });
  assert.deepEqual(set[0].pressure.slice(0, 2), [0.2, 0.9]);
  assert.equal(set[0].pressure.length, set[0].points.length);
  assert.equal(set[0].pressure.at(-1), 0.9, 'a pen that is lifted is not pressed');
  point('pointerdown', 0.2, 0.8, { at: 0, pressure: 0.5, pointerType: 'mouse' });
  point('pointerup', 0.8, 0.8, { at: 400, pressure: 0, pointerType: 'mouse' });
  assert.equal('pressure' in set[1], false);
});

test('a pointer that is taken away ends where it was last', () => {
  point('pointerdown', 0.2, 0.2);
  point('pointermove', 0.4, 0.4);
  point('pointercancel', 0, 0);
  assert.deepEqual(set.at(-1).points, [[0, 0.4, 0.4]]);
  assert.equal(hand.stroke, null);
});

test('a brush without a name is explained, and so is a model without strokes', () => {
  brush.label = '';
  point('pointerdown', 0.5, 0.5);
  page.refusal = 'wan takes no strokes: none.';
  point('pointerdown', 0.5, 0.5);
  assert.deepEqual(words, ['! Type what to paint first, for example fox.', '! wan takes no strokes: none.']);
  assert.equal(hand.stroke, null);
});

test('the other button of a mouse paints nothing', () => {
  point('pointerdown', 0.5, 0.5, { button: 2 });
  assert.equal(hand.stroke, null);
});

test('the arrows move the cross within the picture, Enter places the subject', () => {
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp']) assert.equal(press(key).defaultPrevented, true);
  press('ArrowUp', { shiftKey: true });
  press('Enter');
  assert.deepEqual(set[0].points, [[0, 0.54, 0.38]]);
  assert.deepEqual(words, ['fox placed at 54, 38 per cent']);
  for (let i = 0; i < 60; i += 1) press('ArrowLeft');
  press('Enter');
  assert.deepEqual(set[1].points, [[0, 0, 0.38]]);
  assert.equal(set[1].id, set[0].id, 'the chosen one is moved');
});

test('a path that is placed by a key is a drag', () => {
  brush.mode = 'path';
  press('Enter');
  assert.equal(set[0].mode, 'drag');
});

test('keys that are not the hand’s are left to others', () => {
  for (const key of ['r', 'Tab', 'Escape']) assert.equal(press(key).defaultPrevented, false, key);
  assert.equal(press('ArrowLeft', { ctrlKey: true }).defaultPrevented, false);
  page.refusal = 'none';
  assert.equal(press('ArrowLeft').defaultPrevented, false);
  assert.equal(press('Enter').defaultPrevented, false);
  assert.deepEqual(set, []);
});

// The camera's pad: what a push, two fingers and a wheel mean, and that the camera moves as before once it is let go.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Controls } from '../../studio/ui/web/controls.js';
import { pinched, pushed } from '../../studio/ui/web/pad.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const ROOM = { left: 100, top: 50, width: 200, height: 100 };

test('pushed, the camera goes there, at the edge as fast as the sliders go; near the middle it stands', () => {
  assert.deepEqual(pushed(1, -0.5), { pan_x: 0.05, pan_y: -0.025 });
  assert.deepEqual(pushed(3, 0.04), { pan_x: 0.05, pan_y: 0 });
  assert.deepEqual(pushed(0.07, -0.07), { pan_x: 0, pan_y: 0 });
  assert.deepEqual(pushed(-0.5, 1, true), { rotate: -1.5 });
});

test('fingers that part zoom in, and what is seen turns with them', () => {
  assert.deepEqual(pinched([[0, 0], [100, 0]], [[-50, 0], [150, 0]]), { zoom: 0.05, rotate: 0 });
  assert.deepEqual(pinched([[0, 0], [100, 0]], [[0, 0], [50, 0]]), { zoom: -0.05, rotate: 0 });
  assert.equal(pinched([[0, 0], [100, 0]], [[0, 0], [0, 100]]).rotate, -3, 'a quarter clockwise: no faster than the slider');
  assert.equal(pinched([[0, 0], [-100, 1]], [[0, 0], [-100, -1]]).rotate, -0.1, 'over the end of the circle');
  assert.deepEqual(pinched([[5, 5], [5, 5]], [[5, 5], [5, 5]]), { zoom: 0, rotate: 0 }, 'fingers in one place');
});

/** A pad on a page without a browser: what it listens to, by name. */
async function padOn(camera) {
  const heard = {};
  globalThis.document = {
    createElement: () => ({
      style: { setProperty() {} }, classList: { toggle() {} }, append() {}, setAttribute() {}, setPointerCapture() {},
      addEventListener: (name, call) => { heard[name] = call; }, getBoundingClientRect: () => ROOM,
    }),
  };
  globalThis.window = globalThis;
  const sent = [];
  const controls = new Controls({ ready: () => true, send: (one) => sent.push(one), play: () => {}, go: () => {}, changed: () => {} });
  controls.describe(KINDS);
  controls.take({ camera_motion: camera });
  const { Pad } = await import('../../studio/ui/web/pad.js');
  const pad = new Pad({ controls, panel: { show() {} } });
  return { pad, heard, sent, controls };
}

const STILL = { kind: 'camera_motion', pan_x: 0, pan_y: 0, zoom: 0, rotate: 0, frames: 0 };
const at = (pointerId, clientX, clientY, more = {}) => ({ pointerId, clientX, clientY, shiftKey: false, ...more });

test('held it moves, let go it moves as it did before, and nothing is left to undo', async () => {
  for (const before of [STILL, { ...STILL, zoom: 0.01 }]) {
    const { heard, sent, controls } = await padOn(before);
    heard.pointerdown(at(1, 250, 100));
    heard.pointermove(at(1, 300, 100));
    heard.pointermove(at(1, 300, 101));
    assert.deepEqual(sent, [{ ...STILL, pan_x: 0.025 }, { ...STILL, pan_x: 0.05 }], 'only what differs is sent');
    heard.pointerup(at(1, 300, 101));
    heard.lostpointercapture(at(1, 300, 101));
    assert.deepEqual(sent.slice(2), [before]);
    assert.equal(controls.past.length, 0);
  }
});

test('a second finger turns a push into a pinch, and the last one that goes ends it', async () => {
  const { heard, sent } = await padOn(STILL);
  heard.pointerdown(at(1, 150, 100));
  heard.pointerdown(at(2, 250, 100));
  heard.pointermove(at(2, 350, 100));
  assert.deepEqual(sent.at(-1), { ...STILL, zoom: 0.05 });
  heard.pointerup(at(1, 150, 100));
  heard.pointermove(at(2, 110, 60));
  assert.deepEqual(sent.at(-1), { ...STILL, zoom: 0.05 }, 'the finger that is left pushes nothing');
  heard.pointercancel(at(2, 350, 100));
  assert.deepEqual(sent.at(-1), STILL);
  heard.pointerdown(at(3, 250, 100));
  assert.deepEqual(sent.at(-1), { ...STILL, pan_x: 0.025 }, 'and the next one does');
});

test('the wheel zooms for as long as it is turned, and keys move for as long as they are down', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { heard, sent } = await padOn(STILL);
  const event = (more) => ({ preventDefault() {}, stopPropagation() {}, ...more });
  heard.wheel(event({ deltaY: -100 }));
  heard.wheel(event({ deltaY: -100 }));
  assert.deepEqual(sent.map(({ zoom }) => zoom), [0.01, 0.02]);
  context.mock.timers.tick(300);
  assert.deepEqual(sent.at(-1), STILL);
  heard.keydown(event({ key: 'ArrowLeft' }));
  heard.keydown(event({ key: 'ArrowLeft', repeat: true }));
  heard.keydown(event({ key: 'a' }));
  assert.deepEqual(sent.slice(3), [{ ...STILL, pan_x: -0.025 }]);
  heard.keyup(event({ key: 'ArrowLeft' }));
  assert.deepEqual(sent.at(-1), STILL);
});

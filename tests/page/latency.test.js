// From the hand to the picture: the time of the event, the stages, the server's clock, ghosts and drift.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { driftLevel, driftPlace, driftText } from '../../studio/ui/web/drift.js';
import { ShownControls } from '../../studio/ui/web/ghosts.js';
import { HeldControls } from '../../studio/ui/web/held.js';
import { inputTime, noteInput } from '../../studio/ui/web/pointer.js';
import { LatencyMeter, ServerClock, levelOf, stagesOf, total } from '../../studio/ui/web/stages.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const STATUS = { draw_ms: 60, decode_ms: 12, pack_ms: 3, shortest_ms: 4 };

function clockAt(offset) {
  const clock = new ServerClock();
  [9, 2, 30].forEach((late, at) => clock.add(1000 * at, 1000 * at + offset + late));
  return clock;
}

test('what is sent carries the time of the event that it answers, or now', () => {
  noteInput({ type: 'pointerdown', timeStamp: 1000 });
  noteInput({ type: 'pointermove', timeStamp: 1040, buttons: 1 });
  noteInput({ type: 'pointermove', timeStamp: 1100, buttons: 0 });
  assert.equal(inputTime(1050), 1040, 'a pointer that only hovers sets nothing');
  assert.equal(inputTime(1500), 1500, 'no hand has done anything just before');
  assert.equal(inputTime(900), 900);
});

test('the server’s clock is read from the fastest ping, half a round trip before it came', () => {
  assert.equal(new ServerClock().here(5000, 4), null);
  assert.equal(clockAt(700).here(5000, 4), 5000 + 700 + 2 - 2);
});

test('the stages of a frame add up to the whole, and what is left is the wait', () => {
  const frame = { tick: 0, age: 5, made: 5000, arrived: 5000 + 700 + 14 };
  const stages = stagesOf(frame, { status: STATUS, clock: clockAt(700), painted: 5730, began: 5600, rate: 16 });
  assert.deepEqual(stages, { up: 2, wait: 130 - 2 - 60 - 8 - 6 - 16, model: 48, decode: 12, queue: 5, jpeg: 3, network: 6, page: 16 });
  assert.equal(total(stages), 130);
  const own = stagesOf({ ...frame, tick: 30 }, { status: STATUS, clock: clockAt(700), painted: 5730, began: 5600, rate: 16 });
  assert.deepEqual([own.model, own.decode, total(own)], [24, 6, 130], 'a frame that was drawn by itself says its own time');
});

test('without a hand a picture is waited for half as long as one takes', () => {
  const frame = { tick: 1, age: 5, made: 5000, arrived: 5714 };
  const around = { status: STATUS, clock: clockAt(700), painted: 5730 };
  assert.equal(stagesOf(frame, { ...around, rate: 10 }).wait, 50);
  assert.equal(stagesOf(frame, { ...around, rate: 30 }).wait, 30, 'half a draw where it is longer');
});

test('the latency is the median of the last hands, and the sum of the stages where there were none', () => {
  const meter = new LatencyMeter();
  assert.equal(meter.latency(0), null);
  const stages = { up: 1, wait: 20, model: 40, decode: 5, queue: 1, jpeg: 2, network: 1, page: 10 };
  meter.add(stages, 100, null);
  assert.deepEqual(meter.latency(110), { ms: 80, measured: false });
  [500, 500, 500, 500, 500, 500].forEach((ms) => meter.add(stages, 120, ms));
  [90, 90, 90, 90, 90].forEach((ms) => meter.add(stages, 130, ms));
  assert.deepEqual(meter.latency(140), { ms: 90, measured: true });
  assert.deepEqual(meter.report(140), { latency: 90, line: 3, page: 11 });
  assert.equal(meter.report(4000), null, 'no picture came: there is nothing to go by');
  assert.equal(meter.latency(20000), null);
});

test('the waterfall is that of the move in the middle, so that its stages add up', () => {
  const meter = new LatencyMeter();
  const stages = (/** @type {number} */ wait) => ({ up: 1, wait, model: 40, decode: 5, queue: 1, jpeg: 2, network: 1, page: 10 });
  assert.equal(meter.stages(0), null);
  [50, 0, 10].forEach((wait) => meter.add(stages(wait), 100, 60 + wait));
  assert.deepEqual(meter.stages(110), stages(10));
  assert.equal(total(stages(10)), meter.latency(110)?.ms);
  assert.deepEqual(meter.stages(9000), stages(10), 'no hand for long: the frames');
});

test('the dial goes by the frames where the hand moved too seldom', () => {
  const meter = new LatencyMeter();
  const stages = { up: 1, wait: 20, model: 40, decode: 5, queue: 1, jpeg: 2, network: 1, page: 10 };
  meter.add(stages, 100, 300);
  meter.add(stages, 150, 300);
  assert.equal(meter.report(160).latency, 80);
});

test('a latency is good, fair or slow, by what was asked', () => {
  assert.deepEqual([100, 200, 300].map((ms) => levelOf(ms, 0)), ['good', 'fair', 'slow']);
  assert.deepEqual([100, 200, 300].map((ms) => levelOf(ms, 150)), ['good', 'fair', 'slow']);
  assert.equal(levelOf(300, 300), 'good');
});

test('a ghost is what the picture has until a picture has what is set', () => {
  const controls = new HeldControls();
  controls.describe(KINDS);
  controls.take({ sampling: { kind: 'sampling', steps: 2, scale: 1 }, lora: [{ kind: 'lora', name: 'ink', weight: 0.2 }] });
  const shown = new ShownControls(controls);
  assert.equal(shown.ghost('sampling', 'steps', 2), null, 'nothing is known before the first picture');
  shown.frame([], []);
  const set = { kind: 'sampling', steps: 5, scale: 1 };
  controls.fold(set);
  assert.equal(shown.ghost('sampling', 'steps', 5), 2);
  shown.frame([], [set]);
  assert.equal(shown.ghost('sampling', 'steps', 5), 2, 'it is on its way');
  shown.frame([set], []);
  assert.equal(shown.ghost('sampling', 'steps', 5), null);
  controls.fold({ kind: 'lora', name: 'ink', weight: 0.9 });
  assert.equal(shown.ghost('lora ink', 'weight', 0.9), 0.2);
  assert.equal(shown.ghost('lora none', 'weight', 0.9), null);
});

test('of several on their way the ghost is the last that a picture has shown', () => {
  const controls = new HeldControls();
  controls.describe(KINDS);
  controls.take({ sampling: { kind: 'sampling', steps: 2 } });
  const shown = new ShownControls(controls);
  shown.frame([], []);
  const [first, second] = [{ kind: 'sampling', steps: 3 }, { kind: 'sampling', steps: 4 }];
  [first, second].forEach((control) => controls.fold(control));
  shown.frame([first], [second]);
  assert.equal(shown.ghost('sampling', 'steps', 4), 3);
});

test('drift is told as a share of how it began', () => {
  assert.deepEqual([1, 1.12, 0.9].map(driftText), ['0 %', '+12 %', '−10 %']);
  assert.deepEqual([1, 1.1, 1.3, 0.5].map(driftLevel), ['good', 'good', 'fair', 'slow']);
  assert.deepEqual([1, 2, 0.5, 9].map(driftPlace), [0, 1, -1, 1]);
});

// Other hands: knobs that are learnt, a gamepad's stick, what is heard in sound, and that each goes once a picture.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Controls } from '../../studio/ui/web/controls.js';
import { Gamepads, stickSpeed } from '../../studio/ui/web/gamepad.js';
import { BRUSH, Drives, shareAt, targets, valueAt } from '../../studio/ui/web/hand-targets.js';
import { Hearing, beatOf, levelOf, smoothed } from '../../studio/ui/web/hearing.js';
import { Midi, NO_MIDI, knobWords, readBindings, turnedBy } from '../../studio/ui/web/midi.js';
import { Sound, readModulations } from '../../studio/ui/web/sound.js';

const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const CAMERA = { kind: 'camera_motion', pan_x: 0, pan_y: 0, zoom: 0, rotate: 0, frames: 0 };
const SAMPLING = { ...KINDS.find(({ kind }) => kind === 'sampling').initial };

globalThis.localStorage = { kept: {}, getItem(key) { return this.kept[key] ?? null; }, setItem(key, value) { this.kept[key] = value; } };

/** A page of sliders, and what it has sent. */
function pageOf(plays = ['camera_motion', 'sampling', 'lora']) {
  const sent = [];
  const controls = new Controls({ ready: () => true, send: (one) => sent.push(one), play: () => {}, go: () => {}, changed: () => {} });
  controls.describe(KINDS);
  controls.take({ camera_motion: CAMERA, sampling: SAMPLING, stroke: [], lora: [] });
  const brush = {
    size: { min: '0.1', max: '0.8', step: '0.01' }, settings: { size: 0.34, label: 'fox' }, resized: [],
    resize(size) { this.resized.push(size); },
  };
  return { controls, sent, brush, model: { plays }, panel: { loras: ['my ink'], show() {} }, link: { connected: true } };
}

test('every slider of what the model plays can be turned, and no other', () => {
  const known = targets(pageOf());
  assert.equal(known.get('camera_motion zoom').maximum, 0.05);
  assert.equal(known.get('lora my ink weight').label, 'my ink');
  assert.ok(known.has(BRUSH));
  assert.deepEqual([...targets(pageOf(['pause'])).keys()].filter((id) => /camera|sampling/.test(id)), []);
  assert.equal(valueAt({ minimum: -0.05, maximum: 0.05, step: 0.001 }, 0.5), 0);
  assert.equal(valueAt({ minimum: 1, maximum: 16, step: 1 }, 0.99), 16);
  assert.equal(valueAt({ minimum: 0, maximum: 1, step: 0.3 }, 2), 0.9);
  assert.equal(shareAt({ minimum: 1, maximum: 5 }, 2), 0.25);
});

test('once a picture the newest value of each slider goes, the fields of a control as one, as one step back', () => {
  const page = pageOf();
  const drives = new Drives(page);
  for (let turn = 0; turn <= 100; turn += 1) drives.put('camera_motion zoom', turn / 100);
  drives.put('camera_motion rotate', 0);
  drives.put('lora my ink weight', 0.5);
  drives.put('camera_motion elsewhere', 1);
  assert.deepEqual(page.sent, [], 'nothing before a picture');
  drives.flush(1000);
  assert.deepEqual(page.sent, [{ ...CAMERA, zoom: 0.05, rotate: -3 }], 'a style that is at 0 already is not sent');
  page.controls.apply({ ...CAMERA, rotate: -3 });
  drives.flush(1001);
  assert.equal(page.sent.splice(1).length, 1, 'what the pointer has set since stays');
  page.controls.apply({ ...CAMERA, zoom: 0.05, rotate: -3 });
  page.sent.pop();
  drives.put('camera_motion zoom', 1);
  drives.flush(1002);
  assert.equal(page.sent.length, 1, 'what is in force is not sent again');
  assert.equal(page.controls.past.length, 1);
  drives.put(BRUSH, 1);
  drives.put('camera_motion pan_x', 1, false);
  drives.flushLate(1100);
  assert.equal(page.sent.length, 1);
  drives.flushLate(1300);
  assert.deepEqual([page.sent.length, page.sent[1].pan_x], [2, 0.05]);
  assert.equal(page.controls.past.length, 1, 'what moves by itself is no step');
  assert.deepEqual(page.brush.resized, [0.8]);
  page.link.connected = false;
  drives.put('camera_motion zoom', 0);
  drives.flush(2000);
  assert.equal(page.sent.length, 2);
});

test('messages of knobs, pads and wheels are read, and nothing else', () => {
  assert.deepEqual(turnedBy([0xb0, 21, 127]), { key: 'cc 1 21', share: 1 });
  assert.deepEqual(turnedBy([0x99, 36, 0]), { key: 'note 10 36', share: 0 });
  assert.equal(turnedBy([0xe1, 0x7f, 0x7f]).share, 1);
  assert.equal(turnedBy([0x80, 36, 0]), null);
  assert.equal(turnedBy([0xf8]), null);
  assert.deepEqual(['cc 1 21', 'note 10 36', 'bend 1'].map(knobWords), ['CC 21', 'Note 36 (channel 10)', 'Pitch bend']);
  assert.deepEqual([...readBindings('[["cc 1 21","camera_motion zoom"],[1],"x"]')], [['cc 1 21', 'camera_motion zoom']]);
  for (const text of [null, '{', '7', '{"a":1}']) assert.equal(readBindings(text).size, 0);
});

function midi() {
  const [turned, pressed] = [[], []];
  return { turned, pressed, hands: new Midi({ turn: (...one) => turned.push(one), press: (one) => pressed.push(one), changed: () => {} }) };
}

test('a knob that is turned while a slider waits is bound to it, and is so on the next page', () => {
  const { hands, turned, pressed } = midi();
  hands.hear([0xb0, 21, 64]);
  assert.deepEqual(turned, [], 'what is bound to nothing turns nothing');
  hands.learn();
  hands.hear([0xb0, 20, 64]);
  assert.equal(hands.bindings.size, 0, 'no slider was pressed yet');
  hands.choose('camera_motion zoom');
  hands.hear([0xb0, 21, 64]);
  assert.deepEqual([hands.learning, turned], [false, []], 'the turn that binds moves nothing');
  hands.hear([0xb0, 21, 127]);
  assert.deepEqual(turned, [['camera_motion zoom', 1]]);
  hands.bind('cc 1 7', 'slot-4');
  for (const second of [127, 100, 10, 90]) hands.hear([0xb0, 7, second]);
  assert.deepEqual(pressed, ['slot-4', 'slot-4'], 'a controller presses as it comes over its half, and once');
  const next = midi();
  assert.equal(next.hands.bindings.get('cc 1 21'), 'camera_motion zoom');
  next.hands.hear([0x99, 38, 90]);
  next.hands.hear([0x99, 38, 0]);
  next.hands.hear([0x99, 60, 90]);
  assert.deepEqual(next.pressed, ['slot-3'], 'pads play slots, and their release nothing');
  next.hands.unbind('cc 1 21');
  assert.equal(midi().hands.bindings.has('cc 1 21'), false);
});

test('a browser without Web MIDI, or one that lets nobody in, is said in a sentence', async () => {
  const { hands } = midi();
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: {} });
  await hands.open();
  assert.equal(hands.problem, NO_MIDI);
  navigator.requestMIDIAccess = () => Promise.reject(new Error('no'));
  await hands.open();
  assert.match(hands.problem, /allow it/);
  const input = { state: 'connected', name: 'Knobs' };
  navigator.requestMIDIAccess = () => Promise.resolve({ inputs: new Map([['1', input]]) });
  await hands.open();
  hands.bind('cc 1 9', 'sampling steps');
  input.onmidimessage({ data: [0xb0, 9, 0] });
  assert.deepEqual([hands.problem, hands.inputs.length], ['', 1]);
});

/** A hand that paints, and a gamepad of this stick and these buttons. */
function gamepadOn(pad, options = {}) {
  const page = pageOf();
  const [pressed, said] = [[], []];
  page.hand = {
    cross: [0.5, 0.5], selected: null, hoverOver() {}, select(id) { this.selected = id; },
    message: (stroke) => ({ kind: 'stroke', ...stroke, points: stroke.points.map(([t, x, y]) => [t, x, y]) }),
    area: { getBoundingClientRect: () => ({ width: 200, height: 100 }) },
    options: { refusal: () => '', brush: () => page.brush.settings, ...options },
  };
  Object.assign(page, { stage: { frame: 10 }, toasts: { show: (words) => said.push(words) } });
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { getGamepads: () => [null, pad] } });
  return { page, pressed, said, hands: new Gamepads(page, (action) => pressed.push(action)) };
}

test('the stick rests in its middle, and moves what the brush paints as one step, sent once a picture', () => {
  assert.deepEqual(stickSpeed(0.1, -0.1), [0, 0]);
  assert.ok(stickSpeed(1, 0)[0] > 4 * stickSpeed(0.5, 0)[0] / 2);
  const pad = { connected: true, axes: [1, -0.5], buttons: [] };
  const { page, hands } = gamepadOn(pad);
  for (let now = 0; now <= 160; now += 16) hands.look(now);
  assert.deepEqual(page.sent, []);
  hands.send();
  hands.send();
  assert.equal(page.sent.length, 1);
  const [, x, y] = page.sent[0].points[0];
  assert.ok(x > 0.55 && y < 0.5, `${x}, ${y}`);
  assert.deepEqual([page.sent[0].label, page.sent[0].mode, page.hand.selected], ['fox', 'drag', page.sent[0].id]);
  hands.look(176);
  hands.send();
  assert.deepEqual([page.controls.past.length, page.sent[1].id], [1, page.sent[0].id]);
  pad.axes = [0, 0];
  hands.look(300);
  pad.axes = [-1, 0];
  hands.look(1000);
  hands.send();
  const [steps, id] = [page.controls.past.length, page.sent[2].id];
  assert.deepEqual([steps, id], [2, page.sent[0].id], 'after a rest it is another step, of the same subject');
});

test('buttons act as they go down; without a subject it is said, once', () => {
  const buttons = Array.from({ length: 16 }, () => ({ pressed: false }));
  const pad = { connected: true, axes: [1, 0], buttons };
  const { hands, pressed, said, page } = gamepadOn(pad, { brush: () => ({ label: '', size: 0.3 }) });
  buttons[1].pressed = true;
  hands.look(16);
  hands.look(32);
  buttons[1].pressed = false;
  hands.look(48);
  buttons[1].pressed = buttons[4].pressed = true;
  hands.look(64);
  assert.deepEqual(pressed, ['slot-2', 'slot-2', 'undo']);
  hands.send();
  assert.deepEqual([said.length, page.sent.length], [1, 0]);
  navigator.getGamepads = () => { throw new Error('not in a frame'); };
  hands.look(80);
});

const samples = (loud) => Float32Array.from({ length: 1024 }, (_, at) => loud * Math.sin(at / 5));
const spectrum = (high) => new Uint8Array(512).fill(high);

test('loudness is a share of what is usual to hear', () => {
  assert.equal(levelOf(samples(0)), 0);
  assert.ok(levelOf(samples(1)) > 0.98);
  const quiet = levelOf(samples(0.05));
  assert.ok(quiet > 0.3 && quiet < 0.6, String(quiet));
});

test('clicks are onsets, their tempo is found, and the beat falls from one to the next', () => {
  for (const tempo of [75, 120, 150]) {
    const hearing = new Hearing();
    const period = 60_000 / tempo;
    let heard = { beat: 0 };
    let onsets = 0;
    for (let now = 0; now < 8000; now += 16) {
      const isClick = now % period < 16 || (now % period >= 48 && now % period < 64); // and its echo
      heard = hearing.hear(samples(isClick ? 0.5 : 0.01), spectrum(isClick ? 200 : 20), now);
      onsets += hearing.onsets.at(-1) === now;
    }
    assert.ok(Math.abs(onsets - 8000 / period) <= 2, `${onsets} onsets at ${tempo}`);
    assert.ok(Math.abs(hearing.beat.tempo - tempo) <= 1, `${hearing.beat.tempo} for ${tempo}`);
    assert.ok(heard.beat > 0 && heard.beat <= 1);
  }
  const few = [0, 400, 800, 1200, 1600, 2000, 2400];
  assert.ok(Math.abs(beatOf(few).tempo - 150) <= 1, 'of what fits nearly as well, what fits best');
  assert.equal(beatOf([0, 510, 730, 1900, 2050, 3333]), null, 'no tempo in what has none');
  const silent = new Hearing();
  for (let now = 0; now < 2000; now += 16) assert.equal(silent.hear(samples(0), spectrum(0), now).onset, 0);
});

test('smoothing goes two thirds of the way in its time', () => {
  assert.equal(smoothed(0, 1, 0, 0.016), 1);
  assert.ok(Math.abs(smoothed(0, 1, 0.5, 0.5) - 0.632) < 0.001);
});

test('sound moves a slider between two values, is no step back, and gives it back as it was', () => {
  const page = pageOf();
  page.controls.apply({ ...CAMERA, zoom: 0.02 });
  const drives = new Drives(page);
  const sound = new Sound(page, drives, () => {});
  sound.modulations = [{ by: 'level', target: 'camera_motion zoom', low: -0.01, high: 0.03, smooth: 0 }];
  for (const [level, zoom] of [[0, -0.01], [1, 0.03], [0.5, 0.01]]) {
    sound.heard = { level, onset: 0, beat: 0, tempo: 0 };
    sound.move(0.016);
    drives.flush(0);
    assert.equal(page.sent.at(-1).zoom, zoom);
  }
  sound.stop();
  drives.flush(0);
  assert.deepEqual([page.sent.at(-1).zoom, page.controls.past.length], [0.02, 0]);
  sound.add();
  assert.equal(sound.modulations.length, 2);
  const { target, low, high } = sound.modulations[1];
  const { value, maximum } = targets(page).get(target);
  assert.deepEqual([low, high], [value, maximum], 'silence leaves a slider where it stood');
  assert.deepEqual(readModulations(localStorage.getItem('studio-sound')), sound.modulations);
  const smell = '[{"by":"smell","target":"x","low":0,"high":1,"smooth":0}]';
  for (const text of [null, '{', '[1]', smell, '[{"by":"level","target":"x","low":null}]']) assert.deepEqual(readModulations(text), []);
});

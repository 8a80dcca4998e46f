// What is set, as the page knows it: the fold, undo and redo, and the server's last word.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { Controls } from '../../studio/ui/web/controls.js';
import { inForce, loraWeight } from '../../studio/ui/web/state.js';

// What the server tells of every kind of control (tests/control_descriptions.py writes it).
const KINDS = JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf-8'));
const PROMPT = { kind: 'prompt', text: 'a meadow', negative: '', switch: 'recache', blend: 0 };
const SAMPLING = { kind: 'sampling', seed: 0, guidance: 'none', scale: 1, steps: 2 };
const SINK = { kind: 'sink', policy: 'keep', renewed: 0 };
const fox = { kind: 'stroke', id: 'a', label: 'fox', points: [[0, 0.2, 0.3]], mode: 'pin', size: 0.34, loop: true };
const bear = { ...fox, id: 'b', label: 'bear', points: [[0, 0.8, 0.8]] };

let controls;
let sent;
let presets;
let connected;

/** What the server says is in force: the strokes, and beside them what there is one of. */
function serverState(strokes = [], others = {}) {
  return {
    prompt: PROMPT, sampling: SAMPLING, sink: SINK, similarity: { kind: 'similarity', threshold: 0 },
    structure: { kind: 'structure', strength: 1 }, lora: [], pause: { kind: 'pause', paused: false },
    picture: { kind: 'picture', bytes: 0 }, stroke: strokes, ...others,
  };
}

beforeEach(() => {
  [sent, presets, connected] = [[], [], true];
  controls = new Controls({
    ready: () => connected, send: (control) => sent.push(control), play: (name) => presets.push(name), changed: () => {},
  });
  controls.describe(KINDS);
  controls.take(serverState());
});

const inPicture = () => [...controls.strokes.keys()];

test("the server's state is taken over, strokes with the frame they count from", () => {
  controls.take(serverState([{ ...fox, since: 12 }]));
  assert.equal(inForce(controls, 'prompt').text, 'a meadow');
  assert.deepEqual(inPicture(), ['a']);
  assert.equal(controls.strokes.get('a').since, 12);
});

test('a stroke that the server has is no more than that: others go', () => {
  controls.set(bear);
  controls.take(serverState([{ ...fox, since: 1 }]));
  assert.deepEqual(inPicture(), ['a']);
});

test('what is set is in force and sent', () => {
  controls.set({ ...PROMPT, text: 'a lake' });
  controls.set(fox);
  assert.equal(inForce(controls, 'prompt').text, 'a lake');
  assert.deepEqual(inPicture(), ['a']);
  assert.deepEqual(sent, [{ ...PROMPT, text: 'a lake' }, fox]);
});

test('a stroke that was just set waits for the frame it counts from', () => {
  controls.take(serverState([{ ...fox, since: 12 }]));
  controls.set({ ...fox, mode: 'path' });
  assert.equal(controls.strokes.get('a').since, null);
});

test('without a link nothing is set, undone or played', () => {
  controls.set(fox);
  connected = false;
  assert.equal(controls.set(bear), false);
  assert.equal(controls.undo(), null);
  controls.clear();
  controls.preset('lake');
  assert.deepEqual([inPicture(), sent, presets], [['a'], [fox], []]);
});

test('undo brings back what was before, redo what came after, one by one', () => {
  controls.set(fox);
  controls.set({ ...fox, label: 'owl' });
  controls.set(bear);
  controls.undo();
  assert.deepEqual(inPicture(), ['a']);
  controls.undo();
  assert.equal(controls.strokes.get('a').label, 'fox');
  controls.undo();
  assert.deepEqual(inPicture(), []);
  assert.deepEqual(sent.at(-1), { kind: 'erase', id: 'a' });
  controls.redo();
  controls.redo();
  assert.equal(controls.strokes.get('a').label, 'owl');
  assert.equal(controls.undo().length, 1);
});

test('there is nothing before the first step and nothing after the last', () => {
  assert.equal(controls.undo(), null);
  controls.set(fox);
  assert.equal(controls.redo(), null);
  assert.deepEqual(sent, [fox]);
});

test('a new step leaves nothing to do again', () => {
  controls.set(fox);
  controls.undo();
  controls.set(bear);
  assert.equal(controls.redo(), null);
  assert.deepEqual(inPicture(), ['b']);
});

test('the moves of one gesture are one step back', () => {
  for (const scale of [1.5, 2, 2.5]) controls.set({ ...SAMPLING, scale }, 'sampling scale');
  assert.equal(controls.past.length, 1);
  controls.undo();
  assert.equal(inForce(controls, 'sampling').scale, 1);
  controls.redo();
  assert.equal(inForce(controls, 'sampling').scale, 2.5);
});

test('two gestures are two steps, and so are two things that one presses', () => {
  controls.set({ ...SAMPLING, scale: 2 }, 'sampling scale');
  controls.set({ ...SAMPLING, scale: 2, seed: 3 }, 'sampling seed');
  controls.set(fox);
  controls.set(bear);
  assert.equal(controls.past.length, 4);
});

test('a gesture that rests a while is another step', () => {
  controls.set({ ...SAMPLING, scale: 2 }, 'sampling scale');
  controls.past.at(-1).at -= 1000;
  controls.set({ ...SAMPLING, scale: 3 }, 'sampling scale');
  assert.equal(controls.past.length, 2);
});

test('all strokes go at once and come back at once', () => {
  controls.set(fox);
  controls.set(bear);
  controls.clear();
  assert.deepEqual(inPicture(), []);
  controls.undo();
  assert.deepEqual(inPicture().sort(), ['a', 'b']);
  assert.deepEqual(controls.strokes.get('b').points, bear.points);
});

test('to clear an empty picture is no step', () => {
  controls.clear();
  assert.equal(controls.past.length, 0);
});

test('a preset is one step back: strokes, prompt and all the rest', () => {
  controls.set(fox);
  controls.set({ ...SAMPLING, seed: 5 });
  controls.preset('lake');
  assert.deepEqual(presets, ['lake']);
  controls.take(serverState([{ ...bear, since: 3 }], { prompt: { ...PROMPT, text: 'a lake' } }));
  controls.undo();
  assert.deepEqual(inPicture(), ['a']);
  assert.equal(inForce(controls, 'prompt').text, 'a meadow');
  assert.equal(inForce(controls, 'sampling').seed, 5);
  controls.redo();
  assert.deepEqual(presets, ['lake', 'lake']);
});

test('a prompt is sent again by undo even where it is the same, as it counts from when it is sent', () => {
  controls.set({ ...PROMPT, switch: 'cut' });
  controls.set({ ...PROMPT, switch: 'cut' });
  sent.length = 0;
  assert.equal(controls.undo().length, 1);
  assert.equal(sent.length, 1);
});

test('undo sends nothing that is in force already', () => {
  controls.preset('lake');
  sent.length = 0;
  controls.undo();
  assert.deepEqual(sent.map(({ kind }) => kind).sort(), ['erase', 'prompt']);
});

test('the weight of a LoRA is undone to what it was, and to none', () => {
  controls.set({ kind: 'lora', name: 'ink', weight: 0.5 });
  controls.set({ kind: 'lora', name: 'ink', weight: 0.8 });
  assert.equal(loraWeight(controls, 'ink'), 0.8);
  controls.undo();
  assert.equal(loraWeight(controls, 'ink'), 0.5);
  controls.undo();
  assert.equal(loraWeight(controls, 'ink'), 0);
});

test('what the server refuses is as it was before, and no step back', () => {
  const sampling = { ...SAMPLING, scale: 99 };
  controls.set(sampling);
  controls.refused(sampling);
  assert.equal(inForce(controls, 'sampling').scale, 1);
  controls.set(fox);
  controls.refused(sent.at(-1));
  assert.deepEqual(inPicture(), []);
  assert.equal(controls.past.length, 0);
});

test('of a movement in which something was refused, the last that was not is in force', () => {
  const [first, second, third] = [2, 3, 99].map((scale) => ({ ...SAMPLING, scale }));
  for (const control of [first, second, third]) controls.set(control, 'sampling scale');
  controls.refused(third);
  assert.equal(inForce(controls, 'sampling').scale, 3);
  const fourth = { ...SAMPLING, scale: 98 };
  controls.set(fourth, 'sampling scale');
  controls.refused(second);
  assert.equal(inForce(controls, 'sampling').scale, 98, 'a later one may be in force by now');
  controls.refused(fourth);
  assert.equal(inForce(controls, 'sampling').scale, 2);
  controls.undo();
  assert.equal(inForce(controls, 'sampling').scale, 1);
});

test('what is refused later than others were set undoes none of them', () => {
  const refused = { ...SAMPLING, scale: 99 };
  controls.set(refused);
  controls.set(fox);
  controls.refused(refused);
  assert.deepEqual(inPicture(), ['a']);
  controls.undo();
  assert.deepEqual(inPicture(), []);
});

test('each stroke has a colour of its own while there are colours, and keeps it', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  ids.forEach((id) => controls.set({ ...fox, id }));
  const colours = ids.map((id) => controls.colour(id));
  assert.equal(new Set(colours).size, 8);
  controls.set({ kind: 'erase', id: 'c' });
  assert.equal(controls.nextColour(), colours[2]);
  assert.equal(controls.colour('h'), colours[7]);
});

test('the moves of two fingers are one step back each, and of several subjects together one', () => {
  const other = { ...fox, id: 'b' };
  [fox, other].forEach((one) => controls.set(one));
  const moved = (one, x) => ({ ...one, points: [[0, x, 0.5]] });
  for (const x of [0.5, 0.6, 0.7]) {
    controls.set(moved(fox, x), 1);
    controls.set(moved(other, x), 2);
  }
  assert.equal(controls.past.length, 4);
  for (const x of [0.8, 0.9]) controls.together([moved(fox, x), moved(other, x)], [fox, other], 'move');
  assert.equal(controls.past.length, 5);
  controls.undo();
  assert.deepEqual(controls.strokes.get('a').points, fox.points);
  controls.undo();
  assert.deepEqual(controls.strokes.get('b').points, other.points);
});

test('undo and redo send no grab again', () => {
  controls.set({ ...fox, grab: [3, 0.1, 0.1] });
  controls.set({ ...fox, grab: [9, 0.5, 0.5] });
  for (const way of ['undo', 'redo']) {
    controls[way]();
    assert.equal(sent.at(-1).grab, undefined, way);
  }
});

test('of several that were set together one may be refused', () => {
  const copies = ['x', 'y'].map((id) => ({ ...fox, id }));
  controls.together(copies, copies.map(({ id }) => ({ kind: 'erase', id })));
  controls.refused(copies[1]);
  assert.deepEqual([...controls.strokes.keys()], ['x']);
  controls.undo();
  assert.equal(controls.strokes.size, 0);
});

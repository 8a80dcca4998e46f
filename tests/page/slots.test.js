// Slots, mixes and beats as values.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeMark } from '../../studio/ui/web/marks.js';
import { toggled } from '../../studio/ui/web/markers.js';
import { PromptHistory, withPrompt } from '../../studio/ui/web/prompthistory.js';
import { mixOf, promptOf, readSlots, shareOfSlot, sharesOf, slotOf, soundsLike } from '../../studio/ui/web/slotdata.js';
import { beatsOf, dueFrame, tempoOf, tempoProblem, withTap } from '../../studio/ui/web/tempo.js';

const HOW = { interpolation: 'slerp', blend: 0, switch: 'keep' };
const slot = (text, more = {}) => slotOf({ kind: 'prompt', text, negative: '', switch: 'recache', blend: 0, ...more });

test('a slot gives the prompt that was put there', () => {
  const prompt = {
    kind: 'prompt', text: 'fog', negative: 'people', switch: 'cut', blend: 8, mix: [['rain', 1]], weight: 3, interpolation: 'slerp',
  };
  assert.deepEqual(promptOf(slotOf(prompt, 'data:')), prompt);
  assert.deepEqual(sharesOf(prompt), [['fog', 0.75], ['rain', 0.25]]);
  assert.deepEqual(sharesOf({ text: 'fog', weight: 7, mix: [] }), [['fog', 1]]);
});

test('what is kept is read again, and what is none is empty', () => {
  const kept = [slot('fog'), null, { text: 3 }, 'rain'];
  const read = readSlots(JSON.stringify(kept));
  assert.equal(read.length, 9);
  assert.deepEqual(read.slice(0, 4), [slot('fog'), null, null, null]);
  for (const broken of [null, '', '{', '7', '{"text":"fog"}']) assert.deepEqual(readSlots(broken), Array(9).fill(null));
});

test('a mix has the texts of its slots by weight, and their negative texts together', () => {
  const mixed = slot('fog', { mix: [['rain', 1]], weight: 1, negative: 'people' });
  const chosen = [{ slot: mixed, weight: 0.5 }, { slot: slot('rain', { negative: 'cars' }), weight: 0.25 }];
  assert.deepEqual(mixOf(chosen, HOW).prompt, {
    kind: 'prompt', text: 'fog', negative: 'people, cars', ...HOW, mix: [['rain', 0.5]], weight: 0.25,
  });
  const [one, other] = [slot('fog'), slot('rain')];
  const prompt = mixOf([{ slot: one, weight: 0.25 }, { slot: other, weight: 0.75 }], HOW).prompt;
  assert.deepEqual([shareOfSlot(one, prompt), shareOfSlot(other, prompt), shareOfSlot(slot('sun'), prompt)], [0.25, 0.75, 0]);
});

test('a mix of nothing, and one of too much, are told', () => {
  assert.match(mixOf([{ slot: slot('fog'), weight: 0 }, { slot: slot('rain'), weight: 0 }], HOW).problem, /All weights are 0/);
  assert.match(mixOf([], HOW).problem, /All weights are 0/);
  const many = Array.from({ length: 9 }, (_, at) => ({ slot: slot(`a ${at}`, { mix: [[`b ${at}`, 1]], weight: 1 }), weight: 1 }));
  assert.match(mixOf(many, HOW).problem, /18 texts/);
});

test('words sound alike however they came in', () => {
  assert.ok(soundsLike(slot('fog', { switch: 'cut' }), { kind: 'prompt', text: 'fog', negative: '', mix: [['rain', 0]], weight: 1 }));
  assert.ok(!soundsLike(slot('fog'), slot('fog', { negative: 'people' })));
  const both = { mix: [['rain', 1]], weight: 1 };
  assert.ok(!soundsLike(slot('fog', both), slot('fog', { ...both, interpolation: 'slerp' })));
  assert.ok(!soundsLike(null, slot('fog')));
});

test('taps give a tempo, and a pause begins another', () => {
  const taps = [0, 510, 990, 1500].reduce(withTap, []);
  assert.equal(tempoOf(taps), 120);
  assert.deepEqual(withTap(taps, 9000), [9000]);
  assert.equal(tempoOf([3]), null);
  assert.equal(tempoProblem(120), '');
  for (const tempo of [0, -3, 301, NaN, Infinity]) assert.match(tempoProblem(tempo), /20 to 300/);
});

test('what waits is due on the next beat, bar or marker that can be met', () => {
  const beats = beatsOf(120, 24, 106, 3); // the fourth beat of a bar: 12 frames a beat, the bar begins at 70
  assert.deepEqual(beats, { origin: 70, frames: 12 });
  const due = (when, soonest, markers = []) => dueFrame(when, { soonest, beats, markers }).frame;
  assert.deepEqual([due('beat', 106), due('beat', 107), due('bar', 107), due('bar', 118)], [106, 118, 118, 118]);
  assert.equal(due('marker', 50, [40, 90, 60]), 60);
  assert.match(dueFrame('marker', { soonest: 95, beats, markers: [40, 90] }).problem, /No marker lies ahead/);
  assert.match(dueFrame('bar', { soonest: 95, beats: null, markers: [] }).problem, /no beat yet/);
});

test('a marker is set once and taken away where it stands', () => {
  assert.deepEqual(toggled([10, 90], 40), [10, 40, 90]);
  assert.deepEqual(toggled([10, 40, 90], 41), [10, 90]);
});

test('earlier prompts are walked through, and what was being written comes back', () => {
  const history = new PromptHistory();
  for (const text of ['a', 'b', 'a', 'c']) history.add(text);
  assert.deepEqual(history.texts, ['b', 'a', 'c']);
  const walk = [];
  for (let text = 'c', way = [-1, -1, -1, 1, 1, 1]; way.length;) {
    const next = history.step(way.shift(), text);
    walk.push(next);
    text = next ?? text;
  }
  assert.deepEqual(walk, ['a', 'b', null, 'a', 'c', 'c']);
  assert.equal(withPrompt(Array.from({ length: 60 }, (_, at) => `${at}`), 'x').length, 50);
});

test('each way in has a mark of its own, in words', () => {
  globalThis.document = { createElement: () => ({ setAttribute() {} }) };
  const marks = [['recache'], ['keep'], ['cut'], ['blend', 12]].map(([style, frames]) => changeMark([7, 'fog', style, frames]));
  assert.deepEqual(marks.map(({ className }) => className), ['recache', 'keep', 'cut', 'blend']);
  assert.equal(new Set(marks.map(({ title }) => title)).size, 4);
  assert.equal(marks[3].title, 'fog · blend over 12 frames, frame 7');
});

// The audition: what is tried, in words, and what of it is set once it is taken.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { auditionWords, changedFields, takenControls, writtenPrompt } from '../../studio/ui/web/audition.js';
import { Controls } from '../../studio/ui/web/controls.js';

const PROMPT = { kind: 'prompt', text: 'a meadow', negative: '', switch: 'recache', blend: 0 };
const SAMPLING = { kind: 'sampling', seed: 0, guidance: 'none', scale: 1, steps: 2, t_index_list: [] };

test('what a control changes is what differs from the one in force', () => {
  assert.deepEqual(changedFields({ ...SAMPLING, seed: 7 }, SAMPLING), { seed: 7 });
  assert.deepEqual(changedFields({ ...SAMPLING, t_index_list: [] }, SAMPLING), {});
  assert.deepEqual(changedFields({ kind: 'lora', name: 'ink', weight: 1 }, null), { name: 'ink', weight: 1 });
});

test('it is said in words', () => {
  assert.equal(auditionWords({ ...PROMPT, text: 'a lake' }, { text: 'a lake', switch: 'cut' }), 'a lake');
  const mix = [['a forest', 1], ['snow', 0.5]];
  assert.equal(auditionWords({ ...PROMPT, mix }, { mix }), 'a meadow + a forest + snow');
  assert.equal(auditionWords(PROMPT, { blend: 24 }), 'blend 24');
  assert.equal(auditionWords(SAMPLING, { seed: 7, scale: 2 }), 'seed 7, scale 2');
  assert.equal(auditionWords({ kind: 'lora', name: 'ink', weight: 0.5 }, {}), 'ink 0.50');
  assert.equal(auditionWords({ kind: 'stroke', label: 'fox' }, {}), 'fox');
  assert.equal(auditionWords(PROMPT, {}), 'prompt');
});

test('the prompt is as it is written, and as it is in force where nothing can be written', () => {
  const written = { text: 'a lake', negative: undefined, switch: 'cut', blend: '12' };
  const prompt = writtenPrompt({ ...PROMPT, negative: 'fog' }, written);
  assert.deepEqual(prompt, { kind: 'prompt', text: 'a lake', negative: 'fog', switch: 'cut', blend: 12 });
  assert.equal(writtenPrompt({ ...PROMPT, blend: 3 }, { blend: '' }).blend, 3);
});

test('taken, it is one step back, and a dial that was turned since stays', () => {
  /** @type {any[]} */
  const sent = [];
  const page = { ready: () => true, send: (/** @type {any} */ one) => sent.push(one), play() {}, go() {}, changed() {} };
  const controls = /** @type {any} */ (new Controls(page));
  controls.describe(JSON.parse(readFileSync(new URL('../golden/controls.json', import.meta.url), 'utf8')));
  controls.take({ prompt: PROMPT, sampling: SAMPLING, lora: [{ kind: 'lora', name: 'ink', weight: 0.3 }] });
  const tried = [{ ...SAMPLING, seed: 7 }, { kind: 'lora', name: 'ink', weight: 1 }];
  const changes = tried.map((one) => changedFields(one, one.kind === 'lora' ? null : controls.get(one.kind)));
  controls.set({ ...SAMPLING, scale: 2 });
  const { redo, undo } = takenControls(controls, tried, changes);
  controls.together(redo, undo);
  assert.deepEqual(sent.slice(1), [{ ...SAMPLING, scale: 2, seed: 7 }, tried[1]]);
  controls.undo();
  assert.deepEqual(controls.get('sampling'), { ...SAMPLING, scale: 2 });
  assert.equal(controls.all('lora').get('ink').weight, 0.3);
});

// What the page says: measurements, hints, models, and whether what is written is applied.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brushHint } from '../../studio/ui/web/brush.js';
import { formatBytes, formatCount, formatDuration } from '../../studio/ui/web/dom.js';
import { Meter } from '../../studio/ui/web/hud.js';
import { fitText } from '../../studio/ui/web/ink.js';
import { offerFacts, progressText } from '../../studio/ui/web/models.js';
import { tooLong } from '../../studio/ui/web/notes.js';
import { isApplied, wholeNumber } from '../../studio/ui/web/panel.js';
import { median } from '../../studio/ui/web/stages.js';
import { strokeMessage } from '../../studio/ui/web/strokes.js';

test('numbers are written as people read them', () => {
  assert.deepEqual([0, 59.9, 60, 3601].map(formatDuration), ['0:00', '0:59', '1:00', '60:01']);
  assert.deepEqual([7, 1234567].map(formatCount), ['7', '1 234 567']);
  assert.deepEqual([10, 54e6, 2.6e9].map(formatBytes), ['1 MB', '54 MB', '2.6 GB']);
});

test('a whole number that JavaScript cannot count to stays the digits that were typed', () => {
  assert.deepEqual(['12', ' -1 ', '9007199254740991', 7].map(wholeNumber), [12, -1, 9007199254740991, 7]);
  assert.deepEqual(['9007199254740993', '18446744073709551615', '1.5', 'x'].map(wholeNumber),
    ['9007199254740993', '18446744073709551615', '1.5', 'x']);
});

test('words that are too long are counted, with where they end', () => {
  assert.equal(tooLong('prompt', 'a fox', 5), '');
  assert.equal(tooLong('prompt', undefined, 5), '');
  assert.equal(tooLong('prompt', '\u{1f98a}'.repeat(5), 5), '');
  assert.equal(tooLong('prompt', 'a red fox', 5), 'This prompt has 9 characters, and 5 can be sent: they end with “…a red”.');
});

test('the median is the middle, and changes nothing', () => {
  const values = [9, 1, 5];
  assert.equal(median(values), 5);
  assert.deepEqual(values, [9, 1, 5]);
});

test('the rate is measured over the last two seconds', () => {
  const meter = new Meter();
  assert.equal(meter.rate(0), '–');
  for (let k = 0; k <= 10; k += 1) meter.addFrame(100 * k);
  assert.equal(meter.rate(1000), '10.0');
  for (let k = 1; k <= 40; k += 1) meter.addFrame(1000 + 50 * k);
  assert.equal(meter.rate(3000), '20.0');
  assert.equal(meter.rate(9000), '–', 'where nothing comes there is no rate');
});

test('the brush says what the hand does', () => {
  assert.equal(brushHint({ label: 'fox', mode: 'drag' }), 'Drag in the picture: fox follows your hand.');
  assert.equal(brushHint({ label: 'fox', mode: 'path' }), 'Draw a line in the picture: fox goes along it.');
  assert.equal(brushHint({ label: 'fox', mode: 'pin' }), 'Point into the picture: fox stays there.');
  assert.equal(brushHint({ label: '', mode: 'pin' }), 'Type a subject, then paint it into the picture.');
});

test('a model on its way says how far it is', () => {
  const progress = { name: 'sd', what: '', done: 650e6, total: 2.6e9 };
  assert.equal(progressText({ ...progress, stage: 'download' }), 'sd: downloading · 25 % of 2.6 GB');
  assert.equal(progressText({ ...progress, stage: 'load', total: 0 }), 'sd: loading');
  for (const stage of ['ready', 'failed', 'cancelled']) assert.equal(progressText({ ...progress, stage }), null);
});

test('a model on offer says its licence, its download and its memory', () => {
  const offer = { licence: 'MIT', here: false, download_bytes: 5e9, memory_bytes: 3.8e9 };
  assert.equal(offerFacts(offer), 'MIT · 5.0 GB to download · 3.8 GB of memory');
  assert.equal(offerFacts({ ...offer, here: true, memory_bytes: 0 }), 'MIT · here');
});

const PROMPT = { kind: 'prompt', text: 'a lake', negative: '', switch: 'cut', blend: 12 };
const SHOWN = { text: 'a lake', negative: '', switch: 'cut', blend: '12' };

test('what is written is applied when it says the same as the prompt in force', () => {
  assert.equal(isApplied(PROMPT, SHOWN), true);
  for (const change of [{ text: 'a lak' }, { negative: 'people' }, { switch: 'keep' }, { blend: '13' }]) {
    assert.equal(isApplied(PROMPT, { ...SHOWN, ...change }), false, Object.keys(change)[0]);
  }
});

test('blanks around a prompt and zeros before a number change nothing', () => {
  assert.equal(isApplied({ ...PROMPT, text: 'a lake ' }, SHOWN), true);
  assert.equal(isApplied(PROMPT, { ...SHOWN, blend: '012' }), true);
});

test('a component that is not there, and a prompt that is not known yet, are no difference', () => {
  assert.equal(isApplied(PROMPT, { text: 'a lake', switch: undefined }), true);
  assert.equal(isApplied(null, SHOWN), true);
});

test('a stroke is set again without what only the page knows of it', () => {
  const stroke = { id: 'a', label: 'fox', points: [[0, 0, 0]], mode: 'pin', size: 0.3, loop: true, since: 4, trail: [], revision: 2 };
  assert.deepEqual(strokeMessage(stroke, { size: 0.4 }), {
    kind: 'stroke', id: 'a', label: 'fox', points: [[0, 0, 0]], mode: 'pin', size: 0.4, loop: true,
  });
});

test('words too long for their place end in an ellipsis, and no letter is cut in two', () => {
  const pen = { measureText: (text) => ({ width: 10 * [...text].length }) };
  assert.equal(fitText(pen, 'giraffe', 70), 'giraffe');
  assert.equal(fitText(pen, 'giraffe', 60), 'giraf…');
  assert.equal(fitText(pen, 'a giraffe', 30), 'a…');
  assert.equal(fitText(pen, '🦒🦒🦒', 20), '🦒…');
  assert.equal(fitText(pen, 'fox', 1), 'f…');
});

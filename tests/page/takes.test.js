import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeEntry, takeNotice, versionWords } from '../../studio/ui/web/takes.js';

const TAKE = { name: '20261127-181500-a-fox-at-night', frames: 1560, fps: 24, score: 'one', video: 'two' };
const address = (secret) => `/download/${secret}`;

test('a take is listed by its words, with its length and both downloads', () => {
  assert.deepEqual(takeEntry(TAKE, address), {
    title: 'a fox at night',
    parent: '',
    about: '20261127-181500-a-fox-at-night: 1560 frames at 24 a second',
    duration: '1:05',
    links: [
      { text: 'Score', href: '/download/one', download: '20261127-181500-a-fox-at-night.jsonl' },
      { text: 'Video', href: '/download/two', download: '20261127-181500-a-fox-at-night.mp4' },
    ],
  });
});

test('without a video only the score is there', () => {
  assert.deepEqual(takeEntry({ ...TAKE, video: null }, address).links.map(({ text }) => text), ['Score']);
});

test('a take that was cut off says so', () => {
  const { about, duration } = takeEntry({ ...TAKE, unfinished: true }, address);
  assert.equal(duration, '1:05 unfinished');
  assert.match(about, /1560 frames at 24 a second, cut off by the end of the server$/);
});

test('a take of nothing is not listed', () => {
  assert.equal(takeEntry({ ...TAKE, frames: 0 }, address), null);
});

test('what is said of a take that has ended', () => {
  assert.deepEqual(takeNotice(TAKE), ['Take kept: 1560 frames. Score and video are in the panel.', 'notice']);
  assert.deepEqual(takeNotice({ ...TAKE, video: '' }), ['Take kept: 1560 frames. Its score is in the panel.', 'notice']);
  assert.deepEqual(takeNotice({ ...TAKE, problem: 'No video: the disk is full.' }), ['No video: the disk is full.', 'error']);
  assert.deepEqual(takeNotice({ ...TAKE, frames: 0 }), ['Nothing was recorded: the picture stood still.', 'notice']);
});

test('a version says what it is, and of what', () => {
  const version = { ...TAKE, name: '20261128-070000-a-fox-at-night-8-steps', parent: TAKE.name, note: 'Same film.' };
  const { parent, about } = takeEntry(version, address);
  assert.equal(parent, '8 steps, from a fox at night');
  assert.match(about, /1560 frames at 24 a second\. Same film\.$/);
  assert.equal(versionWords('a lake v3', 'a lake v2'), 'v3, from a lake v2');
  assert.equal(versionWords('other', 'a lake'), 'from a lake');
  assert.deepEqual(takeNotice(version), ['Version kept: a fox at night 8 steps, from a fox at night.', 'notice']);
});

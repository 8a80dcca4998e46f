// Subjects of one's own on the page: what of a canvas is sent, what they are called, which stand as chips, what a picture is used as.
// @ts-check

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seenPart, squareAround } from '../../studio/ui/web/cut-canvas.js';
import { MOST_KEPT, OwnLibrary } from '../../studio/ui/web/own-library.js';
import { nameOfFile, namesOf } from '../../studio/ui/web/subject-names.js';
import { pictureUrl, shownOf } from '../../studio/ui/web/subjects.js';
import { usesOn } from '../../studio/ui/web/uses.js';

/** @param {number} at */
const own = (at, name = `s${at}`) => ({ name, data: 'iVBOR', words: [], faces: 'ahead', at });

test('what is seen is found, and stands in the middle of a square with a margin as the server has it', () => {
  const image = { width: 10, height: 8, data: new Uint8ClampedArray(4 * 80) };
  assert.equal(seenPart(image), null);
  for (const [x, y, alpha] of [[2, 1, 255], [7, 3, 13], [9, 7, 12]]) image.data[4 * (y * 10 + x) + 3] = alpha;
  assert.deepEqual(seenPart(image), [2, 1, 8, 4], 'fainter than 13 of 255 is not seen');
  assert.deepEqual(squareAround([40, 100, 440, 150]), { left: 24, top: -91, side: 432 });
  assert.equal(squareAround([0, 0, 1, 1]).side, 8);
});

test('a name is in small letters, others follow after commas, each once', () => {
  assert.deepEqual(namesOf('  Mia  The Cat, kitty ,KITTY,, mia the cat '), { name: 'mia the cat', words: ['kitty'] });
  assert.deepEqual(namesOf(' , kitty'), { name: '', words: ['kitty'] });
  assert.equal(namesOf('m'.repeat(300)).name.length, 80);
  assert.equal(namesOf(Array.from({ length: 40 }, (_, at) => `w${at}`).join()).words.length, 16);
});

test('a file that says what it shows gives a name to begin with, and no camera or clipboard does', () => {
  const names = ['My_Old-Cat.final.PNG', 'IMG_20261128.jpg', 'image.png', 'photo.jpg', '.png'].map(nameOfFile);
  assert.deepEqual(names, ['my old cat final', '', '', '', '']);
});

test('chips are what is in force, also of another browser, and then the library, the last used first', () => {
  const held = [{ ...own(0, 'mia'), data: 'new' }, own(0, 'tom')];
  const shown = shownOf(held, [own(9, 'ant'), own(5, 'mia')]);
  assert.deepEqual(shown.map(({ name }) => name), ['tom', 'ant', 'mia']);
  assert.equal(shown[2].data, 'new', 'as it is in force');
  assert.equal(pictureUrl('iVBORw0'), 'data:image/png;base64,iVBORw0');
  assert.equal(pictureUrl('UklGR'), 'data:image/webp;base64,UklGR');
});

test('where nothing may be kept all works until the page is closed; the one not used for longest makes room', async () => {
  const library = await new OwnLibrary().open(undefined);
  for (let at = 1; at <= MOST_KEPT; at += 1) assert.equal(library.put(own(at)), undefined);
  assert.equal(library.put(own(999, 'mia'))?.name, 's1');
  assert.deepEqual([library.list[0].name, library.subjects.size], ['mia', MOST_KEPT]);
  library.remove('mia');
  assert.equal(library.subjects.has('mia'), false);
});

test('a picture is used as the model can', () => {
  const words = (/** @type {string[]} */ plays) => usesOn(/** @type {any} */ ({ model: { plays } })).map((use) => use.words);
  assert.deepEqual(words(['stroke', 'subject']), ['As a subject']);
  assert.deepEqual(words(['picture', 'subject']), ['As a subject', 'As the picture drawn from']);
  assert.deepEqual(words(['prompt']), []);
});

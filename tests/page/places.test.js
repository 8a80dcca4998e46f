// Places of one's own: what is told of a picture, which prompt says a name, and what goes to the server and comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readPlaces } from '../../studio/ui/web/place.js';
import { placeName, saysName } from '../../studio/ui/web/placeparts.js';
import { isAnimation, leftOut, nothingIn } from '../../studio/ui/web/placepicture.js';

const pixels = (...colours) => Uint8ClampedArray.from(colours.flat());

test('what is cut off a picture is told, and that of an animation the first frame is the place', () => {
  assert.equal(leftOut('a.jpg', [400, 400], false), '');
  assert.equal(leftOut('a.jpg', [404, 400], false), '');
  const told = leftOut('a.jpg', [4000, 3000], false);
  assert.equal(told, 'a.jpg is 4000×3000: its middle square is the place, what is left and right is cut off.');
  assert.match(leftOut('a.jpg', [300, 900], false), /what is above and below is cut off/u);
  assert.match(leftOut('a.gif', [40, 90], true), /^a\.gif is animated: its first frame is the place\. a\.gif is 40×90/u);
});

test('an animation is told by its file', () => {
  assert.ok(isAnimation('image/gif', 'GIF89a...NETSCAPE2.0...'));
  assert.ok(isAnimation('image/webp', 'RIFF....WEBPVP8X....ANIM'));
  assert.ok(isAnimation('image/png', 'PNG....acTL'));
  assert.ok(!isAnimation('image/png', 'PNG....IHDR'));
  assert.ok(!isAnimation('image/jpeg', 'NETSCAPE2.0'));
});

test('one colour and what is all transparent is no place', () => {
  assert.match(nothingIn(pixels([9, 9, 9, 0], [200, 0, 0, 3])), /transparent everywhere/u);
  assert.match(nothingIn(pixels([9, 9, 9, 255], [10, 12, 9, 255], [255, 0, 0, 0])), /one colour/u);
  assert.equal(nothingIn(pixels([9, 9, 9, 255], [9, 9, 60, 255])), '');
});

test('a name is kept in small letters, and a prompt says it where its words stand in it whole', () => {
  assert.equal(placeName('  My \n Garden '), 'my garden');
  assert.ok(saysName('MY  Garden at night', 'my garden'));
  assert.ok(saysName('c++ land', 'c++'));
  assert.ok(saysName('(über uns:1.2)', 'über uns'));
  for (const text of ['my gardens', 'in my old garden', 'amy garden', '']) assert.ok(!saysName(text, 'my garden'), text);
});

test('what a browser keeps is read, and nothing of what is broken', () => {
  const place = { name: 'my garden', data: 'AAAA', time: 'night', end: '', seconds: 3 };
  assert.deepEqual(readPlaces(JSON.stringify([place, { name: 'x' }, null, 3, { name: 'y', data: '' }])), [place]);
  const old = { name: 'old', data: 'AAAA' };
  assert.deepEqual(readPlaces(JSON.stringify([old])), [{ ...old, time: 'day', end: '', seconds: 8 }]);
  for (const text of [null, '', '{', '3', '{}']) assert.deepEqual(readPlaces(text), []);
});

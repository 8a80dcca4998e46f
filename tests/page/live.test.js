import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST_FRAME, liveWords, sourceTitle } from '../../studio/ui/web/live.js';

const wan = ['picture', 'live', 'camera'];

test('a video model says how late it redraws, and an image model nothing', () => {
  assert.equal(liveWords({ plays: wan, redraw: true, late: 12, rate: 16 }), 'Redrawn live, a chunk late: 12 pictures, 0.8 s.');
  assert.equal(liveWords({ plays: wan, redraw: true, late: 12, rate: 0 }), 'Redrawn live, a chunk late: 12 pictures.');
  assert.equal(liveWords({ plays: wan, redraw: false, late: 12, rate: 16 }), FIRST_FRAME);
  assert.equal(liveWords({ plays: ['picture', 'camera'], redraw: false, late: 0, rate: 24 }), '');
  assert.equal(liveWords({ plays: ['picture'], redraw: true, late: 0, rate: 24 }), FIRST_FRAME, 'a model that has no encoder of videos');
});

test('the buttons say what a source is to the model', () => {
  assert.match(sourceTitle('camera', wan), /each picture is redrawn/);
  assert.match(sourceTitle('screen', wan), /each picture is redrawn/);
  assert.match(sourceTitle('still', wan), /first frame/);
  assert.equal(sourceTitle('camera', ['picture', 'camera']), 'From your camera');
  assert.equal(sourceTitle('none', wan), 'From words alone');
});

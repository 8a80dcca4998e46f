// Where strokes are: the same as studio/trajectory.py says, by vectors that were made from it (tests/stroke_vectors.py).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { settled, sizeAt } from '../../studio/ui/web/course.js';
import { place, pointTime, simplified, strokeAt, thinned, withinPicture } from '../../studio/ui/web/geometry.js';

const vectors = JSON.parse(readFileSync(new URL('../golden/strokes.json', import.meta.url), 'utf8'));

function close(got, wanted, words) {
  wanted.forEach((value, at) => assert.ok(Math.abs(got[at] - value) < 1e-12, `${words}: ${got} is not ${wanted}`));
}

for (const [at, { stroke, places }] of vectors.places.entries()) {
  const { mode, loop, since, points } = stroke;
  const name = `a ${mode} of ${points.length} points since ${since}${loop ? ', over and over' : ''}`;
  test(`vector ${at}: ${name} is where the model draws it`, () => {
    for (const [frame, ...wanted] of places) close(place(stroke, frame), wanted, `frame ${frame}`);
  });
}

for (const [at, { stroke, places }] of vectors.timed.entries()) {
  test(`timed ${at}: there and back, late, pressed or ahead, a ${stroke.mode} is as the model draws it`, () => {
    for (const [frame, ...wanted] of places) close([...place(stroke, frame), sizeAt(stroke, frame)], wanted, `frame ${frame}`);
  });
}

test('a stroke takes over from another what the server says it does', () => {
  assert.ok(vectors.takeovers.some(({ settled: { begun } }) => begun > 10));
  assert.ok(vectors.takeovers.some(({ settled: { lead } }) => lead.length));
  for (const { before, stroke, settled: { begun, lead } } of vectors.takeovers) {
    const got = settled(stroke, before, stroke.since);
    assert.equal(got.lead.length, lead.length, JSON.stringify([before, stroke]));
    close([got.begun, ...got.lead], [begun, ...lead], JSON.stringify([before, stroke]));
  }
});

test('a hand takes hold of what the server says it does', () => {
  for (const { strokes, places } of vectors.grabs) {
    for (const [frame, x, y, id] of places) assert.equal(strokeAt(strokes, [x, y], frame, 0.5)?.id ?? null, id, `${frame}: ${x}, ${y}`);
  }
});

test('where a pen is pressed harder a point stays', () => {
  for (const { points, kept } of vectors.pressed) assert.deepEqual(thinned(points), kept);
});

test('the vectors are enough to tell a frame from the next', () => {
  const moving = vectors.places.filter(({ stroke }) => stroke.mode === 'path');
  assert.ok(moving.length > 20);
  const differs = ({ stroke, places }) => places.some(([frame, x, y]) => {
    const [laterX, laterY] = place(stroke, frame + 1);
    return Math.hypot(laterX - x, laterY - y) > 1e-3;
  });
  assert.ok(moving.filter(differs).length > 20);
});

test('a path waits at its first point until the server has said since when it is in force', () => {
  const points = [[0, 0.2, 0.5], [8, 0.8, 0.7]];
  assert.deepEqual(place({ mode: 'path', loop: true, points, since: null }, 5), [0.2, 0.5]);
  assert.deepEqual(place({ mode: 'path', loop: true, points }, 5), [0.2, 0.5]);
});

for (const [at, { points, tolerance, kept }] of vectors.lines.entries()) {
  test(`line ${at}: of ${points.length} points ${kept.length} are kept at ${tolerance}`, () => {
    assert.deepEqual(simplified(points, tolerance), kept);
  });
}

test('a hand that trembles for long leaves four hundred points at most', () => {
  const points = Array.from({ length: 3000 }, (_, k) => [k, 0.5 + 0.3 * Math.sin(k * 2.4), 0.5 + 0.3 * Math.cos(k * 1.7)]);
  const kept = thinned(points);
  assert.ok(kept.length <= 400);
  assert.deepEqual([kept[0], kept.at(-1)], [points[0], points.at(-1)]);
});

test('a short line is kept as it is', () => {
  assert.deepEqual(thinned([[0, 0.1, 0.1], [1, 0.1, 0.1]]), [[0, 0.1, 0.1], [1, 0.1, 0.1]]);
});

test('a place is kept within the picture', () => {
  assert.deepEqual(withinPicture([-0.2, 1.7]), [0, 1]);
  assert.deepEqual(withinPicture([0.123456789, 0.5]), [0.12346, 0.5]);
});

const pin = (id, x, y, size = 0.2) => ({ id, mode: 'pin', points: [[0, x, y]], size, since: 0 });

test('a hand takes hold of the nearest of those that reach there', () => {
  const strokes = [pin('far', 0.5, 0.5), pin('near', 0.56, 0.5)];
  assert.equal(strokeAt(strokes, [0.54, 0.5], 0, 1).id, 'near');
  assert.equal(strokeAt(strokes, [0.51, 0.5], 0, 1).id, 'far');
  assert.equal(strokeAt(strokes, [0.7, 0.5], 0, 1), undefined);
});

test('how near is near enough is measured in the width of the picture, in a wide one too', () => {
  assert.equal(strokeAt([pin('a', 0.5, 0.5)], [0.5, 0.58], 0, 1).id, 'a');
  assert.equal(strokeAt([pin('a', 0.5, 0.5)], [0.5, 0.59], 0, 1), undefined);
  assert.equal(strokeAt([pin('a', 0.5, 0.5)], [0.5, 0.65], 0, 0.5).id, 'a');
});

test('a subject on its way is taken hold of where it is now', () => {
  const path = { id: 'a', mode: 'path', loop: true, since: 100, size: 0.2, points: [[0, 0.1, 0.5], [10, 0.9, 0.5]] };
  assert.equal(strokeAt([path], [0.9, 0.5], 100, 1), undefined);
  assert.equal(strokeAt([path], [0.5, 0.5], 105, 1).id, 'a');
});

test('the time of a point is in frames, to a hundredth, and never goes back', () => {
  assert.equal(pointTime(1000, 24, 0), 24);
  assert.equal(pointTime(333.3, 24, 0), 8);
  assert.equal(pointTime(12.3456, 50, 0), 0.62);
  assert.equal(pointTime(-40, 24, 0), 0);
  assert.equal(pointTime(1000, 10, 12.5), 12.5);
});

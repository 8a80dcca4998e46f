import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Playback, pausedAfter, problemOf } from '../../studio/ui/web/playback.js';

const page = { paused: true, pressedAt: 5000, sending: false, now: 9000 };

test("the server's word counts once it has seen to the press", () => {
  assert.equal(pausedAfter(false, page), false);
  assert.equal(pausedAfter(true, { ...page, paused: false }), true);
});

test('a status from before the press does not undo it', () => {
  assert.equal(pausedAfter(false, { ...page, now: 5999 }), true);
  assert.equal(pausedAfter(false, { ...page, now: 6000 }), false);
});

test('while the pause is on its way no status undoes it, however long that takes', () => {
  assert.equal(pausedAfter(false, { ...page, sending: true }), true);
  assert.equal(pausedAfter(true, { ...page, paused: false, sending: true }), false);
});

test('a stopped session counts for more than a problem', () => {
  assert.equal(problemOf({}), '');
  assert.equal(problemOf({ problem: 'slow' }), 'slow');
  assert.match(problemOf({ problem: 'slow', error: 'out of memory' }), /^The session stopped: out of memory\. .*Backspace/);
});

function playback() {
  const [sent, shown, toasts] = [[], [], []];
  const state = { sending: false };
  const made = new Playback({
    send: (control) => sent.push(control), isSending: () => state.sending,
    showPaused: (paused) => shown.push(paused), toast: (text, kind) => toasts.push([text, kind]),
  });
  return { playback: made, sent, shown, toasts, state };
}

test('a press is shown at once and sent', () => {
  const { playback: made, sent, shown } = playback();
  made.toggle();
  made.toggle();
  assert.deepEqual(sent, [{ kind: 'pause', paused: true }, { kind: 'pause', paused: false }]);
  assert.deepEqual(shown, [true, false]);
});

test('a pause that someone else made is shown, and one of one’s own is not undone by an old status', () => {
  const { playback: made } = playback();
  made.update({ paused: true, recording: false });
  assert.equal(made.paused, true);
  made.toggle();
  made.update({ paused: true, recording: false });
  assert.equal(made.paused, false);
});

test('a problem is told once, and again when it comes back', () => {
  const { playback: made, toasts } = playback();
  const status = { paused: false, recording: false };
  for (const problem of ['slow', 'slow', null, 'slow']) made.update({ ...status, problem });
  assert.deepEqual(toasts, [['slow', 'error'], ['slow', 'error']]);
  assert.equal(made.status.problem, 'slow');
});

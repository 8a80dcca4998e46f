// @ts-check
// What the page does with each message of the server: one function a type.

/** @import { Hello, Message } from './types.js' */
/** @import { Page } from './page.js' */

/**
 * By type of message. A type that is not here is of a newer server, and left aside.
 * @param {Page} page
 * @returns {Record<string, (message: any) => void>}
 */
export function messageHandlers(page) {
  return {
    hello: (hello) => showModel(page, hello),
    state: ({ state }) => showState(page, state),
    sent: (sent) => confirmControl(page, sent),
    receipts: ({ items }) => beginStrokes(page, items),
    status: (status) => showStatus(page, status),
    recording: ({ recording }) => page.takes.setRecording(recording),
    take: ({ take }) => page.takes.finish(take),
    timeline: (moments) => page.timeline.take(moments),
    download: (file) => page.takes.download(file),
    models: (offers) => page.models.list(offers),
    loading: (progress) => page.models.showProgress(progress),
    remarks: ({ items }) => showRemarks(page, items),
    notice: ({ message }) => page.toasts.show(message),
    restored: ({ message }) => page.toasts.show(message, 'news'),
    error: (error) => showError(page, error),
  };
}

/**
 * A link begins, or another model plays.
 * @param {Page} page
 * @param {Hello} hello
 */
function showModel(page, { size, labels, recording, takes, state, controls, ...model }) {
  const { box, brush, input, models, outbox, panel, stage } = page;
  page.model = model;
  panel.loras = model.loras;
  panel.notes.remarks = []; // of another model's, or told again
  document.documentElement.dataset.plays = model.plays.join(' ');
  box.classList.toggle('no-strokes', Boolean(page.refusalOf('stroke')));
  models.show(model.model, model.choice);
  input.fit(size, model.plays, state.picture.bytes > 0);
  stage.restart();
  stage.resize(...size);
  if (outbox.isSending('prompt')) panel.isWriting = true; // it may have been lost
  outbox.clear();
  brush.suggest(labels);
  page.controls.describe(controls);
  showState(page, state);
  panel.describePresets();
  page.takes.setRecording(recording);
  page.takes.list(takes);
}

/**
 * The controls in force, as the server has them.
 * @param {Page} page
 * @param {any} state
 */
function showState(page, state) {
  page.controls.take(state);
  page.playback.setPaused(state.pause.paused);
  page.panel.show();
}

/**
 * @param {Page} page
 * @param {any} sent
 */
function confirmControl(page, { number, revision }) {
  const control = page.outbox.confirm(number, revision);
  page.input.uploader.answered(number);
  const stroke = control?.kind === 'stroke' && page.controls.strokes.get(control.id);
  if (stroke) stroke.revision = revision;
}

/**
 * Controls took effect: the strokes among them count their time from that frame.
 * @param {Page} page
 * @param {[revision: number, kind: string, frame: number][]} receipts
 */
export function beginStrokes({ controls, ink }, receipts) {
  for (const [revision, , frame] of receipts) {
    for (const stroke of controls.strokes.values()) {
      if (stroke.revision === revision) Object.assign(stroke, { since: frame, revision: null });
    }
  }
  ink.stale = true;
}

/**
 * @param {Page} page
 * @param {any} status
 */
function showStatus(page, status) {
  page.playback.update(status);
  page.takes.setRecording(status.recording);
  page.panel.showSkipRate(status.skip_rate || 0);
}

/**
 * @param {Page} page
 * @param {string[]} remarks of the model on the prompt in force
 */
function showRemarks({ panel }, remarks) {
  panel.notes.remarks = remarks;
  panel.showUnapplied();
}

/**
 * Something was refused: it is said, and a control is put back as it was.
 * @param {Page} page
 * @param {Message} error
 */
function showError({ controls, input, outbox, panel, toasts }, { message, number }) {
  const control = outbox.reject(number);
  toasts.show(message.charAt(0).toUpperCase() + message.slice(1), 'error');
  input.uploader.answered(number);
  if (!control) return;
  controls.refused(control);
  if (control.kind === 'prompt') panel.isWriting = true;
  else if (control.kind !== 'stroke') panel.show();
}

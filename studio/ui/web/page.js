// @ts-check
// The page: its parts, and what they have to do with each other.

import { listenToButtons, pageActions } from './actions.js';
import { Brush } from './brush.js';
import { Controls as PageControls } from './controls.js';
import { prepareDocument } from './display.js';
import { find } from './dom.js';
import { Features } from './features.js';
import { Hud } from './hud.js';
import { Input } from './input.js';
import { listShortcuts, listenToKeys } from './keys.js';
import { Link } from './link.js';
import { messageHandlers } from './messages.js';
import { Models } from './models.js';
import { Outbox } from './outbox.js';
import { makeHand, makeInk, makeSeen, makeStrokeList } from './painting.js';
import { Panel } from './panel.js';
import { Playback } from './playback.js';
import { Stage } from './stage.js';
import { inForce } from './state.js';
import { strokeMessage } from './strokes.js';
import { Takes } from './takes.js';
import { ticketSource } from './ticket.js';
import { Timeline } from './timeline.js';
import { Toasts } from './toasts.js';

/** @import { Control, Controls, Frame, GradioComponent, ShowToast, StrokeWay } from './types.js' */

const MEASURE_EVERY = 400; // ms
const USUAL_RATE = 24; // frames a second, until the server says its own
const NOT_CONNECTED = 'Not connected just now; try again in a moment.';

export class Page {
  /** @param {GradioComponent} gradio */
  constructor(gradio) {
    const { element, root, tell } = gradio;
    this.element = element;
    this.box = find(element, '.st', HTMLElement);
    /** @type {{ model: string, plays: string[], refuses: Record<string, string>, loras: string[], strokes: StrokeWay }} */
    this.model = { model: '', plays: [], refuses: {}, loras: [], strokes: { by: '', words: '' } };
    this.toasts = new Toasts(find(this.box, '.st-toasts', HTMLElement));
    this.hud = new Hud(this.box);
    this.stage = new Stage(find(this.box, '.st-view', HTMLCanvasElement));
    this.link = this.makeLink(gradio);
    this.outbox = new Outbox({ send: (message) => this.link.send(message), frame: () => this.stage.frame });
    this.controls = this.makeControls();
    this.panel = new Panel({ controls: this.controls, refresh: tell, isConnected: () => this.isConnected() });
    /** @type {ShowToast} */
    const toast = (text, kind) => this.toasts.show(text, kind);
    const send = (/** @type {Control} */ control) => this.outbox.sendControl(control);
    this.takes = new Takes({ box: this.box, root, toast });
    this.timeline = this.makeTimeline(toast);
    this.models = new Models({ box: this.box, command: (name, more) => this.command(name, more), toast });
    this.input = new Input({ send: (jpeg) => this.outbox.sendPicture(jpeg), remove: () => send({ kind: 'picture', data: '' }), toast });
    this.playback = new Playback({
      send, toast, isSending: () => this.outbox.isSending('pause'), showPaused: (paused) => this.showPaused(paused),
    });
    this.brush = new Brush({
      box: this.box, labelled: () => this.hand.select(null), resized: (size) => this.resizeChosen(size),
      changed: () => this.strokeList.show(),
    });
    this.seen = makeSeen(this);
    /** @type {import('./selection.js').Selection | null} */
    this.selection = null; // before it is installed
    /** @type {import('./grabs.js').Grabs | null} */
    this.grabs = null; // as well
    this.hand = makeHand(this);
    this.ink = makeInk(this);
    this.strokeList = makeStrokeList(this);
    this.handlers = messageHandlers(this);
    this.features = new Features();
  }

  /** @param {GradioComponent} gradio */
  makeLink(gradio) {
    return new Link({
      root: gradio.root,
      ask: ticketSource(gradio, (text, kind) => this.toasts.show(text, kind)),
      pull: new URL(location.href).searchParams.get('link') === 'pull',
      on: {
        frame: (frame) => this.showFrame(frame),
        message: (message) => {
          this.handlers[message.type]?.(message);
          this.features.take(message);
        },
        state: (state, detail) => this.hud.showLink(state, detail, this.stage.drawn > 0),
      },
    });
  }

  makeControls() {
    const controls = new PageControls({
      ready: () => this.isConnected(),
      send: (/** @type {Control} */ control) => this.outbox.sendControl(control),
      play: (/** @type {string} */ preset) => this.command('preset', { preset }),
      go: (/** @type {Control} */ moment) => this.command(moment.kind, moment),
      changed: (/** @type {Control | null} */ control) => this.showChange(control),
    });
    return /** @type {Controls} */ (/** @type {unknown} */ (controls));
  }

  /** @param {ShowToast} toast */
  makeTimeline(toast) {
    return new Timeline({
      box: this.box, frame: () => this.stage.frame, rate: () => this.playback?.status.fps || USUAL_RATE,
      travel: (frame) => this.controls.travel(frame), goTo: (branch) => this.controls.elsewhere({ kind: 'branch', branch }), toast,
    });
  }

  /** Open the link, listen to the person, and draw. */
  start() {
    prepareDocument();
    listShortcuts(find(this.box, '.st-help dl', HTMLElement));
    this.features.install(this);
    const actions = { ...pageActions(this), ...this.features.actions };
    listenToButtons(this, actions);
    listenToKeys(actions, () => Boolean(this.box.querySelector('dialog[open]')));
    this.panel.listenToWriting();
    this.input.listen();
    this.showChange(null);
    this.link.run();
    requestAnimationFrame((now) => this.draw(now));
    setInterval(() => this.measure(), MEASURE_EVERY);
  }

  /**
   * Once a screen refresh, while Gradio's component is on the page.
   * @param {number} now ms
   */
  draw(now) {
    if (!this.element.isConnected) {
      this.link.end();
      return;
    }
    this.hand.sendChanges();
    this.ink.draw();
    this.input.refreshPreview(now);
    this.features.tell('draw', now);
    requestAnimationFrame((next) => this.draw(next));
  }

  measure() {
    const { paused } = this.playback;
    this.panel.showUnapplied();
    this.hud.showMeasurements({ paused, frame: this.stage.frame, now: performance.now() });
    this.takes.showClock();
    if (this.timeline.held === null) this.timeline.show();
    this.features.tell('measure');
  }

  /** @param {Frame} frame */
  async showFrame(frame) {
    const newer = await this.stage.show(frame);
    this.link.send({ type: 'ack', sequence: frame.sequence });
    if (!newer) return;
    const now = performance.now();
    this.ink.stale = true;
    this.hud.meter.addFrame(now);
    this.hud.liftVeil();
    this.input.frameShown();
    const shown = this.outbox.shownBy(frame.revision);
    const prompt = shown.find(({ control }) => control.kind === 'prompt');
    if (prompt) this.panel.showLiveSince(frame.index, now - prompt.at);
    this.features.tell('frame', frame, shown);
  }

  // Towards the server

  /**
   * @param {string} name
   * @param {object} more
   */
  command(name, more = {}) {
    if (this.isConnected()) this.link.send({ type: 'command', name, ...more });
  }

  /** Can the server be reached? If not, whoever tries something is told. */
  isConnected() {
    if (!this.link.connected) this.toasts.show(NOT_CONNECTED);
    return this.link.connected;
  }

  /** @param {'undo' | 'redo'} way */
  stepBack(way) {
    const controls = this.controls[way]() ?? [];
    if (controls.some(({ kind }) => kind === 'prompt')) this.panel.isWriting = false;
    if (controls.some(({ kind }) => kind !== 'stroke' && kind !== 'erase')) this.panel.show();
  }

  // What is shown

  /**
   * A control was set here, or (null) all of them by the server.
   * @param {Control | null} control
   */
  showChange(control) {
    this.ink.stale = true;
    if (control?.kind === 'stroke' && this.hand.stroke) this.strokeList.hasPainted();
    if (!control || control.kind === 'stroke' || control.kind === 'erase') this.strokeList.show();
    const { past, future, strokes } = this.controls;
    for (const [name, size] of Object.entries({ undo: past.length, redo: future.length, clear: strokes.size })) {
      find(this.box, `[data-do="${name}"]`, HTMLElement).setAttribute('aria-disabled', String(!size));
    }
    document.documentElement.dataset.guidance = inForce(this.controls, 'sampling')?.guidance || 'none';
    this.features.tell('changed', control);
  }

  /** @param {boolean} clicked was it chosen by a click, and not painted? */
  showChosen(clicked) {
    this.strokeList.show();
    this.selection?.chosen(clicked);
  }

  /** @param {boolean} paused */
  showPaused(paused) {
    this.box.classList.toggle('paused', paused);
    find(this.box, '[data-do="play"]', HTMLElement).setAttribute('aria-label', paused ? 'Play (Space)' : 'Pause (Space)');
  }

  /**
   * Choose a stroke, or let go of it; the brush takes on its size.
   * @param {string} id
   */
  choose(id) {
    this.hand.select(this.hand.selected === id ? null : id, true);
    const stroke = this.controls.strokes.get(this.hand.selected ?? '');
    if (stroke) this.brush.showSize(stroke.size);
  }

  /** @param {number} size share of the picture's width */
  resizeChosen(size) {
    const stroke = this.controls.strokes.get(this.hand.selected ?? '');
    if (stroke) this.controls.set(strokeMessage(stroke, { size }), `size ${stroke.id}`);
  }

  /**
   * Why the model takes no control of a kind, or ''.
   * @param {string} kind
   */
  refusalOf(kind) {
    const { model, refuses } = this.model;
    return refuses[kind] ? `${model} takes no ${kind === 'stroke' ? 'strokes' : kind}: ${refuses[kind]}.` : '';
  }
}

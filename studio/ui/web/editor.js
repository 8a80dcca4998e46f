// @ts-check
// The editor of a take, in the place of the strip: its events moved, changed, looped; shown, kept as a version, rendered.

import { element, find } from './dom.js';
import { Bar } from './editor-bar.js';
import { Fields } from './editor-fields.js';
import { listenToEditorKeys } from './editor-keys.js';
import { Lanes } from './editor-lanes.js';
import { RenderBox } from './editor-render.js';
import { EditList, foundAgain } from './edits.js';

/** @import { Feature, Gesture, OpenedTake, Preview, Take, TakeEdit } from './types.js' */
/** @import { Page } from './page.js' */

const LIVE = { take: '', start: 0, frames: 0 }; // no take is shown
const NO_PART = { first: null, last: null };

class Editor {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.name = ''; // of the take that is open
    /** @type {OpenedTake | null} */
    this.take = null;
    /** @type {Map<string, EditList>} by the take's name, kept when the editor is closed */
    this.lists = new Map();
    /** @type {Gesture | null} */
    this.selected = null;
    /** @type {{ kind: string, slot: string, first: number } | null} what is to be selected when the take comes back */
    this.wanted = null;
    /** @type {{ first: number | null, last: number | null }} */
    this.marks = NO_PART;
    this.head = 0; // the playhead's frame
    this.number = 0; // of the last edit that was asked for, by which its refusal is known
    /** @type {Preview} */
    this.preview = LIVE;
    this.bar = new Bar({
      undo: () => this.step('undo'), redo: () => this.step('redo'), into: () => this.mark('first'), out: () => this.mark('last'),
      loop: () => this.editPart('loop', { times: 2 }), trim: () => this.editPart('trim'), slower: () => this.stretch(2),
      faster: () => this.stretch(0.5), prompt: () => this.addPrompt(), play: () => this.play(), save: () => this.send('save-version'),
      render: () => this.take && this.render.open(this.take), close: () => this.close(),
    });
    this.lanes = new Lanes({
      select: (gesture) => this.select(gesture), move: (gesture, by) => this.move(gesture, by), seek: (frame) => this.seek(frame),
      colour: (id) => page.controls.colour(id),
    });
    this.fields = new Fields({ kinds: () => page.controls.kinds, change: (values) => this.change(values), remove: () => this.remove() });
    this.render = new RenderBox({
      begin: (options) => this.send('render', options), cancel: () => page.command('cancel-render'),
      models: () => page.command('models'), address: (secret) => page.takes.address(secret),
    });
    this.box = element('section', { className: 'st-editor', hidden: true });
    this.box.setAttribute('aria-label', 'Editor of a take');
    this.box.append(this.bar.box, this.lanes.box, this.fields.box, this.render.box);
    listenToEditorKeys(this.box, this);
    find(page.box, '.st-time', HTMLElement).before(this.box);
    page.takes.actions.push({ text: 'Edit', hint: 'Edit the take, show it, render it', run: (take) => this.open(take) });
  }

  get list() {
    const list = this.lists.get(this.name) ?? new EditList();
    this.lists.set(this.name, list);
    return list;
  }

  /** @param {Take} take */
  open({ name }) {
    if (!this.page.isConnected()) return;
    if (name !== this.name) Object.assign(this, { take: null, selected: null, wanted: null, marks: NO_PART });
    this.name = name;
    this.ask();
  }

  close() {
    if (this.preview.frames) this.page.command('live');
    Object.assign(this, { name: '', take: null });
    this.box.hidden = true;
    this.page.box.classList.remove('editing');
  }

  /**
   * Ask something of the server, of the take as it is edited.
   * @param {string} command
   * @param {object} more
   */
  send(command, more = {}) {
    this.page.command(command, { take: this.name, edits: this.list.edits, ...more });
  }

  ask(number = 0) {
    this.number = number;
    this.send('edit', { number });
  }

  // What the server says

  /** @param {OpenedTake} take */
  show(take) {
    if (take.take !== this.name) return;
    const isNew = !this.take;
    Object.assign(this, { take, number: 0 });
    this.box.hidden = false;
    this.page.box.classList.add('editing');
    this.head = isNew ? take.start : Math.min(Math.max(this.head, take.start), take.start + take.frames - 1);
    this.selected = foundAgain(take.gestures, this.wanted);
    this.bar.name(take);
    this.draw();
    if (isNew) this.page.box.scrollIntoView({ block: 'start' }); // on a phone the list of takes is far below
  }

  /**
   * An edit that cannot be made is taken off again; the page has said why.
   * @param {{ number: number | null }} error
   */
  refused({ number }) {
    if (!number || number !== this.number) return;
    this.list.drop();
    this.draw();
  }

  /** @param {Preview} preview */
  showPreview(preview) {
    this.preview = preview.frames ? preview : LIVE;
    this.page.box.classList.toggle('previewing', preview.frames > 0);
    this.showHead();
  }

  draw() {
    if (!this.take) return;
    this.lanes.show(this.take, this.selected);
    this.fields.show(this.selected, this.take);
    this.bar.can({ undo: this.list.edits.length > 0, redo: this.list.undone.length > 0 });
    this.showHead();
  }

  showHead() {
    const { marks, preview, take, page: { stage } } = this;
    const playing = preview.frames > 0;
    if (playing && take && preview.take === this.name) this.head = Math.min(stage.frame, take.start + take.frames - 1);
    this.lanes.showHead(this.head, marks, playing);
    this.bar.show(playing, marks.first !== null || marks.last !== null);
  }

  // What is done

  /** @param {TakeEdit} edit */
  edit(edit) {
    if (!this.page.isConnected()) return;
    this.list.add(edit);
    this.ask(-1 - Math.floor(Math.random() * 1e9)); // below 0: no control has such a number
  }

  /** @param {Gesture} gesture */
  select(gesture) {
    this.selected = this.wanted = gesture;
    this.draw();
    this.lanes.focus();
  }

  /**
   * @param {Gesture} gesture
   * @param {number} by frames
   */
  move(gesture, by) {
    this.wanted = { ...gesture, first: gesture.first + by };
    this.edit({ edit: 'move', events: gesture.events, by });
  }

  /** @param {number} by frames that the chosen event is moved */
  nudge(by) {
    if (this.selected && !this.selected.opening) this.move(this.selected, by);
  }

  /** @param {Record<string, any>} values */
  change(values) {
    if (this.selected) this.edit({ edit: 'change', events: this.selected.events, values });
  }

  remove() {
    if (!this.selected) return;
    this.wanted = null;
    this.edit({ edit: 'delete', events: this.selected.events });
  }

  addPrompt() {
    const before = this.take?.gestures.filter(({ kind, first }) => kind === 'prompt' && first <= this.head).at(-1);
    this.wanted = { kind: 'prompt', slot: '', first: this.head };
    this.edit({ edit: 'insert', frame: this.head, control: { text: 'a quiet meadow', ...before?.values, kind: 'prompt' } });
  }

  /** @param {'undo' | 'redo'} way */
  step(way) {
    if (this.list[way]()) this.ask();
  }

  /** @param {number} frame */
  seek(frame) {
    this.head = frame;
    this.showHead();
  }

  /** @param {'first' | 'last'} end of the marked part, which is taken off where it is already */
  mark(end) {
    const frame = end === 'first' ? this.head : this.head + 1;
    const marks = { ...this.marks, [end]: this.marks[end] === frame ? null : frame };
    const crossed = marks.first !== null && marks.last !== null && marks.first >= marks.last;
    this.marks = crossed ? { ...NO_PART, [end]: frame } : marks;
    this.showHead();
  }

  get part() {
    const { start, frames } = this.take ?? { start: 0, frames: 1 };
    const first = this.marks.first ?? start;
    return { first, last: Math.max(first + 1, Math.min(this.marks.last ?? start + frames, start + frames)) };
  }

  /**
   * @param {string} edit
   * @param {object} more
   */
  editPart(edit, more = {}) {
    const { part } = this;
    this.marks = NO_PART;
    this.edit({ edit, ...part, ...more });
  }

  /** @param {number} share of the time that the part takes */
  stretch(share) {
    const { first, last } = this.part;
    this.editPart('retime', { frames: Math.max(1, Math.round((last - first) * share)) });
  }

  /** Show the take from the part's beginning, or go back to live. */
  play() {
    if (this.preview.frames) this.page.command('live');
    else this.send('show-take', { first: this.marks.first });
  }
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const editor = new Editor(page);
  return {
    messages: {
      hello: () => editor.showPreview(LIVE),
      editing: (take) => editor.show(take),
      preview: (preview) => editor.showPreview(preview),
      rendering: (progress) => editor.render.show(progress),
      models: (offers) => editor.render.list(offers),
      error: (error) => editor.refused(error),
    },
    frame: () => { if (editor.preview.frames) editor.showHead(); },
  };
}

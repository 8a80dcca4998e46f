// The page's conductor: link, controls, stage, models and pictures that go in, the buttons around them, and Gradio's panel beside them.

import { Link, packed } from './link.js';
import { Controls } from './controls.js';
import { Input } from './input.js';
import { Models } from './models.js';
import { Stage } from './stage.js';

const KEYS = [
  ['Space', 'play or pause'], ['R', 'record, and stop'], ['S', 'save this picture'], ['Backspace', 'start again from frame 0'],
  ['1 2 3', 'live, path, pin'], ['[ ]', 'smaller, larger subject'], ['L', 'name the subject'], ['P', 'write the prompt'],
  ['Ctrl Enter', 'apply the prompt'], ['Ctrl Z', 'undo; with Shift, redo'], ['C', 'remove all strokes'],
  ['Delete, X', 'remove the chosen subject'], ['Alt + drag', 'a new subject over another'], ['\\ (hold)', 'without the overlay'],
  ['Arrows, Enter', 'move the cross and place, on the picture'], ['T', 'light or dark'], ['F', 'full screen'], ['?', 'these keys'],
];
const ICONS = {
  drag: '<circle cx="12" cy="12" r="5"/>', pin: '<rect x="7" y="7" width="10" height="10"/>',
  path: '<path d="M4 17c6 0 4-10 9-10s3 7 7 4"/>', loop: '<path d="M6 9h10a3 3 0 0 1 0 6H7M9 6L6 9l3 3"/>',
  once: '<path d="M5 12h13M14 8l4 4-4 4"/>', remove: '<path d="M7 7l10 10M17 7L7 17"/>',
};
const HINTS = {
  drag: (label) => `Drag in the picture: ${label} follows your hand.`,
  path: (label) => `Draw a line in the picture: ${label} goes along it.`,
  pin: (label) => `Point into the picture: ${label} stays there.`,
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const stored = {
  get(box, key) { try { return box().getItem(key); } catch { return null; } },
  set(box, key, value) { try { box().setItem(key, value); } catch { /* private mode: not kept */ } },
};
const [tab, always] = [() => sessionStorage, () => localStorage];

/** Gradio's component is on the page: wire it. `ask`, `tell`, `watch`, `value` are Gradio's events and value. */
export function open(gradio) {
  const page = new Page(gradio);
  window.studio = page;
  page.begin();
}

class Page {
  constructor({ element, root, ask, tell, watch, value }) {
    this.root = root;
    this.tell = tell;
    this.element = element;
    this.box = element.querySelector('.st');
    this.number = 0;
    this.pressed = -Infinity; // when play or pause was
    this.asked = new Map(); // number -> {control, at}: sent, not yet numbered by the server
    this.open = []; // {revision, at, control}: numbered, not yet seen in a picture
    this.times = { latency: [], drawn: [] };
    this.live = { fps: 24, paused: false, recording: false };
    this.played = { model: '', plays: [], refuses: {}, loras: [] };
    this.find = (selector) => this.box.querySelector(selector);
    this.writing = false; // is there something written that is neither applied nor taken back?
    this.controls = new Controls({
      ready: () => this.ready(), send: (control) => this.sendControl(control), play: (preset) => this.command('preset', { preset }),
      changed: (control) => this.changed(control),
    });
    this.stage = new Stage({
      stage: this.find('.st-stage'), view: this.find('.st-view'), ink: this.find('.st-ink'), controls: this.controls,
      brush: () => this.brush(), rate: () => this.live.fps || 24,
      told: (text, loud) => (loud ? this.toast(text) : this.announce(text)), selected: () => this.listStrokes(),
      refused: () => this.leavesAside('stroke'),
    });
    this.models = new Models({
      box: this.box, command: (name, more) => this.command(name, more), toast: (text, kind) => this.toast(text, kind),
    });
    this.input = new Input({
      send: (jpeg) => this.sendPicture(jpeg), none: () => this.sendControl({ kind: 'picture', data: '' }),
      told: (text) => this.toast(text, 'error'),
      mirror: () => stored.get(always, 'studio-mirror') !== 'no', mirrored: (on) => stored.set(always, 'studio-mirror', on ? 'yes' : 'no'),
    });
    this.link = new Link({
      root, ask: () => this.ticket(ask, watch, value), pull: new URL(location.href).searchParams.get('link') === 'pull',
      on: { frame: (frame) => this.frame(frame), message: (message) => this.heard(message), state: (...what) => this.linkState(...what) },
    });
  }

  begin() {
    document.body.classList.toggle('dark', !document.documentElement.classList.contains('studio-light'));
    document.documentElement.classList.toggle('studio-framed', window.self !== window.top);
    document.body.classList.toggle('studio-mac', /Mac|iP(hone|ad)/.test(navigator.platform));
    this.find('.st-help dl').innerHTML = KEYS.map(([key, what]) => `<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`).join('');
    this.wire();
    this.link.run();
    const beat = (now) => {
      if (!this.element.isConnected) return this.link.end();
      this.stage.draw(now);
      this.input.look(now);
      return requestAnimationFrame(beat);
    };
    requestAnimationFrame(beat);
    setInterval(() => this.measure(), 400);
  }

  // Gradio: a ticket for the link, and the panel

  ticket(ask, watch, value) {
    if (!this.answered) watch('value', () => this.answered(value()));
    return new Promise((done, failed) => {
      const late = setTimeout(() => failed(new Error('no ticket')), 8000);
      this.answered = (answer) => {
        clearTimeout(late);
        if (answer?.seat) stored.set(tab, 'studio-seat', answer.seat);
        if (answer?.gone) this.toast(answer.gone, 'error');
        done(answer || {});
      };
      ask({ seat: stored.get(tab, 'studio-seat') });
    });
  }

  /** The fields of a control that wait in the panel for Apply. */
  apply(kind, fields, values) {
    const now = this.controls.get(kind);
    if (!now) {
      this.ready();
      return;
    }
    const written = (field, value) => (value === null || (value === '' && typeof now[field] === 'number') ? now[field] : value);
    const changed = Object.fromEntries(fields.map((field, at) => [field, written(field, values[at])]));
    this.writing = !this.controls.set({ ...now, ...changed });
  }

  /** One field of a control, moved in the panel. */
  dial(kind, field, value) {
    const before = this.controls.get(kind);
    if (value === null || value === '') return; // a number that is being typed anew
    if (before && before[field] !== value) this.controls.set({ ...before, [field]: value }, `${kind} ${field}`);
  }

  /** A button of the panel that counts a field up. */
  press(kind, field) {
    const now = this.controls.get(kind);
    if (now) this.controls.set({ ...now, [field]: now[field] + 1 });
  }

  preset(name) {
    this.writing = false;
    this.controls.preset(name);
  }

  /** What a preset is about, where the pointer rests on its button. */
  describePresets() {
    const told = [...document.querySelectorAll('#studio-preset-words li')];
    document.querySelectorAll('#studio-presets button').forEach((button, at) => { button.title = told[at]?.textContent || ''; });
  }

  /** What the panel's components show, field by field: the controls in force; words that are being written stay as they are. */
  filled(fields, shown) {
    const writing = this.writing && this.unapplied();
    return fields.map(([kind, field], at) => (writing && kind === 'prompt' ? shown[at] : this.controls.get(kind)[field]));
  }

  showPanel() {
    this.tell();
    this.showLoras();
  }

  // To the server

  sendControl(control) {
    this.number += 1;
    this.asked.set(this.number, { control, at: performance.now() });
    if (!this.link.send({ type: 'control', number: this.number, control, saw: this.stage.frame })) this.asked.delete(this.number);
  }

  sendPicture(jpeg) {
    this.number += 1;
    return this.link.send(packed(this.number, this.stage.frame, jpeg)) ? this.number : null;
  }

  command(name, more = {}) {
    if (this.ready()) this.link.send({ type: 'command', name, ...more });
  }

  /** Can the server be reached? If not, whoever tries something is told. */
  ready() {
    if (!this.link.deliver) this.toast('Not connected just now; try again in a moment.');
    return Boolean(this.link.deliver);
  }

  // From the server

  async frame(frame) {
    const drawn = await this.stage.show(frame);
    this.link.send({ type: 'ack', sequence: frame.sequence });
    if (!drawn) return;
    const now = performance.now();
    this.times.drawn.push(now);
    if (this.find('.st-link').dataset.state === 'live') this.find('.st-veil').dataset.show = 'false'; // not by a late picture
    this.input.shown();
    const seen = this.open.filter(({ revision }) => revision <= frame.revision);
    if (!seen.length) return;
    this.open = this.open.filter(({ revision }) => revision > frame.revision);
    this.times.latency = [...this.times.latency, now - seen.at(-1).at].slice(-9);
    const words = seen.find(({ control }) => control.kind === 'prompt');
    if (words) this.liveSince(frame.index, now - words.at);
  }

  heard(message) {
    const answer = {
      hello: () => this.hello(message),
      state: () => { this.controls.take(message.state); this.play(message.state.pause.paused); this.showPanel(); },
      sent: () => this.numbered(message),
      receipts: () => message.items.forEach((item) => this.receipt(item)),
      status: () => this.status(message),
      recording: () => this.recorded(message.recording),
      take: () => this.takeSaved(message.take),
      download: () => this.download(message),
      models: () => this.models.offered(message),
      loading: () => this.models.loading(message),
      notice: () => this.toast(message.message),
      error: () => this.refused(message),
    }[message.type];
    if (answer) answer();
  }

  hello({ size, labels, recording, takes, state, controls, ...played }) {
    this.played = played;
    document.documentElement.dataset.plays = played.plays.join(' ');
    this.box.classList.toggle('no-strokes', Boolean(this.leavesAside('stroke')));
    this.models.played(played.model, played.choice);
    this.input.fit(size, played.plays, state.picture.bytes > 0);
    this.stage.drawn = 0;
    this.writing ||= [...this.asked.values()].some(({ control }) => control.kind === 'prompt'); // it may have been lost
    this.asked.clear();
    this.open = [];
    this.stage.resize(...size);
    this.find('#st-labels').replaceChildren(...labels.map((label) => new Option(label, label)));
    this.controls.describe(controls);
    this.controls.take(state);
    this.play(state.pause.paused);
    this.recorded(recording);
    this.showPanel();
    this.describePresets();
    document.getElementById('studio-takes')?.replaceChildren();
    takes.forEach((take) => this.listTake(take));
  }

  numbered({ number, revision }) {
    const { control, at } = this.asked.get(number) || {};
    this.asked.delete(number);
    this.input.answered(number);
    if (control && !['pause', 'picture'].includes(control.kind)) this.open.push({ revision, at, control });
    if (control?.kind === 'stroke' && this.controls.strokes.has(control.id)) this.controls.strokes.get(control.id).revision = revision;
  }

  receipt([revision, , frame]) {
    for (const stroke of this.controls.strokes.values()) {
      if (stroke.revision === revision) Object.assign(stroke, { since: frame, revision: null });
    }
    this.stage.dirty = true;
  }

  refused({ message, number }) {
    const { control } = this.asked.get(number) || {};
    this.asked.delete(number);
    this.toast(message.charAt(0).toUpperCase() + message.slice(1), 'error');
    this.input.answered(number);
    if (control) this.controls.refused(control);
    if (control?.kind === 'prompt') this.writing = true;
    if (control && control.kind !== 'stroke' && control.kind !== 'prompt') this.showPanel();
  }

  status(status) {
    const problem = status.error ? `The session stopped: ${status.error}. Start again with Backspace.` : status.problem;
    if (problem && problem !== this.live.told) this.toast(problem, 'error');
    const asked = [...this.asked.values()].some(({ control }) => control.kind === 'pause') || performance.now() - this.pressed < 1000;
    const paused = asked ? this.live.paused : status.paused; // the server has not seen to it yet
    this.live = { ...status, told: problem };
    this.play(paused);
    this.recorded(status.recording);
    this.skips(status.skip_rate);
  }

  /** How many pictures the similarity filter lets stand. */
  skips(rate) {
    const line = document.getElementById('studio-skips');
    const text = this.controls.get('similarity')?.threshold ? `skips ${Math.round(100 * (rate || 0))} % of the frames` : '';
    if (line && line.textContent !== text) line.textContent = text;
  }

  /** Why the model takes no control of a kind, or ''. */
  leavesAside(kind) {
    const { model, refuses } = this.played;
    return refuses[kind] ? `${model} takes no ${kind === 'stroke' ? 'strokes' : kind}: ${refuses[kind]}.` : '';
  }

  linkState(state, detail) {
    const words = { live: detail === 'pull' ? 'live by HTTP' : 'live', lost: 'reconnecting', waiting: 'waiting', superseded: 'elsewhere' };
    this.find('.st-link').dataset.state = state;
    this.show('link', words[state]);
    if (state === 'lost' && this.stage.drawn) this.veil(detail || 'The link is lost. Trying again; your session waits.');
    if (state === 'waiting' || state === 'superseded') this.veil(detail);
  }

  veil(text) {
    this.find('[data-veil]').textContent = text;
    this.find('.st-veil').dataset.show = 'true';
  }

  // What is shown

  show(name, value) {
    const place = this.find(`[data-hud="${name}"]`);
    if (place.textContent !== String(value)) place.textContent = value;
  }

  /** Is there something written that is not applied? The button says so. */
  unapplied() {
    const prompt = this.controls.get('prompt');
    const text = (name) => document.querySelector(`#studio-${name} textarea`)?.value.trim();
    const chosen = document.querySelector('#studio-switch input:checked')?.value;
    const blend = document.querySelector('#studio-blend input[type=number]')?.value;
    const same = !prompt || ((text('prompt') ?? prompt.text) === prompt.text && (text('negative') ?? prompt.negative) === prompt.negative
      && (chosen ?? prompt.switch) === prompt.switch && Number(blend ?? prompt.blend) === prompt.blend);
    document.getElementById('studio-apply')?.classList.toggle('unapplied', !same);
    return !same;
  }

  measure() {
    const now = performance.now();
    this.unapplied();
    const drawn = (this.times.drawn = this.times.drawn.filter((time) => now - time < 2000));
    const span = drawn.length > 1 ? (drawn.at(-1) - drawn[0]) / 1000 : 0;
    this.show('fps', this.live.paused ? '0' : span ? ((drawn.length - 1) / span).toFixed(1) : '–');
    const { latency } = this.times;
    const guess = 1.5 * (this.live.tick_ms || 0) + (this.live.round_trip_ms || 0);
    this.show('latency', latency.length ? Math.round(median(latency)) : guess ? `≈ ${Math.round(guess)}` : '–');
    this.show('frame', this.stage.frame.toLocaleString('en').replaceAll(',', ' '));
    if (!this.find('.st-rec').hidden) {
      this.find('.st-rec span').textContent = minutes((Date.now() - this.recordingSince) / 1000);
    }
  }

  liveSince(frame, ms) {
    const line = document.getElementById('studio-live');
    if (line) line.textContent = `live since frame ${frame.toLocaleString('en').replaceAll(',', ' ')} · ${(ms / 1000).toFixed(2)} s`;
  }

  changed(control) {
    this.stage.dirty = true;
    if (control?.kind === 'stroke' && this.stage.stroke) stored.set(always, 'studio-painted', 'yes');
    if (!control || control.kind === 'stroke' || control.kind === 'erase') this.listStrokes();
    const { past, future, strokes } = this.controls;
    const there = { undo: past.length, redo: future.length, clear: strokes.size };
    Object.entries(there).forEach(([name, size]) => this.find(`[data-do="${name}"]`).setAttribute('aria-disabled', String(!size)));
    document.documentElement.dataset.guidance = this.controls.get('sampling')?.guidance || 'none';
  }

  listStrokes() {
    const list = this.find('.st-strokes');
    this.find('.st-swatch').style.background = this.controls.nextColour();
    const strokes = [...this.controls.strokes.values()];
    const hint = this.hint(strokes.length);
    const wanted = JSON.stringify([this.stage.selected, hint, strokes.map(({ id, label, mode, loop }) => [id, label, mode, loop])]);
    if (list.dataset.shown === wanted) return;
    list.dataset.shown = wanted;
    list.replaceChildren(...strokes.map((stroke) => this.chip(stroke)));
    if (hint) list.append(Object.assign(document.createElement('p'), { className: 'st-hint', textContent: hint }));
  }

  /** What the hand does with this brush; said while nothing is painted, and until this person has painted once. */
  hint(strokes) {
    if (this.leavesAside('stroke')) return this.leavesAside('stroke');
    if (strokes && stored.get(always, 'studio-painted')) return '';
    const { label, mode } = this.brush();
    return label ? HINTS[mode](label) : 'Type a subject, then paint it into the picture.';
  }

  chip(stroke) {
    const { id, label, mode, loop } = stroke;
    const chip = document.createElement('div');
    chip.className = 'st-chip';
    chip.role = 'listitem';
    chip.dataset.id = id;
    chip.style.setProperty('--colour', this.controls.colour(id));
    chip.classList.toggle('chosen', id === this.stage.selected);
    chip.append(
      button(icon(mode), label, `Choose ${label}`, () => this.choose(id)),
      ...(mode === 'path' ? [button(icon(loop ? 'loop' : 'once'), '', loop ? `${label} starts over at the end` : `${label} stays at the end`,
        () => this.controls.set({ kind: 'stroke', id, label, points: stroke.points, mode, size: stroke.size, loop: !loop }))] : []),
      button(icon('remove'), '', `Remove ${label}`, () => this.controls.set({ kind: 'erase', id })),
    );
    return chip;
  }

  /** A slider for the weight of each LoRA the model was opened with. */
  showLoras() {
    const list = document.getElementById('studio-loras');
    const { loras } = this.played;
    if (!list) return;
    if (list.dataset.shown !== JSON.stringify(loras)) {
      list.dataset.shown = JSON.stringify(loras);
      list.replaceChildren(...loras.map((name) => lora(name, this.controls.widget('lora', 'weight'), (weight) => this.controls.set({ kind: 'lora', name, weight }, `lora ${name}`))));
    }
    loras.forEach((name, at) => list.children[at].show(this.controls.all('lora').get(name)?.weight ?? 0));
  }

  choose(id) {
    this.stage.select(this.stage.selected === id ? null : id);
    const stroke = this.controls.strokes.get(this.stage.selected);
    if (stroke) this.setSize(stroke.size, false);
  }

  toast(text, kind = 'notice') {
    const toasts = this.find('.st-toasts');
    if ([...toasts.children].some((toast) => toast.textContent === text)) return;
    const toast = document.createElement('div');
    toast.className = `st-toast ${kind}`;
    toast.textContent = text;
    toast.onclick = () => toast.remove();
    toasts.append(toast);
    while (toasts.children.length > 3) toasts.firstChild.remove();
    setTimeout(() => toast.remove(), kind === 'error' ? 9000 : 5000);
  }

  announce(text) {
    this.find('.st-stage').setAttribute('aria-description', text);
  }

  // Buttons, keys and brush

  brush() {
    return {
      label: this.find('.st-label input').value.trim(), size: Number(this.find('.st-size input').value),
      mode: this.find('[data-mode][aria-checked="true"]').dataset.mode,
    };
  }

  setMode(mode) {
    this.box.querySelectorAll('[data-mode]').forEach((one) => one.setAttribute('aria-checked', String(one.dataset.mode === mode)));
    this.listStrokes();
  }

  setSize(size, act = true) {
    const range = this.find('.st-size input');
    range.value = size;
    fill(range);
    this.find('.st-size output').textContent = `${Math.round(range.value * 100)}%`;
    const stroke = act && this.controls.strokes.get(this.stage.selected);
    if (!stroke) return;
    const { id, label, points, mode, loop } = stroke;
    this.controls.set({ kind: 'stroke', id, label, points, mode, loop, size: Number(range.value) }, `size ${id}`);
  }

  play(paused) {
    this.live.paused = paused;
    this.box.classList.toggle('paused', paused);
    this.find('[data-do="play"]').setAttribute('aria-label', paused ? 'Play (Space)' : 'Pause (Space)');
  }

  recorded(recording) {
    if (recording && this.find('.st-rec').hidden) this.recordingSince = Number(stored.get(tab, 'studio-recording')) || Date.now();
    stored.set(tab, 'studio-recording', recording ? this.recordingSince : '');
    this.live.recording = recording;
    this.box.classList.toggle('recording', recording);
    this.find('.st-rec').hidden = !recording;
    this.find('[data-do="record"]').setAttribute('aria-pressed', String(recording));
  }

  takeSaved(take) {
    this.listTake(take);
    if (!take.frames) this.toast('Nothing was recorded: the picture stood still.');
    else this.toast(take.problem || `Take kept: ${take.frames} frames. Score and video are in the panel.`, take.problem ? 'error' : 'notice');
  }

  address(secret) {
    return `${this.root}/gradio_api/studio/download/${secret}`;
  }

  listTake({ name, frames, fps, score, video }) {
    if (!frames) return;
    const row = document.createElement('div');
    row.className = 'st-take';
    const title = document.createElement('span');
    title.textContent = name.replace(/^\d+-\d+-/, '').replaceAll('-', ' ');
    title.title = `${name}: ${frames} frames at ${fps} a second`;
    const links = [['Score', score, '.jsonl'], ['Video', video, '.mp4']].filter(([, secret]) => secret).map(([word, secret, ending]) =>
      Object.assign(document.createElement('a'), { textContent: word, href: this.address(secret), download: name + ending }));
    row.append(title, Object.assign(document.createElement('small'), { textContent: minutes(frames / fps) }), ...links);
    document.getElementById('studio-takes')?.prepend(row);
  }

  download({ name, address }) {
    Object.assign(document.createElement('a'), { href: this.address(address), download: name }).click();
    this.toast(`Saved ${name}`);
  }

  back(way) {
    const controls = this.controls[way]();
    if (controls?.some(({ kind }) => kind === 'prompt')) this.writing = false;
    if (controls?.some(({ kind }) => kind !== 'stroke' && kind !== 'erase')) this.showPanel();
  }

  theme() {
    const light = document.documentElement.classList.toggle('studio-light');
    document.body.classList.toggle('dark', !light);
    stored.set(always, 'studio-theme', light ? 'light' : 'dark');
  }

  actions() {
    const help = this.find('.st-help');
    return {
      play: () => { this.pressed = performance.now(); this.play(!this.live.paused); this.sendControl({ kind: 'pause', paused: this.live.paused }); },
      reset: () => this.command('reset'),
      record: () => this.command(this.live.recording ? 'stop' : 'record'),
      snapshot: () => this.command('snapshot', { saw: this.stage.frame }),
      undo: () => this.back('undo'), redo: () => this.back('redo'), clear: () => this.controls.clear(),
      theme: () => this.theme(),
      fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : this.find('.st-well').requestFullscreen?.()),
      help: () => help.showModal(), 'close-help': () => help.close(),
      models: () => this.models.open(), 'close-models': () => this.models.close(), 'cancel-load': () => this.command('cancel'),
    };
  }

  wire() {
    this.actions = this.actions();
    this.box.addEventListener('click', ({ target }) => {
      const name = target.closest('[data-do]')?.dataset.do;
      if (name) this.actions[name]();
      const mode = target.closest('[data-mode]')?.dataset.mode;
      if (mode) this.setMode(mode);
      if (target.matches('dialog')) target.close();
    });
    this.find('.st-size input').addEventListener('input', ({ target }) => this.setSize(target.value));
    this.find('.st-label input').addEventListener('input', () => this.stage.select(null));
    document.addEventListener('input', ({ target }) => {
      if (target.closest?.('#studio-prompt, #studio-negative, #studio-switch, #studio-blend')) this.writing = true;
    });
    this.find('.st-label input').addEventListener('keydown', (event) => { if (event.key === 'Enter') this.find('.st-stage').focus(); });
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('keyup', ({ key }) => { if (key === '\\') Object.assign(this.stage, { bare: false, dirty: true }); });
    fill(this.find('.st-size input'));
    this.changed(null);
  }

  key(event) {
    const { key, target } = event;
    const command = event.ctrlKey || event.metaKey;
    const typing = target.matches?.('textarea, select, [contenteditable], input:not([type=range], [type=radio], [type=checkbox])');
    if (command && key === 'Enter') document.querySelector('#studio-apply button, button#studio-apply')?.click();
    else if (typing && key === 'Escape') target.blur();
    else if (typing || this.find('dialog[open]')) return;
    else if (command && key.toLowerCase() === 'z') this.back(event.shiftKey ? 'redo' : 'undo');
    else if (command || (key === ' ' && target.matches?.('button, a, [type=checkbox]'))) return;
    else if (!this.plainKey(key)) return;
    event.preventDefault();
  }

  plainKey(key) {
    const size = this.brush().size;
    const remove = () => this.stage.selected && this.controls.set({ kind: 'erase', id: this.stage.selected });
    const focus = (selector) => document.querySelector(selector)?.focus();
    const act = {
      ' ': this.actions.play, r: this.actions.record, s: this.actions.snapshot, Backspace: this.actions.reset,
      c: this.actions.clear, t: this.actions.theme, f: this.actions.fullscreen, '?': this.actions.help,
      1: () => this.setMode('drag'), 2: () => this.setMode('path'), 3: () => this.setMode('pin'),
      '[': () => this.setSize(size - 0.02), ']': () => this.setSize(size + 0.02),
      l: () => this.find('.st-label input').select(), p: () => focus('#studio-prompt textarea'),
      Delete: remove, x: remove,
      Escape: () => this.stage.select(null), '\\': () => Object.assign(this.stage, { bare: true, dirty: true }),
    }[key.length === 1 ? key.toLowerCase() : key];
    if (act) act();
    return Boolean(act);
  }
}

/** The part of a slider below its value is coloured (`studio.css`). */
function fill(range) {
  range.style.setProperty('--share', (100 * (range.value - range.min)) / (range.max - range.min));
}

function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function lora(name, { minimum, maximum, step }, moved) {
  const row = Object.assign(document.createElement('label'), { className: 'st-lora' });
  const range = Object.assign(document.createElement('input'), { type: 'range', min: minimum, max: maximum, step });
  const [title, shown] = [document.createElement('span'), document.createElement('output')];
  title.textContent = name;
  row.show = (weight) => { range.value = weight; fill(range); shown.textContent = Number(weight).toFixed(2); };
  range.oninput = () => { row.show(range.value); moved(Number(range.value)); };
  row.append(title, shown, range);
  return row;
}

function button(markup, text, label, action) {
  const made = document.createElement('button');
  made.innerHTML = markup;
  if (text) made.append(Object.assign(document.createElement('span'), { textContent: text }));
  made.title = label;
  made.setAttribute('aria-label', label);
  made.onclick = action;
  return made;
}

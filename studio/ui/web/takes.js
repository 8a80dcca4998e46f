// @ts-check
// Recording, and the takes that were kept.

import { element, find, formatDuration } from './dom.js';
import { tabStorage } from './storage.js';

/** @import { ShowToast, Take } from './types.js' */

/**
 * A take as the list shows it: its title without the date, how long it is, and its downloads. Null where nothing was recorded.
 * @param {Take} take
 * @param {(secret: string) => string} address of a download
 */
export function takeEntry({ name, frames, fps, score, video, unfinished, parent, note }, address) {
  if (!frames) return null;
  const files = [{ text: 'Score', secret: score, ending: '.jsonl' }, { text: 'Video', secret: video, ending: '.mp4' }];
  return {
    title: titleOf(name),
    parent: parent ? versionWords(titleOf(name), titleOf(parent)) : '',
    about: aboutTake({ name, frames, fps, unfinished, note }),
    duration: formatDuration(frames / fps) + (unfinished ? ' unfinished' : ''),
    links: files.flatMap(({ text, secret, ending }) => (secret ? [{ text, href: address(secret), download: name + ending }] : [])),
  };
}

/**
 * All that is known of a take, in words.
 * @param {Take} take
 */
function aboutTake({ name, frames, fps, unfinished, note }) {
  const end = unfinished ? ', cut off by the end of the server' : '';
  return `${name}: ${frames} frames at ${fps} a second${end}${note ? `. ${note}` : ''}`;
}

/**
 * A take's name without its date.
 * @param {string} name
 */
function titleOf(name) {
  return name.replace(/^\d+-\d+-/, '').replaceAll('-', ' ');
}

/**
 * What a version is, and of what: "8 steps, from a fox at night".
 * @param {string} title
 * @param {string} parent
 */
export function versionWords(title, parent) {
  const stem = parent.replace(/ v\d+$/, '');
  const own = title.startsWith(stem) ? title.slice(stem.length).trim() : '';
  return `${own ? `${own}, ` : ''}from ${parent}`;
}

/**
 * What is said of a take that has just ended.
 * @param {Take} take
 * @returns {[string, import('./types.js').ToastKind]}
 */
export function takeNotice({ name, frames, video, problem, parent }) {
  if (parent && frames && !problem) return [`Version kept: ${titleOf(name)}, from ${titleOf(parent)}.`, 'notice'];
  if (!frames) return ['Nothing was recorded: the picture stood still.', 'notice'];
  const files = video ? 'Score and video are' : 'Its score is';
  return problem ? [problem, 'error'] : [`Take kept: ${frames} frames. ${files} in the panel.`, 'notice'];
}

export class Takes {
  /** @param {{ box: HTMLElement, root: string, toast: ShowToast }} options */
  constructor({ box, root, toast }) {
    this.box = box;
    this.root = root;
    this.toast = toast;
    /** @type {{ text: string, hint: string, run: (take: Take) => void }[]} */
    this.actions = []; // what can be done with a take, beside downloads
    this.clock = find(box, '.st-rec', HTMLElement);
    this.button = find(box, '[data-do="record"]', HTMLElement);
    this.recording = false;
    this.began = 0; // Date.now() of the recording's start
  }

  /**
   * A recording that goes on after a reload counts from where it began.
   * @param {boolean} recording
   */
  setRecording(recording) {
    if (recording && this.clock.hidden) this.began = Number(tabStorage.get('studio-recording')) || Date.now();
    tabStorage.set('studio-recording', recording ? String(this.began) : '');
    this.recording = recording;
    this.box.classList.toggle('recording', recording);
    this.clock.hidden = !recording;
    this.button.setAttribute('aria-pressed', String(recording));
  }

  showClock() {
    if (this.recording) find(this.clock, 'span', HTMLElement).textContent = formatDuration((Date.now() - this.began) / 1000);
  }

  /** @param {Take[]} takes */
  list(takes) {
    document.getElementById('studio-takes')?.replaceChildren();
    takes.forEach((take) => this.add(take));
  }

  /** @param {Take} take */
  finish(take) {
    this.add(take);
    this.toast(...takeNotice(take));
  }

  /** @param {Take} take */
  add(take) {
    const entry = takeEntry(take, (secret) => this.address(secret));
    if (!entry) return;
    const row = element('div', { className: 'st-take' });
    row.dataset.take = take.name;
    const title = element('span', { textContent: entry.title, title: entry.about });
    if (entry.parent) title.append(element('small', { className: 'st-parent', textContent: entry.parent }));
    row.append(
      title,
      element('small', { textContent: entry.duration }),
      ...this.actions.map(({ run, text, hint }) => element('button', { textContent: text, title: hint, onclick: () => run(take) })),
      ...entry.links.map(({ text, href, download }) => element('a', { textContent: text, href, download })),
    );
    document.getElementById('studio-takes')?.prepend(row);
  }

  /**
   * A take that is listed has more files now.
   * @param {Take} take
   */
  replace(take) {
    const rows = [...document.querySelectorAll('#studio-takes .st-take')];
    const before = rows.find((row) => row instanceof HTMLElement && row.dataset.take === take.name);
    this.add(take);
    const now = document.getElementById('studio-takes')?.firstElementChild;
    if (before && now) before.replaceWith(now);
  }

  /** @param {string} secret */
  address(secret) {
    return `${this.root}/gradio_api/studio/download/${secret}`;
  }

  /**
   * Have the browser save a file that is ready on the server.
   * @param {{ name: string, address: string }} file
   */
  download({ name, address }) {
    element('a', { href: this.address(address), download: name }).click();
    this.toast(`Saved ${name}`);
  }
}

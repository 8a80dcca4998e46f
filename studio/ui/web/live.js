// @ts-check
// What a picture is to a video model: redrawn as it comes, a chunk late, or the first frame of the next start.

import { inForce } from './state.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */
/** @import { Source } from './input.js' */

export const FIRST_FRAME = 'The picture is the first frame of the next start: press Backspace.';
const MOVING = new Set(['camera', 'film', 'screen']);
const TITLES = { camera: 'your camera', film: 'a video file', screen: 'a screen, a window or a tab', still: 'a picture file' };

/**
 * What is said of the picture that comes in.
 * @param {{ plays: string[], redraw: boolean, late: number, rate: number }} now
 */
export function liveWords({ plays, redraw, late, rate }) {
  if (!plays.includes('live')) return plays.includes('camera') ? '' : FIRST_FRAME;
  if (!redraw) return FIRST_FRAME;
  return `Redrawn live, a chunk late: ${late} pictures${rate ? `, ${(late / rate).toFixed(1)} s` : ''}.`;
}

/**
 * What a button of a source says while the pointer rests on it.
 * @param {string} source
 * @param {string[]} plays
 */
export function sourceTitle(source, plays) {
  const what = TITLES[/** @type {keyof typeof TITLES} */ (source)];
  if (!what) return 'From words alone';
  if (!plays.includes('live')) return `From ${what}`;
  return MOVING.has(source) ? `From ${what}: each picture is redrawn, a chunk late` : `From ${what}: the first frame of the next start`;
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const { controls, input } = page;
  let late = 0;
  const words = () => liveWords({
    plays: page.model.plays, redraw: inForce(controls, 'live')?.redraw, late, rate: page.playback.status.fps ?? 0,
  });
  input.begun = (source) => {
    redraw(page, source);
    return words();
  };
  return {
    messages: { hello: (hello) => { late = hello.late; } },
    changed: (control) => { if (input.media && (!control || control.kind === 'live')) input.show(words()); },
    measure: () => entitle(page.model.plays),
  };
}

/**
 * A source was chosen: what moves is redrawn, a still is a first frame. The switch in the panel says and changes it.
 * @param {Page} page
 * @param {Source} source
 */
function redraw({ controls, model, panel }, source) {
  const now = inForce(controls, 'live');
  if (!now || !model.plays.includes('live') || now.redraw === MOVING.has(source)) return;
  if (controls.set({ ...now, redraw: MOVING.has(source) })) panel.show();
}

/**
 * Gradio makes the buttons, and may make them again.
 * @param {string[]} plays
 */
function entitle(plays) {
  for (const button of document.querySelectorAll('[data-source]')) {
    if (!(button instanceof HTMLElement)) continue;
    const { source = '' } = button.dataset;
    button.title = sourceTitle(source, plays);
    if (source === 'screen') button.hidden = !navigator.mediaDevices?.getDisplayMedia;
  }
}

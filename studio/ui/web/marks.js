// @ts-check
// A prompt's mark on the strip: its shape says how the words came in.

import { element } from './dom.js';

/** @import { Change } from './types.js' */

/** @type {Record<string, (frames: number) => string>} */
const STYLES = {
  recache: () => 'recache, turned at once and went on',
  keep: () => 'keep, drifts over slowly',
  cut: () => 'cut, a new shot',
  blend: (frames) => `blend over ${frames} frames`,
};

/**
 * @param {Change} change
 */
export function changeMark([frame, words, style = 'recache', frames = 0]) {
  const how = STYLES[style]?.(frames) ?? style;
  const mark = element('i', { className: style, title: `${words} · ${how}, frame ${frame}` });
  mark.setAttribute('role', 'img');
  mark.setAttribute('aria-label', mark.title);
  return mark;
}

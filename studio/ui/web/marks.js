// @ts-check
// A prompt's mark on the strip: its shape says how the words came in.

import { element } from './dom.js';

/** @import { Change } from './types.js' */

/** @type {Record<string, (frames: number) => string>} */
const STYLES = {
  recache: () => 'Recache: turned at once and went on', keep: () => 'Keep: drifts over', cut: () => 'Cut: a new shot',
  blend: (frames) => `Blend over ${frames} frames`,
};

/**
 * @param {Change} change
 */
export function changeMark([frame, words, style = 'recache', frames = 0]) {
  const mark = element('i', { className: style, title: words });
  const how = (STYLES[style] ?? (() => style))(frames);
  mark.setAttribute('role', 'img');
  mark.setAttribute('aria-label', `${how}, at frame ${frame}: ${words}`);
  mark.dataset.how = how;
  return mark;
}

// @ts-check
// What strokes are painted on, of an image model: with anything painted under a picture there is a strength to redraw
// it with, as there is with a camera's.

import { inForce } from './state.js';

/** @import { Page } from './page.js' */
/** @import { Controls, Feature, StrokeWay } from './types.js' */

/**
 * Does a frame begin from something that is painted under it? As Python's `backdrop_of`, but for the picture.
 * @param {Controls} controls
 * @param {StrokeWay} strokes how the model plays them
 */
export function isPainted(controls, strokes) {
  const source = inForce(controls, 'backdrop')?.source ?? 'none';
  if (strokes.by !== 'underpainting' || source === 'none') return false;
  return source !== 'auto' || controls.strokes.size > 0;
}

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const show = () => {
    document.documentElement.toggleAttribute('data-painted', isPainted(page.controls, page.model.strokes));
  };
  return { measure: show, changed: show };
}

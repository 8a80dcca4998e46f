// @ts-check
// The way in: canvas.py calls `open` once Gradio's component is on the page.

import { Page } from './page.js';

/** @import { GradioComponent } from './types.js' */

/**
 * Wire the component and open the link.
 * @param {GradioComponent} gradio its element, events (`ask`, `tell`, `watch`) and value
 */
export function open(gradio) {
  const page = new Page(gradio);
  window.studio = { ...page, ...panelCalls(page) };
  page.start();
}

/**
 * What the panel's components call: studio/ui/panel.py names them.
 * @param {Page} page
 */
function panelCalls({ panel }) {
  return {
    prompt: (/** @type {any[]} */ ...values) => panel.applyFields('prompt', ['text', 'negative', 'switch', 'blend'], values),
    dial: panel.setField.bind(panel),
    renew: () => panel.countUp('sink', 'renewed'),
    preset: panel.playPreset.bind(panel),
    filled: panel.values.bind(panel),
  };
}

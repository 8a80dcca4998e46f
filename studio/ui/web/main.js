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
  window.studio = page; // whose panel the components of Gradio's call (studio/ui/panel.py)
  page.start();
}

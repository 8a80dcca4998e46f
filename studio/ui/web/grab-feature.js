// @ts-check
// Taking hold as a feature of the page: its tools beside the brush, the outline of what is held, how stiff that is.

import { place } from './course.js';
import { element, fillSlider } from './dom.js';
import { GrabTools } from './grab-tools.js';
import { Grabs } from './grabs.js';
import { strokeMessage } from './strokes.js';

/** @import { Feature } from './types.js' */
/** @import { Page } from './page.js' */

const SVG = 'http://www.w3.org/2000/svg';
const NEAR = 9; // pixels of the mark under a hand that waits

/**
 * @param {Page} page
 * @returns {Feature}
 */
export function install(page) {
  const grabs = new Grabs(page);
  page.grabs = grabs;
  const tools = new GrabTools(page, grabs);
  const outlines = outlineLayer(page, grabs);
  const slider = stiffnessSlider(page, grabs);
  return {
    actions: tools.actions,
    messages: {
      hello: () => {
        grabs.restart();
        tools.greet();
      },
      grabbed: (answer) => grabs.grabbed(answer),
      receipts: ({ items }) => grabs.receive(items),
      error: ({ number }) => grabs.refused(number),
    },
    draw: (now) => {
      grabs.settle(now);
      outlines();
      slider.show();
    },
  };
}

/**
 * The outline of what is held, where it is in the picture on the canvas; a small ring under a hand that waits.
 * @param {Page} page
 * @param {Grabs} grabs
 */
function outlineLayer({ controls, hand, seen, stage }, grabs) {
  const layer = document.createElementNS(SVG, 'svg');
  layer.classList.add('st-taken');
  layer.setAttribute('viewBox', '0 0 1 1');
  layer.setAttribute('preserveAspectRatio', 'none');
  hand.area.append(layer);
  return () => {
    const held = new Set([...[...hand.strokes.values()].map(({ id }) => id), ...grabs.leaving.keys(), ...hand.chosen]);
    const shapes = [...grabs.things].filter(([id]) => held.has(id) && controls.strokes.has(id)).map(([id, { outline, middle }]) => {
      const stroke = seen.version(id, stage.frame) ?? controls.strokes.get(id);
      const [x, y] = stroke ? place(stroke, stage.frame) : middle;
      const line = document.createElementNS(SVG, 'polygon');
      line.setAttribute('points', outline);
      line.setAttribute('transform', `translate(${x - middle[0]} ${y - middle[1]})`);
      return line;
    });
    const waiting = [...grabs.asked.values()].map(({ stroke: { points } }) => {
      const [, x, y] = points[points.length - 1];
      const ring = document.createElementNS(SVG, 'ellipse');
      const { clientWidth: width, clientHeight: height } = hand.area;
      const shape = { cx: x, cy: y, rx: NEAR / width, ry: NEAR / height };
      for (const [name, value] of Object.entries(shape)) ring.setAttribute(name, String(value));
      return ring;
    });
    if (shapes.length || waiting.length || layer.childElementCount) layer.replaceChildren(...shapes, ...waiting);
  };
}

/**
 * How firmly what is chosen is held, in the bar of the choice; the next thing is held as firmly.
 * @param {Page} page
 * @param {Grabs} grabs
 */
function stiffnessSlider({ selection }, grabs) {
  const words = 'How firmly it is held to what was cut out: soft lets the model redraw it';
  const input = element('input', { type: 'range', min: '0', max: '1', step: '0.05', title: words });
  input.setAttribute('aria-label', 'Stiffness');
  const field = element('label', { className: 'st-stiffness', title: words, textContent: 'soft' });
  field.append(input, 'stiff');
  selection?.view.bar.prepend(field);
  input.addEventListener('input', () => {
    grabs.stiffness = Number(input.value);
    const strokes = selection?.strokes ?? [];
    const messages = strokes.map((stroke) => strokeMessage(stroke, { stiffness: grabs.stiffness }));
    selection?.set(messages, `stiffness ${strokes.map(({ id }) => id)}`);
    fillSlider(input);
  });
  return {
    show() {
      field.hidden = !grabs.can();
      const [stroke] = selection?.strokes ?? [];
      if (!stroke || document.activeElement === input) return;
      input.value = String(stroke.stiffness ?? grabs.stiffness);
      fillSlider(input);
    },
  };
}

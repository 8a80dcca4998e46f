// @ts-check
// The parts of the page that painting takes: what the picture has, the hand, the overlay and the list of subjects.

import { find } from './dom.js';
import { Hand } from './hand.js';
import { Ink } from './ink.js';
import { Seen } from './seen.js';
import { StrokeList } from './strokes.js';

/** @import { Page } from './page.js' */

const USUAL_RATE = 24; // frames a second, until the server says its own

const area = (/** @type {Page} */ { box }) => find(box, '.st-stage', HTMLElement);

/** @param {Page} page */
export function makeSeen({ outbox, stage, controls }) {
  return new Seen({ outbox, frame: () => stage.frame, strokes: () => controls.strokes });
}

/** @param {Page} page */
export function makeHand(page) {
  return new Hand({
    area: area(page), controls: page.controls, brush: () => page.brush.settings, seen: (time) => page.seen.at(time),
    rate: () => page.playback.status.fps || USUAL_RATE, refusal: () => page.refusalOf('stroke'),
    selected: (_, clicked) => page.showChosen(clicked), snap: (place, id) => page.selection?.snapPin(place, id) ?? place,
    taking: {
      can: () => page.grabs?.can() ?? false, begin: (stroke, frame) => page.grabs?.begin(stroke, frame),
      end: (stroke, keep) => page.grabs?.end(stroke, keep),
    },
    announce: (text) => area(page).setAttribute('aria-description', text), warn: (text) => page.toasts.show(text),
  });
}

/** @param {Page} page */
export function makeInk(page) {
  const { box, controls, hand, seen, outbox, brush, stage } = page;
  return new Ink({
    canvas: find(box, '.st-ink', HTMLCanvasElement), area: area(page), controls, hand, seen, outbox,
    brush: () => brush.settings, frame: () => stage.frame, refusal: () => page.refusalOf('stroke'),
  });
}

/** @param {Page} page */
export function makeStrokeList(page) {
  const { box, controls, brush, hand } = page;
  return new StrokeList({
    box, controls, brush: () => brush.settings, way: () => page.model.strokes, chosen: () => hand.chosen,
    choose: (id) => page.choose(id), refusal: () => page.refusalOf('stroke'),
  });
}

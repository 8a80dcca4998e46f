// @ts-check
// A gamepad: the left stick moves what the brush paints, buttons play prompt slots and take steps back.

import { NEUTRAL, place } from './course.js';
import { withinPicture } from './geometry.js';

/** @import { PaintedPoint, Position } from './types.js' */
/** @import { Page } from './page.js' */

const SPEED = 0.7; // of the picture a second, the stick all the way
const MIDDLE = 0.15; // of the way: so far a stick rests beside its middle
const LONGEST_STEP = 100; // ms: a page that was in the background does not jump
const REST = 400; // ms of rest, after which a move is another step back
// What buttons do, by their number in the browser's standard order.
export const BUTTONS = {
  0: 'slot-1', 1: 'slot-2', 2: 'slot-3', 3: 'slot-4', 12: 'slot-5', 13: 'slot-6', 14: 'slot-7', 15: 'slot-8',
  4: 'undo', 5: 'redo', 6: 'smaller', 7: 'larger', 8: 'record', 9: 'play',
};

/**
 * How fast a stick goes: nothing near its middle, and from there on gently.
 * @param {number} x -1..1
 * @param {number} y
 * @returns {Position}
 */
export function stickSpeed(x, y) {
  const far = Math.min(1, Math.hypot(x, y));
  if (far < MIDDLE) return [0, 0];
  const fast = ((far - MIDDLE) / (1 - MIDDLE)) ** 1.5 * SPEED / far;
  return [x * fast, y * fast];
}

export class Gamepads {
  /** @type {Set<number>} the buttons that are down */
  down = new Set();

  at = 0; // ms, of the last look
  moved = -Infinity; // ms, of the last move
  gesture = 0;
  stale = false; // has it moved since it was sent?
  warned = false; // that there is nothing to move

  /** @type {string | null} */
  id = null; // of the stroke it moves

  /**
   * @param {Page} page
   * @param {(action: string) => void} press
   */
  constructor(page, press) {
    this.page = page;
    this.press = press;
  }

  /** The gamepad that is played: the first that is there. A page within another may be let see none. */
  get pad() {
    try {
      return (navigator.getGamepads?.() ?? []).find((pad) => pad?.connected) ?? null;
    } catch {
      return null;
    }
  }

  /**
   * Look at it, once a screen refresh.
   * @param {number} now ms
   */
  look(now) {
    const { pad } = this;
    const seconds = Math.min(LONGEST_STEP, now - this.at) / 1000;
    this.at = now;
    if (!pad) return;
    this.pressButtons(pad);
    const [x, y] = stickSpeed(pad.axes[0] ?? 0, pad.axes[1] ?? 0);
    if (x || y) this.move([x * seconds, y * seconds], now);
  }

  /** @param {Gamepad} pad */
  pressButtons({ buttons }) {
    for (const [at, action] of Object.entries(BUTTONS)) {
      const number = Number(at);
      const pressed = Boolean(buttons[number]?.pressed);
      if (pressed && !this.down.has(number)) this.press(action);
      if (pressed) this.down.add(number);
      else this.down.delete(number);
    }
  }

  /**
   * @param {Position} far of the picture
   * @param {number} now ms
   */
  move(far, now) {
    const { hand } = this.page;
    if (now - this.moved > REST && !this.begin()) return;
    this.moved = now;
    const { width, height } = hand.area.getBoundingClientRect();
    hand.cross = withinPicture([hand.cross[0] + far[0], hand.cross[1] + far[1] * (height ? width / height : 1)]);
    hand.hoverOver(hand.cross);
    this.stale = true;
  }

  /** Take hold of the chosen subject, or a new one of the brush. False, and said once, where there is nothing to move. */
  begin() {
    const { hand, controls, toasts, stage } = this.page;
    const held = controls.strokes.get(hand.selected ?? '');
    const problem = hand.options.refusal() || (held || hand.options.brush().label ? '' : 'Type what to paint first, for example fox.');
    if (problem && !this.warned) toasts.show(problem);
    this.warned = Boolean(problem);
    if (problem) return false;
    if (held) {
      const [x, y] = place(held, stage.frame);
      hand.cross = withinPicture([x, y]);
    }
    this.id = held?.id ?? `g${Date.now().toString(36)}`;
    this.gesture += 1;
    return true;
  }

  /** Send where it is: called once a picture. */
  send() {
    const { hand, controls } = this.page;
    if (!this.stale || !this.id) return;
    this.stale = false;
    const { label, size } = controls.strokes.get(this.id) ?? hand.options.brush();
    const points = [/** @type {PaintedPoint} */ ([0, ...hand.cross, NEUTRAL])];
    const message = hand.message({ id: this.id, label, mode: 'drag', size, points });
    if (controls.set(message, `gamepad ${this.gesture}`) && hand.selected !== this.id) hand.select(this.id);
  }
}

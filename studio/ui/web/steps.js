// @ts-check
// Steps back: which one a movement goes on with, and what of controls is sent again.

/** @import { Control, ControlKind, Step } from './types.js' */
/** @import { HeldControls } from './held.js' */

const ONE_GESTURE = 900; // ms within which moves of a slider are one step back

/**
 * The step that controls of a gesture go on with: the last, or one before it where another finger came between.
 * @param {Step[]} past
 * @param {string | number | null} gesture
 * @param {Control[]} controls
 * @param {HeldControls} held
 */
export function stepOf(past, gesture, controls, held) {
  if (!gesture) return undefined;
  const slots = (/** @type {Control[]} */ ones) => ones.map((one) => held.slotOf(one)).join();
  const step = past.findLast((one) => !one.gesture || slots(one.redo) === slots(controls));
  if (step?.gesture !== gesture || slots(step.redo) !== slots(controls)) return undefined;
  return performance.now() - (step.at ?? 0) < ONE_GESTURE ? step : undefined;
}

/**
 * Controls as undo sends them again.
 * @template {Control | null} C
 * @param {C[]} controls
 * @param {Map<string, ControlKind>} kinds
 * @returns {C[]}
 */
export function lasting(controls, kinds) {
  return controls.map((control) => {
    const fleeting = control ? kinds.get(control.kind)?.momentary ?? [] : [];
    const kept = Object.entries(control ?? {}).filter(([field]) => !fleeting.includes(field));
    return fleeting.length ? /** @type {C} */ (Object.fromEntries(kept)) : control;
  });
}

/**
 * Those of the controls that the server had told.
 * @param {(Control | null)[]} controls
 * @returns {Control[]}
 */
export const present = (controls) => controls.flatMap((control) => control ?? []);

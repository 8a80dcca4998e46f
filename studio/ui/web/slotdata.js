// @ts-check
// Slots as values: what is kept of a prompt, what a mix of several is, and which of them is heard.

/** @import { Control, Slot } from './types.js' */

export const SLOTS = 9;
const MOST_TEXTS = 9; // of a mix (studio/controls/prompt.py)
const NOTHING_HEARD = 'All weights are 0, so nothing would be heard. Raise one of them.';
const FIELDS = ['text', 'negative', 'switch', 'blend', 'mix', 'weight', 'interpolation'];

/**
 * What a slot keeps of a prompt.
 * @param {Control} prompt
 * @param {string} picture a data URL, '' for none
 * @returns {Slot}
 */
export function slotOf(prompt, picture = '') {
  return /** @type {Slot} */ ({ ...fieldsOf(prompt), picture });
}

/**
 * The prompt in a slot, as a control.
 * @param {Slot} slot
 * @returns {Control}
 */
export function promptOf(slot) {
  return { kind: 'prompt', ...fieldsOf(slot) };
}

/** @param {Record<string, any>} one */
function fieldsOf(one) {
  return Object.fromEntries(FIELDS.filter((field) => one[field] !== undefined).map((field) => [field, one[field]]));
}

/**
 * The texts that are heard of a prompt or a slot, each once, with their shares, which sum to 1.
 * @param {Record<string, any>} prompt
 * @returns {[text: string, share: number][]}
 */
export function sharesOf({ text, weight = 1, mix = [] }) {
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const [words, one] of [[text, mix.length ? weight : 1], ...mix]) weights.set(words, (weights.get(words) ?? 0) + one);
  const total = [...weights.values()].reduce((sum, one) => sum + one, 0);
  return [...weights].filter(([, one]) => one > 0).map(([words, one]) => [words, one / total]);
}

/**
 * Are these the words that are heard? How they came in does not matter.
 * @param {Record<string, any> | null} one
 * @param {Record<string, any> | null} other
 */
export function soundsLike(one, other) {
  if (!one || !other || (one.negative ?? '') !== (other.negative ?? '')) return false;
  const [mine, its] = [sharesOf(one), sharesOf(other)];
  const isOneWay = mine.length < 2 || (one.interpolation ?? 'linear') === (other.interpolation ?? 'linear');
  if (!isOneWay || mine.length !== its.length) return false;
  return mine.every(([text, share], at) => text === its[at][0] && Math.abs(share - its[at][1]) < 1e-6);
}

/**
 * How much of what is heard is a slot's, 0..1.
 * @param {Slot} slot
 * @param {Control | null} prompt
 */
export function shareOfSlot(slot, prompt) {
  if (!prompt) return 0;
  const heard = new Map(sharesOf(prompt));
  return Math.min(...sharesOf(slot).map(([text, share]) => (heard.get(text) ?? 0) / share), 1);
}

/**
 * Several slots as one prompt, each by its weight; a slot that is a mix itself counts by its texts. Their negative texts
 * are heard together, whatever the weights, so that nothing jumps while these move.
 * @param {{ slot: Slot, weight: number }[]} chosen
 * @param {{ interpolation: string, blend: number, switch: string }} how
 * @returns {{ prompt?: Control, problem?: string }}
 */
export function mixOf(chosen, how) {
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const { slot, weight } of chosen) {
    for (const [text, share] of sharesOf(slot)) weights.set(text, (weights.get(text) ?? 0) + share * weight);
  }
  const [first, ...mix] = [...weights].map(([text, weight]) => /** @type {[string, number]} */ ([text, Math.round(weight * 1e4) / 1e4]));
  const count = weights.size;
  if (!first || ![first, ...mix].some(([, weight]) => weight > 0)) return { problem: NOTHING_HEARD };
  if (count > MOST_TEXTS) return { problem: `These slots have ${count} texts together; a mix has at most ${MOST_TEXTS}. Leave one out.` };
  const negative = [...new Set(chosen.map(({ slot }) => slot.negative).filter(Boolean))].join(', ');
  return { prompt: { kind: 'prompt', text: first[0], negative, ...how, mix, weight: first[1] } };
}

/**
 * The slots that were kept, from their text; empty ones for what cannot be read.
 * @param {string | null} text
 * @returns {(Slot | null)[]}
 */
export function readSlots(text) {
  /** @type {unknown} */
  let kept = null;
  try {
    kept = JSON.parse(text ?? 'null');
  } catch { /* of another page, or cut off: begins anew */ }
  return Array.from({ length: SLOTS }, (_, at) => (Array.isArray(kept) && typeof kept[at]?.text === 'string' ? kept[at] : null));
}

// @ts-check
// What is in force, read from the page's controls.

/** @import { Control, Controls } from './types.js' */

/**
 * The control in force of a kind there is one of; null before the server has told it.
 * @param {Controls} controls
 * @param {string} kind
 * @returns {Control | null}
 */
export function inForce(controls, kind) {
  return controls.get(kind);
}

/**
 * How strongly a LoRA acts; 0 is not at all.
 * @param {Controls} controls
 * @param {string} name
 * @returns {number}
 */
export function loraWeight(controls, name) {
  return controls.all('lora').get(name)?.weight ?? 0;
}

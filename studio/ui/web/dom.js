// @ts-check
// Small helpers for elements, and numbers as people read them.

/**
 * The element in `box` that fits the selector. Throws where there is none of this type, so a typing error in a selector shows at once.
 * @template {Element} T
 * @param {ParentNode} box
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
export function find(box, selector, type) {
  const found = box.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} at ${selector}`);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/**
 * A button with an icon and perhaps a word. `markup` is the page's own SVG, never something a person wrote.
 * @param {string} markup
 * @param {string} text
 * @param {string} label
 * @param {() => void} action
 */
export function iconButton(markup, text, label, action) {
  const button = element('button', { innerHTML: markup, title: label, onclick: action });
  if (text) button.append(element('span', { textContent: text }));
  button.setAttribute('aria-label', label);
  return button;
}

/**
 * Colour the part of a slider below its value (studio.css).
 * @param {HTMLInputElement} range
 */
export function fillSlider(range) {
  const [value, least, most] = [range.value, range.min, range.max].map(Number);
  range.style.setProperty('--share', String((100 * (value - least)) / (most - least)));
}

/**
 * Seconds as 1:05.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

/**
 * A whole number with its thousands apart: 12 345.
 * @param {number} number
 */
export function formatCount(number) {
  return number.toLocaleString('en').replaceAll(',', ' ');
}

/**
 * Bytes as 54 MB or 2.6 GB.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  return bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

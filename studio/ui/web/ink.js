// @ts-check
// The overlay over the picture: strokes, their names, and the ring of the brush.

import { place } from './geometry.js';
import { context2d } from './stage.js';

/** @import { BrushSettings, Controls, PaintedStroke, Position, Stroke } from './types.js' */
/** @import { Hand } from './hand.js' */

const TRAIL = 1400; // ms a live drag's trail is seen

/**
 * As much of the words as goes into so many pixels.
 * @param {Pick<CanvasRenderingContext2D, 'measureText'>} pen
 * @param {string} words
 * @param {number} width pixels
 */
export function fitText(pen, words, width) {
  const fits = (/** @type {string} */ text) => pen.measureText(text).width <= width;
  if (fits(words)) return words;
  const letters = [...words];
  while (letters.length > 1 && !fits(`${letters.join('')}…`)) letters.pop();
  return `${letters.join('').trimEnd()}…`;
}

export class Ink {
  /**
   * @param {{ canvas: HTMLCanvasElement, area: HTMLElement, controls: Controls, hand: Hand, brush: () => BrushSettings,
   *   frame: () => number, refusal: () => string }} options area: what the canvas covers; frame: that is seen now
   */
  constructor({ canvas, area, controls, hand, brush, frame, refusal }) {
    this.canvas = canvas;
    this.area = area;
    this.controls = controls;
    this.hand = hand;
    this.brush = brush;
    this.frame = frame;
    this.refusal = refusal;
    this.pen = context2d(canvas);
    this.font = '';
    this.hidden = false;
    this.stale = true; // must be drawn anew
    this.width = this.height = 0; // pixels of the page
    new ResizeObserver(() => this.fit()).observe(area);
    this.fit();
  }

  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const dots = Math.min(window.devicePixelRatio || 1, 2);
    Object.assign(this.canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    this.pen.setTransform(dots, 0, 0, dots, 0, 0);
    Object.assign(this, { width, height, stale: true });
  }

  /** @param {boolean} hidden */
  setHidden(hidden) {
    this.hidden = hidden;
    this.stale = true;
  }

  /** @param {number} now ms */
  draw(now) {
    if (!this.stale && !this.hand.moved) return;
    this.stale = this.hand.moved = false;
    this.pen.clearRect(0, 0, this.width, this.height);
    if (this.hidden) return;
    for (const stroke of this.controls.strokes.values()) this.drawStroke(stroke, now);
    const { stroke, hover } = this.hand;
    if (stroke?.mode === 'path') this.drawStroke({ ...stroke, kind: 'stroke', loop: true, since: null }, now);
    if (hover && !stroke && !this.refusal() && matchMedia('(hover: hover)').matches) this.drawBrush(hover);
  }

  /**
   * @param {Stroke} stroke
   * @param {number} now
   */
  drawStroke(stroke, now) {
    const { pen } = this;
    const [x, y] = this.pixels(place(stroke, this.frame()));
    pen.strokeStyle = pen.fillStyle = this.controls.colour(stroke.id);
    pen.lineJoin = pen.lineCap = 'round';
    if (stroke.mode === 'path') this.drawPath(stroke);
    else this.drawTrail(stroke, now);
    const chosen = stroke.id === this.hand.selected;
    this.outline(() => {
      pen.beginPath();
      if (stroke.mode === 'pin') pen.rect(x - 5, y - 5, 10, 10);
      else pen.arc(x, y, chosen ? 7 : 6, 0, 7);
    });
    this.drawDot(x, y, 2);
    if (chosen || this.hand.stroke?.id === stroke.id) this.drawName(stroke, x, y);
  }

  /** @param {Stroke} stroke */
  drawPath(stroke) {
    const { pen } = this;
    const points = stroke.points.map(([, x, y]) => this.pixels([x, y]));
    pen.setLineDash(stroke.since == null ? [2, 6] : []);
    this.outline(() => {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x, y));
    });
    pen.setLineDash([]);
    const [x, y] = points[points.length - 1];
    const [fromX, fromY] = points.findLast((point) => Math.hypot(point[0] - x, point[1] - y) > 8) || [x - 1, y];
    const angle = Math.atan2(y - fromY, x - fromX);
    this.outline(() => {
      pen.beginPath();
      pen.moveTo(x - 10 * Math.cos(angle - 0.5), y - 10 * Math.sin(angle - 0.5));
      pen.lineTo(x, y);
      pen.lineTo(x - 10 * Math.cos(angle + 0.5), y - 10 * Math.sin(angle + 0.5));
    });
  }

  /**
   * Where a drag just was, fading. What has faded is forgotten.
   * @param {Stroke} stroke
   * @param {number} now
   */
  drawTrail(stroke, now) {
    const { pen } = this;
    const trail = (stroke.trail || []).filter(([time]) => now - time < TRAIL);
    stroke.trail?.splice(0, stroke.trail.length - trail.length);
    pen.lineWidth = 2.5;
    for (let i = 1; i < trail.length; i += 1) {
      const [[, x0, y0], [time, x1, y1]] = [trail[i - 1], trail[i]];
      pen.globalAlpha = Math.max(0, 1 - (now - time) / TRAIL) * 0.9;
      pen.beginPath();
      pen.moveTo(...this.pixels([x0, y0]));
      pen.lineTo(...this.pixels([x1, y1]));
      pen.stroke();
    }
    pen.globalAlpha = 1;
    if (trail.length) this.stale = true;
  }

  /**
   * @param {Pick<Stroke | PaintedStroke, 'label'>} stroke
   * @param {number} x
   * @param {number} y
   */
  drawName({ label }, x, y) {
    const { pen } = this;
    this.font ||= getComputedStyle(this.area).fontFamily;
    pen.font = `500 12px ${this.font}`;
    const width = Math.min(pen.measureText(label).width, this.width - 24) + 14;
    const left = Math.max(4, Math.min(x - width / 2, this.width - width - 4));
    const top = y > 44 ? y - 36 : y + 16;
    const colour = pen.fillStyle;
    pen.fillStyle = 'rgba(12, 13, 15, .78)';
    pen.beginPath();
    pen.roundRect(left, top, width, 20, 6);
    pen.fill();
    pen.fillStyle = colour;
    pen.fillText(fitText(pen, label, width - 14), left + 7, top + 14);
  }

  /**
   * A ring as large as what would be painted here, or of what a hand would take hold of.
   * @param {Position} hover
   */
  drawBrush(hover) {
    const { pen, hand } = this;
    const [x, y] = this.pixels(hover);
    const held = hand.strokeUnder(hover);
    const { size } = held ?? this.brush();
    this.area.classList.toggle('taking', Boolean(held));
    pen.strokeStyle = pen.fillStyle = held ? this.controls.colour(held.id) : 'rgba(255, 255, 255, .85)';
    if (held && held.id !== hand.selected) this.drawName(held, ...this.pixels(place(held, this.frame())));
    pen.setLineDash([3, 5]);
    this.outline(() => {
      pen.beginPath();
      pen.arc(x, y, (size / 2) * this.width, 0, 7);
    }, 1.2);
    pen.setLineDash([]);
    pen.fillStyle = pen.strokeStyle;
    this.drawDot(x, y, 1.8);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  drawDot(x, y, radius) {
    this.pen.beginPath();
    this.pen.arc(x, y, radius, 0, 7);
    this.pen.fill();
  }

  /**
   * A line seen on any picture: dark around, colour within.
   * @param {() => void} shape
   * @param {number} width pixels
   */
  outline(shape, width = 2.2) {
    const { pen } = this;
    const colour = pen.strokeStyle;
    shape();
    pen.lineWidth = width + 2;
    pen.strokeStyle = 'rgba(8, 9, 11, .5)';
    pen.stroke();
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }

  /**
   * @param {Position} position
   * @returns {Position}
   */
  pixels([x, y]) {
    return [x * this.width, y * this.height];
  }
}

// @ts-check
// The overlay over the picture: strokes, their names, and the ring of the brush.

import { place, sizeAt } from './course.js';
import { TRAIL } from './seen.js';
import { context2d } from './stage.js';
import { drawDotted, drawFading } from './trail.js';

/** @import { BrushSettings, Controls, PaintedStroke, Position, Stroke } from './types.js' */
/** @import { Hand } from './hand.js' */
/** @import { Outbox } from './outbox.js' */
/** @import { Seen } from './seen.js' */

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
   * @param {{ canvas: HTMLCanvasElement, area: HTMLElement, controls: Controls, hand: Hand, seen: Seen, outbox: Outbox,
   *   brush: () => BrushSettings, frame: () => number, refusal: () => string }} options area: what the canvas covers;
   *   frame: that is seen now
   */
  constructor({ canvas, area, controls, hand, seen, outbox, brush, frame, refusal }) {
    this.canvas = canvas;
    this.area = area;
    this.controls = controls;
    this.hand = hand;
    this.seen = seen;
    this.outbox = outbox;
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

  draw() {
    if (!this.stale && !this.hand.moved) return;
    this.stale = this.hand.moved = false;
    this.pen.clearRect(0, 0, this.width, this.height);
    if (this.hidden) return;
    for (const stroke of this.controls.strokes.values()) this.drawStroke(stroke);
    const { hover, strokes } = this.hand;
    const lines = [...strokes.values()].filter(({ mode }) => mode === 'path');
    for (const { id, points } of lines) this.drawPath(points, this.controls.colour(id), true);
    const paints = this.brush().mode !== 'select';
    if (hover && paints && !strokes.size && !this.refusal() && matchMedia('(hover: hover)').matches) this.drawBrush(hover);
  }

  /**
   * A stroke as the picture has it; dotted, as it will be once the picture shows what was sent.
   * @param {Stroke} stroke
   */
  drawStroke(stroke) {
    const { pen, hand } = this;
    const frame = this.frame();
    const seen = this.seen.version(stroke.id, frame);
    const pending = this.outbox.pending(stroke.id);
    const shown = seen ?? stroke;
    const colour = this.controls.colour(stroke.id);
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineJoin = pen.lineCap = 'round';
    const pixels = (/** @type {Position} */ position) => this.pixels(position);
    drawFading(pen, this.seen.trail(stroke.id), pixels, TRAIL);
    if (stroke.mode === 'path') this.drawPath(stroke.points, colour, pending.length > 0);
    const ways = pending.filter(({ mode }) => mode !== 'path').map((sent) => place(/** @type {Stroke} */ (sent), frame));
    if (ways.length) drawDotted(pen, [place(shown, frame), ...ways], pixels);
    const [x, y] = this.pixels(place(shown, frame));
    const chosen = hand.chosen.has(stroke.id);
    this.mark(shown, x, y, chosen);
    if (chosen || [...hand.strokes.values()].some(({ id }) => id === stroke.id)) this.drawName(stroke, x, y);
  }

  /**
   * @param {Stroke} stroke
   * @param {number} x
   * @param {number} y
   * @param {boolean} chosen
   */
  mark({ mode }, x, y, chosen) {
    const { pen } = this;
    this.outline(() => {
      pen.beginPath();
      if (mode === 'pin') pen.rect(x - 5, y - 5, 10, 10);
      else pen.arc(x, y, chosen ? 7 : 6, 0, 7);
    });
    this.drawDot(x, y, 2);
  }

  /**
   * @param {number[][]} line points of the path
   * @param {string} colour
   * @param {boolean} pending is it not in the picture yet?
   */
  drawPath(line, colour, pending) {
    const { pen } = this;
    const points = line.map(([, x, y]) => this.pixels([x, y]));
    pen.strokeStyle = colour;
    pen.setLineDash(pending ? [2, 6] : []);
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
    const size = held ? sizeAt(held, this.frame()) : this.brush().size;
    this.area.classList.toggle('taking', Boolean(held));
    pen.strokeStyle = pen.fillStyle = held ? this.controls.colour(held.id) : 'rgba(255, 255, 255, .85)';
    if (held && !hand.chosen.has(held.id)) this.drawName(held, ...this.pixels(place(held, this.frame())));
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

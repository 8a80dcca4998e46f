// @ts-check
// What the pictures are drawn from: words alone, a camera, a video file, a screen or a still, cropped to the model's shape.

import { element } from './dom.js';
import { MediaError, closeMedia, mediaSize, onCameraEnd, openCamera, openScreen, openStill, openVideo } from './media.js';
import { context2d } from './stage.js';
import { browserStorage } from './storage.js';
import { Uploader } from './upload.js';

/** @import { ShowToast } from './types.js' */
/** @import { Media } from './media.js' */
/** @typedef {'none' | 'camera' | 'film' | 'screen' | 'still' | ''} Source '': a picture that was sent before, its source is gone */

const WIDEST = 1024; // pixels a side
const PREVIEW_WIDTH = 240; // pixels
const PREVIEW_EVERY = 66; // ms
const WHITE = '#ffffff';
const GONE = {
  camera: 'The camera is gone. The last picture stays; choose Camera to try again.',
  screen: 'The screen is no longer shared. The last picture stays; choose Screen to share it again.',
};
const KEPT = 'The picture that was sent before is still in force.';

export class Input {
  /**
   * @param {{ send: (jpeg: ArrayBuffer) => number | null, remove: () => void, toast: ShowToast }} options
   *   send: gives the number a picture is sent under, or null; remove: no picture is in force any more
   */
  constructor({ send, remove, toast }) {
    this.remove = remove;
    this.toast = toast;
    /** @type {Source} */
    this.source = 'none';
    /** @type {Media | null} */
    this.media = null;
    this.takesMoving = false; // does the model draw from moving pictures?
    /** @type {(source: Source) => string} what is said of a source as it begins (live.js) */
    this.begun = () => '';
    this.choice = 0; // counts what was chosen; what an older choice brings comes too late
    this.previewedAt = 0;
    this.canvas = element('canvas');
    this.context = context2d(this.canvas, { alpha: false });
    this.uploader = new Uploader({
      draw: () => this.draw(), send: (jpeg) => (this.media ? send(jpeg) : null),
      encode: (quality) => new Promise((resolve) => { this.canvas.toBlob(resolve, 'image/jpeg', quality); }),
    });
  }

  listen() {
    document.addEventListener('click', ({ target }) => {
      if (!(target instanceof Element)) return;
      const button = target.closest('[data-source]');
      if (button instanceof HTMLElement) this.choose(/** @type {Source} */ (button.dataset.source));
      if (target.closest('[data-mirror]')) this.toggleMirror();
    });
    document.addEventListener('input', ({ target }) => {
      if (target instanceof HTMLInputElement && target.matches('[data-paper]')) this.setPaper(target.value);
    });
    document.addEventListener('change', ({ target }) => {
      if (!(target instanceof HTMLInputElement) || !target.dataset.file) return;
      if (target.files?.[0]) this.openFile(target.dataset.file === 'film' ? 'film' : 'still', target.files[0]);
      target.value = '';
    });
  }

  /**
   * A model plays: take on its shape, and keep what it can draw from.
   * @param {[number, number]} size width, height
   * @param {string[]} plays what of the model can be set
   * @param {boolean} inForce has the session a picture?
   */
  fit([width, height], plays, inForce) {
    this.takesMoving = plays.includes('camera');
    const scale = Math.min(1, WIDEST / Math.max(width, height));
    Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    part('.st-preview')?.style.setProperty('--shape', String(width / height));
    this.uploader.restart();
    if (!plays.includes('picture')) this.stop('none');
    else if (this.isMoving && !this.takesMoving) this.stop('', KEPT);
    else if (this.source === 'still') this.uploader.queue();
    else if (this.source === 'none' && inForce) this.stop('', KEPT);
    else if (this.source === '' && !inForce) this.stop('none');
    else this.show();
  }

  // Where pictures come from

  /** @param {Source} source */
  choose(source) {
    if (source === 'camera') return this.open(source, () => openCamera(this.canvas));
    if (source === 'screen') return this.open(source, openScreen);
    if (source !== 'none') return part(`[data-file="${source}"]`)?.click();
    this.stop('none');
    return this.remove();
  }

  /**
   * @param {'film' | 'still'} source
   * @param {File} file
   */
  openFile(source, file) {
    return this.open(source, () => (source === 'film' ? openVideo(file) : openStill(file)));
  }

  /**
   * Open a source; where it cannot be had, what there was goes on. Another choice meanwhile wins.
   * @param {Source} source
   * @param {() => Promise<Media>} open
   */
  async open(source, open) {
    this.choice += 1;
    const { choice } = this;
    try {
      const media = await open();
      if (choice === this.choice) this.start(source, media);
      else closeMedia(media);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      if (choice !== this.choice) return;
      this.show(error.message);
      this.toast(error.message, 'error');
    }
  }

  /**
   * @param {Source} source
   * @param {Media} media
   */
  start(source, media) {
    closeMedia(this.media);
    Object.assign(this, { source, media });
    if ((source === 'camera' || source === 'screen') && media instanceof HTMLVideoElement) {
      onCameraEnd(media, () => this.lose(media, GONE[source]));
    }
    this.show(this.begun(source));
    this.uploader.queue();
  }

  /**
   * @param {Source} source that is shown as chosen now
   * @param {string} words
   */
  stop(source, words = '') {
    this.choice += 1;
    closeMedia(this.media);
    Object.assign(this, { source, media: null });
    this.show(words);
  }

  /**
   * A camera or a screen cannot go on; its last picture stays in force.
   * @param {HTMLVideoElement} media
   * @param {string} words
   */
  lose(media, words) {
    if (this.media !== media) return;
    this.stop('', words);
    this.toast(words, 'error');
  }

  get isMoving() {
    return this.media instanceof HTMLVideoElement;
  }

  // What is sent

  /** A frame was shown: the next picture may go. */
  frameShown() {
    if (this.isMoving || this.uploader.due) this.uploader.upload();
  }

  /** The middle of the source, in the model's shape, onto the canvas and the preview; false if there is nothing yet. */
  draw() {
    const { canvas, media, context } = this;
    const [width, height] = mediaSize(media);
    if (!media || !width || !height) return false;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.paper; // what is transparent shows it, and no picture from before
    context.fillRect(0, 0, canvas.width, canvas.height);
    const scale = Math.max(canvas.width / width, canvas.height / height);
    const flip = this.source === 'camera' && this.isMirrored ? -1 : 1;
    context.setTransform(flip * scale, 0, 0, scale, canvas.width / 2, canvas.height / 2);
    context.drawImage(media, -width / 2, -height / 2);
    drawPreview(canvas);
    return true;
  }

  // What is shown

  /**
   * Keep the preview alive between frames, and while the picture is paused.
   * @param {number} now ms
   */
  refreshPreview(now) {
    if (!this.isMoving || this.uploader.flight || now - this.previewedAt < PREVIEW_EVERY) return;
    this.previewedAt = now;
    this.draw();
  }

  get isMirrored() {
    return browserStorage.get('studio-mirror') !== 'no';
  }

  toggleMirror() {
    browserStorage.set('studio-mirror', this.isMirrored ? 'no' : 'yes');
    this.show();
  }

  /** The colour behind what is transparent, as Python's `Picture.paper`. */
  get paper() {
    return browserStorage.get('studio-paper') || WHITE;
  }

  /** @param {string} colour */
  setPaper(colour) {
    browserStorage.set('studio-paper', colour);
    if (this.media) this.uploader.queue();
  }

  /** @param {string | null} words null: those that stand there stay */
  show(words = null) {
    document.documentElement.dataset.drawsFrom = this.source || 'kept';
    const [preview, mirror, paper, line] = ['.st-preview', '[data-mirror]', '.st-paper', '.st-input-word'].map(part);
    if (!preview || !mirror || !paper || !line) return;
    preview.hidden = !this.media;
    paper.hidden = !this.media || this.source === 'camera';
    const chooser = paper.querySelector('input');
    if (chooser) chooser.value = this.paper;
    mirror.hidden = this.source !== 'camera';
    mirror.setAttribute('aria-pressed', String(this.isMirrored));
    for (const button of document.querySelectorAll('[data-source]')) {
      button.setAttribute('aria-checked', String(button instanceof HTMLElement && button.dataset.source === this.source));
    }
    if (words !== null) line.textContent = words;
  }
}

/**
 * A part of the panel's picture section, null on a page that has none.
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
function part(selector) {
  return document.querySelector(`.st-input ${selector}`);
}

/** @param {HTMLCanvasElement} picture that goes in */
function drawPreview(picture) {
  const preview = part('canvas');
  if (!(preview instanceof HTMLCanvasElement)) return;
  const [width, height] = [PREVIEW_WIDTH, Math.round((PREVIEW_WIDTH * picture.height) / picture.width)];
  if (preview.width !== width || preview.height !== height) Object.assign(preview, { width, height });
  context2d(preview, { alpha: false }).drawImage(picture, 0, 0, width, height);
}

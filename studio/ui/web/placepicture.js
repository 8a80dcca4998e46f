// @ts-check
// A picture of one's own as a place: its middle square as a small JPEG, and what a person is told of what is left out.

import { element } from './dom.js';
import { MediaError, closeMedia, mediaSize, openCamera, openStill } from './media.js';
import { context2d } from './stage.js';

/** @import { Media } from './media.js' */
/** @typedef {{ jpeg: string, words: string }} PlacePicture jpeg: base64; words: what is not played on, '' for nothing */

export const MOST = 22_000; // bytes of a picture: two of them fit into a message (studio/ui/security.py, LARGEST_MESSAGE)
const PIXELS = 64_000_000; // as studio/controls/image_file.py has it
const QUALITIES = [0.92, 0.84, 0.72, 0.58, 0.42, 0.25];
const EVEN = 4; // of 255: where every channel varies less, it is one colour
const NEARLY = 1.02; // wide by high: a square to the eye
const MARKS = { 'image/gif': 'NETSCAPE2.0', 'image/webp': 'ANIM', 'image/png': 'acTL' }; // in the first bytes of an animation
const HEAD = 4096; // bytes that are searched for them

/**
 * A file's picture as a place; MediaError, with what to do, for one that cannot be.
 * @param {File} file
 * @param {number} side pixels
 * @returns {Promise<PlacePicture>}
 */
export async function placeOfFile(file, side) {
  const media = await openStill(file);
  try {
    const [width, height] = mediaSize(media);
    if (width * height > PIXELS) throw new MediaError(`${file.name} is ${width}×${height}, more than 64 million pixels. Save it smaller.`);
    const head = new TextDecoder('latin1').decode(await file.slice(0, HEAD).arrayBuffer());
    return { jpeg: await squareOf(media, side, file.name), words: leftOut(file.name, [width, height], isAnimation(file.type, head)) };
  } finally {
    closeMedia(media);
  }
}

/**
 * What the camera sees now, as a place.
 * @param {number} side pixels
 * @returns {Promise<PlacePicture>}
 */
export async function placeOfCamera(side) {
  const media = await openCamera({ width: side, height: side });
  try {
    while (!mediaSize(media)[0]) await new Promise((resolve) => { setTimeout(resolve, 50); });
    return { jpeg: await squareOf(media, side, 'The picture'), words: '' };
  } finally {
    closeMedia(media);
  }
}

/**
 * @param {string} type of the file
 * @param {string} head its first bytes
 */
export function isAnimation(type, head) {
  const mark = /** @type {Record<string, string>} */ (MARKS)[type];
  return mark !== undefined && head.includes(mark);
}

/**
 * What of a picture is not played on, in words; '' where all of it is.
 * @param {string} name
 * @param {number[]} size width, height
 * @param {boolean} moves
 */
export function leftOut(name, [width, height], moves) {
  const told = moves ? [`${name} is animated: its first frame is the place.`] : [];
  const sides = width > height ? 'left and right' : 'above and below';
  if (Math.max(width, height) > NEARLY * Math.min(width, height)) {
    told.push(`${name} is ${width}×${height}: its middle square is the place, what is ${sides} is cut off.`);
  }
  return told.join(' ');
}

/**
 * What is wrong with pixels that show nothing, RGBA; '' for those of a picture.
 * @param {ArrayLike<number>} pixels
 */
export function nothingIn(pixels) {
  const low = [255, 255, 255];
  const high = [0, 0, 0];
  let seen = false;
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] < 16) continue;
    seen = true;
    for (let channel = 0; channel < 3; channel += 1) {
      low[channel] = Math.min(low[channel], pixels[at + channel]);
      high[channel] = Math.max(high[channel], pixels[at + channel]);
    }
  }
  if (!seen) return 'is transparent everywhere, so there is nothing to see in it';
  return high.every((value, channel) => value - low[channel] <= EVEN) ? 'is one colour, so there is no place to see in it' : '';
}

/**
 * The middle of what is open, on white, as base64 of a JPEG that is small enough.
 * @param {Media} media
 * @param {number} side pixels
 * @param {string} name
 */
async function squareOf(media, side, name) {
  const [width, height] = mediaSize(media);
  const canvas = element('canvas', { width: side, height: side });
  const context = context2d(canvas, { willReadFrequently: true });
  const scale = side / Math.min(width, height);
  context.imageSmoothingQuality = 'high';
  context.setTransform(scale, 0, 0, scale, side / 2, side / 2);
  context.drawImage(media, -width / 2, -height / 2);
  const wrong = nothingIn(context.getImageData(0, 0, side, side).data);
  if (wrong) throw new MediaError(`${name} ${wrong}. Choose a photograph or a drawing.`);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, side, side);
  for (const quality of QUALITIES) {
    const url = canvas.toDataURL('image/jpeg', quality);
    const jpeg = url.slice(url.indexOf(',') + 1);
    if (jpeg.length * 0.75 <= MOST) return jpeg;
  }
  throw new MediaError(`${name} has too much in it to be sent. Choose a simpler picture.`);
}

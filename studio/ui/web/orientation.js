// @ts-check
// Which way up a WebP is. Browsers turn JPEG, PNG and AVIF as their EXIF data says, and not all of them WebP: its EXIF chunk
// is read here and hidden from the browser, so that every one of them shows it as Python does (studio/controls/image_file.py).

const ORIENTATION = 0x0112; // the tag's number in EXIF
const UPRIGHT = 1;
const HIDDEN = 'XXXX'; // the name of a chunk that nobody knows, and that is passed over
/** @type {Record<number, [number, number, number, number]>} a, b, c, d of the canvas's matrix that turns it upright */
const TURNS = {
  2: [-1, 0, 0, 1], 3: [-1, 0, 0, -1], 4: [1, 0, 0, -1], 5: [0, 1, 1, 0], 6: [0, 1, -1, 0], 7: [0, -1, -1, 0], 8: [0, -1, 1, 0],
};

/**
 * The file without its EXIF chunk, if it is a WebP that has one, and its orientation: 1 is upright.
 * @param {ArrayBuffer} data
 * @returns {{ data: ArrayBuffer, orientation: number }}
 */
export function hideOrientation(data) {
  const view = new DataView(data);
  if (data.byteLength < 12 || name(view, 0) !== 'RIFF' || name(view, 8) !== 'WEBP') return { data, orientation: UPRIGHT };
  for (let at = 12; at + 8 <= data.byteLength; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) % 2)) {
    if (name(view, at) === 'EXIF') return hideChunk(data, at, view.getUint32(at + 4, true));
  }
  return { data, orientation: UPRIGHT };
}

/**
 * @param {ArrayBuffer} data
 * @param {number} at where the chunk begins
 * @param {number} length of what is in it
 */
function hideChunk(data, at, length) {
  const orientation = readOrientation(data.slice(at + 8, at + 8 + length));
  const hidden = data.slice(0);
  new Uint8Array(hidden).set([...HIDDEN].map((letter) => letter.charCodeAt(0)), at);
  return { data: hidden, orientation };
}

/**
 * The orientation in EXIF data, 1 where it says none.
 * @param {ArrayBuffer} exif
 */
function readOrientation(exif) {
  const view = new DataView(exif, exif.byteLength > 6 && name(new DataView(exif), 0) === 'Exif' ? 6 : 0);
  try {
    const little = view.getUint16(0) === 0x4949;
    const first = view.getUint32(4, little);
    const entries = view.getUint16(first, little);
    for (let at = first + 2; at < first + 2 + 12 * entries; at += 12) {
      if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it was cut off
  }
  return UPRIGHT;
}

/**
 * @param {DataView} view
 * @param {number} at
 */
function name(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(at + place)));
}

/**
 * A picture turned upright.
 * @param {ImageBitmap} picture
 * @param {number} orientation as EXIF counts them
 */
export function turnUpright(picture, orientation) {
  const turn = TURNS[orientation];
  if (!turn) return picture;
  const { width, height } = picture;
  const canvas = turn[0] ? new OffscreenCanvas(width, height) : new OffscreenCanvas(height, width);
  const context = canvas.getContext('2d');
  if (!context) return picture;
  context.setTransform(...turn, canvas.width / 2, canvas.height / 2);
  context.drawImage(picture, -width / 2, -height / 2);
  picture.close();
  return canvas.transferToImageBitmap();
}

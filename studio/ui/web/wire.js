// @ts-check
// Frames and pictures as bytes, and the codes a link ends with.

/** @import { Frame } from './types.js' */

const FRAME_HEADER = 32; // bytes
const PICTURE_HEADER = 12;
/** Is it a key picture? By what an H.264 frame begins with. @type {Record<string, boolean>} */
const H264 = { STVK: true, STVD: false };
const PICTURE_MAGIC = [0x53, 0x54, 0x50, 0x31]; // STP1

/** Who ended a link (studio/ui/protocol.py, `CloseCode`). A superseded, an idle or a withdrawn page stays ended. */
export const CLOSE = { policy: 1008, stopping: 1012, superseded: 4001, silent: 4002, idle: 4003, withdrawn: 4004 };
/** Does a page stay ended by this code? @param {number | undefined} code */
export const endsForGood = (code) => code === CLOSE.superseded || code === CLOSE.idle || code === CLOSE.withdrawn;

/**
 * Is it a code of the studio's own?
 * @param {number} code
 */
export function isCloseCode(code) {
  return Object.values(CLOSE).includes(code);
}

/**
 * A frame as the server packs it (studio/ui/mailbox.py, `pack`).
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function unpackFrame(buffer) {
  const view = new DataView(buffer);
  const data = new Uint8Array(buffer, FRAME_HEADER);
  const form = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  return {
    sequence: view.getUint32(4, true),
    index: view.getUint32(8, true),
    revision: view.getUint32(12, true),
    tick: view.getFloat32(16, true),
    age: view.getFloat32(20, true),
    made: view.getFloat64(24, true),
    arrived: performance.now(),
    ...(form in H264 ? { h264: { key: H264[form], data } } : { jpeg: new Blob([data], { type: 'image/jpeg' }) }),
  };
}

/**
 * A picture as the server reads it: "STP1", the number it is sent under, the frame that was seen, then the JPEG.
 * @param {number} number
 * @param {number} saw
 * @param {ArrayBuffer} jpeg
 */
export function packPicture(number, saw, jpeg) {
  const data = new Uint8Array(PICTURE_HEADER + jpeg.byteLength);
  const view = new DataView(data.buffer);
  data.set(PICTURE_MAGIC);
  view.setUint32(4, number, true);
  view.setUint32(8, saw, true);
  data.set(new Uint8Array(jpeg), PICTURE_HEADER);
  return data;
}

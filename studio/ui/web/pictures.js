// @ts-check
// What is drawn of a frame: JPEG, or H.264 by WebCodecs where the server sends that because the line is slow.

/** @import { Frame, Message } from './types.js' */
/** @typedef {ImageBitmap | VideoFrame} Picture */

/** Baseline profile; the level says only how large pictures may become. */
const CODEC = { codec: 'avc1.42E034', optimizeForLatency: true };
const PATIENCE = 3000; // ms after which a picture that the decoder has not given is no longer waited for

/** Whether this browser shows H.264; nothing but https and localhost may. */
export async function decodesH264() {
  if (!globalThis.VideoDecoder) return false;
  try {
    return Boolean((await VideoDecoder.isConfigSupported(CODEC)).supported);
  } catch {
    return false;
  }
}

/**
 * Tell the server what may be sent: now, and again when the decoder has failed.
 * @param {Pictures} pictures
 * @param {(message: Message) => unknown} send
 */
export async function tellDecoder(pictures, send) {
  pictures.failed = () => send({ type: 'decodes', h264: false });
  if (await decodesH264()) send({ type: 'decodes', h264: true });
}

export class Pictures {
  /** @param {{ setTimeout: (call: () => void, ms: number) => any }} [browser] */
  constructor(browser = { setTimeout: (call, ms) => setTimeout(call, ms) }) {
    this.browser = browser;
    /** @type {() => void} */
    this.failed = () => {}; // the decoder cannot go on: JPEG is asked for
    /** @type {VideoDecoder | null} */
    this.decoder = null;
    /** @type {Map<number, (picture: VideoFrame | null) => void>} */
    this.waiting = new Map(); // by the frame's sequence number
  }

  /**
   * The picture of a frame; null where it cannot be had. Whoever is given it closes it. Frames are handed in in their order.
   * @param {Frame} frame
   * @returns {Promise<Picture | null>}
   */
  of(frame) {
    if (frame.h264) return this.decode(frame.sequence, frame.h264);
    if (this.decoder) this.restart(); // JPEG in between: what comes after begins with a key picture
    return createImageBitmap(/** @type {Blob} */ (frame.jpeg));
  }

  /** A line begins: what was on its way to the decoder is lost. */
  restart() {
    for (const answer of this.waiting.values()) answer(null);
    this.waiting.clear();
    if (this.decoder?.state !== 'closed') this.decoder?.close();
    this.decoder = null;
  }

  /**
   * @param {number} sequence
   * @param {NonNullable<Frame['h264']>} chunk
   * @returns {Promise<VideoFrame | null>}
   */
  decode(sequence, { key, data }) {
    if (!this.decoder && !key) return Promise.resolve(null); // the rest of a stream that has ended
    try {
      if (!this.decoder) this.decoder = this.open();
      this.decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: sequence, data }));
    } catch {
      this.fail();
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      this.waiting.set(sequence, resolve);
      this.browser.setTimeout(() => this.answer(sequence, null), PATIENCE);
    });
  }

  open() {
    const decoder = new VideoDecoder({
      output: (picture) => { if (!this.answer(picture.timestamp, picture)) picture.close(); },
      error: () => { if (decoder === this.decoder) this.fail(); },
    });
    decoder.configure(CODEC);
    return decoder;
  }

  /**
   * Was it waited for?
   * @param {number} sequence
   * @param {VideoFrame | null} picture
   */
  answer(sequence, picture) {
    const answer = this.waiting.get(sequence);
    this.waiting.delete(sequence);
    answer?.(picture);
    return Boolean(answer);
  }

  fail() {
    this.restart();
    this.failed();
  }
}

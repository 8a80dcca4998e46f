// @ts-check
// What a picture's way from the hand to the screen is made of: the stages of one frame, and the medians of the last.

/** @import { Frame, Status } from './types.js' */

const PINGS = 24; // of which the fastest tells the server's clock
export const HANDS = 9; // moves of the hand of which the median is shown
const RECENT = 1500; // ms of frames that count
const STALE = 8000; // ms after which a move of the hand tells no more of now
const DREW = 0.2; // share of the usual time from which a frame was drawn by itself
const FEWEST = 3; // moves that are a median

/** In the order of time; in ms. @typedef {Record<Stage, number>} Stages */
/** @typedef {'up' | 'wait' | 'model' | 'decode' | 'queue' | 'jpeg' | 'network' | 'page'} Stage */

/** @type {[stage: Stage, label: string, about: string][]} */
export const STAGES = [
  ['up', 'To the server', 'Half the shortest round trip'],
  ['wait', 'Waits for a frame', 'Until the next picture begins that can show it'],
  ['model', 'Model', 'Denoising, all steps of a picture'],
  ['decode', 'Decode', 'Latents to pixels'],
  ['queue', 'Queue', 'The finished picture waits to be packed'],
  ['jpeg', 'JPEG', 'Packing the picture'],
  ['network', 'Network', 'From the server to this page'],
  ['page', 'This page', 'Unpacking the JPEG, drawing, the next screen refresh'],
];

/** @param {number[]} values the middle one; of an even number the upper */
export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** What the server's clock shows at a time of this page's, by the pings that came fastest. */
export class ServerClock {
  /** @type {number[]} */
  behind = [];

  /**
   * A ping came.
   * @param {number} sent ms on the server's clock
   * @param {number} now ms on the page's
   */
  add(sent, now) {
    this.behind = [...this.behind, now - sent].slice(-PINGS);
  }

  /**
   * The page's time of a server's time, or null before the first ping.
   * @param {number} time
   * @param {number} shortest ms, of the shortest round trip: half of it a ping is on its way
   */
  here(time, shortest) {
    return this.behind.length ? time + Math.min(...this.behind) - shortest / 2 : null;
  }
}

/**
 * The stages of a frame. `wait` is what is left of the whole where a hand began it; without, half a picture's time.
 * @param {Frame & { arrived: number, made: number }} frame
 * @param {{ status: Status, clock: ServerClock, painted: number, began?: number, rate: number }} around
 *   painted, began: ms; began: of the hand's event; rate: pictures a second on this page
 * @returns {Stages}
 */
export function stagesOf(frame, { status, clock, painted, began, rate }) {
  const { draw_ms: usual = 0, decode_ms: decoding = 0, pack_ms: jpeg = 0, shortest_ms: shortest = 0 } = status;
  const draw = frame.tick > DREW * usual ? frame.tick : usual; // a picture that was made with others took no time itself
  const decode = usual ? decoding * (draw / usual) : 0;
  const up = shortest / 2;
  const made = clock.here(frame.made, shortest);
  const packed = frame.age + jpeg;
  const network = made === null ? up : Math.max(0, frame.arrived - made - packed);
  const page = painted - frame.arrived;
  const model = Math.max(0, draw - decode);
  const known = up + model + decode + packed + network + page;
  const wait = began === undefined ? Math.max(draw, rate ? 1000 / rate : 0) / 2 : Math.max(0, painted - began - known);
  return { up, wait, model, decode, queue: frame.age, jpeg, network, page };
}

/** @param {Stages} stages */
export const total = (stages) => Object.values(stages).reduce((sum, ms) => sum + ms, 0);

/** The last frames, and the last moves of the hand. */
export class LatencyMeter {
  /** @type {{ at: number, stages: Stages }[]} */
  frames = [];

  /** @type {{ at: number, ms: number, stages: Stages }[]} */
  hands = [];

  /**
   * @param {Stages} stages
   * @param {number} at ms
   * @param {number | null} ms from the hand's event to the screen, where one is shown
   */
  add(stages, at, ms) {
    this.frames = [...this.frames.filter((one) => at - one.at < RECENT), { at, stages }];
    if (ms !== null) this.hands = [...this.hands, { at, ms, stages }].slice(-HANDS);
  }

  /** What was before is measured no more. */
  clear() {
    this.frames = [];
    this.hands = [];
  }

  /**
   * The latency now in ms, and whether hands were measured or it is what the stages add up to; null before any.
   * @param {number} now
   */
  latency(now) {
    const hands = this.hands.filter(({ at }) => now - at < STALE);
    if (hands.length) return { ms: median(hands.map(({ ms }) => ms)), measured: true };
    const frames = this.frames.filter(({ at }) => now - at < RECENT);
    return frames.length ? { ms: median(frames.map(({ stages }) => total(stages))), measured: false } : null;
  }

  /**
   * What the dial goes by: hands of the last moments where there are enough of them, else the frames; null without.
   * @param {number} now
   */
  report(now) {
    const frames = this.frames.filter(({ at }) => now - at < RECENT);
    if (!frames.length) return null;
    const hands = this.hands.filter(({ at }) => now - at < RECENT);
    const latency = hands.length >= FEWEST ? hands.map(({ ms }) => ms) : frames.map(({ stages }) => total(stages));
    return {
      latency: median(latency),
      line: median(frames.map(({ stages: { jpeg, network } }) => jpeg + network)),
      page: median(frames.map(({ stages: { queue, page } }) => queue + page)),
    };
  }

  /**
   * The stages of the one in the middle, of hands where they were measured; null before any.
   * @param {number} now
   * @returns {Stages | null}
   */
  stages(now) {
    const hands = this.hands.filter(({ at }) => now - at < STALE);
    const of = hands.length ? hands : this.frames.map((one) => ({ ...one, ms: total(one.stages) }));
    const middle = median(of.map(({ ms }) => ms));
    return of.find(({ ms }) => ms === middle)?.stages ?? null;
  }
}

/**
 * How a latency feels, as a word for the stylesheet.
 * @param {number} ms
 * @param {number} asked of the dial; 0 where nothing is asked
 */
export function levelOf(ms, asked) {
  const [good, fair] = asked ? [1.2 * asked, 1.5 * asked] : [120, 250];
  return ms <= good ? 'good' : ms <= fair ? 'fair' : 'slow';
}

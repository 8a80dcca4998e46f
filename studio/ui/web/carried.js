// @ts-check
// Finds the score that a picture or a video carries (studio/outputs/carriers.py), without reading what is no part of it.

const MARK = 'studio-score:1:';
const GIF_MARK = '!\u00ff\u000bSTUDIOSCORE'; // an application extension
const HEAD = 40; // bytes of the mark, the check and the length
const BLOCK = 4 * 2 ** 20;
const AT_THE_FRONT = 32 * 2 ** 20; // bytes that are looked through from the front, and so many from the end
const AT_THE_END = 96 * 2 ** 20;
export const LARGEST = 64 * 2 ** 20; // studio/ui/security.py, LARGEST_TAKE

/**
 * What of a file is a score or carries one, null where nothing does. What is too large to be sent is left whole.
 * @param {Blob & { name?: string }} file
 * @returns {Promise<Blob | null>}
 */
export async function carriedBy(file) {
  if (await isText(file)) return file;
  const front = Math.min(file.size, AT_THE_FRONT);
  const found = (await findMark(file, 0, front)) ?? (await findMark(file, Math.max(front - HEAD, file.size - AT_THE_END), file.size));
  if (found === null) return (await isZip(file)) && file.size <= LARGEST ? file : null;
  return file.slice(found.place, Math.min(file.size, found.place + (await lengthOf(file, found))));
}

/**
 * @typedef {{ place: number, mark: string }} Found
 * @param {Blob} file
 * @param {number} from bytes
 * @param {number} to
 * @returns {Promise<Found | null>}
 */
async function findMark(file, from, to) {
  for (let at = from; at < to; at += BLOCK) {
    const text = await latin(file.slice(at, Math.min(to, at + BLOCK + HEAD)));
    const places = [MARK, GIF_MARK].map((mark) => ({ place: text.indexOf(mark), mark })).filter(({ place }) => place >= 0);
    const [first] = places.sort((one, other) => one.place - other.place);
    if (first) return { place: at + first.place, mark: first.mark };
  }
  return null;
}

/**
 * How many bytes belong to what was found; all that may be sent, where it does not say.
 * @param {Blob} file
 * @param {Found} found
 */
async function lengthOf(file, { place, mark }) {
  if (mark === GIF_MARK) return LARGEST;
  const head = /^studio-score:1:[0-9a-f]{8}:(\d+):/.exec(await latin(file.slice(place, place + HEAD)));
  return head ? Math.min(LARGEST, head[0].length + Number(head[1])) : LARGEST;
}

/** @param {Blob} file */
async function isText(file) {
  return (await latin(file.slice(0, 64))).trimStart().startsWith('{');
}

/** @param {Blob} file */
async function isZip(file) {
  return (await latin(file.slice(0, 4))) === 'PK\u0003\u0004';
}

/**
 * A character a byte.
 * @param {Blob} part
 */
async function latin(part) {
  return new TextDecoder('latin1').decode(await part.arrayBuffer());
}

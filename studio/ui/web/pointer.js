// @ts-check
// When the hand last did something: the time of the event itself, which is earlier than the code it starts.

const EVENTS = ['pointerdown', 'pointermove', 'pointerup', 'keydown', 'input', 'click', 'wheel'];
const FRESH = 250; // ms after which what is sent is no longer an answer to the event

let last = -Infinity;

/** @param {Pick<Event, 'type' | 'timeStamp'> & { buttons?: number }} event a pointer that only hovers sets nothing */
export function noteInput({ type, timeStamp, buttons = 0 }) {
  if (type !== 'pointermove' || buttons) last = timeStamp;
}

/**
 * The time of the event that what is done now answers to; now, where no hand has done anything just before. In ms.
 * @param {number} now
 */
export function inputTime(now) {
  return last <= now && now - last < FRESH ? last : now;
}

/** @param {EventTarget} target */
export function listenToInput(target) {
  for (const type of EVENTS) target.addEventListener(type, (event) => noteInput(event), { capture: true, passive: true });
}

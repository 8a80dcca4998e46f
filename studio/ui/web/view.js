// @ts-check
// The page of a projector: the picture alone, as large as the window, and nothing that could be touched by mistake.

import { toggleFullscreen } from './display.js';
import { find } from './dom.js';
import { BROWSER } from './link.js';
import { tellDecoder } from './pictures.js';
import { Stage } from './stage.js';
import { Viewing } from './viewing.js';

const CURSOR_FOR = 2000; // ms that the pointer is seen after it moved
const WORDS_AFTER = 5000; // ms without a picture before anything is said: a restart shows the last one

const stage = new Stage(find(document, 'canvas', HTMLCanvasElement));
const words = find(document, 'p', HTMLElement);
const viewing = new Viewing({
  address: location.href.replace(/^http/, 'ws').replace('/view/', '/watch/').replace(/[?#].*$/, ''),
  browser: BROWSER,
  opened: () => {
    stage.restart();
    tellDecoder(stage.pictures, (message) => viewing.send(message));
  },
  on: {
    frame: (frame) => { viewing.show(frame, stage, words); },
    lost: (why) => setTimeout(() => { if (!viewing.deliver && !stage.seen) words.textContent = why; }, WORDS_AFTER),
    ended: (why) => {
      stage.clear();
      words.textContent = why;
    },
  },
});

/** @type {any} */
let cursor = null;
function showCursor() {
  document.body.classList.remove('still');
  clearTimeout(cursor);
  cursor = setTimeout(() => document.body.classList.add('still'), CURSOR_FOR);
}

/** A projector's machine does not go to sleep in mid-show, where the browser can say so. */
async function stayAwake() {
  if (document.visibilityState !== 'visible' || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request('screen');
  } catch { /* a battery that is low, or a page that is not https: it sleeps as it is set to */ }
}

document.addEventListener('pointermove', showCursor);
document.addEventListener('visibilitychange', stayAwake);
document.addEventListener('dblclick', () => toggleFullscreen(document.documentElement));
document.addEventListener('keydown', ({ key, ctrlKey, metaKey, altKey }) => {
  if (key.toLowerCase() === 'f' && !ctrlKey && !metaKey && !altKey) toggleFullscreen(document.documentElement);
});
showCursor();
stayAwake();
viewing.run();
Object.assign(window, { studioView: { stage, viewing } });

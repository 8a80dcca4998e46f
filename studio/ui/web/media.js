// @ts-check
// Cameras, screens, video files and stills, opened and closed. What cannot be opened is a MediaError with words for the person.

import { element } from './dom.js';
import { hideOrientation, turnUpright } from './orientation.js';

/** @typedef {HTMLVideoElement | ImageBitmap} Media */

/** @type {Record<string, string>} */
const CAMERA_ERRORS = {
  NotAllowedError: 'The browser may not use the camera. Allow it beside the address, then choose Camera again.',
  NotFoundError: 'There is no camera on this machine. Plug one in, or choose a video or a still.',
  NotReadableError: 'The camera is in use by something else. Close that, then choose Camera again.',
};
const INSECURE = 'A browser gives the camera only to https pages and to localhost. Choose a video or a still.';
const NO_SCREEN = 'This browser shares no screen: phones cannot, and others need https or localhost. Choose the camera or a video.';
const NOT_SHARED = 'No screen was shared. Choose Screen again, then what to share.';
const [LEAST_WIDTH, LEAST_HEIGHT] = [640, 480]; // pixels that a camera is asked for

export class MediaError extends Error {}

/**
 * The camera that looks at the person, playing.
 * @param {{ width: number, height: number }} size that is wanted, in pixels
 */
export async function openCamera({ width, height }) {
  if (!navigator.mediaDevices) throw new MediaError(INSECURE);
  const video = { width: { ideal: Math.max(LEAST_WIDTH, width) }, height: { ideal: Math.max(LEAST_HEIGHT, height) }, facingMode: 'user' };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    return await playing((player) => { player.srcObject = stream; });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new MediaError(CAMERA_ERRORS[name] || `The camera cannot be opened: ${message || name}.`);
  }
}

/** A screen, a window or a tab that the person chooses, playing. */
export async function openScreen() {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new MediaError(NO_SCREEN);
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
    return await playing((player) => { player.srcObject = stream; });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new MediaError(name === 'NotAllowedError' ? NOT_SHARED : `The screen cannot be shared: ${message || name}.`);
  }
}

/**
 * A video file, playing over and over.
 * @param {File} file
 */
export async function openVideo(file) {
  const player = await playing((opened) => { opened.src = URL.createObjectURL(file); }).catch(() => {
    throw new MediaError(`${file.name} is no video that this browser can show. Choose another file, such as MP4 or WebM.`);
  });
  if (player.videoWidth) return player;
  closeMedia(player);
  throw new MediaError(`${file.name} has no pictures that this browser can show, only sound. Choose another file.`);
}

/**
 * A picture file, upright.
 * @param {File} file
 */
export async function openStill(file) {
  try {
    const { data, orientation } = hideOrientation(await file.arrayBuffer());
    return turnUpright(await createImageBitmap(new Blob([data], { type: file.type })), orientation);
  } catch {
    throw new MediaError(`${file.name} is no picture that this browser can show. Choose another file, such as JPEG, PNG or WebP.`);
  }
}

/** @param {(player: HTMLVideoElement) => void} load */
async function playing(load) {
  const player = element('video', { muted: true, playsInline: true, loop: true });
  load(player);
  try {
    await player.play();
  } catch (error) {
    closeMedia(player);
    throw error;
  }
  return player;
}

/**
 * Call back when a camera ends by itself: unplugged, or taken back by the person.
 * @param {HTMLVideoElement} camera
 * @param {() => void} ended
 */
export function onCameraEnd(camera, ended) {
  if (camera.srcObject instanceof MediaStream) camera.srcObject.getVideoTracks()[0].addEventListener('ended', ended);
}

/**
 * Let go of the camera, the file or the picture.
 * @param {Media | null} media
 */
export function closeMedia(media) {
  if (media instanceof ImageBitmap) media.close();
  if (!(media instanceof HTMLVideoElement)) return;
  media.pause();
  if (media.srcObject instanceof MediaStream) media.srcObject.getTracks().forEach((track) => track.stop());
  if (media.src) URL.revokeObjectURL(media.src);
  media.removeAttribute('src');
  media.srcObject = null;
}

/**
 * Its width and height in pixels; 0 while nothing has come yet.
 * @param {Media | null} media
 */
export function mediaSize(media) {
  if (media instanceof HTMLVideoElement) return [media.videoWidth, media.videoHeight];
  return [media?.width ?? 0, media?.height ?? 0];
}

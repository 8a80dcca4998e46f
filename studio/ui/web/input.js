// Pictures to draw from: a camera, a video file or a still, cropped here to the model's shape. One at a time is on its
// way, always the newest, and none leaves before the last was taken: a slow server gets fewer pictures, never old ones.

const LARGEST = 512 * 1024 - 12; // bytes of a JPEG: studio/ui/security.py, LARGEST_UPLOAD
const WIDEST = 1024; // pixels a side
const QUALITIES = [0.86, 0.6, 0.35];
const PATIENCE = 3000; // ms after which a picture without an answer counts as lost
const PREVIEW_EVERY = 66; // ms
const TROUBLE = {
  NotAllowedError: 'The browser may not use the camera. Allow it beside the address, then choose Camera again.',
  NotFoundError: 'There is no camera on this machine. Plug one in, or choose a video or a still.',
  NotReadableError: 'The camera is in use by something else. Close that, then choose Camera again.',
};
const GONE = 'The camera is gone. The last picture stays; choose Camera to try again.';
const KEPT = 'The picture that was sent before is still in force.';
const FIRST = 'The picture is the first frame of the next start: press Backspace.';
const INSECURE = 'A browser gives the camera only to https pages and to localhost. Choose a video or a still.';

export class Input {
  /** send(jpeg) -> the number it is sent under, or null; none() takes the picture away; told(text) shows a trouble. */
  constructor({ send, none, told, mirror, mirrored }) {
    Object.assign(this, { send, none, told, mirror, mirrored, source: 'none', media: null, flying: null, due: false, looked: 0, turn: 0 });
    this.canvas = document.createElement('canvas');
    this.pen = this.canvas.getContext('2d', { alpha: false });
    document.addEventListener('click', ({ target }) => {
      const source = target.closest?.('[data-source]')?.dataset.source;
      if (source) this.choose(source);
      if (target.closest?.('[data-mirror]')) this.turnMirror();
    });
    document.addEventListener('change', ({ target }) => {
      if (target.dataset?.file && target.files[0]) this.open(target.dataset.file, target.files[0]);
      if (target.dataset?.file) target.value = '';
    });
  }

  find(selector) {
    return document.querySelector(`.st-input ${selector}`);
  }

  /** A model is played: its shape, what it plays, and whether a picture is in force. */
  fit([width, height], plays, inForce) {
    this.moving = plays.includes('camera');
    const shrink = Math.min(1, WIDEST / Math.max(width, height));
    Object.assign(this.canvas, { width: Math.round(width * shrink), height: Math.round(height * shrink) });
    this.find('.st-preview')?.style.setProperty('--shape', width / height);
    this.flying = null;
    if (!plays.includes('picture')) this.stop('none');
    else if (this.live && !this.moving) this.stop('', KEPT);
    else if (this.source === 'still') this.went();
    else if (this.source === 'none' && inForce) this.stop('', KEPT);
    else if (this.source === '' && !inForce) this.stop('none');
    else this.show();
  }

  // Where pictures come from

  choose(source) {
    if (source === 'camera') return this.camera();
    if (source !== 'none') return this.find(`[data-file="${source}"]`).click();
    this.stop('none');
    return this.none();
  }

  async camera() {
    const turn = this.begin();
    try {
      if (!navigator.mediaDevices) throw Object.assign(new Error(), { text: INSECURE });
      const { width, height } = this.canvas;
      const wanted = { width: { ideal: Math.max(640, width) }, height: { ideal: Math.max(480, height) }, facingMode: 'user' };
      const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      if (turn !== this.turn) return release(stream);
      stream.getVideoTracks()[0].addEventListener('ended', () => { if (this.media?.srcObject === stream) this.lost(); });
      return await this.play('camera', turn, (video) => { video.srcObject = stream; });
    } catch (error) {
      return this.failed(turn, error.text || TROUBLE[error.name] || `The camera cannot be opened: ${error.message || error.name}.`);
    }
  }

  async open(source, file) {
    const turn = this.begin();
    try {
      if (source === 'film') return await this.play('film', turn, (video) => { video.src = URL.createObjectURL(file); });
      const still = await createImageBitmap(file);
      if (turn !== this.turn) return still.close();
      return this.began('still', still);
    } catch {
      return this.failed(turn, `${file.name} is no ${source === 'film' ? 'video' : 'picture'} that this browser can show. Choose another file.`);
    }
  }

  async play(source, turn, load) {
    const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true, loop: true });
    load(video);
    try {
      await video.play();
    } catch (error) {
      close(video);
      throw error;
    }
    return turn === this.turn ? this.began(source, video) : close(video);
  }

  /** Another choice: what was asked before and is not there yet does not come any more. */
  begin() {
    this.turn += 1;
    return this.turn;
  }

  began(source, media) {
    close(this.media);
    Object.assign(this, { source, media });
    this.show(this.moving ? '' : FIRST);
    this.went();
  }

  /** What was asked for cannot be had; what there was goes on. */
  failed(turn, text) {
    if (turn !== this.turn) return;
    this.show(text);
    this.told(text);
  }

  stop(source, word = '') {
    this.begin();
    close(this.media);
    Object.assign(this, { source, media: null });
    this.show(word);
  }

  /** The camera cannot go on; its last picture stays in force. */
  lost() {
    this.stop('', GONE);
    this.told(GONE);
  }

  // What is sent

  get live() {
    return this.media instanceof HTMLVideoElement;
  }

  /** There is a picture that must go, now or as soon as it may. */
  went() {
    this.due = true;
    this.capture();
  }

  /** A frame was shown: the next picture may go. */
  shown() {
    if (this.live || this.due) this.capture();
  }

  /** The server took it, or refused it. */
  answered(number) {
    if (this.flying?.number !== number) return;
    this.flying = null;
    if (this.due) this.capture();
  }

  async capture() {
    if (!this.draw() || (this.flying && performance.now() - this.flying.at < PATIENCE)) return;
    const flying = (this.flying = { at: performance.now(), number: null });
    this.due = false;
    let jpeg = null;
    for (const quality of QUALITIES) {
      jpeg = await new Promise((done) => { this.canvas.toBlob(done, 'image/jpeg', quality); });
      if (jpeg && jpeg.size <= LARGEST) break;
    }
    if (this.flying !== flying) return;
    flying.number = jpeg && this.media ? this.send(await jpeg.arrayBuffer()) : null;
    if (flying.number !== null) return;
    this.flying = null;
    this.due = Boolean(this.media);
  }

  /** The middle of the source, in the model's shape, onto the canvas and the preview; false if there is nothing yet. */
  draw() {
    const { canvas, media, pen } = this;
    const [wide, high] = [media?.videoWidth || media?.width, media?.videoHeight || media?.height];
    if (!wide || !high) return false;
    const scale = Math.max(canvas.width / wide, canvas.height / high);
    const flip = this.source === 'camera' && this.mirror() ? -1 : 1;
    pen.setTransform(flip * scale, 0, 0, scale, canvas.width / 2, canvas.height / 2);
    pen.drawImage(media, -wide / 2, -high / 2);
    this.preview();
    return true;
  }

  // What is shown

  /** Keeps the preview alive between frames, and while the picture is paused. */
  look(now) {
    if (!this.live || this.flying || now - this.looked < PREVIEW_EVERY) return;
    this.looked = now;
    this.draw();
  }

  preview() {
    const view = this.find('canvas');
    if (!view) return;
    const height = Math.round((240 * this.canvas.height) / this.canvas.width);
    if (view.width !== 240 || view.height !== height) Object.assign(view, { width: 240, height });
    view.getContext('2d', { alpha: false }).drawImage(this.canvas, 0, 0, 240, height);
  }

  turnMirror() {
    this.mirrored(!this.mirror());
    this.show();
  }

  show(word = null) {
    document.documentElement.dataset.drawsFrom = this.source || 'kept';
    const box = this.find('.st-preview');
    if (!box) return;
    box.hidden = !this.media;
    this.find('[data-mirror]').hidden = this.source !== 'camera';
    this.find('[data-mirror]').setAttribute('aria-pressed', String(this.mirror()));
    document.querySelectorAll('[data-source]').forEach((one) => one.setAttribute('aria-checked', String(one.dataset.source === this.source)));
    if (word !== null) this.find('.st-input-word').textContent = word;
  }
}

function release(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

function close(media) {
  if (media instanceof ImageBitmap) media.close();
  if (!(media instanceof HTMLVideoElement)) return;
  media.pause();
  if (media.srcObject) release(media.srcObject);
  if (media.src) URL.revokeObjectURL(media.src);
  media.removeAttribute('src');
  media.srcObject = null;
}

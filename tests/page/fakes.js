// A browser in a test's hand: a clock that goes when it is told to, sockets and a server written out by hand.

/** Lets everything run that waits for no clock. */
export async function settle() {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

export class FakeClock {
  constructor() {
    this.time = 0;
    this.timers = new Map();
    this.last = 0;
  }

  set(call, ms) {
    this.last += 1;
    this.timers.set(this.last, { at: this.time + ms, call });
    return this.last;
  }

  clear(timer) {
    this.timers.delete(timer);
  }

  /** So many ms go by; every timer that falls due is called at its time. */
  async advance(ms) {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      const [timer, { at, call }] = due;
      this.timers.delete(timer);
      this.time = at;
      call();
      await settle();
    }
    this.time = end;
  }
}

export class FakeSocket {
  static made = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, sent: [], readyState: 0, closed: false });
    FakeSocket.made.push(this);
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.closed = true;
    this.readyState = 3;
  }

  // What the server does

  accept() {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message) {
    this.onmessage?.({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
  }

  hangUp(code = 1006, reason = '') {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** Requests by path; each waits until the test answers it. */
export class FakeServer {
  constructor() {
    this.reachable = true;
    this.requests = [];
  }

  fetch(address, options = {}) {
    const path = address.replace(/^.*\/gradio_api/, '');
    if (path === '/app_id') return this.reachable ? Promise.resolve(new Response('{}')) : Promise.reject(new TypeError('failed'));
    return new Promise((resolve, reject) => {
      this.requests.push({ path, options, resolve, reject });
      options.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    });
  }

  /** The oldest request to a path that is not answered yet. */
  async next(path) {
    await settle();
    const at = this.requests.findIndex((request) => request.path === path);
    if (at < 0) throw new Error(`nothing was asked of ${path}; open: ${this.requests.map((one) => one.path)}`);
    return this.requests.splice(at, 1)[0];
  }

  async answer(path, body, status = 200) {
    const request = await this.next(path);
    const whole = body instanceof ArrayBuffer ? body : JSON.stringify(body);
    request.resolve(new Response(status === 204 ? null : whole, { status }));
    await settle();
    return request;
  }
}

/** A frame as the server packs it. */
export function packedFrame({ sequence, index = 0, revision = 0 }) {
  const view = new DataView(new ArrayBuffer(40));
  [sequence, index, revision].forEach((value, at) => view.setUint32(4 + 4 * at, value, true));
  view.setFloat32(16, 1.5, true);
  view.setFloat32(20, 0.25, true);
  return view.buffer;
}

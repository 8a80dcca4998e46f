// The way to the server and back: a WebSocket, or where none comes through, plain HTTP pulls with the same frames.
// Opens itself again, on the same session, when it is lost.

const OPEN_WITHIN = 2500; // ms for a socket's first word; some proxies never answer a handshake, nor refuse it
const SILENCE = 10000; // ms without a word, where the server says something twice a second: the line is dead, and no one will say so
const PULL_SILENCE = 20000; // ms, where an answer may take ten seconds to come
const UP_EVERY = 200; // ms between two looks for messages when pulling
/** Who ended a link (studio/ui/protocol.py, `CloseCode`). A superseded or an idle page stays ended. */
export const CLOSE = { policy: 1008, stopping: 1012, superseded: 4001, silent: 4002, idle: 4003 };
const forGood = (code) => code === CLOSE.superseded || code === CLOSE.idle;
const known = (code) => Object.values(CLOSE).includes(code);

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A packed frame (studio/ui/mailbox.py, `pack`) as {sequence, index, revision, tick, age, jpeg}. */
export function unpack(buffer) {
  const view = new DataView(buffer);
  return {
    sequence: view.getUint32(4, true),
    index: view.getUint32(8, true),
    revision: view.getUint32(12, true),
    tick: view.getFloat32(16, true),
    age: view.getFloat32(20, true),
    jpeg: new Blob([new Uint8Array(buffer, 32)], { type: 'image/jpeg' }),
  };
}

/** A picture as the server reads it (studio/ui/protocol.py, `parse_picture`): `jpeg` is an ArrayBuffer. */
export function packed(number, saw, jpeg) {
  const data = new Uint8Array(12 + jpeg.byteLength);
  const view = new DataView(data.buffer);
  data.set([0x53, 0x54, 0x50, 0x31]); // STP1
  view.setUint32(4, number, true);
  view.setUint32(8, saw, true);
  data.set(new Uint8Array(jpeg), 12);
  return data;
}

export class Link {
  /** ask() -> {ticket} or {waiting}; on: {frame, message, state}, called with what arrives. */
  constructor({ root, ask, on, pull = false }) {
    Object.assign(this, {
      base: `${root}/gradio_api/studio`, root, ask, on, pull, deliver: null, ended: false, silence: SILENCE, pullSilence: PULL_SILENCE,
    });
  }

  /** Send a message, or a picture's bytes; it is dropped while there is no link, as the state is told anew when there is one. */
  send(message) {
    if (this.deliver) this.deliver(message);
    return Boolean(this.deliver);
  }

  end() {
    this.ended = true;
    this.deliver = null;
    if (this.socket) Object.assign(this.socket, { onmessage: null }).close();
  }

  /** Another page has the seat: to come back would take it away there. */
  superseded(words) {
    if (!this.ended) this.on.state('superseded', words || 'This session goes on in another tab.');
    this.end();
  }

  async run() {
    let pause = 400;
    while (!this.ended) {
      const began = performance.now();
      let turned = false;
      let words = ''; // the server's, of why it ended the link
      try {
        const { ticket, waiting } = await this.ask();
        if (this.ended) return;
        turned = Boolean(waiting);
        if (waiting) this.on.state('waiting', waiting);
        else words = await this.converse(ticket);
        if (performance.now() - began > 5000) pause = 400;
      } catch (error) {
        console.debug('studio link:', error.message);
      }
      this.deliver = null;
      if (this.ended) return;
      if (!turned) this.on.state('lost', words);
      await sleep(pause);
      pause = Math.min(pause * 1.7, 4000);
      while (!this.ended && !(await this.reachable())) {
        this.on.state('lost', words); // also where a seat was waited for
        await sleep(1500);
      }
    }
  }

  // Gradio shows an error for every event while the server is away, so ask for a ticket only once it answers again.
  reachable() {
    return fetch(`${this.root}/gradio_api/app_id`).then((answer) => answer.ok, () => false);
  }

  async converse(ticket) {
    if (!this.pull) {
      try {
        return await this.bySocket(ticket);
      } catch (error) {
        if (error.message !== 'no socket') throw error;
        this.pull = true;
      }
    }
    return this.byPull(ticket);
  }

  bySocket(ticket) {
    return new Promise((done, failed) => {
      const socket = new WebSocket(this.base.replace(/^http/, 'ws') + '/ws', ['studio.v1', `ticket.${ticket}`]);
      let late = null;
      const over = () => {
        Object.assign(socket, { onclose: null, onmessage: null });
        socket.close();
        if (this.deliver) done();
        else failed(new Error('no socket'));
      };
      const within = (ms) => { clearTimeout(late); late = setTimeout(over, ms); };
      within(OPEN_WITHIN);
      this.socket = socket;
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => socket.send('{"type":"open"}');
      socket.onmessage = ({ data }) => {
        within(this.silence);
        if (data instanceof ArrayBuffer) return this.on.frame(unpack(data));
        if (!this.deliver) {
          this.deliver = (message) => socket.readyState === 1
            && socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
          this.on.state('live', 'socket');
        }
        return this.heard(JSON.parse(data));
      };
      socket.onclose = ({ code, reason }) => {
        clearTimeout(late);
        if (forGood(code)) this.superseded(reason);
        const words = code === CLOSE.stopping ? reason || 'The server has stopped. Trying again until it is back.' : reason;
        if (this.deliver || this.ended || known(code)) done(known(code) ? words : '');
        else failed(new Error('no socket'));
      };
    });
  }

  /** Pulls until the line is dead or the server ends it; what is under way then is called off, not left beside the next line. */
  async byPull(ticket) {
    const line = new AbortController();
    let late = null;
    const within = (ms) => { clearTimeout(late); late = setTimeout(() => line.abort(), ms); };
    const ask = async (path, options) => {
      const answer = await this.fetch(path, { ...options, signal: line.signal });
      within(this.pullSilence);
      return answer;
    };
    within(this.pullSilence);
    try {
      await this.pulls(ask, ticket);
    } catch (error) {
      if (forGood(error.code)) this.superseded(error.words);
      if (!known(error.code)) throw error;
      return error.words;
    } finally {
      clearTimeout(late);
      line.abort();
    }
    return '';
  }

  async pulls(ask, ticket) {
    const opened = await ask('/link', { method: 'POST', headers: { 'x-studio-ticket': ticket } });
    const { token, messages } = await opened.json();
    const headers = { 'x-studio-link': token };
    const queue = [];
    let wake = () => {};
    const upload = (bytes) => ask('/up', {
      method: 'POST', headers: { ...headers, 'content-type': 'application/octet-stream' }, body: bytes,
    }).then((answer) => answer.json()).then(({ messages: heard }) => heard.forEach((message) => this.heard(message)),
      (error) => console.debug('studio picture:', error.message)); // a lost link is found by the pulls
    this.deliver = (message) => {
      if (message instanceof Uint8Array) return upload(message);
      queue.push(message);
      return wake();
    };
    this.on.state('live', 'pull');
    messages.forEach((message) => this.heard(message));
    const up = async () => {
      while (!this.ended) {
        if (!queue.length) await Promise.race([sleep(UP_EVERY), new Promise((done) => { wake = done; })]);
        const body = JSON.stringify({ messages: queue.splice(0, 64) });
        const answer = await ask('/up', { method: 'POST', headers, body });
        (await answer.json()).messages.forEach((message) => this.heard(message));
      }
    };
    const frames = async () => {
      while (!this.ended) {
        const answer = await ask('/frame', { headers, cache: 'no-store' });
        if (answer.status === 200) this.on.frame(unpack(await answer.arrayBuffer()));
      }
    };
    await Promise.all([up(), frames(), frames()]);
  }

  async fetch(path, options) {
    const answer = await fetch(this.base + path, options);
    if (answer.ok) return answer;
    const { code, error } = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(`${path} answered ${answer.status}`), { code, words: error });
  }

  heard(message) {
    if (message.type === 'ping') this.send({ type: 'pong', number: message.number });
    else if (message.type === 'superseded') this.superseded(message.message);
    else this.on.message(message);
  }
}

// @ts-check
// What this page has sent and not yet seen in a picture: until the server has numbered it, and then until a frame shows it.

import { inputTime } from './pointer.js';
import { packPicture } from './wire.js';

/** @import { Control, Send } from './types.js' */
/** @typedef {{ control: Control, at: number }} Sent `at`: ms, of the hand's event that it came of */

const UNSEEN = ['pause', 'picture']; // kinds whose way into the picture is not measured

export class Outbox {
  /** @param {{ send: Send, frame: () => number }} options send: false where there is no link; frame: the one that is seen now */
  constructor({ send, frame }) {
    this.send = send;
    this.frame = frame;
    this.number = 0;
    /** @type {Map<number, Sent>} */
    this.unconfirmed = new Map(); // by number
    /** @type {(Sent & { revision: number })[]} */
    this.unshown = [];
  }

  /** @param {Control} control */
  sendControl(control) {
    this.number += 1;
    this.unconfirmed.set(this.number, { control, at: inputTime(performance.now()) });
    if (!this.send({ type: 'control', number: this.number, control, saw: this.frame() })) this.unconfirmed.delete(this.number);
  }

  /** A number for a command whose answer names it. */
  reserve() {
    this.number += 1;
    return this.number;
  }

  /**
   * The server itself sent a control of this page's to its session, for a command.
   * @param {Control} control
   * @param {number} revision
   * @param {number} at ms, of the hand's event that it came of
   */
  sentFor(control, revision, at) {
    this.unshown.push({ control, at, revision });
  }

  /**
   * The number the picture is sent under; null where there is no link.
   * @param {ArrayBuffer} jpeg
   */
  sendPicture(jpeg) {
    this.number += 1;
    return this.send(packPicture(this.number, this.frame(), jpeg)) ? this.number : null;
  }

  /**
   * The server gave a control its revision, which frames will carry. Gives the control.
   * @param {number} number
   * @param {number} revision
   */
  confirm(number, revision) {
    const sent = this.take(number);
    if (sent && !UNSEEN.includes(sent.control.kind)) this.unshown.push({ ...sent, revision });
    return sent?.control;
  }

  /**
   * The server refused a control. Gives it.
   * @param {number} number
   */
  reject(number) {
    return this.take(number)?.control;
  }

  /**
   * The controls that a frame of this revision is the first to show.
   * @param {number} revision
   */
  shownBy(revision) {
    const shown = this.unshown.filter((sent) => sent.revision <= revision);
    this.unshown = this.unshown.filter((sent) => sent.revision > revision);
    return shown;
  }

  /**
   * Is a control of this kind on its way to the server?
   * @param {string} kind
   */
  isSending(kind) {
    return [...this.unconfirmed.values()].some(({ control }) => control.kind === kind);
  }

  /**
   * The messages of a stroke that are not yet in the picture, the first sent first.
   * @param {string} id
   * @returns {Control[]}
   */
  pending(id) {
    const sent = [...this.unshown, ...this.unconfirmed.values()].map(({ control }) => control);
    return sent.filter((control) => control.kind === 'stroke' && control.id === id);
  }

  /** A link begins anew: what was on its way may be lost, and numbers of revisions count anew. */
  clear() {
    this.unconfirmed.clear();
    this.unshown = [];
  }

  /** @param {number} number */
  take(number) {
    const sent = this.unconfirmed.get(number);
    this.unconfirmed.delete(number);
    return sent;
  }
}

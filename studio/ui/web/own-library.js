// @ts-check
// Subjects of one's own, kept in this browser: none is known to the server before it is used, or to another seat at all.

/** @typedef {{ name: string, data: string, words: string[], faces: string, at: number }} OwnSubject data: base64 of its file; at: ms, when it was used last */

const DATABASE = 'studio-own';
const STORE = 'subjects';
export const MOST_KEPT = 100;

/**
 * A request's result, once it is there.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error ?? new Error('the browser keeps nothing'));
});

export class OwnLibrary {
  /** @type {Map<string, OwnSubject>} by name */
  subjects = new Map();

  /** @type {IDBDatabase | null} null: nothing may be kept (private mode); all works until the page is closed */
  database = null;

  /** @param {IDBFactory | undefined} factory */
  async open(factory = globalThis.indexedDB) {
    try {
      const asked = factory.open(DATABASE, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: 'name' });
      this.database = await result(asked);
      const kept = /** @type {OwnSubject[]} */ (await result(this.store('readonly').getAll()));
      for (const one of kept.sort((a, b) => a.at - b.at)) if (!this.subjects.has(one.name)) this.subjects.set(one.name, one);
    } catch {
      this.database = null;
    }
    return this;
  }

  /**
   * @param {IDBTransactionMode} mode
   * @returns {IDBObjectStore}
   */
  store(mode) {
    if (!this.database) throw new Error('the browser keeps nothing');
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }

  /** The last used first. */
  get list() {
    return [...this.subjects.values()].sort((a, b) => b.at - a.at);
  }

  /**
   * Keep one, in place of one of its name; where there are too many, the one that was used longest ago goes, and is given.
   * @param {OwnSubject} subject
   * @returns {OwnSubject | undefined}
   */
  put(subject) {
    this.subjects.set(subject.name, subject);
    this.write((store) => store.put(subject));
    const oldest = this.subjects.size > MOST_KEPT ? this.list[this.subjects.size - 1] : undefined;
    if (oldest) this.remove(oldest.name);
    return oldest;
  }

  /** @param {string} name */
  remove(name) {
    this.subjects.delete(name);
    this.write((store) => store.delete(name));
  }

  /** @param {(store: IDBObjectStore) => IDBRequest} change */
  write(change) {
    if (!this.database) return;
    result(change(this.store('readwrite'))).catch(() => { this.database = null; }); // full, or taken away: kept here alone
  }
}

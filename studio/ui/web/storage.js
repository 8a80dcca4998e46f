// @ts-check
// What a tab or a browser keeps. Where nothing may be kept (private mode), all works and nothing is remembered.

/** @param {() => Storage} storage */
function keeper(storage) {
  return {
    /** @param {string} key */
    get(key) {
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
    /**
     * @param {string} key
     * @param {string} value
     */
    set(key, value) {
      try {
        storage().setItem(key, value);
      } catch { /* private mode: not kept */ }
    },
  };
}

export const tabStorage = keeper(() => sessionStorage);
export const browserStorage = keeper(() => localStorage);

// @ts-check
// What a person calls a subject of their own, and what a file's name says of it.

const LONGEST = 80; // characters of a name: studio/controls/subject.py
const MOST_WORDS = 16;

/**
 * What was typed as a name, and after commas other words that name it.
 * @param {string} typed
 */
export function namesOf(typed) {
  const [name = '', ...words] = typed.split(',').map((word) => word.trim().toLowerCase().replace(/\s+/g, ' ').slice(0, LONGEST));
  return { name, words: [...new Set(words)].filter((word) => word && word !== name).slice(0, MOST_WORDS) };
}

/**
 * A name to begin with, of a file's: "IMG_1234.jpg", and what a clipboard calls all its pictures, is none.
 * @param {string} file
 */
export function nameOfFile(file) {
  const name = file.replace(/\.[^.]*$/, '').replace(/[_\-.,]+/g, ' ').trim().toLowerCase().slice(0, LONGEST);
  return /\d{3}/.test(name) || ['image', 'photo', 'picture', 'blob', ''].includes(name) ? '' : name;
}

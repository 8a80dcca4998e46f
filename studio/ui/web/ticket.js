// @ts-check
// The way in: Gradio's event asks for a seat, and its value brings a ticket that opens one link.

import { tabStorage } from './storage.js';

/** @import { Admission, GradioComponent, ShowToast } from './types.js' */

const PATIENCE = 8000; // ms

/**
 * A function that asks for a ticket to this tab's seat; rejects where none comes.
 * @param {GradioComponent} gradio
 * @param {ShowToast} toast says that the session this tab had is gone
 * @returns {() => Promise<Admission>}
 */
export function ticketSource({ ask, watch, value }, toast) {
  /** @type {((admission: Admission | null) => void) | null} */
  let answer = null;
  return () => {
    if (!answer) watch('value', () => answer?.(value()));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no ticket')), PATIENCE);
      answer = (admission) => {
        clearTimeout(timer);
        if (admission?.seat) tabStorage.set('studio-seat', admission.seat);
        if (admission?.gone) toast(admission.gone, 'error');
        resolve(admission || {});
      };
      ask({ seat: tabStorage.get('studio-seat') });
    });
  };
}

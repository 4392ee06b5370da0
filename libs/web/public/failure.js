import { ApiError } from './api.js';
import { t } from './i18n.js';

/** @typedef {{ code: string, message: string }} Failure */

/** @param {unknown} reason @returns {Failure} */
export function toFailure(reason) {
  if (reason instanceof ApiError) return { code: reason.code, message: reason.message };
  return { code: 'unknown', message: reason instanceof Error ? reason.message : String(reason) };
}

/** What a failure means, in the language of the page. @param {Failure} failure */
export function failureText(failure) {
  const { code } = failure;
  return code === 'unreachable' || code === 'interrupted' ? t(code) : t('refused', failure);
}

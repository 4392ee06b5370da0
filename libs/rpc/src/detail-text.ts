import type { ErrorDetails } from '@eidetic/core';

type Detail = ErrorDetails[string];

/** What reads as something other than a text, and texts that begin like a quoted one. */
const AMBIGUOUS = /^(?:"|(?:true|false|NaN|-?Infinity|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$)/;

/** A detail as text, for metadata that holds nothing else. Texts that read as a number or a boolean are quoted. */
export const detailToText = (detail: Detail): string => {
  if (typeof detail === 'string') return AMBIGUOUS.test(detail) ? JSON.stringify(detail) : detail;
  return Object.is(detail, -0) ? '-0' : String(detail);
};

/** The detail that {@link detailToText} wrote. Never throws. */
export const detailFromText = (text: string): Detail => {
  if (!AMBIGUOUS.test(text)) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  if (!text.startsWith('"')) return Number(text);
  try {
    return String(JSON.parse(text));
  } catch {
    // Not written by us.
    return text;
  }
};

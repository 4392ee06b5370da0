import { EideticError } from '@eidetic/core';
import type { FileQuota, FileUsage } from './file-store.ts';

export const noSuchFile = (id: string): EideticError =>
  new EideticError('not_found', `${JSON.stringify(id.slice(0, 80))}: there is no such file (any more).`);

export const fileTooLarge = (maxBytes: number): EideticError =>
  new EideticError('body_too_large', `file: it has more than the ${maxBytes} bytes that are accepted.`, {
    details: { param: 'file', maxBytes },
  });

/** @throws EideticError `quota_exceeded` if what is kept with one more file of `sizeBytes` exceeds `quota`. */
export const checkQuota = (usage: FileUsage, sizeBytes: number, { maxFiles, maxBytes }: FileQuota): void => {
  const problem =
    usage.files + 1 > maxFiles
      ? `You keep ${usage.files} files, of at most ${maxFiles}`
      : usage.bytes + sizeBytes > maxBytes
        ? `You keep ${usage.bytes} bytes of files, and with these there would be more than ${maxBytes}`
        : undefined;
  if (problem === undefined) return;
  throw new EideticError('quota_exceeded', `${problem}; delete some of them.`, { details: { param: 'file' } });
};

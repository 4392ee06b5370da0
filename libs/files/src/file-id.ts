import { hash, randomBytes } from 'node:crypto';

const ID = /^file-[A-Za-z0-9]{1,64}$/;

/** Whether a text may be the id of a file: what is none is in no store, nor in a path. */
export const isFileId = (text: string): boolean => ID.test(text);

/** An id that nobody guesses. */
export const newFileId = (): string => `file-${randomBytes(16).toString('hex')}`;

/** The id of a file that is made once, however often it is written: the same for the same name. */
export const derivedFileId = (name: string): string => `file-${hash('sha256', name, 'hex').slice(0, 32)}`;

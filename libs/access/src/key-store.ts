import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { type AccessObserver, EideticError } from '@eidetic/core';
import { type ApiKeyEntry, parseKeyFile } from './key-file.ts';

/** Where keys are, and how they are looked after. */
export interface KeyStoreOptions {
  readonly path: string;
  /** Time between two looks whether the file has changed. */
  readonly intervalMs: number;
  readonly observer: Pick<AccessObserver, 'loaded' | 'reloadFailed'>;
  /** For the log: a new file is in force, or why it is not. */
  readonly onReload: (message: string, reason?: Error) => void;
}

const read = (path: string): ReadonlyMap<string, ApiKeyEntry> => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { message } = EideticError.from(cause);
    throw new EideticError('invalid_config', `The file of API keys cannot be read: ${message}.`, { cause });
  }
  return new Map(parseKeyFile(text, path).map((entry) => [entry.sha256, entry]));
};

/**
 * The keys of a file, by their hash, as the file is: a change is seen within the interval. A new file that cannot be used leaves the
 * keys as they were. It is to be replaced by a rename: of one that is being written, the lines so far would be taken.
 *
 * The file is looked at rather than watched: Kubernetes replaces a mounted Secret by another symbolic link in the path, of which a watch
 * on the file never hears.
 */
export class KeyStore implements Disposable {
  readonly #options: KeyStoreOptions;
  readonly #look = (): void => this.#reload();
  #entries: ReadonlyMap<string, ApiKeyEntry>;

  /** @throws EideticError `invalid_config` if the file is missing or wrong. */
  constructor(options: KeyStoreOptions) {
    this.#options = options;
    this.#entries = read(options.path);
    options.observer.loaded({ keys: this.#entries.size });
    watchFile(options.path, { interval: options.intervalMs, persistent: false }, this.#look);
  }

  /** The entry of a key; undefined if there is none. */
  find(sha256: string): ApiKeyEntry | undefined {
    return this.#entries.get(sha256);
  }

  /** Looks no more. */
  [Symbol.dispose](): void {
    unwatchFile(this.#options.path, this.#look);
  }

  #reload(): void {
    const { path, observer, onReload } = this.#options;
    try {
      this.#entries = read(path);
    } catch (reason) {
      observer.reloadFailed();
      onReload(
        'The file of API keys has changed and is of no use: the keys stay as they were.',
        EideticError.from(reason),
      );
      return;
    }
    observer.loaded({ keys: this.#entries.size });
    onReload(`The file of API keys has changed: ${this.#entries.size} keys are in it.`);
  }
}

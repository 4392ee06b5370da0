import { readFileSync } from 'node:fs';
import { EideticError } from '@eidetic/core';
import { badFile, type Certificates, checkAuthorities, checkIdentity, type NamedFile } from './certificates.ts';

/** Which files, and who is told of them. */
export interface CertificateFilesOptions {
  /** The own certificate, with its issuers, and its key. */
  readonly identity?: { readonly cert: NamedFile; readonly key: NamedFile } | undefined;
  readonly ca?: NamedFile | undefined;
  /** Told when other files are used from now on, or why they are not: then the last good ones stay in use. */
  readonly onChange?: (trouble: EideticError | undefined) => void;
  /** Time between two looks at the files. */
  readonly intervalMs?: number;
}

type Listener = (certificates: Certificates) => void;

const INTERVAL_MS = 10_000;

const read = (file: NamedFile): Buffer => {
  try {
    return readFileSync(file.path);
  } catch (cause) {
    throw badFile(file, `cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
};

const load = ({ identity, ca }: CertificateFilesOptions): Certificates => {
  const nowMs = Date.now();
  const own = identity && { cert: read(identity.cert), key: read(identity.key) };
  const authorities = ca && read(ca);
  if (identity && own) checkIdentity(identity, own, nowMs);
  if (ca && authorities) checkAuthorities(ca, authorities, nowMs);
  return { ...(own && { identity: own }), ...(authorities && { ca: authorities }) };
};

const contentOf = ({ identity, ca }: Certificates): string =>
  [identity?.cert, identity?.key, ca].map((pem) => pem?.toString() ?? '').join('\n');

/**
 * Certificates in files that others replace: looked at again and again as long as somebody listens. Files that are replaced one after the
 * other are taken once they fit together.
 */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  readonly #listeners = new Set<Listener>();
  #current: Certificates;
  #trouble = '';
  #timer: NodeJS.Timeout | undefined;

  /** @throws EideticError `invalid_config` that names the file that is of no use, and why. */
  constructor(options: CertificateFilesOptions) {
    this.#options = options;
    this.#current = load(options);
  }

  /** The last good ones. */
  get current(): Certificates {
    return this.#current;
  }

  /** Tells of every other content from now on, until the result is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#look(), this.#options.intervalMs ?? INTERVAL_MS).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    try {
      const found = load(this.#options);
      this.#trouble = '';
      if (contentOf(found) === contentOf(this.#current)) return;
      this.#current = found;
      this.#options.onChange?.(undefined);
      for (const listener of this.#listeners) listener(found);
    } catch (reason) {
      const error = EideticError.from(reason);
      if (error.message !== this.#trouble) this.#options.onChange?.(error);
      this.#trouble = error.message;
    }
  }
}

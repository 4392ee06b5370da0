import type { CallOptions } from './client.ts';
import { listAll } from './pages.ts';
import type { Transport } from './transport.ts';

/** What a file is for: pictures to chat about, requests of a batch, something else; the last is what batches write. */
export type FilePurpose = 'vision' | 'batch' | 'user_data' | 'batch_output';

/** A file that the server keeps. */
export interface StoredFile {
  readonly id: string;
  readonly object: 'file';
  readonly bytes: number;
  /** Unix time in seconds. */
  readonly created_at: number;
  /** Unix time in seconds; absent or null: it stays until it is deleted. */
  readonly expires_at?: number | null;
  readonly filename: string;
  readonly purpose: FilePurpose;
  /** Of a picture: the sha256 (hex) of its bytes, and its size in pixels as shown. */
  readonly eidetic?: { readonly image_id: string; readonly width: number; readonly height: number };
}

/** A file that is to be kept. */
export interface FileUpload {
  /** Its content; a `File` brings its name. */
  readonly file: Blob | Uint8Array<ArrayBuffer> | string;
  readonly purpose: 'vision' | 'batch' | 'user_data';
  readonly filename?: string;
  /** Seconds after which it is deleted; absent: as its purpose says. */
  readonly expiresAfterSeconds?: number;
}

/** Files that the server keeps for whoever has the API key. */
export interface Files {
  upload(upload: FileUpload, options?: CallOptions): Promise<StoredFile>;
  /** All of them, page by page. */
  list(options?: CallOptions & { readonly purpose?: FilePurpose }): AsyncIterable<StoredFile>;
  retrieve(id: string, options?: CallOptions): Promise<StoredFile>;
  content(id: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
  delete(id: string, options?: CallOptions): Promise<void>;
}

const nameOf = ({ file, filename, purpose }: FileUpload): string => {
  if (filename !== undefined) return filename;
  if (file instanceof Blob && 'name' in file && typeof file.name === 'string') return file.name;
  return purpose === 'batch' ? 'batch.jsonl' : 'file';
};

/** Ids come from answers, but may come from anywhere. */
const filePath = (id: string): string => `/files/${encodeURIComponent(id)}`;

export const createFiles = (transport: Transport): Files => ({
  async upload(upload, { signal } = {}) {
    const body = new FormData();
    body.set('purpose', upload.purpose);
    if (upload.expiresAfterSeconds !== undefined) {
      body.set('expires_after[anchor]', 'created_at');
      body.set('expires_after[seconds]', String(upload.expiresAfterSeconds));
    }
    // Last: the server knows by then what it is for.
    body.set('file', upload.file instanceof Blob ? upload.file : new Blob([upload.file]), nameOf(upload));
    return (await transport.json({ method: 'POST', path: '/files', body, signal, repeatable: false })) as StoredFile;
  },
  list: ({ signal, purpose } = {}) =>
    listAll<StoredFile>(transport, '/files', { ...(signal && { signal }), ...(purpose && { query: { purpose } }) }),
  retrieve: async (id, { signal } = {}) => (await transport.json({ path: filePath(id), signal })) as StoredFile,
  content: (id, { signal } = {}) => transport.bytes({ path: `${filePath(id)}/content`, signal }),
  async delete(id, { signal } = {}) {
    await transport.json({ method: 'DELETE', path: filePath(id), signal, repeatable: false });
  },
});

import { z } from 'zod';

/** What a file is for. People upload the first three; the last is what batches write. */
const FILE_PURPOSES = ['vision', 'batch', 'user_data', 'batch_output'] as const;

export const fileRecordSchema = z.object({
  id: z.string(),
  /** Whose it is: a name that is no secret; empty for those who share the server without keys. */
  tenant: z.string(),
  filename: z.string(),
  purpose: z.enum(FILE_PURPOSES),
  sizeBytes: z.int().min(0),
  /** Milliseconds since 1970. */
  createdAtMs: z.int(),
  /** Milliseconds since 1970; absent: it stays until it is deleted. */
  expiresAtMs: z.int().exactOptional(),
  /** Of a picture: sha256 (hex) of its bytes, and its size in pixels as shown. */
  picture: z.object({ imageId: z.string(), width: z.int(), height: z.int() }).readonly().exactOptional(),
});

/** What is known of a file beside its bytes. */
export type FileRecord = Readonly<z.infer<typeof fileRecordSchema>>;

/** What a file is for. */
export type FilePurpose = FileRecord['purpose'];

/** What a picture is, beside its bytes. */
export type PictureInfo = NonNullable<FileRecord['picture']>;

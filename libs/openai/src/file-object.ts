import type { FileRecord } from '@eidetic/files';

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** https://platform.openai.com/docs/api-reference/files/object, with `eidetic` as an extension for pictures. */
export const fileObject = ({ picture, ...file }: FileRecord) => ({
  id: file.id,
  object: 'file',
  bytes: file.sizeBytes,
  created_at: seconds(file.createdAtMs),
  expires_at: file.expiresAtMs === undefined ? null : seconds(file.expiresAtMs),
  filename: file.filename,
  purpose: file.purpose,
  status: 'processed',
  status_details: null,
  ...(picture && { eidetic: { image_id: picture.imageId, width: picture.width, height: picture.height } }),
});

import { hash } from 'node:crypto';
import { EideticError } from '@eidetic/core';
import { type FileDraft, type FileRecord, type FileService, readWhole, type StagedFile } from '@eidetic/files';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tenantOf } from './admit.ts';
import type { OpenaiApiParts } from './api-parts.ts';
import { expiresAfter } from './expires-after.ts';
import { validate } from './validate.ts';

/** A purpose, two fields of a life time, and some that are refused by name. */
const MAX_FIELDS = 10;
const MAX_FIELD_BYTES = 1000;
const MAX_FILENAME = 255;

/** https://platform.openai.com/docs/api-reference/files/create, beside the file. */
const schema = z.strictObject({
  purpose: z.enum(['vision', 'batch', 'user_data'], 'expected "vision", "batch" or "user_data"'),
  expires_after: expiresAfter.optional(),
});

const refuse = (param: string, problem: string): EideticError =>
  new EideticError('invalid_request', `${param}: ${problem}.`, { details: { param } });

/** `a[b]` is field `b` of object `a` in a form. */
const nested = (fields: ReadonlyMap<string, string>): Record<string, unknown> => {
  const outer: Record<string, unknown> = {};
  for (const [name, value] of fields) {
    const [, of, inner] = /^expires_after\[(\w+)\]$/.test(name) ? ['', 'expires_after', name.slice(14, -1)] : [];
    if (of === undefined || inner === undefined) outer[name] = value;
    else outer[of] = { ...(outer[of] as object | undefined), [inner]: value };
  }
  return outer;
};

/** What came in a form: its file is kept, but no file yet. */
interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly upload: { readonly staged: StagedFile; readonly filename: string } | undefined;
}

/** Whether the parser says that a form has no boundary or no end: it does so with errors without a code. */
const isBrokenForm = (error: unknown): error is Error =>
  error instanceof Error && !('code' in error) && /multipart/i.test(error.message);

const readForm = async (request: FastifyRequest, files: FileService, tenant: string): Promise<Form> => {
  const fields = new Map<string, string>();
  let upload: Form['upload'];
  try {
    // The file may come before what says what it is for.
    const limits = { files: 1, fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES, fileSize: Number.MAX_SAFE_INTEGER };
    for await (const part of request.parts({ limits })) {
      if (part.fieldname === undefined) {
        throw new EideticError('invalid_request', 'body: a part of the form has no name.');
      } else if (part.type === 'field') {
        fields.set(part.fieldname, String(part.value));
      } else if (part.fieldname === 'file' && upload === undefined) {
        // The parser leaves out what the form does, whatever its types say.
        const filename = part.filename?.slice(0, MAX_FILENAME) || 'upload';
        upload = { staged: await files.stage(tenant, part.file), filename };
      } else {
        throw refuse(part.fieldname, 'expected one file, in the field "file"');
      }
    }
  } catch (error) {
    await upload?.staged.discard();
    // Many clients send everything before they look at the answer: the rest is read, and dropped.
    request.raw.unpipe().resume();
    throw isBrokenForm(error)
      ? new EideticError('invalid_request', `body: ${error.message}.`, { cause: error })
      : error;
  }
  return { fields, upload };
};

/** @throws EideticError `invalid_image`, `image_too_large`: a file for vision is a picture. */
const lookAt = async (staged: StagedFile, { pictures }: OpenaiApiParts): Promise<Pick<FileDraft, 'picture'>> => {
  if (staged.sizeBytes > pictures.maxBytes) {
    const message = `file: the picture has ${staged.sizeBytes} bytes; at most ${pictures.maxBytes} are accepted.`;
    throw new EideticError('image_too_large', message, { details: { param: 'file' } });
  }
  const bytes = await readWhole(staged.read(), pictures.maxBytes);
  const { width, height } = await pictures.probe(bytes).catch((reason: unknown) => {
    const { code, message } = EideticError.from(reason);
    throw new EideticError(code, `file: ${message}`, { cause: reason, details: { param: 'file' } });
  });
  return { picture: { imageId: hash('sha256', bytes, 'hex'), width, height } };
};

/**
 * Takes in the file of a form.
 *
 * @throws EideticError what is wrong with the form or the file; `quota_exceeded`, `body_too_large`, `unavailable`.
 */
export const takeUpload = async (request: FastifyRequest, parts: OpenaiApiParts): Promise<FileRecord> => {
  const files = parts.files();
  const tenant = tenantOf(request) ?? '';
  if (!request.isMultipart()) {
    throw new EideticError(
      'invalid_request',
      'The body must be a form: send it with content-type: multipart/form-data.',
    );
  }
  const { fields, upload } = await readForm(request, files, tenant);
  if (upload === undefined) throw refuse('file', 'it is missing');
  const { staged, filename } = upload;
  try {
    const { purpose, expires_after } = validate(schema, nested(fields));
    return await files.add(tenant, staged, {
      filename,
      purpose,
      ...(expires_after && { lifetimeMs: expires_after.seconds * 1000 }),
      ...(purpose === 'vision' && (await lookAt(staged, parts))),
    });
  } catch (error) {
    await staged.discard();
    throw error;
  }
};

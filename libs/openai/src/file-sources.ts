import type { ImageSource } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import type { FileService } from '@eidetic/files';
import { readWhole } from '@eidetic/files';
import { z } from 'zod';

/** Files by id, as sources of pictures. */
export type FileSources = ReadonlyMap<string, ImageSource>;

const id = z.object({ file_id: z.string() }).optional().catch(undefined);
const url = z.object({ url: z.string() }).optional().catch(undefined);
const part = z.object({ image_url: url, file: id, image_file: id });
/** Only as much of a body as it takes to find the names of files in it; what is wrong with the rest is said by who reads it all. */
const body = z.object({
  messages: z.array(z.object({ content: z.array(part.catch({})).catch([]) }).catch({ content: [] })),
});

const fileIdsIn = (value: unknown): ReadonlySet<string> => {
  const { data } = body.safeParse(value);
  const named = data?.messages.flatMap(({ content }) =>
    content.flatMap(({ image_url, file, image_file }) => [image_url?.url, file?.file_id, image_file?.file_id]),
  );
  return new Set(named?.filter((name): name is string => name?.startsWith('file-') === true));
};

/**
 * The pictures that the body of a chat names by the ids of files. They are references, whose bytes are read when their embedding
 * is not at hand: a picture that is uploaded once and asked about often is neither read nor encoded again.
 *
 * @param files is asked only if the body names any.
 * @throws EideticError `unavailable`.
 */
export const findFiles = async (
  value: unknown,
  maxImages: number,
  files: () => FileService,
  tenant: string,
): Promise<FileSources> => {
  const ids = fileIdsIn(value);
  // Too many are refused with their number.
  if (ids.size === 0 || ids.size > maxImages) return new Map();
  const service = files();
  const found = [...ids].map(async (fileId): Promise<[string, ImageSource][]> => {
    const { picture, sizeBytes } = await service.get(tenant, fileId).catch((reason: unknown) => {
      if (EideticError.from(reason).code === 'not_found') return { picture: undefined, sizeBytes: 0 };
      throw reason;
    });
    if (picture === undefined) return [];
    const load = async () => readWhole((await service.read(tenant, fileId)).content, sizeBytes);
    return [[fileId, { kind: 'reference', imageId: picture.imageId, load }]];
  });
  return new Map((await Promise.all(found)).flat());
};

/** @throws EideticError `not_found`, naming the place where the file was named. */
export const fileSource = (fileId: string, path: string, files: FileSources): ImageSource => {
  const source = files.get(fileId);
  if (source !== undefined) return source;
  const shown = JSON.stringify(fileId.slice(0, 80));
  throw new EideticError('not_found', `${path}: there is no picture ${shown} among your files (any more).`, {
    details: { param: path },
  });
};

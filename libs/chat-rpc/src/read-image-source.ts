import type { ImageSource } from '@eidetic/chat';
import { refuse } from '@eidetic/messages';
import type { ImageSource as ImageSourceMessage } from '@eidetic/proto';

/**
 * Where a picture comes from.
 *
 * @param path of the message in the request
 * @throws EideticError `invalid_request`
 */
export const readImageSource = (message: ImageSourceMessage | undefined, path: string): ImageSource => {
  const source = message?.source;
  switch (source?.$case) {
    case 'data':
      if (source.value.length === 0) throw refuse(`${path}.data`, 'is empty');
      return { kind: 'bytes', bytes: source.value };
    case 'imageId':
      if (/^[0-9a-f]{64}$/.test(source.value)) return { kind: 'reference', imageId: source.value };
      throw refuse(`${path}.image_id`, 'is not a sha256 in 64 lower-case hex digits');
    case 'url':
      // Which URLs are fetched is for the fetcher to say.
      return { kind: 'url', url: source.value };
    case undefined:
      throw refuse(path, 'has no data, image_id or url');
  }
};

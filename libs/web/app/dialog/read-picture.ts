import type { Picture } from './dialog.ts';

const newKey = (): string => crypto.getRandomValues(new Uint32Array(2)).join('-');

/** Opens a file as a picture; undefined if the browser cannot read it as one. */
export const readPicture = async (blob: Blob, name: string, example?: string): Promise<Picture | undefined> => {
  const src = URL.createObjectURL(blob);
  const element = new Image();
  element.src = src;
  try {
    await element.decode();
  } catch {
    // Not a picture, or a damaged one: the caller says so.
    URL.revokeObjectURL(src);
    return undefined;
  }
  const { naturalWidth: width, naturalHeight: height } = element;
  return { key: newKey(), name, src, blob, width, height, ...(example !== undefined && { example }) };
};

/** A picture that the server is to fetch; undefined if the text is no http(s) address. */
export const pictureAt = (address: string): Picture | undefined => {
  const url = URL.parse(address.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return { key: newKey(), name: url.hostname, src: url.href };
};

/** Lets go of the memory that a picture holds in the page. */
export const releasePicture = ({ blob, src }: Picture): void => {
  if (blob) URL.revokeObjectURL(src);
};

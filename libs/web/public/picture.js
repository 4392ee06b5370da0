/**
 * Opens a file as a picture; undefined if the browser cannot read it as one.
 *
 * @param {Blob} blob
 * @returns {Promise<{ blob: Blob, url: string, width: number, height: number } | undefined>}
 */
export async function readPicture(blob) {
  const url = URL.createObjectURL(blob);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    // Not an image, or a damaged one: the caller says so.
    URL.revokeObjectURL(url);
    return undefined;
  }
  return { blob, url, width: image.naturalWidth, height: image.naturalHeight };
}

/** The characters of a text without its white space: what captions in Chinese are compared by. */
export function characterTokenise(text: string): readonly string[] {
  return [...text.replace(/\s/g, '')];
}

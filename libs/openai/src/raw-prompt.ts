import type { ContentPart } from '@eidetic/chat';
import { imageSource } from './image-source.ts';

const OPEN = '<img>';
const CLOSE = '</img>';

/**
 * Text and pictures of a raw prompt. Pictures are `<img>URL</img>`, as in the prompts of Qwen-VL's base model, with the URLs that
 * messages take; a tag without its partner is text.
 *
 * @param path names the prompt in errors, such as `prompt[1]`.
 * @throws EideticError `unsupported_image_source` or `invalid_image`.
 */
export const rawPrompt = (text: string, path: string): ContentPart[] => {
  const parts: ContentPart[] = [];
  let rest = 0;
  for (;;) {
    const open = text.indexOf(OPEN, rest);
    const close = open < 0 ? -1 : text.indexOf(CLOSE, open);
    if (close < 0) break;
    if (open > rest) parts.push({ kind: 'text', text: text.slice(rest, open) });
    parts.push({ kind: 'image', source: imageSource(text.slice(open + OPEN.length, close), path) });
    rest = close + CLOSE.length;
  }
  if (rest < text.length || parts.length === 0) parts.push({ kind: 'text', text: text.slice(rest) });
  return parts;
};

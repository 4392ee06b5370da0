import type { OutputEvent, OutputParser, Region } from '@eidetic/core';
import { GROUNDING_TAGS } from './special-tokens.ts';

/** Coordinates run from 0 to 1000 over the width and the height of the picture. */
const SCALE = 1000;

const TAG = new RegExp(GROUNDING_TAGS.join('|'));
const POINT = String.raw`\s*\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)\s*`;
const BOX = new RegExp(`^${Array(2).fill(POINT).join(',')}$`);
const QUAD = new RegExp(`^${Array(4).fill(POINT).join(',')}$`);
const PICTURE = /(?:picture|图片?)\s*(\d{1,4})/gi;

/** The last picture that a text names as the prompt does ("Picture 2", 图2), counted from 0. */
export function lastPictureNamed(text: string): number | undefined {
  const number = Number([...text.matchAll(PICTURE)].at(-1)?.[1] ?? 0);
  return number === 0 ? undefined : number - 1;
}

/** The answer as people read it: names stay, tags and coordinates go (Qwen-VL's web demo does the same). */
export function plainText(answer: string): string {
  return answer.replaceAll(/<(box|quad)>.*?<\/\1>/gs, '').replaceAll(new RegExp(TAG, 'g'), '');
}

/**
 * Reads `<ref>name</ref><box>(x1,y1),(x2,y2)</box>` and `<quad>` with four points out of an answer. Several boxes and
 * quads may follow one name without anything between; a box or quad without a name has an empty one. What does not
 * fit this grammar is text and nothing else. All text comes out, tags included, no tag cut in two.
 */
export function createGroundingParser(): OutputParser {
  let held = '';
  /** The tag last opened, and the text since the last tag. */
  let open: string | undefined;
  let since = '';
  /** Name that a box coming next belongs to. */
  let name = '';
  let picture: number | undefined;

  const close = (tag: string): Region | undefined => {
    const content = since;
    const opened = open;
    open = undefined;
    since = '';
    if (opened === undefined) name = '';
    if (tag === '</ref>' && opened === '<ref>') name = content.trim();
    if (tag === '</ref>') return undefined;
    const shape = tag === '</box>' ? 'box' : 'quad';
    const numbers = (shape === 'box' ? BOX : QUAD).exec(content)?.slice(1).map(Number);
    if (opened !== `<${shape}>` || numbers === undefined || Math.max(...numbers) > SCALE) return undefined;
    const corners = [];
    for (let at = 0; at < numbers.length; at += 2) {
      corners.push({ x: (numbers[at] ?? 0) / SCALE, y: (numbers[at + 1] ?? 0) / SCALE });
    }
    return { text: name, shape, corners, ...(picture === undefined ? {} : { picture }) };
  };

  const readTag = (tag: string): Region | undefined => {
    if (tag.startsWith('</')) return close(tag);
    // Text outside tags ends the name's reach, and may say which picture is meant.
    if (open === undefined && since !== '') {
      name = '';
      picture = lastPictureNamed(since) ?? picture;
    }
    if (tag === '<ref>') name = '';
    open = tag;
    since = '';
    return undefined;
  };

  return {
    push(text) {
      const events: OutputEvent[] = [];
      let rest = held + text;
      let passed = '';
      for (let tag = TAG.exec(rest); tag !== null; tag = TAG.exec(rest)) {
        since += rest.slice(0, tag.index);
        const region = readTag(tag[0]);
        passed += rest.slice(0, tag.index + tag[0].length);
        rest = rest.slice(tag.index + tag[0].length);
        if (region === undefined) continue;
        events.push({ kind: 'text', text: passed }, { kind: 'region', region });
        passed = '';
      }
      const keep = heldBack(rest);
      const free = rest.slice(0, rest.length - keep);
      held = rest.slice(rest.length - keep);
      since += free;
      if (passed + free !== '') events.push({ kind: 'text', text: passed + free });
      return events;
    },
    end() {
      const text = held;
      held = '';
      return text === '' ? [] : [{ kind: 'text', text }];
    },
  };
}

/** Length of the end of a text that may be the beginning of a tag. */
function heldBack(text: string): number {
  const at = text.lastIndexOf('<');
  if (at < 0) return 0;
  const tail = text.slice(at);
  return GROUNDING_TAGS.some((tag) => tag.startsWith(tail)) ? tail.length : 0;
}

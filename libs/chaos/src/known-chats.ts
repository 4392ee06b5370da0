import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownChat } from './ask-chat.ts';
import { unseenPicture } from './unseen-picture.ts';

/** A dialog, and what the reference implementation answers. */
interface Case {
  readonly name: string;
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Part[] }[];
  readonly output_text: string;
}

type Part = { readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly image: string };

/**
 * Chats with reference answers, each about one picture that nobody has seen.
 *
 * @param directory `cases.json` and the pictures (PNG) that it names
 * @param label distinguishes the bytes of these pictures from those of other calls
 */
export async function knownChats(directory: string, count: number, label: string): Promise<readonly KnownChat[]> {
  const { cases } = JSON.parse(await readFile(join(directory, 'cases.json'), 'utf8')) as { cases: readonly Case[] };
  const usable = cases.filter((each) => picturesOf(each) === 1);
  const chosen = Array.from({ length: count }, (_, i) => usable[i % usable.length]);
  return Promise.all(chosen.map((each, i) => toKnownChat(each, directory, `${label} ${i}`)));
}

const picturesOf = ({ messages }: Case): number =>
  messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content)).filter(({ type }) => type === 'image')
    .length;

async function toKnownChat(known: Case | undefined, directory: string, label: string): Promise<KnownChat> {
  if (known === undefined) throw new Error(`${directory} has no dialog about one picture.`);
  const toWire = async (part: Part): Promise<object> => {
    if (part.type === 'text') return part;
    const bytes = await unseenPicture(join(directory, part.image), label);
    return {
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` },
    };
  };
  const messages = known.messages.map(async ({ role, content }) => ({
    role,
    content: typeof content === 'string' ? content : await Promise.all(content.map(toWire)),
  }));
  return { name: known.name, messages: await Promise.all(messages), answer: known.output_text };
}

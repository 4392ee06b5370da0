import type { ChatMessage, ContentPart, ImageSource } from '@eidetic/chat';
import { z } from 'zod';
import { type FileSources, fileSource } from './file-sources.ts';
import { refused } from './generation-fields.ts';
import { imageSource } from './image-source.ts';
import { InlinePicture } from './inline-picture.ts';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const pictureUrl = z.custom<string | InlinePicture>(
  (value) => typeof value === 'string' || value instanceof InlinePicture,
  { error: ({ input }) => `expected string, received ${z.util.parsedType(input)}` },
);
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  // Every picture is seen at the model's one resolution, whatever detail is asked for.
  image_url: z.strictObject({ url: pictureUrl, detail: z.enum(['auto', 'low', 'high']).optional() }),
});

const fileId = z.string().regex(/^file-/, 'expected the id of a file, file-…');
/** As chats of OpenAI name a file, and as its assistants name a picture. */
const filePart = z.strictObject({ type: z.literal('file'), file: z.strictObject({ file_id: fileId }) });
const imageFilePart = z.strictObject({
  type: z.literal('image_file'),
  image_file: z.strictObject({ file_id: fileId, detail: z.enum(['auto', 'low', 'high']).optional() }),
});

const parts = z
  .array(
    z.discriminatedUnion('type', [textPart, imagePart, filePart, imageFilePart], {
      error: ({ code }) =>
        code === 'invalid_union' ? 'expected "text", "image_url", "file" or "image_file"' : undefined,
    }),
    'expected a string or an array of parts',
  )
  .min(1, 'expected at least one part');

const asParts = (value: unknown): unknown => (typeof value === 'string' ? [{ type: 'text', text: value }] : value);
const content = z.preprocess(asParts, parts);
const answerContent = z.preprocess((value) => asParts(value === null ? '' : value), parts);

const name = refused('the prompts of this model have no names; write it into the content');
const NONE = 'expected none: this model makes none';
const none = z.array(z.unknown(), NONE).max(0, NONE).nullish();

/** https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages, as far as it is served. */
export const message = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.enum(['system', 'developer', 'user']), content, name }),
    // Clients send our own answers back as history, with every field that their SDK knows. The text alone has the boxes.
    z.strictObject({
      role: z.literal('assistant'),
      content: answerContent,
      name,
      refusal: refused('this model does not refuse; send what was said as content'),
      audio: refused('this model does not speak; send what was said as content'),
      function_call: refused('this model calls no functions; leave it out'),
      tool_calls: none,
      annotations: none,
      grounding: z.unknown().optional(),
    }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected "system", "user" or "assistant"' : undefined) },
);

type Message = z.output<typeof message>;
type PicturePart = Exclude<Message['content'][number], { type: 'text' }>;

/** Fields of the parts that bring a picture: their paths in errors. */
const PICTURE_FIELDS = {
  image_url: 'image_url.url',
  file: 'file.file_id',
  image_file: 'image_file.file_id',
} as const satisfies Record<PicturePart['type'], string>;

/** Path of a picture of a message, as errors name it. */
const picturePath = (messageIndex: number, partIndex: number, type: PicturePart['type']): string =>
  `messages[${messageIndex}].content[${partIndex}].${PICTURE_FIELDS[type]}`;

const sourceOf = (part: PicturePart, path: string, files: FileSources): ImageSource => {
  if (part.type === 'file') return fileSource(part.file.file_id, path, files);
  if (part.type === 'image_file') return fileSource(part.image_file.file_id, path, files);
  const { url } = part.image_url;
  return typeof url === 'string' && url.startsWith('file-') ? fileSource(url, path, files) : imageSource(url, path);
};

/** Paths of all pictures, in order. */
export const picturePaths = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ content: each }, i) =>
    each.flatMap(({ type }, j) => (type === 'text' ? [] : [picturePath(i, j, type)])),
  );

/** @throws EideticError `unsupported_image_source`, `invalid_image`, or `not_found` for a file, naming the picture. */
export const toChatMessages = (messages: readonly Message[], files: FileSources): ChatMessage[] =>
  messages.map(({ role, content: each }, i) => ({
    role: role === 'developer' ? 'system' : role,
    content: each.map(
      (part, j): ContentPart =>
        part.type === 'text'
          ? { kind: 'text', text: part.text }
          : { kind: 'image', source: sourceOf(part, picturePath(i, j, part.type), files) },
    ),
  }));

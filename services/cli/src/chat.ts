import { createInterface } from 'node:readline';
import type { DialogOptions } from '@eidetic/client';
import { EideticError } from '@eidetic/core';
import { decimal, parseArguments, serverAddress, wholeNumber } from './arguments.ts';
import { meansPicture, readPicture } from './chat-picture.ts';
import { type ChatFormat, ChatSession } from './chat-session.ts';
import type { Command } from './commands.ts';
import { Interrupts } from './interrupts.ts';
import { reachServer } from './reach-server.ts';
import { boxesFormat } from './save-boxes.ts';
import { serviceSettings } from './service-settings.ts';
import { say, show } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic chat [PICTURE ...] ["QUESTION"] [options]

Asks a server about pictures and prints the answer as it comes. A picture is a file, an address (which the server fetches) or -
for standard input. What an answer points at is numbered, and drawn in a copy of the picture: photo.jpg → photo.boxes.jpg.
Without --url it asks the server on http://127.0.0.1:8080; if there is none, it starts one, set up by EIDETIC_* variables, that ends
with the chat.

Without a question it is a dialog: each line is a question, and these are commands:

  /image PICTURE     brings a picture into the next question
  /quit              ends; so does Ctrl-D. Ctrl-C stops the answer, and once more ends

  --url URL             of the server, such as http://localhost:8080
  --api-key KEY         sent as a bearer token; default: EIDETIC_API_KEY
  --model NAME          default: the first that the server lists
  --system TEXT         what the model is to be and do
  --max-tokens N        of one answer
  --temperature T       0 (always the likeliest token) to 2
  --seed N              the same seed gives the same answer
  --output FILE         where the picture with boxes goes, a .jpg or a .png
  --raw                 print the answer as the model wrote it, with tags
  --json                print one line of JSON for each answer

Examples:
  eidetic chat photo.jpg "What is in this picture?"
  eidetic chat before.png after.png "What has changed?" --max-tokens 100
  curl -s https://example.com/cat.png | eidetic chat - "Draw a box around the cat." --output cat.jpg
  eidetic chat photo.jpg`;

const OPTIONS = {
  url: { type: 'string' },
  'api-key': { type: 'string' },
  model: { type: 'string' },
  system: { type: 'string' },
  'max-tokens': { type: 'string' },
  temperature: { type: 'string' },
  seed: { type: 'string' },
  output: { type: 'string' },
  raw: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** Where `eidetic serve` listens. */
const LOCAL_URL = 'http://127.0.0.1:8080';

const HELP = 'Ask, or say /image PICTURE to bring one in, or /quit.';

/** `eidetic chat`. */
export const chat: Command = { usage, run: runChat, handlesInterrupt: true };

/**
 * Answers go to standard output.
 *
 * @throws UsageError for wrong arguments; EideticError for pictures that cannot be read, and with what the server says.
 */
async function runChat(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { pictures, question, url, apiKey, parameters, format } = readArguments(args);
  // Before Ctrl-C is taken: who waits for standard input ends at once.
  const read = await Promise.all(pictures.map(readPicture));
  const interrupts = new Interrupts();
  process.on('SIGINT', interrupts.interrupt);
  const leaving = AbortSignal.any([signal, interrupts.leaving]);
  const settings = serviceSettings(process.env);
  await using server = await reachServer({ url, localUrl: LOCAL_URL, apiKey, settings, onProgress: show }, leaving);
  show('');
  const session = new ChatSession(server.client, parameters, format);
  for (const picture of read) session.add(picture);
  const ask = (text: string): Promise<void> =>
    interrupts.during((stop) => session.ask(text, AbortSignal.any([stop, leaving])));
  if (question !== undefined) {
    await ask(question);
    return 0;
  }
  return converse(session, ask, interrupts, leaving);
}

/** Takes lines until there are no more, or `leaving` aborts. Gives the exit status: who sees at a terminal what failed needs none. */
async function converse(
  session: ChatSession,
  ask: (text: string) => Promise<void>,
  interrupts: Interrupts,
  leaving: AbortSignal,
): Promise<number> {
  const terminal = process.stdin.isTTY && process.stderr.isTTY;
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal,
    prompt: terminal ? '> ' : '',
  });
  // At a terminal readline takes the key, and no signal comes.
  lines.on('SIGINT', interrupts.interrupt);
  const close = (): void => lines.close();
  // The last lines of a file are still to be answered when it is closed, and then there is nobody to prompt.
  let open = true;
  lines.once('close', () => {
    open = false;
  });
  const prompt = (): void => {
    if (open) lines.prompt();
  };
  leaving.addEventListener('abort', close, { once: true });
  if (terminal) say(HELP);
  prompt();
  let status = 0;
  for await (const line of lines) {
    if (leaving.aborted || line.trim() === '/quit') break;
    try {
      await takeLine(line.trim(), session, ask);
    } catch (error) {
      const { code, stack, message } = EideticError.from(error);
      say(code === 'internal' ? String(stack) : message);
      // A picture that was not there can be named again, and what was stopped was wanted so.
      if (!terminal && !['invalid_image', 'cancelled'].includes(code)) status = 1;
    }
    prompt();
  }
  leaving.removeEventListener('abort', close);
  close();
  return status;
}

async function takeLine(line: string, session: ChatSession, ask: (text: string) => Promise<void>): Promise<void> {
  const [, command, rest = ''] = /^\/(\w+)(?:\s+(.*))?$/.exec(line) ?? [];
  if (line === '') return;
  if (command === undefined) await ask(line);
  else if (command === 'image' && rest !== '') say(`Picture ${session.add(await readPicture(rest))}: ${rest}`);
  else say(HELP);
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const pictures = positionals.filter(meansPicture);
  const [question, ...more] = positionals.filter((text) => !meansPicture(text));
  if (more.length > 0) {
    throw new UsageError(
      `Which is the question: ${[question, ...more].map((text) => `"${text}"`).join(' or ')}? Put it in quotes.`,
    );
  }
  if (pictures.filter((name) => name === '-').length > (question === undefined ? 0 : 1)) {
    throw new UsageError('Standard input holds one picture (-), and then a question is needed among the arguments.');
  }
  if (values.raw && values.json) throw new UsageError('--raw and --json exclude each other.');
  if (values.output !== undefined && pictures.length > 1) {
    throw new UsageError(
      '--output names one file; with several pictures leave it out, and each gets a copy beside it.',
    );
  }
  if (values.output !== undefined && boxesFormat(values.output) === undefined) {
    throw new UsageError(`--output is ${values.output}; the picture with boxes is a .jpg or a .png.`);
  }
  const maxTokens = values['max-tokens'];
  const parameters: DialogOptions = {
    ...(values.model !== undefined && { model: values.model }),
    ...(values.system !== undefined && { system: values.system }),
    ...(maxTokens !== undefined && { max_completion_tokens: wholeNumber('--max-tokens', maxTokens) }),
    ...(values.temperature !== undefined && { temperature: decimal('--temperature', values.temperature, 0, 2) }),
    ...(values.seed !== undefined && { seed: wholeNumber('--seed', values.seed, 0) }),
  };
  const format: ChatFormat = { as: values.raw ? 'raw' : values.json ? 'json' : 'text', output: values.output };
  const url = values.url === undefined ? undefined : serverAddress('--url', values.url);
  const apiKey = values['api-key'] ?? process.env.EIDETIC_API_KEY;
  return { pictures, question, url, apiKey, parameters, format };
}

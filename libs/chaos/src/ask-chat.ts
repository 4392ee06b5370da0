import { setTimeout as delay } from 'node:timers/promises';

/** A chat and its answer, as the model gives it when it always takes the likeliest token. */
export interface KnownChat {
  readonly name: string;
  /** As they travel. */
  readonly messages: readonly object[];
  readonly answer: string;
}

/** How a chat ended for its client. */
export interface AskedChat {
  /**
   * `right`, or `wrong`: another text. `refused`: an error, from a gateway that was there. `cut`: the connection was lost in the middle
   * of the answer. `unanswered`: no gateway took it, or none came to an end.
   */
  readonly outcome: 'right' | 'wrong' | 'refused' | 'cut' | 'unanswered';
  /** What came instead of the answer. */
  readonly detail: string;
  /** How often it was taken to another gateway, since one was not there, or was lost before it began to answer. */
  readonly moves: number;
}

/** Where and how a chat is asked. */
export interface AskOptions {
  /** URLs, in the order in which they are tried. */
  readonly gateways: readonly string[];
  readonly model: string;
  readonly stream: boolean;
}

type Answer = Omit<AskedChat, 'moves'>;

/** Far more than any request may wait for anything. */
const GIVE_UP_MS = 120_000;
/** Wait before gateways are tried again none of which was there. */
const PAUSE_MS = 50;

/**
 * Asks a chat as a client behind a load balancer does: a gateway that cannot be reached, is not ready or is lost before it began to
 * answer is left for the next one. Never rejects.
 */
export async function askChat(chat: KnownChat, { gateways, model, stream }: AskOptions): Promise<AskedChat> {
  const body = JSON.stringify({ model, messages: chat.messages, temperature: 0, stream });
  const limit = AbortSignal.timeout(GIVE_UP_MS);
  for (let moves = 0; !limit.aborted; moves++) {
    const gateway = gateways[moves % gateways.length];
    const answer = await askOne(`${gateway}`, body, stream, limit);
    if (answer) {
      const { outcome, detail } = answer;
      const wrong = outcome === 'right' && detail !== chat.answer;
      return { outcome: wrong ? 'wrong' : outcome, detail: outcome === 'right' && !wrong ? '' : detail, moves };
    }
    if ((moves + 1) % gateways.length === 0) await delay(PAUSE_MS);
  }
  return { outcome: 'unanswered', detail: `nothing within ${GIVE_UP_MS} ms`, moves: 0 };
}

/** What one gateway makes of it, an answer as `right`; nothing, if another one may be asked. */
async function askOne(url: string, body: string, stream: boolean, signal: AbortSignal): Promise<Answer | undefined> {
  let begun = '';
  // Before as well as after: it may become ready between its refusal and the question.
  if (!(await isReady(url))) return undefined;
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body, signal });
    if (!response.ok) {
      const detail = `${response.status}: ${await response.text()}`;
      return response.status === 503 && !(await isReady(url)) ? undefined : { outcome: 'refused', detail };
    }
    if (!stream) return readWhole(await response.text());
    for await (const data of eventsOf(response)) {
      if (data === '[DONE]') return { outcome: 'right', detail: begun };
      const { error, choices = [] } = JSON.parse(data) as Chunk;
      if (error) return { outcome: 'refused', detail: `after ${JSON.stringify(begun)}: ${error.message}` };
      begun += choices[0]?.delta.content ?? '';
    }
    throw new Error('The stream ended without its last event.');
  } catch (reason) {
    if (begun === '') return undefined;
    return { outcome: 'cut', detail: `after ${JSON.stringify(begun)}: ${reason}` };
  }
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
}

function readWhole(text: string): Answer {
  const { choices } = JSON.parse(text) as { choices: readonly { readonly message: { readonly content: string } }[] };
  return { outcome: 'right', detail: choices[0]?.message.content ?? '' };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    // It is gone.
    return false;
  }
}

/** The data of the server-sent events of a response. */
async function* eventsOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length);
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complete, imagePart, post, wireMessages } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY, goldens } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

let server: StandaloneServer;

beforeAll(async () => {
  server = await StandaloneServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

const png = (name: string): Uint8Array => readFileSync(join(GOLDENS_DIRECTORY, 'images', name));
const ask = (content: readonly object[], rest: object = {}) =>
  complete(server.url, { messages: [{ role: 'user', content }], ...rest });
const text = (content: string) => ({ type: 'text', text: content });

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string; readonly grounding?: readonly unknown[] };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/** The chunks of a streamed answer; checks the frame around them. */
async function stream(body: object): Promise<Chunk[]> {
  const response = await post(server.url, { model: 'qwen-vl-nano-chat', stream: true, ...body });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  expect(lines.pop()).toBe('data: [DONE]');
  return lines.map((line) => JSON.parse(line.slice(6)) as Chunk);
}

describe('a streamed answer', () => {
  it('is the answer in pieces, with the same boxes and usage', async () => {
    for (const name of ['17-ground-en', '18-ground-zh', '23-album-zh']) {
      const golden = goldens.cases.find((candidate) => candidate.name === name);
      if (!golden) throw new Error(`${name} is missing`);
      const messages = wireMessages(golden);
      const whole = await complete(server.url, { messages });
      const chunks = await stream({ messages, stream_options: { include_usage: true } });
      const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
      expect(deltas.map(({ content }) => content ?? '').join('')).toBe(golden.output_text);
      expect(whole.choices[0]?.message.content).toBe(golden.output_text);
      expect(deltas.flatMap(({ grounding }) => grounding ?? [])).toEqual(whole.choices[0]?.message.grounding ?? []);
      expect(chunks.findLast(({ usage }) => usage)?.usage).toMatchObject({
        completion_tokens: whole.usage.completion_tokens,
      });
    }
  });
});

describe('an image', () => {
  it('is looked at once, and can be named instead of sent', async () => {
    const bytes = png('06-color-1.png');
    const first = await ask([imagePart(bytes), text('What is this?')]);
    const [image] = first.eidetic.images;
    expect(image).toMatchObject({ cached: false });
    const again = await ask([imagePart(bytes), text('What is this?')]);
    expect(again.eidetic.images).toEqual([{ ...image, cached: true }]);
    const named = await ask([
      { type: 'image_url', image_url: { url: `eidetic://sha256/${image?.id}` } },
      text('What is this?'),
    ]);
    expect(named.choices).toEqual(first.choices);
    expect(named.usage.prompt_tokens).toBe(first.usage.prompt_tokens);
    expect(named.usage.prompt_tokens_details.cached_tokens).toBe(named.usage.prompt_tokens - 2);
  });

  it('is encoded once however many ask about it at the same time', async () => {
    const counter = async (): Promise<number> => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      const [, count] = /^eidetic_image_encode_seconds_count\{.*stage="encode".*\} (\d+)$/m.exec(metrics) ?? [];
      return Number(count ?? 0);
    };
    const before = await counter();
    const bytes = png('27-three-1.png');
    await Promise.all(
      Array.from({ length: 8 }, () => ask([imagePart(bytes), text('What is this?')], { max_tokens: 2 })),
    );
    expect((await counter()) - before).toBe(1);
  });

  it('is turned as its EXIF orientation says', async () => {
    // The picture is stored lying on its side, 160 x 96, and shown upright, 96 x 160.
    const photo = readFileSync(join(import.meta.dirname, '../data/photo.jpg'));
    const { eidetic } = await ask([imagePart(photo, 'image/jpeg'), text('What is this?')], { max_tokens: 2 });
    expect(eidetic.images[0]).toMatchObject({ width: 96, height: 160 });
  });
});

/** Positions of answers that the server has computed again while it had nothing else to do. */
const consolidated = async (): Promise<number> => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^eidetic_engine_prefill_tokens_total\{purpose="consolidation"\} (\d+)$/m.exec(metrics)?.[1]);
};

it("tells metrics of its engine, under vLLM's names too", async () => {
  await ask([text('Hello!')], { max_tokens: 2 });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/^eidetic_engine_requests_finished_total\{outcome="length",stage="decode"\} [1-9]/m);
  expect(metrics).toMatch(/^vllm:num_requests_running\{model_name="qwen-vl-nano-chat",engine="0"\} 0$/m);
});

it('computes only what is new in the second turn of a dialog', async () => {
  const messages: { role: string; content: unknown }[] = [
    { role: 'user', content: [imagePart(png('09-relation-1.png')), text('What is this?')] },
  ];
  const before = await consolidated();
  const first = await complete(server.url, { messages });
  messages.push({ role: 'assistant', content: first.choices[0]?.message.content });
  messages.push({ role: 'user', content: 'What color is the background?' });
  const { prompt_tokens, completion_tokens } = first.usage;
  // While the person reads the answer, it becomes part of what is kept.
  await expect.poll(consolidated).toBe(before + completion_tokens);
  const second = await complete(server.url, { messages });
  expect(second.usage.prompt_tokens_details.cached_tokens).toBe(prompt_tokens + completion_tokens);
  expect(second.eidetic.images).toMatchObject([{ cached: true }]);
});

describe('sampling', () => {
  const tell = (rest: object) => ask([text('Tell me a story.')], { max_tokens: 24, temperature: 2, top_p: 1, ...rest });
  const answer = async (rest: object) => (await tell(rest)).choices[0]?.message.content;

  it('repeats an answer for a seed, and gives another for another', async () => {
    const [once, twice, other] = [await answer({ seed: 1 }), await answer({ seed: 1 }), await answer({ seed: 2 })];
    expect(twice).toBe(once);
    expect(other).not.toBe(once);
  });

  it('ends an answer before a stop string, and after max_tokens', async () => {
    const whole = (await answer({ seed: 1 })) ?? '';
    const stop = whole.slice(6, 9);
    const stopped = await tell({ seed: 1, stop });
    expect(stopped.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: whole.slice(0, whole.indexOf(stop)) },
    });
    const cut = await tell({ seed: 1, max_tokens: 3 });
    expect(cut).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 3 } });
  });

  const content = [imagePart(png('06-color-1.png')), text('What is this?')];
  const contentsOf = ({ choices }: Awaited<ReturnType<typeof ask>>) => choices.map(({ message }) => message.content);

  it('gives several answers, each that of its own seed, for the tokens of one prompt', async () => {
    const rest = { temperature: 2, presence_penalty: 0.5, min_p: 0.01, max_tokens: 12 };
    const together = await ask(content, { ...rest, n: 4, seed: 5 });
    const alone = await Promise.all([5, 6, 7, 8].map((seed) => ask(content, { ...rest, seed })));
    expect(contentsOf(together)).toEqual(alone.flatMap(contentsOf));
    expect(new Set(contentsOf(together)).size).toBeGreaterThan(1);
    expect(together.usage).toMatchObject({
      prompt_tokens: alone[0]?.usage.prompt_tokens,
      completion_tokens: alone.reduce((sum, { usage }) => sum + usage.completion_tokens, 0),
    });
  });

  it('reports log probabilities of the text that it gives, whatever the temperature', async () => {
    const rest = { logprobs: true, top_logprobs: 3, max_tokens: 16, seed: 1 };
    for (const temperature of [0, 0.01]) {
      const { choices, usage } = await ask(content, { ...rest, temperature });
      const tokens = choices[0]?.logprobs?.content ?? [];
      expect(tokens).toHaveLength(usage.completion_tokens);
      const bytes = tokens.flatMap((token) => token.bytes ?? []);
      expect(Buffer.from(bytes).toString()).toBe(choices[0]?.message.content);
      for (const { token, logprob, top_logprobs } of tokens) {
        expect(top_logprobs[0]).toMatchObject({ token, logprob });
        expect(top_logprobs.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThan(1.0001);
      }
    }
  });

  it('goes on to the last token when the end is to be ignored, and where a bias leads', async () => {
    const ignoring = await ask(content, { ignore_eos: true, max_tokens: 40 });
    expect(ignoring.usage.completion_tokens).toBe(40);
    expect(ignoring.choices[0]?.finish_reason).toBe('length');
    // Ids below 256 are single bytes in the embedded tokenizer; 66 is B.
    const led = await ask(content, { logit_bias: { 66: 100 }, max_tokens: 5 });
    expect(led.choices[0]?.message.content).toBe('BBBBB');
  });
});

describe('an answer that is held to a format', () => {
  const picture = imagePart(png('06-color-1.png'));
  const schema = {
    type: 'object',
    properties: {
      color: { enum: ['red', 'green', 'blue', 'yellow'] },
      count: { type: 'integer', minimum: 0, maximum: 9 },
    },
    required: ['color', 'count'],
  };

  it('is JSON that its schema describes, whatever the model would rather say', async () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'thing', schema } };
    for (const rest of [{ temperature: 0 }, { temperature: 2, seed: 5 }]) {
      const { choices } = await ask([picture, text('What is this?')], { response_format, max_tokens: 100, ...rest });
      const parsed = JSON.parse(choices[0]?.message.content ?? '');
      expect(schema.properties.color.enum).toContain(parsed.color);
      expect(parsed.count).toBeOneOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(choices[0]?.finish_reason).toBe('stop');
    }
  });

  it('is text that its pattern matches', async () => {
    const structured_outputs = { regex: '(yes|no), [0-9]{3}' };
    const { choices } = await ask([picture, text('Is there a dog?')], { structured_outputs, temperature: 2, seed: 1 });
    expect(choices[0]?.message.content).toMatch(/^(yes|no), [0-9]{3}$/);
  });

  it('is refused when the format asks for what cannot be held', async () => {
    const unheld = { type: 'array', items: { type: 'string' }, uniqueItems: true };
    const refused = ask([text('Hello!')], {
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: unheld } },
    });
    await expect(refused).rejects.toThrow(/uniqueItems/);
  });
});

import { openBundle } from '@eidetic/bundle';
import { type EngineObserver, GREEDY, type PromptSegment } from '@eidetic/core';
import { Engine, ModelRunner } from '@eidetic/engine';
import { Environment } from '@eidetic/ort';
import { randomPrompts } from '../prompts.ts';
import { type DialogJob, type DialogPeer, type Moves, serve, type Turns } from './protocol.ts';

/** The engine of this repository, asked twice about a picture; and what its KV cache costs to copy. */
export interface EideticDialogOptions {
  readonly bundleDirectory: string;
  readonly threads: number;
  readonly contextSize: number;
}

await serve<EideticDialogOptions, DialogPeer>(async ({ bundleDirectory, threads, contextSize }) => {
  const bundle = await openBundle(bundleDirectory);
  const { hidden } = bundle.manifest.decoder;
  let consolidated = 0;
  let answerDone = Promise.withResolvers<void>();
  let awaited = 0;
  const ignore = (): void => {};
  const observer: EngineObserver = {
    admitted: ignore,
    prefillStep: ignore,
    decodeStep: ignore,
    firstToken: ignore,
    token: ignore,
    ended: ignore,
    consolidated({ tokens }) {
      consolidated += tokens;
      if (consolidated >= awaited) answerDone.resolve();
    },
  };
  const engine = await Engine.create({
    bundle,
    resolveEmbedding: async () => undefined,
    slots: 2,
    maxContext: contextSize,
    prefillChunk: contextSize,
    prefillShare: 0.5,
    maxWaiting: 0,
    agingMs: 10_000,
    session: { intraOpThreads: threads },
    observer,
  });

  async function ask(prompt: readonly PromptSegment[], maxTokens: number) {
    const start = performance.now();
    const ids: number[] = [];
    let firstTokenMs = Number.NaN;
    let cached = 0;
    let positions = 0;
    const request = { requestId: 'bench', prompt, sampling: GREEDY, maxTokens, stopTokenIds: [] };
    for await (const event of engine.generate(request)) {
      if (event.kind === 'prefilled') {
        cached = event.cachedTokens;
        positions = event.promptTokens;
      }
      if (event.kind !== 'token') continue;
      if (ids.length === 0) firstTokenMs = performance.now() - start;
      ids.push(event.id);
    }
    return { ids, firstTokenMs, computed: positions - cached };
  }

  async function turns({ round, imageTokens, textTokens, answerTokens }: DialogJob): Promise<Turns> {
    const [question = [], next = []] = randomPrompts(2, textTokens, round);
    const data = Float32Array.from({ length: imageTokens * hidden }, (_, i) => Math.sin(i * (round + 1)));
    const embedding = { data, tokens: imageTokens, hidden, imageWidth: 1, imageHeight: 1 };
    const picture = { kind: 'image', key: `picture ${round}`, tokens: imageTokens, embedding } as const;
    answerDone = Promise.withResolvers();
    awaited = consolidated + answerTokens;
    const first = await ask([picture, { kind: 'tokens', ids: question }], answerTokens);
    await answerDone.promise;
    const second = await ask([picture, { kind: 'tokens', ids: [...question, ...first.ids, ...next] }], 1);
    return {
      firstMs: first.firstTokenMs,
      firstComputed: first.computed,
      secondMs: second.firstTokenMs,
      secondComputed: second.computed,
    };
  }

  const session = await Environment.load().createSession(bundle.path(bundle.manifest.decoder.graph), {
    intraOpThreads: threads,
  });
  const runner = new ModelRunner(session, bundle, { slots: 2, capacity: contextSize });
  async function move(positions: number): Promise<Moves> {
    const embeddings = Float32Array.from({ length: positions * hidden }, (_, i) => Math.sin(i));
    let start = performance.now();
    await runner.prefill({ slot: 0, start: 0, ropeOffset: 0, inverseTemperature: 1, embeddings });
    const computeMs = performance.now() - start;
    start = performance.now();
    runner.kv.copy(0, 1, 0, positions);
    return { computeMs, copyMs: performance.now() - start };
  }
  return { turns, move };
});

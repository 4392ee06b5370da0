import { BatchService } from '@eidetic/batches';
import type { ChatEvent, ChatRequest } from '@eidetic/chat';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { temporaryBatchParts } from '../test/batch-parts.ts';
import { malformedRequest } from '../test/malformed-requests.ts';
import { exchange } from '../test/raw-exchange.ts';
import { ANSWER, chatThat, MODEL, post, serve, USER_SAYS_HI } from '../test/serve.ts';
import { answerErrors } from './answer-errors.ts';

/** Requests that are sent; more find more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 1500);

/** Answers whatever is asked, as often as it is asked. */
const answerAll = async function* ({ choices = 1 }: ChatRequest): AsyncGenerator<ChatEvent> {
  const [started, ...rest] = ANSWER;
  if (started !== undefined) yield started;
  for (let choice = 0; choice < choices; choice += 1) {
    for (const event of rest.slice(0, -1)) yield 'choice' in event ? { ...event, choice } : event;
  }
  yield* rest.slice(-1);
};

/** Statuses of what a server said, without those that only tell a client to go on. */
const statusesOf = (said: string): number[] =>
  [...said.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)).filter((status) => status >= 200);

it(`answers, or refuses with 4xx, whatever it is sent, and goes on`, { timeout: 60_000 + RUNS * 50 }, async () => {
  const parts = await temporaryBatchParts();
  const batches = new BatchService(parts);
  const app = serve(chatThat(answerAll).service, { files: () => parts.files, batches: () => batches });
  answerErrors(app);
  const { port } = new URL(await app.listen());
  const counts: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(malformedRequest, async (request) => {
      const said = await exchange(Number(port), request);
      const statuses = statusesOf(said);
      for (const status of statuses) {
        counts[status] = (counts[status] ?? 0) + 1;
        expect(status).toBeLessThan(500);
      }
      if (statuses.length === 0) counts.closed = (counts.closed ?? 0) + 1;
      if (!request.whole) return;
      expect(statuses).toHaveLength(1);
      const body = said.slice(said.lastIndexOf('\r\n\r\n') + 4);
      const [status = 0] = statuses;
      if (status >= 400 && body !== '') expect(JSON.parse(body)).toMatchObject({ error: { code: expect.any(String) } });
    }),
    { numRuns: RUNS },
  );
  if (process.env.FUZZ_RUNS !== undefined) console.table(counts);
  expect((await post(app, { model: MODEL, messages: USER_SAYS_HI })).statusCode).toBe(200);
  expect(counts).toHaveProperty('200');
  expect(counts).toHaveProperty('400');
});

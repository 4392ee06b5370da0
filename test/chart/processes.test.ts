import { knownChats } from '@eidetic/chaos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { render, WITHOUT_HELM } from './chart.ts';
import { PodProcesses } from './pod-processes.ts';

const SERVICES = ['vision', 'decoder', 'gateway'] as const;
const REDIS = ['redis-queue', 'redis-cache'] as const;
const GATEWAY = 'eidetic-gateway:80';
/** As many as a decoder has slots, so that all run. */
const ANSWERS = 4;
const SOON = { timeout: 10_000, interval: 50 };

describe.skipIf(WITHOUT_HELM !== '')(`the pods of values-dev.yaml as processes${WITHOUT_HELM}`, () => {
  let pods: PodProcesses;
  /** Asks chats as streams; resolves once all answers have begun. */
  const ask = async (count: number, label: string) => {
    const chats = await knownChats(GOLDENS_DIRECTORY, count, label);
    const begun = chats.map(async ({ messages, answer }) => {
      const body = JSON.stringify({ model: 'qwen-vl-nano-chat', messages, temperature: 0, stream: true });
      const headers = { 'content-type': 'application/json' };
      return {
        answer,
        response: await fetch(`${pods.url(GATEWAY)}/v1/chat/completions`, { method: 'POST', headers, body }),
      };
    });
    return Promise.all(begun);
  };
  const textsOf = (asked: Awaited<ReturnType<typeof ask>>) =>
    Promise.all(asked.map(async ({ response }) => textOf(await response.text())));

  beforeAll(async () => {
    pods = await PodProcesses.of(await render({ profile: 'dev' }));
    for (const component of REDIS) await pods.startRedis(component);
    // Of gateways probes are answered before there is anything behind them, which they wait for.
    await Promise.all(SERVICES.map((component) => pods.startService(component)));
  });
  afterAll(() => pods?.[Symbol.asyncDispose]());

  it('pass the probes that the chart asks, at the paths and ports where it asks them', async () => {
    for (const component of [...REDIS, ...SERVICES])
      for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const)
        await expect.poll(() => pods.probe(component, kind), { ...SOON, message: `${component} ${kind}` }).toBe(true);
  });

  it('find each other by the names of the chart, and answer what is in a picture', async () => {
    const asked = await ask(1, 'first');
    expect(await textsOf(asked)).toEqual(asked.map(({ answer }) => answer));
  });

  it('pass `helm test`', async () => {
    expect(await pods.runTest()).toMatch(/^qwen-vl-nano-chat says: ./);
  });

  it('are gone within their grace when the release is deleted, and all answers that run are whole', async () => {
    const asked = await ask(ANSWERS, 'last');
    const texts = textsOf(asked);
    expect(await Promise.all(SERVICES.map((component) => pods.stop(component)))).toEqual([0, 0, 0]);
    expect(await texts).toEqual(asked.map(({ answer }) => answer));
    for (const component of SERVICES) expect(await pods.probe(component, 'readinessProbe')).toBe(false);
    for (const component of REDIS) expect(await pods.stop(component)).toBe(0);
  });
});

/** The text of a stream of events that came to its end. */
const textOf = (stream: string): string => {
  const events = [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data);
  if (events.pop() !== '[DONE]') throw new Error(`The stream was cut: ${stream}`);
  return events.map((data) => JSON.parse(data).choices[0]?.delta.content ?? '').join('');
};

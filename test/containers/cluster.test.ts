import { askChat, type KnownChat, knownChats } from '@eidetic/chaos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sumOf } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { ContainerCluster, type ContainerService, whatIsMissing } from './container-cluster.ts';

const PICTURES = 20;
const REQUESTS = 200;
const SOON = { timeout: 60_000, interval: 100 };
const LONG = 300_000;

const missing = await whatIsMissing();
const title = missing === undefined ? 'a cluster of containers' : `a cluster of containers (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(title, () => {
  let cluster: ContainerCluster | undefined;
  let gateways: ContainerService[];
  let encoders: ContainerService[];
  let decoders: ContainerService[];

  beforeAll(async () => {
    cluster = await ContainerCluster.start();
    encoders = [await cluster.add('vision'), await cluster.add('vision')];
    decoders = [await cluster.add('decoder'), await cluster.add('decoder')];
    gateways = [await cluster.add('gateway'), await cluster.add('gateway')];
  }, LONG);

  afterAll(() => cluster?.[Symbol.asyncDispose](), LONG);

  const encodes = (): Promise<number> => sumOf(encoders, 'eidetic_vision_images_finished_total', 'outcome="encoded"');
  const finished = (decoder: ContainerService): Promise<number> =>
    sumOf([decoder], 'eidetic_engine_requests_finished_total');
  const ask = (chat: KnownChat, at: readonly ContainerService[], stream = false) =>
    askChat(chat, { gateways: at.map(({ http }) => http), model: 'qwen-vl-nano-chat', stream });

  it(
    'encodes each picture once, however many requests ask for it at both gateways at the same time',
    async () => {
      const chats = await knownChats(GOLDENS_DIRECTORY, PICTURES, 'containers');
      const before = await encodes();
      const asked = Array.from({ length: REQUESTS / PICTURES }, (_, i) =>
        chats.map((chat) => ask(chat, i % 2 === 0 ? gateways : gateways.toReversed())),
      );
      const answers = await Promise.all(asked.flat());
      expect(answers.filter(({ outcome, moves }) => outcome !== 'right' || moves > 0)).toEqual([]);
      expect((await encodes()) - before).toBe(PICTURES);
      // The name of each kind has the addresses of both.
      for (const decoder of decoders) expect(await finished(decoder)).toBeGreaterThan(0);
    },
    LONG,
  );

  it(
    'finds a decoder that joins under the name, and answers when the cables of the others are pulled',
    async () => {
      const late = await cluster?.add('decoder');
      if (late === undefined) throw new Error('The cluster did not start.');
      const chats = await knownChats(GOLDENS_DIRECTORY, 40, 'cable');
      const asking = Promise.all(chats.map((chat) => ask(chat, gateways, true)));
      await expect.poll(() => finished(late), SOON).toBeGreaterThan(0);
      await Promise.all(decoders.map((decoder) => decoder.disconnect()));
      expect((await asking).filter(({ outcome }) => outcome !== 'right')).toEqual([]);
      await Promise.all(decoders.map((decoder) => decoder.connect()));
      await late.kill();
      expect(await Promise.all(chats.slice(0, 4).map((chat) => ask(chat, gateways)))).toMatchObject(
        Array.from({ length: 4 }, () => ({ outcome: 'right' })),
      );
    },
    LONG,
  );

  it(
    'loses no answer when one of each kind after the other is replaced',
    async () => {
      const chats = await knownChats(GOLDENS_DIRECTORY, 60, 'replaced');
      const ended = new AbortController();
      const load = async (chat: KnownChat) => {
        const answers = [];
        do answers.push(await ask(chat, gateways, true));
        while (!ended.signal.aborted);
        return answers;
      };
      const loads = chats.slice(0, 6).map(load);
      for (const [kind, members] of [
        ['vision', encoders],
        ['decoder', decoders],
        ['gateway', gateways],
      ] as const) {
        const [old] = members;
        const replacement = await cluster?.add(kind);
        if (replacement) members.push(replacement);
        await old?.stop();
        members.shift();
      }
      ended.abort();
      const answers = (await Promise.all(loads)).flat();
      expect(answers.length).toBeGreaterThan(loads.length);
      expect(answers.filter(({ outcome }) => outcome !== 'right')).toEqual([]);
      expect(await Promise.all(chats.slice(6).map((chat) => ask(chat, gateways)))).toMatchObject(
        chats.slice(6).map(() => ({ outcome: 'right' })),
      );
    },
    LONG,
  );
});

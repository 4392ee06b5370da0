import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '@eidetic/load';
import sharp from 'sharp';
import { ChatClient } from '../chat-client.ts';
import { Flood } from '../flood.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import { startCluster } from '../start-cluster.ts';
import { spread } from '../statistics.ts';
import type { Suite } from '../suite.ts';

/** 12 megapixels, as phones take them. */
const WIDTH = 4000;
const HEIGHT = 3000;
/** Pictures that are under way at the same time. */
const FLOOD = 4;
const QUESTIONS = 200;
const PROBES = 200;
const SHARE = 0.99;
const PAUSE_MS = 20;

/** What a flood of large pictures does to those who ask without one, and to health, at the gateway that it goes through. */
export const floodSuite: Suite = {
  name: 'flood',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const cluster = started.use(await startCluster(context));
    const gateway = cluster.gateways[0]?.http ?? '';
    const client = started.use(await ChatClient.connect(gateway));
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-flood-'));
    started.defer(() => rm(folder, { recursive: true }));
    const picture = join(folder, 'picture.jpg');
    const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const;
    const { size } = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, noise, background: 'grey' } })
      .jpeg({ quality: 80 })
      .toFile(picture);
    const rates: number[] = [];
    const underFlood = async (measure: () => Promise<number>): Promise<number> => {
      await using flood = await Flood.start({ url: gateway, picture, width: FLOOD });
      const [start, before] = [performance.now(), flood.answered];
      const figure = await measure();
      rates.push(((flood.answered - before) * 1000) / (performance.now() - start));
      return figure;
    };
    const firstToken = () =>
      p99(QUESTIONS, async (i) => {
        const { arrivedMs } = await client.ask([{ type: 'text', text: `Question ${i}: who are you?` }], 1);
        return arrivedMs[0] ?? Number.NaN;
      });
    const health = () =>
      p99(PROBES, async () => {
        const start = performance.now();
        await (await fetch(`${gateway}/healthz`)).text();
        return performance.now() - start;
      });
    const probes = [
      ...pair('first token of a text, p99', firstToken, underFlood),
      ...pair('/healthz, p99', health, underFlood),
    ];
    const measurements = await alternate(probes, context.rounds);
    return {
      name: 'flood',
      title: `${FLOOD} pictures of 12 megapixels under way all the time, ${context.threads} cores for client and cluster`,
      facts: { 'size of a picture, MB': size / 1e6, 'pictures answered a second': spread(rates).median },
      measurements,
    };
  },
};

/** A figure without and with the flood, and how many times as large it is. */
function pair(
  name: string,
  measure: () => Promise<number>,
  underFlood: (measure: () => Promise<number>) => Promise<number>,
): Probe[] {
  let [quiet, flooded] = [Number.NaN, Number.NaN];
  const probe = (metric: string, of: () => Promise<number>): Probe => {
    return { contender: OURS, metric, better: 'lower', measure: of };
  };
  return [
    probe(`${name}, quiet, ms`, async () => {
      quiet = await measure();
      return quiet;
    }),
    probe(`${name}, in the flood, ms`, async () => {
      flooded = await underFlood(measure);
      return flooded;
    }),
    probe(`${name}, times as long`, async () => flooded / quiet),
  ];
}

/** One after the other with a pause, as a person asks: without one, those who ask would take the cores from the flood. */
async function p99(count: number, one: (i: number) => Promise<number>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    samples.push(await one(i));
    await pause(PAUSE_MS);
  }
  return percentile(samples, SHARE);
}

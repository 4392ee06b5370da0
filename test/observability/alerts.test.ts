import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askChat, knownChats } from '@eidetic/chaos';
import { type Rule, readRuleFiles } from '@eidetic/grafana';
import { PrometheusServer } from '@eidetic/launcher';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type WatchedCluster } from '../support/clusters.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';

/** A minute of the alerts passes in two seconds. */
const TIMES_FASTER = 30;
const SOON = { timeout: 60_000, interval: 200 };
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

const faster = (duration: string): string =>
  duration.replace(
    /(\d+)([smh])/,
    (_, count, unit) => `${Math.round((count * (UNIT_MS[unit] ?? 0)) / TIMES_FASTER)}ms`,
  );

/** A rule that waits, looks back and is content with as much less. */
const fasterRule = (rule: Rule): Rule => ({
  ...rule,
  ...(rule.for !== undefined && { for: faster(rule.for) }),
  expr: rule.record?.endsWith(':seconds')
    ? rule.expr.replace(/^vector\((.*)\)$/, `vector($1 / ${TIMES_FASTER})`)
    : rule.expr.replace(/\[\w+\]/g, faster),
});

const noPrometheus = spawnSync('prometheus', ['--version']).status !== 0;
const why = noPrometheus ? ' (skipped: there is no prometheus, see scripts/install-prometheus.sh)' : '';

describe.skipIf(noPrometheus)(`a cluster that Prometheus watches with the alerts of the chart${why}`, () => {
  let watched: WatchedCluster;
  let prometheus: PrometheusServer;
  let folder: string;
  const loaded = new AbortController();
  let load: Promise<void>;

  /** A chat about a picture that nobody has seen, every now and then, whatever became of those before. */
  const ask = async (): Promise<void> => {
    const gateways = watched.cluster.gateways.map(({ http }) => http);
    const asked: Promise<unknown>[] = [];
    for (let i = 0; !loaded.signal.aborted; i++) {
      const [chat] = await knownChats(GOLDENS_DIRECTORY, 1, `alerts ${i}`);
      if (chat) asked.push(askChat(chat, { gateways, model: 'qwen-vl-nano-chat', stream: true }));
      await delay(300, undefined, { signal: loaded.signal }).catch(() => undefined);
    }
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eidetic-rules-'));
    for (const { name, groups } of await readRuleFiles()) {
      const scaled = groups.map((group) => ({ ...group, rules: group.rules.map(fasterRule) }));
      await writeFile(join(folder, name), JSON.stringify({ groups: scaled }));
    }
    watched = await startCluster({
      gateways: 1,
      visionEncoders: 1,
      decoders: 1,
      gatewaySettings: { EIDETIC_REQUEST_DEADLINE: '5s' },
    });
    prometheus = await PrometheusServer.start({
      targets: watched.cluster.metricsTargets,
      rules: [join(folder, '*.yaml')],
      intervalMs: 500,
    });
    load = ask();
  });

  afterAll(async () => {
    loaded.abort();
    await load;
    await prometheus[Symbol.asyncDispose]();
    await watched[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const numberOf = async (query: string): Promise<number> => {
    const response = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await response.json()) as { data: { result: readonly { value: [number, string] }[] } };
    return Number(data.result[0]?.value[1]);
  };

  /** Traces that exemplars of a metric lead to. */
  const tracesOf = async (name: string): Promise<readonly (string | undefined)[]> => {
    const range = `start=0&end=${Math.ceil(Date.now() / 1000) + 1}`;
    const response = await fetch(`${prometheus.url}/api/v1/query_exemplars?query=${name}&${range}`);
    type Found = { data: readonly { exemplars: readonly { labels: Readonly<Record<string, string>> }[] }[] };
    const { data } = (await response.json()) as Found;
    return data.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
  };

  const firing = async (): Promise<readonly string[]> =>
    (await prometheus.alerts()).flatMap(({ state, labels }) => (state === 'firing' ? [`${labels.alertname}`] : []));

  it('is silent while pictures are encoded and chats answered', { timeout: 120_000 }, async () => {
    await expect.poll(() => numberOf('sum(eidetic_service_ready)'), SOON).toBe(3);
    await expect.poll(() => numberOf('sum(eidetic_encode_queue_batch_jobs_count)'), SOON).toBeGreaterThan(20);
    expect(await firing()).toEqual([]);
  });

  it('leads from the time to the first token to the trace of that chat', { timeout: 120_000 }, async () => {
    const traceId = randomBytes(16).toString('hex');
    const response = await fetch(`${watched.cluster.gateways[0]?.http}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
      body: JSON.stringify({ model: 'qwen-vl-nano-chat', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 4 }),
    });
    expect(response.status).toBe(200);
    for (const name of ['eidetic_chat_first_token_seconds_bucket', 'eidetic_engine_first_token_seconds_bucket'])
      await expect.poll(() => tracesOf(name), SOON).toContain(traceId);
  });

  it.each([
    {
      fault: 'the decoder is killed',
      inflict: () => watched.cluster.decoders[0]?.kill(),
      mend: () => watched.cluster.decoders[0]?.restart(),
      alerts: ['EideticDecoderMissing', 'EideticTargetDown', 'EideticErrorBudgetBurn'],
    },
    {
      fault: 'the vision encoder is killed, and pictures come all the same',
      inflict: () => watched.cluster.visionEncoders[0]?.kill(),
      mend: () => watched.cluster.visionEncoders[0]?.restart(),
      alerts: ['EideticVisionMissing', 'EideticPicturesWait'],
    },
    {
      fault: 'the Redis of the caches is killed',
      inflict: () => watched.cluster.cache.kill(),
      mend: () => watched.cluster.cache.restart(),
      alerts: ['EideticCacheUnreachable'],
    },
    {
      fault: 'the Redis of the queue is killed',
      inflict: () => watched.cluster.queue.kill(),
      mend: () => watched.cluster.queue.restart(),
      alerts: ['EideticQueueUnreachable'],
    },
  ])('alerts when $fault, and is silent afterwards', { timeout: 120_000 }, async ({ inflict, mend, alerts }) => {
    for (const alert of alerts) expect(await firing()).not.toContain(alert);
    await inflict();
    for (const alert of alerts) await expect.poll(firing, SOON).toContain(alert);
    await mend();
    for (const alert of alerts) await expect.poll(firing, SOON).not.toContain(alert);
  });
});

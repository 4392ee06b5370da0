import { beforeEach, expect, it } from 'vitest';
import { createChatMetrics } from './chat-metrics.ts';
import { exemplarOf } from './exemplar.ts';
import { metricsPage } from './metrics-page.ts';
import { createRegistry, type Registry } from './registry.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PROMETHEUS = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1';

let registry: Registry;

beforeEach(() => {
  registry = createRegistry({ version: '1', model: 'm' });
  const metrics = createChatMetrics(registry);
  metrics.finished.inc({ outcome: 'stop' });
  metrics.firstToken.observe({ value: 0.07, exemplarLabels: exemplarOf(`00-${TRACE_ID}-00f067aa0ba902b7-01`) });
  metrics.firstToken.observe({ value: 0.3, exemplarLabels: exemplarOf(`00-${TRACE_ID}-00f067aa0ba902b7-00`) });
  metrics.firstToken.observe({ value: 3, exemplarLabels: exemplarOf(undefined) });
});

it('links a bucket to the last recorded trace in it, for whoever reads OpenMetrics', async () => {
  const { contentType, text } = await metricsPage(registry, PROMETHEUS);
  expect(contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
  const linked = text.split('\n').filter((line) => line.includes(' # {'));
  expect(linked).toEqual([
    expect.stringMatching(
      RegExp(`^eidetic_chat_first_token_seconds_bucket{le="0.1"} 1 # {trace_id="${TRACE_ID}"} 0.07 \\d+\\.\\d+$`),
    ),
  ]);
  expect(text).toMatch(/\n# EOF\n$/);
  expect(text).not.toContain('\n\n');
});

it.each([undefined, '*/*', 'text/plain'])('prints the text format of Prometheus for Accept: %s', async (accept) => {
  const { contentType, text } = await metricsPage(registry, accept);
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).not.toContain(TRACE_ID);
  expect(text).not.toContain('# EOF');
});

it('gives counters the same names in both formats, whatever was asked for before', async () => {
  const values = async (accept?: string): Promise<readonly string[]> => {
    const { text } = await metricsPage(registry, accept);
    return text.split('\n').flatMap((line) => (line.startsWith('eidetic_') ? line.split(/[{ ]/, 1) : []));
  };
  const plain = await values();
  expect(plain).toContain('eidetic_chat_requests_finished_total');
  expect(await values(PROMETHEUS)).toEqual(plain);
  expect(await values()).toEqual(plain);
  const { text } = await metricsPage(registry, PROMETHEUS);
  expect(text).toContain('# TYPE eidetic_chat_requests_finished counter\n');
});

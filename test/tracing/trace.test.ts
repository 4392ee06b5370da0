import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cluster } from '@eidetic/launcher';
import { expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { OtlpReceiver, type ReportedSpan } from '../support/otlp-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';

const HTTP = 'POST /v1/chat/completions';

/** Where each span of the trace is, and what it is part of. */
const TREE: readonly (readonly [service: string, name: string, parent: string])[] = [
  ['gateway', HTTP, CLIENT],
  ['gateway', 'resolve images', HTTP],
  ['gateway', 'encode picture', 'resolve images'],
  ['gateway', 'queue wait', 'encode picture'],
  ['gateway', 'encode batch', 'encode picture'],
  ['vision-encoder', 'vision encode', 'encode batch'],
  ['gateway', 'generate', HTTP],
  ['decoder', 'generate', 'generate'],
  ['decoder', 'prefill', 'generate'],
  ['decoder', 'decode', 'generate'],
];

const ask = async (address: string, traceparent: string): Promise<Response> => {
  const png = await readFile(join(GOLDENS_DIRECTORY, 'images', '17-ground-1.png'));
  const url = `data:image/png;base64,${png.toString('base64')}`;
  return fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify({
      model: 'qwen-vl-nano-chat',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url } },
            { type: 'text', text: 'What is this?' },
          ],
        },
      ],
    }),
  });
};

it('follows a picture and its answer through gateway, queue, vision encoder and decoder, in the trace of the client', async () => {
  await using receiver = await OtlpReceiver.start();
  const lines: string[] = [];
  await using cluster = await Cluster.start({
    gateways: 1,
    visionEncoders: 1,
    decoders: 1,
    log: true,
    onLine: (_, line) => lines.push(line),
    settings: {
      EIDETIC_OTLP_ENDPOINT: receiver.endpoint,
      EIDETIC_THREADS: '1',
      EIDETIC_CACHE_DIR: '.cache/test-bundles',
    },
  });
  const [gateway] = cluster.gateways;
  const response = await ask(gateway?.http ?? '', `00-${TRACE}-${CLIENT}-01`);
  expect(response.status).toBe(200);
  await response.json();
  await receiver.until(...TREE.map(([, name]) => name));

  const spans = receiver.spans.filter(({ traceId }) => traceId === TRACE);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parentOf = ({ parentSpanId = '' }: ReportedSpan): string => byId.get(parentSpanId)?.name ?? parentSpanId;
  expect(spans.map((span) => [span.service, span.name, parentOf(span)]).toSorted()).toEqual(TREE.toSorted());
  const batch = spans.find(({ name }) => name === 'encode batch');
  expect(batch?.links).toMatchObject([{ traceId: TRACE, spanId: batch?.parentSpanId }]);
  expect(spans.filter(({ status }) => status?.code !== undefined && status.code !== 0)).toEqual([]);
  for (const path of ['"route":"/v1/chat/completions"', 'VisionService/Encode', 'DecoderService/Generate']) {
    const ofCall = lines.filter((line) => line.includes(path) && line.includes(`"traceId":"${TRACE}"`));
    expect(ofCall, path).toHaveLength(1);
  }
});

it('reports nothing of a trace whose client does not want it recorded', async () => {
  await using receiver = await OtlpReceiver.start();
  await using cluster = await Cluster.start({
    gateways: 1,
    visionEncoders: 1,
    decoders: 1,
    settings: {
      EIDETIC_OTLP_ENDPOINT: receiver.endpoint,
      EIDETIC_THREADS: '1',
      EIDETIC_CACHE_DIR: '.cache/test-bundles',
    },
  });
  const [gateway] = cluster.gateways;
  expect((await ask(gateway?.http ?? '', `00-${TRACE}-${CLIENT}-00`)).status).toBe(200);
  const next = 'c'.repeat(32);
  await (await ask(gateway?.http ?? '', `00-${next}-${CLIENT}-01`)).json();
  await receiver.until(HTTP, 'decode');
  expect(receiver.spans.map(({ traceId }) => traceId)).not.toContain(TRACE);
});

import { createDeviceKvCache, createHostKvCache, createKvCache } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { Environment, type Session } from '@eidetic/ort';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import { describeKvCache } from '../support/kv-cache-conformance.ts';

let session: Session;

beforeAll(async () => {
  const bundle = await testBundle(DEFAULT_PRECISIONS);
  session = await Environment.load().createSession(bundle.path(bundle.manifest.vision.graph));
});

afterAll(() => session?.release());

describe('the KV cache in memory of this process', () => {
  describeKvCache(() => session, createHostKvCache);
});

describe("the KV cache in memory of the session's device", () => {
  describeKvCache(() => session, createDeviceKvCache);
});

it('says how much memory cannot be had', () => {
  const shape = { layers: 1000, kvHeads: 1000, headDim: 1000, dtype: 'float32' } as const;
  expect(() => createKvCache(session, shape, 1000, 1000)).toThrow(
    expect.objectContaining({ code: 'invalid_config', message: expect.stringMatching(/take \d+ GiB.*fewer slots/) }),
  );
});

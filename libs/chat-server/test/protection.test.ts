import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiKeyEntry, formatKeyEntry, hashApiKey } from '@eidetic/access';
import type { ChatService } from '@eidetic/chat';
import { loadConfig } from '@eidetic/config';
import {
  createBatchMetrics,
  createChatMetrics,
  createFileMetrics,
  createHttpMetrics,
  createRegistry,
} from '@eidetic/telemetry';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createChatServer, GRPC_SETTINGS, HTTP_SETTINGS, REQUEST_SETTINGS } from '../src/index.ts';
import { openTemporaryStores } from './temporary-stores.ts';

const MODEL = 'nano';

/** Says "Hello" and then waits for `end` or the abort. */
const patientService = () => {
  const ends: (() => void)[] = [];
  const chat: ChatService['chat'] = async function* (_, signal) {
    yield { kind: 'started', images: [], promptTokens: 5 };
    yield { kind: 'text', choice: 0, text: 'Hello' };
    await new Promise<void>((resolve, reject) => {
      ends.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    yield { kind: 'ended', choice: 0, reason: 'stop' };
    yield {
      kind: 'finished',
      reason: 'stop',
      usage: { promptTokens: 5, imageTokens: 0, cachedTokens: 0, completionTokens: 1 },
      timings: { imagesMs: 0, decoderMs: 1, firstTokenMs: 1, totalMs: 1 },
    };
  };
  return { service: { model: MODEL, chat }, endAll: () => ends.splice(0).forEach((end) => void end()) };
};

const noImages = async () => {
  throw new Error('no pictures here');
};

const stores = await openTemporaryStores();

const serverWith = (settings: Record<string, string>) => {
  const config = loadConfig(
    { ...HTTP_SETTINGS, ...GRPC_SETTINGS, ...REQUEST_SETTINGS },
    { EIDETIC_HTTP_PORT: '0', EIDETIC_GRPC_PORT: '0', EIDETIC_LOG_LEVEL: 'silent', ...settings },
  );
  const registry = createRegistry({ version: '0', model: MODEL });
  const { service: chatService, endAll } = patientService();
  const server = createChatServer(config, {
    service: 'test',
    version: '0',
    modelName: MODEL,
    maxRequests: 68,
    metrics: {
      registry,
      http: createHttpMetrics(registry),
      chat: createChatMetrics(registry),
      files: createFileMetrics(registry),
      batches: createBatchMetrics(registry),
    },
    load: async () => ({
      chatService,
      imageService: { upload: noImages, encode: noImages },
      release: async () => {},
      stores,
    }),
    report: () => undefined,
  });
  onTestFinished(() => server.stop());
  return { server, endAll };
};

const start = async (settings: Record<string, string> = {}) => {
  const { server, endAll } = serverWith(settings);
  return { url: (await server.start()).http, endAll };
};

const entryOf = (key: string, fields: Partial<ApiKeyEntry> = {}): string =>
  formatKeyEntry({ id: key, tenant: 'acme', sha256: hashApiKey(key), ...fields });

/** A file of keys that may be replaced. */
const keyFile = async (text: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-keys-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys.jsonl');
  await writeFile(path, text);
  const replace = async (next: string): Promise<void> => {
    await writeFile(`${path}.new`, next);
    await rename(`${path}.new`, path);
  };
  return { settings: { EIDETIC_API_KEYS_FILE: path, EIDETIC_API_KEYS_INTERVAL: '5ms' }, replace };
};

const bearer = (key?: string): Record<string, string> => (key === undefined ? {} : { authorization: `Bearer ${key}` });

const chat = (url: string, key?: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(key) },
    body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
    ...(signal && { signal }),
  });

const models = (url: string, key?: string): Promise<Response> => fetch(`${url}/v1/models`, { headers: bearer(key) });

const metric = async (url: string, line: string): Promise<string | undefined> =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').find((candidate) => candidate.startsWith(line));

describe('a server with API keys', () => {
  it("answers 401 to whoever has none that it knows, and tells that in OpenAI's form", async () => {
    const { settings } = await keyFile(entryOf('good') + entryOf('old', { expires: '2020-01-01T00:00:00Z' }));
    const { url } = await start(settings);
    for (const key of [undefined, 'bad', 'old']) {
      for (const response of [await models(url, key), await chat(url, key)]) {
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({
          error: {
            message: expect.stringContaining('API key'),
            type: 'authentication_error',
            param: null,
            code: 'invalid_api_key',
          },
        });
      }
    }
    expect((await models(url, 'good')).status).toBe(200);
    for (const open of ['/', '/healthz', '/readyz', '/metrics']) expect((await fetch(url + open)).status).toBe(200);
    expect(await metric(url, 'eidetic_access_keys')).toBe('eidetic_access_keys 2');
    for (const reason of ['no_key', 'unknown_key', 'expired_key']) {
      const name = `eidetic_access_refused_total{reason="${reason}"}`;
      expect(await metric(url, name)).toBe(`${name} 2`);
    }
  });

  it('says with every answer what is left of a rate, and when to come back', async () => {
    const { settings } = await keyFile(entryOf('slow', { requestsPerMinute: 2 }));
    const { url, endAll } = await start(settings);
    for (const remaining of ['1', '0']) {
      const response = await chat(url, 'slow');
      expect(response.status).toBe(200);
      expect(response.headers.get('x-ratelimit-limit-requests')).toBe('2');
      expect(response.headers.get('x-ratelimit-remaining-requests')).toBe(remaining);
      expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+(\.\d)?s|1m0s)$/);
    }
    const refused = await chat(url, 'slow');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited', type: 'rate_limit_error' } });
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(10);
    expect(wait).toBeLessThanOrEqual(30);
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect((await models(url, 'slow')).status).toBe(200);
    endAll();
  });

  it('lets a key have so many requests under way, whether they end or their clients leave', async () => {
    const { settings } = await keyFile(entryOf('narrow'));
    const { url, endAll } = await start({ ...settings, EIDETIC_KEY_CONCURRENT_REQUESTS: '1' });
    const running = await chat(url, 'narrow');
    const refused = await chat(url, 'narrow');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    endAll();
    expect(await running.text()).toContain('[DONE]');
    const leaving = new AbortController();
    await expect.poll(async () => (await chat(url, 'narrow', leaving.signal)).status).toBe(200);
    leaving.abort();
    await expect.poll(async () => (await chat(url, 'narrow')).status).toBe(200);
    endAll();
  });

  it('takes new keys while answers to old ones run', async () => {
    const { settings, replace } = await keyFile(entryOf('old'));
    const { url, endAll } = await start(settings);
    const running = await chat(url, 'old');
    await replace(entryOf('new'));
    await expect.poll(async () => (await models(url, 'new')).status).toBe(200);
    expect((await models(url, 'old')).status).toBe(401);
    await replace('nonsense');
    await expect.poll(() => metric(url, 'eidetic_access_reload_failures_total')).toMatch(/ 1$/);
    expect((await models(url, 'new')).status).toBe(200);
    endAll();
    expect(await running.text()).toContain('[DONE]');
  });

  it('does not start with a file that is wrong, nor with limits for keys that there are not', async () => {
    const { settings } = await keyFile(`${entryOf('a')}nonsense`);
    expect(() => serverWith(settings)).toThrow(/keys\.jsonl, line 2: this is no JSON/);
    expect(() => serverWith({ EIDETIC_KEY_REQUESTS_PER_MINUTE: '5' })).toThrow(/set EIDETIC_API_KEYS_FILE as well/);
  });
});

describe('pages of other sites', () => {
  const ORIGIN = 'https://app.example';
  const preflight = (url: string, origin: string): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it('are told nothing that would let them use the API', async () => {
    const { url } = await start();
    for (const response of [
      await preflight(url, ORIGIN),
      await fetch(`${url}/v1/models`, { headers: { origin: ORIGIN } }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('cannot post a form with a file, of which browsers ask nobody', async () => {
    const { url } = await start();
    const upload = async (site: string): Promise<unknown[]> => {
      const form = new FormData();
      form.append('purpose', 'vision');
      const headers = { origin: ORIGIN, 'sec-fetch-site': site };
      const response = await fetch(`${url}/v1/files`, { method: 'POST', headers, body: form });
      return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
    };
    expect(await upload('cross-site')).toEqual([403, 'permission_denied']);
    expect(await upload('same-origin')).toEqual([400, 'invalid_request']);
  });

  it('may use it where the operator names them, before keys are looked at, and read refusals', async () => {
    const { settings } = await keyFile(entryOf('good'));
    const { url } = await start({ ...settings, EIDETIC_CORS_ORIGINS: `${ORIGIN}, https://other.example` });
    const asked = await preflight(url, ORIGIN);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    const refused = await fetch(`${url}/v1/models`, { headers: { origin: ORIGIN } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ORIGIN]);
    expect(refused.headers.get('access-control-expose-headers')).toContain('retry-after');
    const headers = { origin: ORIGIN, 'sec-fetch-site': 'cross-site', ...bearer('good') };
    expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(200);
    expect((await preflight(url, 'https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const metrics = await fetch(`${url}/metrics`, { headers: { origin: ORIGIN } });
    expect(metrics.headers.get('access-control-allow-origin')).toBeNull();
  });
});

it.each(['/', '/v1/models', '/v1/nothing', '/healthz', '/metrics'])(
  'is not framed, guessed at or embedded: %s',
  async (path) => {
    const { url } = await start();
    const { headers } = await fetch(url + path);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  },
);

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webPage } from './web-page.ts';

let folder: string;
let app: FastifyInstance;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-page-'));
  app = fastify();
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<title>Eidetic</title>');
  await writeFile(join(folder, 'icon.svg'), '<svg/>');
  await writeFile(join(folder, 'assets/index-d41d8cd9.js'), '');
  await writeFile(join(folder, 'assets/sans-98f00b20.woff2'), '');
});
afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

describe('webPage', () => {
  it('serves files with their types, under a policy that allows nothing inline and nothing of others', async () => {
    await app.register(webPage(folder));
    const page = await app.inject('/');
    expect([page.headers['content-type'], page.body]).toEqual(['text/html; charset=utf-8', '<title>Eidetic</title>']);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'");
    expect(policy).not.toContain('unsafe');
    const typeOf = async (path: string) => (await app.inject(path)).headers['content-type'];
    expect(await typeOf('/assets/index-d41d8cd9.js')).toBe('text/javascript; charset=utf-8');
    expect(await typeOf('/assets/sans-98f00b20.woff2')).toBe('font/woff2');
    expect(await typeOf('/icon.svg')).toBe('image/svg+xml');
  });

  it('lets files be kept whose names change with their content, and asks again about all others', async () => {
    await app.register(webPage(folder));
    const cachingOf = async (path: string) => (await app.inject(path)).headers['cache-control'];
    expect(await cachingOf('/assets/index-d41d8cd9.js')).toBe('public, max-age=31536000, immutable');
    expect(await cachingOf('/')).toBe('no-cache');
    expect(await cachingOf('/icon.svg')).toBe('no-cache');
  });

  it('does not send again what is unchanged', async () => {
    await app.register(webPage(folder));
    const etag = String((await app.inject('/')).headers.etag);
    const again = await app.inject({ url: '/', headers: { 'if-none-match': etag } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('leaves the rest of the server alone where the page was not built', async () => {
    app.get('/v1/models', () => ({ data: [] }));
    await app.register(webPage(join(folder, 'nowhere')));
    expect((await app.inject('/v1/models')).statusCode).toBe(200);
    expect((await app.inject('/')).statusCode).toBe(404);
  });
});

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type { FastifyPluginAsync } from 'fastify';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
};

/** Scripts, styles and requests of the page's own origin only; pictures also from the visitor's clipboard and disk. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * The files of a folder, each under its own route, `index.html` under `/`. They are read once, at the start: what is not
 * in the folder then cannot be asked for.
 */
export const webPage =
  (directory: string): FastifyPluginAsync =>
  async (app) => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((candidate) => candidate.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const body = await readFile(file);
      const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
      const headers = { ...HEADERS, etag, 'content-type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream' };
      const path = `/${relative(directory, file).split(sep).join('/')}`;
      app.get(path === '/index.html' ? '/' : path, (request, reply) => {
        reply.headers(headers);
        return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(body);
      });
    }
  };

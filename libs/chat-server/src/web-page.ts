import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
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
  '.woff2': 'font/woff2',
};

/**
 * Scripts, styles, fonts and requests of the page's own origin only. Pictures also from the visitor's clipboard and disk, and from
 * the addresses that the visitor gives.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob: https:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For files that have a hash of their content in their names. */
const FOREVER = 'public, max-age=31536000, immutable';
const HASHED = '/assets/';

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * The files of a folder, each under its own route, `index.html` under `/`. They are read once, at the start: what is not
 * in the folder then cannot be asked for. Where the page was not built, the API is served without it.
 */
export const webPage =
  (directory: string): FastifyPluginAsync =>
  async (app) => {
    if (!existsSync(directory)) {
      app.log.warn({ directory }, 'The web page is not built: run make setup. The API is served without it.');
      return;
    }
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((candidate) => candidate.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const body = await readFile(file);
      const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
      const path = `/${relative(directory, file).split(sep).join('/')}`;
      const headers = {
        ...HEADERS,
        etag,
        'cache-control': path.startsWith(HASHED) ? FOREVER : 'no-cache',
        'content-type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
      };
      app.get(path === '/index.html' ? '/' : path, (request, reply) => {
        reply.headers(headers);
        return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(body);
      });
    }
  };

/**
 * Puts what one service needs to run into a folder: `node assemble.ts SERVICE FOLDER`. The packages that it imports, without tests, their
 * dependencies, the embedded model, and `sbom.cdx.json`, the list of all of it (CycloneDX). Libraries of other platforms are left out.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const PNPM = join(ROOT, '.tools/node_modules/.bin/pnpm');
const SHARED = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'LICENSE', 'NOTICE', 'models'];
const TESTS = /\/(test|bench|node_modules)(\/|$)|\.test\.tsx?$|\/testing\.ts$/;

const [service = '', out = ''] = process.argv.slice(2);
const filter = ['--filter-prod', `{services/${service}}...`];
const pnpm = (cwd: string, ...args: readonly string[]): string =>
  execFileSync(PNPM, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', CI: 'true' },
  });

const packages: { path: string }[] = JSON.parse(pnpm(ROOT, 'list', ...filter, '--depth', '-1', '--json'));
if (packages.length === 0) throw new Error(`There is no service ${service}.`);
const folders = packages.map(({ path }) => relative(ROOT, path)).filter((path) => path !== '');
for (const path of [...SHARED, ...folders]) {
  cpSync(join(ROOT, path), join(out, path), { recursive: true, filter: (file) => !TESTS.test(relative(ROOT, file)) });
}
pnpm(out, 'install', '--prod', '--frozen-lockfile', '--prefer-offline', ...filter);
pnpm(out, 'sbom', '--sbom-format', 'cyclonedx', '--prod', '--out', 'sbom.cdx.json', ...filter);

const others = globSync('node_modules/.pnpm/onnxruntime-node@*/node_modules/onnxruntime-node/bin/napi-v*/*/*', {
  cwd: out,
}).filter((path) => !path.endsWith(join(process.platform, process.arch)));
for (const path of others) rmSync(join(out, path), { recursive: true });

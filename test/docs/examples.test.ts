import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { hasPython, inPython, PYTHON } from '../support/python.ts';
import { StandaloneServer } from '../support/standalone-server.ts';
import { type Example, examplesOf, matcherOf } from './examples.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

/** A piece of code, and where it is. */
interface Located extends Example {
  readonly page: string;
}

/** Pages whose examples are run, in this order: the first has one that sends a picture for the first time. */
const PAGES = ['docs/api.md', 'README.md', 'libs/client/README.md'];
/** Starts a server of its own, from a clone. */
const FOR_THE_READER = /^(make|\.\/eidetic) /m;

const examples: Located[] = [];
for (const page of PAGES) {
  const found = examplesOf(await readFile(join(ROOT, page), 'utf8'));
  examples.push(...found.filter(({ code }) => !FOR_THE_READER.test(code)).map((example) => ({ ...example, page })));
}

const resources = new AsyncDisposableStack();
let server: StandaloneServer;
/** Where the examples run, one after the other, with what they need. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eidetic-examples-'));
  resources.defer(() => rm(folder, { recursive: true }));
  await copyFile(join(GOLDENS_DIRECTORY, 'images/17-ground-1.png'), join(folder, 'train.png'));
  await symlink(join(ROOT, 'test/node_modules'), join(folder, 'node_modules'));
  for (const name of ['proto', 'test']) await symlink(join(ROOT, name), join(folder, name));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  server = resources.use(await StandaloneServer.start());
});
afterAll(() => resources.disposeAsync());

const fileOf = ({ page, line, language }: Located): string =>
  `${page.replace(/\W/g, '-')}-${line}.${language === 'python' ? 'py' : 'ts'}`;

/** The code with the addresses of this server in place of those of the page. */
const here = (code: string): string =>
  code.replaceAll('http://localhost:8080', server.url).replaceAll('localhost:50050', server.grpc);

const needsPython = ({ language, code }: Located): boolean => language === 'python' || /^python /m.test(code);

/** Runs an example and gives what it prints. */
async function print(example: Located): Promise<string> {
  const options = {
    cwd: folder,
    env: { ...process.env, PATH: [dirname(PYTHON), ROOT, process.env.PATH].join(delimiter) },
  };
  const { language, code } = example;
  if (language === 'sh') return (await run('bash', ['-euo', 'pipefail', '-c', here(code)], options)).stdout;
  const file = fileOf(example);
  await writeFile(join(folder, file), here(code));
  return (await run(language === 'python' ? PYTHON : process.execPath, [file], options)).stdout;
}

describe('the examples', () => {
  it.for(examples.map((example) => ({ ...example, name: `${example.page}:${example.line}` })))(
    'print what their page says: $name',
    async (example, { skip }) => {
      skip(needsPython(example) && !hasPython, inPython(example.name));
      const printed = await print(example);
      if (example.prints === undefined) return;
      const { normal, pattern } = matcherOf(example.prints);
      expect(normal(printed)).toMatch(pattern);
    },
  );

  it('are in languages that this test runs', () => {
    expect(examples.filter(({ language }) => !['ts', 'python', 'sh'].includes(language))).toEqual([]);
  });

  it('have types that fit', async () => {
    const files = examples.filter(({ language }) => language === 'ts').map(fileOf);
    const options = {
      extends: join(ROOT, 'tsconfig.json'),
      files,
      include: [],
      compilerOptions: { types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options));
    const checked = run(process.execPath, [TSC, '--project', folder], { cwd: folder });
    expect((await checked.catch((reason: { stdout: string }) => reason)).stdout).toBe('');
  });
});

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { GenericContainer } from 'testcontainers';

const run = promisify(execFile);

const IMAGE = 'eidetic-test/redis';

/**
 * Builds an image of this machine's own redis-server and the libraries that it loads: nothing is fetched. Resolves to its name.
 *
 * @throws Error when redis-server is not installed, or the engine refuses.
 */
export const buildRedisImage = async (): Promise<string> => {
  const server = (await run('which', [process.env.EIDETIC_REDIS_SERVER ?? 'redis-server'])).stdout.trim();
  const { stdout } = await run('ldd', [server]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-image-'));
  try {
    for (const [path, file] of [['/bin/redis-server', server], ...libraries.map((path) => [path, path])] as const) {
      await mkdir(join(folder, 'root', dirname(path)), { recursive: true });
      await cp(await realpath(file), join(folder, 'root', path));
    }
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY root /\n');
    await GenericContainer.fromDockerfile(folder).build(IMAGE, { deleteOnExit: false });
    return IMAGE;
  } finally {
    await rm(folder, { recursive: true });
  }
};

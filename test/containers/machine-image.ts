import { execFile } from 'node:child_process';
import { cp, glob, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GenericContainer } from 'testcontainers';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is in the image, made of this machine's own programs and the libraries that they load: nothing is fetched. */
const IMAGE = 'eidetic-test/machine';

/** Libraries that a program or library loads, with their links followed. */
const librariesOf = async (file: string): Promise<string[]> => {
  const { stdout } = await run('ldd', [file]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => (path === undefined ? [] : [path]));
};

/** Native libraries that are in the repository; what they load is not. */
const nativeLibraries = (): Promise<string[]> =>
  Array.fromAsync(
    glob(
      `node_modules/.pnpm/{onnxruntime-node@*/**/${process.arch},@img+sharp-libvips-linux-${process.arch}*}/**/*.so*`,
      { cwd: ROOT },
    ),
    (path) => join(ROOT, path),
  );

/**
 * Builds an image with `node` and `redis-server` in `/bin`, and resolves to its name.
 *
 * @throws Error when redis-server is not installed, or the engine refuses.
 */
export const buildMachineImage = async (): Promise<string> => {
  const redis = (await run('which', [process.env.EIDETIC_REDIS_SERVER ?? 'redis-server'])).stdout.trim();
  const folder = await mkdtemp(join(tmpdir(), 'eidetic-image-'));
  try {
    const programs: readonly (readonly [string, string])[] = [
      ['/bin/node', await realpath(process.execPath)],
      ['/bin/redis-server', await realpath(redis)],
    ];
    const native = [...programs.map(([, file]) => file), ...(await nativeLibraries())];
    const loaded = new Set(
      (await Promise.all(native.map(librariesOf))).flat().filter((path) => !path.startsWith(ROOT)),
    );
    const libraries = [...loaded].map(async (path) => [path, await realpath(path)] as const);
    for (const [path, file] of [...programs, ...(await Promise.all(libraries))]) {
      await mkdir(join(folder, 'root', dirname(path)), { recursive: true });
      await cp(file, join(folder, 'root', path));
    }
    await mkdir(join(folder, 'root/tmp'), { recursive: true, mode: 0o1777 });
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY root /\n');
    await GenericContainer.fromDockerfile(folder).build(IMAGE, { deleteOnExit: false });
    return IMAGE;
  } finally {
    await rm(folder, { recursive: true });
  }
};

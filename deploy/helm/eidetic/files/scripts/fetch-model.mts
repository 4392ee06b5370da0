// Downloads the files of a model into a folder, each one whole or not at all: sha256 is compared before a file gets its name. Files that
// are there already with the right sum stay. In the image, without packages.
//
//   node fetch-model.mts FILES.json FOLDER
//
// FILES.json: [{ "url": "https://…", "sha256": "…", "path": "vision.onnx" }, …]
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

interface ModelFile {
  readonly url: string;
  readonly sha256: string;
  readonly path: string;
}

const [list = '', folder = ''] = process.argv.slice(2);

const sumOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

const fetchFile = async ({ url, sha256, path }: ModelFile): Promise<void> => {
  const target = join(folder, path);
  if (relative(resolve(folder), resolve(target)).startsWith('..')) throw new Error(`${path} leads out of the folder.`);
  if (existsSync(target) && (await sumOf(target)) === sha256) return console.log(`${path} is there`);
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  await pipeline(Readable.fromWeb(response.body), createWriteStream(partial));
  const sum = await sumOf(partial);
  if (sum !== sha256) {
    await rm(partial);
    throw new Error(`${url} has the sha256 ${sum}; expected is ${sha256}`);
  }
  await rename(partial, target);
  console.log(`${path} is fetched`);
};

const files: readonly ModelFile[] = JSON.parse(readFileSync(list, 'utf8'));
for (const file of files) await fetchFile(file);

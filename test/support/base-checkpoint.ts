import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKPOINT_DIRECTORY } from './bundles.ts';

const GENERATION = 'generation_config.json';

/** The embedded checkpoint in `folder` as a base model: what it generates is a raw text, sampled as Qwen-VL's makers recommend. */
export async function writeBaseCheckpoint(folder: string): Promise<string> {
  await mkdir(folder);
  for (const name of await readdir(CHECKPOINT_DIRECTORY)) {
    if (name !== GENERATION) await symlink(join(CHECKPOINT_DIRECTORY, name), join(folder, name));
  }
  const chat = JSON.parse(await readFile(join(CHECKPOINT_DIRECTORY, GENERATION), 'utf8'));
  await writeFile(
    join(folder, GENERATION),
    JSON.stringify({ ...chat, chat_format: 'raw', do_sample: true, top_p: 0.3 }),
  );
  return folder;
}

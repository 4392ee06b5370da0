/** Converts a checkpoint of the tiny family and kills itself, as `kill -9` would, once the vision encoder is written: CHECKPOINT BUNDLE. */
import { convertCheckpoint } from '../src/convert.ts';
import { tinyFamily } from './tiny-family.ts';

const [checkpointDirectory = '', bundleDirectory = ''] = process.argv.slice(2);
await convertCheckpoint({
  checkpointDirectory,
  bundleDirectory,
  family: tinyFamily,
  precisions: { vision: 'float32', decoder: 'float32', head: 'float32' },
  activations: 'float32',
  onProgress({ part }) {
    if (part === 'decoder') process.kill(process.pid, 'SIGKILL');
  },
});

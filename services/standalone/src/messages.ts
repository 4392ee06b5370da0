import { describeAsText } from '@eidetic/config';
import { CONFIG_DEFINITION } from './config.ts';

/** The text of `--help`. */
export const help = (): string =>
  `Serves a Qwen-VL checkpoint over HTTP and gRPC. It is set up by environment variables:\n\n${describeAsText(CONFIG_DEFINITION)}\n`;

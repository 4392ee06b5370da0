import { describeAsText } from '@eidetic/config';
import { CONFIG_DEFINITION } from './config.ts';

/** The text of `--help`. */
export const help = (): string =>
  `Serves chats over HTTP and gRPC with vision encoders and decoders in other processes. It is set up by environment variables:\n\n${describeAsText(CONFIG_DEFINITION)}\n`;

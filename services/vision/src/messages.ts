import { describeAsText } from '@eidetic/config';
import type { Addresses } from '@eidetic/rpc-service';
import { CONFIG_DEFINITION } from './config.ts';

/** The text of `--help`. */
export const help = (): string =>
  `Serves the vision encoder of a Qwen-VL checkpoint over gRPC. It is set up by environment variables:\n\n${describeAsText(CONFIG_DEFINITION)}\n`;

/** What is said once calls are answered: where, and a first thing to try. */
export const greeting = ({ grpc, http }: Addresses, model: string): string =>
  [
    `Eidetic looks at pictures for ${model} on ${grpc} (gRPC); health and metrics on ${http}. Try:`,
    `  buf curl --protocol grpc --http2-prior-knowledge http://${grpc}/eidetic.v1.VisionService/GetModel`,
  ].join('\n');

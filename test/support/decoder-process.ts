import { type RpcProcess, startRpcProcess } from './rpc-process.ts';

/** The decoder service in a process of its own. */
export const startDecoderProcess = (settings: Readonly<Record<string, string>> = {}): Promise<RpcProcess> =>
  startRpcProcess('decoder', settings);

import { once } from 'node:events';
import { createServer } from 'node:net';
import { EideticError } from '@eidetic/core';
import { parseAddresses } from '@eidetic/endpoints';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { type ChannelTls, RpcChannel } from '@eidetic/rpc';
import { type Finding, ok, problem, warning } from './finding.ts';

const HEALTH_MS = 3000;

/** Where a server would listen. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** The option or variable that chooses another port. */
  readonly setting: string;
  /** Whether a server of Eidetic answers there. */
  readonly isEidetic: (host: string, port: number) => Promise<boolean>;
}

/** Whether a server could listen there. */
export async function checkPort({ host, port, setting, isEidetic }: Place): Promise<Finding> {
  const check = `port ${port}`;
  if (port === 0) return ok('port', `${setting} is 0: any free one is taken`);
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
    return ok(check, `free on ${host}`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE')
      return problem(check, `${host}: ${message}`, `Choose another address or port: ${setting}.`);
    if (await isEidetic(host, port)) {
      return warning(
        check,
        `an Eidetic server listens on ${host} already`,
        `For a second one choose another port: ${setting}.`,
      );
    }
    return problem(
      check,
      `another program listens on ${host}`,
      `End it (lsof -i :${port}), or choose another port: ${setting}.`,
    );
  } finally {
    server.close();
  }
}

/** Services of one kind. */
export interface Peers {
  /** What they are, such as `decoder`. */
  readonly check: string;
  readonly addresses: string;
  /** The option or variable that lists them. */
  readonly setting: string;
  /** Undefined: what is said to them is not encrypted. */
  readonly tls: ChannelTls | undefined;
}

/** Whether each of the services at `addresses` answers calls. */
export async function checkPeers(peers: Peers): Promise<readonly Finding[]> {
  const { check, addresses, setting } = peers;
  let found: readonly string[];
  try {
    found = await parseAddresses(addresses)();
  } catch (error) {
    return [problem(check, EideticError.from(error).message, `Correct ${setting}, or the name server.`)];
  }
  return Promise.all(found.map((address) => checkPeer(address, peers)));
}

async function checkPeer(address: string, { check, setting, tls }: Peers): Promise<Finding> {
  using channel = new RpcChannel(address, { tls });
  try {
    const options = { signal: AbortSignal.timeout(HEALTH_MS) };
    const { status } = await channel.unary(HealthDefinition, 'check', { service: '' }, options);
    if (status === ServingStatus.SERVING) return ok(check, `${address} answers`);
    return warning(check, `${address} does not take calls`, 'It is starting or draining: its log says which.');
  } catch (error) {
    const reason = EideticError.from(error).message;
    return problem(check, `${address} does not answer (${reason})`, `Start it, or correct ${setting}.`);
  }
}

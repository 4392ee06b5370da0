import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ports that the kernel gives to outgoing connections: a client that tries again and again to reach a stopped
// server on one of those may in the end be connected with itself.
const PORTS = [20_000, 30_000] as const;

/** A port for a server that may stop and come back. */
export const somePort = (): number => randomInt(...PORTS);

/** Ports of 127.0.0.1 that nobody listens on now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free = new Set<number>();
  while (free.size < count) {
    const port = somePort();
    if (await isFree(port)) free.add(port);
  }
  return [...free];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    // Somebody listens there.
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

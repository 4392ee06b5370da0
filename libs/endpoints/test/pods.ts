import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { EndpointObserver } from '@eidetic/core';
import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';
import { EndpointSet, type EndpointSetOptions } from '../src/index.ts';

/** A pod that has health and nothing else; it serves until the test ends. */
export const startPod = async (port = 0) => {
  const server = new RpcServer({
    services: [],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: () => {},
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port, settings: 'PORT' });
  server.setServing(true);
  return { server, address };
};

/** Stands before a pod. Once it hangs it takes connections and bytes, and nothing comes of them; gone, it takes none. */
export const startHangable = async (target: string) => {
  const [host = '', port] = target.split(':');
  const sockets = new Set<Socket>();
  let hanging = false;
  const proxy = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
      if (hanging) from.pause();
    }
  });
  const vanish = (): void => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(vanish);
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    vanish,
    connections: () => sockets.size / 2,
    hang: (value: boolean) => {
      hanging = value;
      for (const socket of sockets) socket[value ? 'pause' : 'resume']();
    },
  };
};

/** What a set tells. */
const notes = () => {
  const seen = { resolved: [] as string[], known: 0, hung: 0, breaker: [] as string[] };
  const observer: EndpointObserver = {
    resolved: ({ outcome }) => seen.resolved.push(outcome),
    pods: ({ known }) => {
      seen.known = known;
    },
    hung: () => {
      seen.hung++;
    },
    breaker: ({ state }) => seen.breaker.push(state),
  };
  return { seen, observer };
};

/** A set that looks often; ends with the test. `addresses` may be changed. */
export const watch = (addresses: string[], options: Partial<EndpointSetOptions<string>> = {}) => {
  const { seen, observer } = notes();
  const set = new EndpointSet<string>({
    resolve: async () => [...addresses],
    connect: async () => 'connected',
    observer,
    ...options,
    settings: { resolveIntervalMs: 10, probeIntervalMs: 20, probeTimeoutMs: 200, ...options.settings },
  });
  onTestFinished(() => set[Symbol.dispose]());
  return { set, seen };
};

/** Addresses that calls may go to now. */
export const usable = (set: EndpointSet<string>): string[] => set.candidates.map(({ address }) => address).sort();

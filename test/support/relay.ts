import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Passes connections on to an address; ends with the test. */
export interface Relay {
  /** `host:port` */
  readonly address: string;
  /** Where they go. */
  readonly target: string;
  /** Ends all connections there are, on both sides, as a network that fails does. Later ones are passed on again. */
  cut(): void;
}

export const startRelay = async (target: string): Promise<Relay> => {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // What becomes of a connection is for its two ends to say.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    return socket;
  };
  const { hostname, port } = new URL(`tcp://${target}`);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    keep(near).pipe(keep(far)).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    cut();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, target, cut };
};

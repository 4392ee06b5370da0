import { expect, it, onTestFinished } from 'vitest';
import { OperationsServer } from './operations-server.ts';

const serve = async (parts: Partial<ConstructorParameters<typeof OperationsServer>[0]> = {}) => {
  const server = new OperationsServer({
    readiness: () => ({ ready: true, status: 'ready' }),
    metrics: async (accept) => ({ contentType: 'text/plain; version=0.0.4', text: `# for ${accept}\n` }),
    ...parts,
  });
  onTestFinished(() => server.close());
  const place = { host: '127.0.0.1', port: 0, settings: 'EIDETIC_HTTP_PORT' };
  return { server, address: await server.listen(place), place };
};

it('is alive, and ready when it says so', async () => {
  let readiness = { ready: false, status: 'starting: loading' };
  const { address } = await serve({ readiness: () => readiness });
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
  const starting = await fetch(`${address}/readyz`);
  expect([starting.status, await starting.json()]).toEqual([503, { status: 'starting: loading' }]);
  readiness = { ready: true, status: 'ready' };
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
});

it('prints metrics, and says so when it cannot', async () => {
  const headers = { accept: 'text/plain' };
  const response = await fetch(`${(await serve()).address}/metrics`, { headers });
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await response.text()).toBe('# for text/plain\n');
  const { address } = await serve({ metrics: () => Promise.reject(new Error('torn')) });
  expect((await fetch(`${address}/metrics`)).status).toBe(500);
});

it('has nothing else', async () => {
  const { address } = await serve();
  expect((await fetch(`${address}/metrics/`)).status).toBe(404);
  expect((await fetch(`${address}/healthz`, { method: 'POST' })).status).toBe(405);
});

it('says so when its port is taken', async () => {
  const { address, place } = await serve();
  const port = Number(new URL(address).port);
  const other = new OperationsServer({
    readiness: () => ({ ready: true, status: '' }),
    metrics: async () => ({ contentType: '', text: '' }),
  });
  await expect(other.listen({ ...place, port })).rejects.toMatchObject({
    code: 'invalid_config',
    message: `Cannot listen on 127.0.0.1:${port}: it is in use by another program. Stop that program, or set EIDETIC_HTTP_PORT.`,
  });
  await other.close();
});

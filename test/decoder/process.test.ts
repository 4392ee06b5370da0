import { createRemoteDecoder } from '@eidetic/decoder-rpc';
import { RpcChannel } from '@eidetic/rpc';
import { expect, it, onTestFinished } from 'vitest';
import { startDecoderProcess } from '../support/decoder-process.ts';
import { collect, promptOf, request } from '../support/engines.ts';

const connect = async (address: string) => {
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return createRemoteDecoder(channel);
};

it('on SIGTERM lets the running stream end, refuses new calls, and exits with 0', async () => {
  const { child, grpc, exited, said } = await startDecoderProcess();
  const remote = await connect(grpc);
  const running = remote.generate(request(promptOf(20), { maxTokens: 800 }))[Symbol.asyncIterator]();
  await running.next();
  child.kill('SIGTERM');
  await said(/Finishing the running answers/);
  await expect(collect(remote.generate(request(promptOf(20))))).rejects.toMatchObject({ code: 'unavailable' });
  const rest = [];
  for (let next = await running.next(); !next.done; next = await running.next()) rest.push(next.value);
  expect(rest.at(-1)).toEqual({ kind: 'finished', reason: 'length', completionTokens: 800 });
  expect(rest).toHaveLength(801);
  expect(await exited).toBe(0);
});

it('ends streams that outlast the drain limit with `unavailable`', async () => {
  const { child, grpc, exited } = await startDecoderProcess({ EIDETIC_DRAIN_LIMIT: '1ms' });
  const remote = await connect(grpc);
  const running = remote.generate(request(promptOf(20), { maxTokens: 8000 }))[Symbol.asyncIterator]();
  await running.next();
  child.kill('SIGTERM');
  const read = async (): Promise<void> => {
    while (!(await running.next()).done);
  };
  await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
  expect(await exited).toBe(0);
});

it('exits at once on a second signal', async () => {
  const { child, grpc, exited, said } = await startDecoderProcess();
  const remote = await connect(grpc);
  const running = remote.generate(request(promptOf(20), { maxTokens: 8000 }))[Symbol.asyncIterator]();
  await running.next();
  child.kill('SIGTERM');
  await said(/Finishing the running answers/);
  child.kill('SIGINT');
  expect(await exited).toBe(1);
});

it('leaves its callers with `unavailable`, and not without an answer, when it is killed', async () => {
  const { child, grpc, exited } = await startDecoderProcess();
  const remote = await connect(grpc);
  const running = collect(remote.generate(request(promptOf(20), { maxTokens: 8000 })));
  const loads = remote.watchLoad(10)[Symbol.asyncIterator]();
  for (let load = await loads.next(); load.value?.running !== 1; load = await loads.next());
  child.kill('SIGKILL');
  await expect(running).rejects.toMatchObject({ code: 'unavailable' });
  await exited;
  await expect(collect(remote.generate(request(promptOf(20))))).rejects.toMatchObject({ code: 'unavailable' });
});

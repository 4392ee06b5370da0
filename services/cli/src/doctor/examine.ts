import { stat } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { EideticError } from '@eidetic/core';
import { loadRuntime, memoryLimit, memoryNeeded, modelPlanOf } from '@eidetic/model-loader';
import { grpcCertificates, httpCertificates, podCertificates } from '@eidetic/tls';
import { checkClock, checkCpu, checkNode, checkOpenFiles, checkThreads } from './check-machine.ts';
import { checkContext, checkDisk, checkMemory, checkModel } from './check-model.ts';
import { checkPeers, checkPort } from './check-network.ts';
import { checkGpu, checkOnnxruntime } from './check-onnxruntime.ts';
import { checkRedis, type RedisFinding, type RedisRole } from './check-redis.ts';
import { eideticAnswersGrpc, eideticAnswersHttp } from './eidetic-listens.ts';
import { type Finding, problem } from './finding.ts';
import { readTextBelow } from './machine.ts';
import type { DoctorConfig } from './settings.ts';

/** Looks at everything that a server with these settings needs, from the machine to its peers. */
export async function examine(config: DoctorConfig, deep: boolean): Promise<readonly Finding[]> {
  const readText = readTextBelow('/');
  const runtime = () => loadRuntime(config);
  const redis = await checkRedises(config);
  const tls = podCertificates(config, {});
  const redisMs = redis.find(({ state }) => state !== undefined)?.state?.nowMs;
  return [
    checkNode(process.version),
    checkOnnxruntime(runtime),
    await checkCpu(readText),
    await checkThreads(readText, modelPlanOf(config).threads, availableParallelism()),
    await checkGpu(readText, config.provider, () => runtime().environment.checkCuda()),
    ...(await checkServing(config, deep)),
    await checkOpenFiles(readText),
    checkClock(Date.now(), (await stat(import.meta.filename)).mtimeMs, redisMs),
    ...(await checkPorts(config)),
    ...redis.map(({ finding }) => finding),
    ...(config.decoders === undefined
      ? []
      : await checkPeers({ check: 'decoder', addresses: config.decoders, setting: 'EIDETIC_DECODERS', tls })),
    ...(config.visionEncoders === undefined
      ? []
      : await checkPeers({
          check: 'vision encoder',
          addresses: config.visionEncoders,
          setting: 'EIDETIC_VISION_ENCODERS',
          tls,
        })),
  ];
}

/** The ports that the server is to listen on. */
async function checkPorts(config: DoctorConfig): Promise<readonly Finding[]> {
  const trouble: Finding[] = [];
  let own: ReturnType<typeof grpcCertificates>;
  try {
    httpCertificates(config, {});
    own = grpcCertificates(config, {});
  } catch (error) {
    trouble.push(problem('certificates', EideticError.from(error).message, 'No server starts with it: mend the file.'));
  }
  return [
    ...trouble,
    await checkPort({
      host: config.httpHost,
      port: config.httpPort,
      setting: '--port, or EIDETIC_HTTP_PORT',
      isEidetic: eideticAnswersHttp,
    }),
    await checkPort({
      host: config.grpcHost,
      port: config.grpcPort,
      setting: 'EIDETIC_GRPC_PORT',
      isEidetic: (host, port) => eideticAnswersGrpc(host, port, own),
    }),
  ];
}

/** The model, and the memory and the disk that it needs. */
async function checkServing(config: DoctorConfig, deep: boolean): Promise<readonly Finding[]> {
  const { finding, bundle } = await checkModel(config, deep);
  const disk = await checkDisk(config, bundle);
  if (bundle === undefined) return [finding, disk];
  const cachesBytes = config.embeddingCacheBytes + config.imageStoreBytes + config.maxBodyBytesTogether;
  const { slots, maxContext } = config;
  const parts = ['vision', 'decoder'] as const;
  const needed = memoryNeeded(bundle, { parts, slots, maxContext, cachesBytes }).total;
  return [
    finding,
    ...checkContext(bundle, config),
    checkMemory(needed, freemem(), totalmem(), await memoryLimit(readTextBelow('/'))),
    disk,
  ];
}

async function checkRedises({ queueRedisUrl, cacheRedisUrl }: DoctorConfig): Promise<readonly RedisFinding[]> {
  const check = async (role: RedisRole, url: string | undefined): Promise<readonly RedisFinding[]> =>
    url === undefined ? [] : [await checkRedis(role, url)];
  const found = (await Promise.all([check('queue', queueRedisUrl), check('cache', cacheRedisUrl)])).flat();
  const [queue, cache] = found.map(({ state }) => state?.runId);
  if (queue === undefined || queue !== cache) return found;
  const message = 'queue and caches are on the same one, which cannot both evict and not evict';
  return [...found, { finding: problem('Redis', message, 'Start a second Redis, for the caches.') }];
}

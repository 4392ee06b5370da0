import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeEnvironment } from './environment.ts';
import { formatTable, writeResult } from './report.ts';
import { cacheSuite } from './suites/cache.ts';
import { chaosSuite } from './suites/chaos.ts';
import { concurrencySuite } from './suites/concurrency.ts';
import { decoderSuite } from './suites/decoder.ts';
import { dialogSuite } from './suites/dialog.ts';
import { encodeQueueSuite } from './suites/encode-queue.ts';
import { floodSuite } from './suites/flood.ts';
import { fullSizeSuite } from './suites/full-size.ts';
import { grpcSuite } from './suites/grpc.ts';
import { httpSuite } from './suites/http.ts';
import { interferenceSuite } from './suites/interference.ts';
import { overheadSuite } from './suites/overhead.ts';
import { precisionSuite } from './suites/precision.ts';
import { soakSuite } from './suites/soak.ts';
import { tiersSuite } from './suites/tiers.ts';
import { visionSuite } from './suites/vision.ts';

const USAGE = `node bench/src/main.ts [--only NAME,NAME] [--quick] [--rounds N] [--model CHECKPOINT] [--bundle BUNDLE] [--cache DIRECTORY]`;

const SUITES = [
  decoderSuite('int8'),
  decoderSuite('int4'),
  decoderSuite('float32'),
  concurrencySuite,
  interferenceSuite,
  dialogSuite,
  visionSuite,
  encodeQueueSuite,
  httpSuite,
  grpcSuite,
  tiersSuite,
  overheadSuite,
  floodSuite,
  precisionSuite,
  cacheSuite,
  soakSuite,
  chaosSuite,
  fullSizeSuite,
];

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    model: { type: 'string', default: fromRoot('models/qwen-vl-nano-chat') },
    bundle: { type: 'string' },
    cache: { type: 'string', default: fromRoot('.cache/bench') },
    help: { type: 'boolean', default: false },
  },
});
const names = options.only?.split(',') ?? SUITES.filter(({ onRequest }) => !onRequest).map(({ name }) => name);
const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
if (options.help || unknown.length > 0) {
  console.error(`${USAGE}\nSuites: ${SUITES.map(({ name }) => name).join(', ')}.`);
  process.exit(options.help ? 0 : 2);
}

const environment = await describeEnvironment();
const { machine } = environment;
console.log(`${machine.cpu}, ${machine.cores} cores, ${(machine.copyBytesPerSecond / 1e9).toFixed(1)} GB/s copied`);
console.log(`commit ${environment.commit}, load before the run ${machine.loadBefore.toFixed(1)}\n`);
for (const suite of SUITES.filter(({ name }) => names.includes(name))) {
  const result = await suite.run({
    checkpointDirectory: options.model,
    bundleDirectory: options.bundle,
    cacheDirectory: options.cache,
    threads: availableParallelism(),
    copyBytesPerSecond: machine.copyBytesPerSecond,
    rounds: Number(options.rounds ?? (options.quick ? 2 : 7)),
  });
  console.log(formatTable(result));
  await writeResult(fromRoot('bench/results'), environment, result);
}

import type { ReadText } from '@eidetic/model-loader';
import { type Finding, ok, problem, warning } from './finding.ts';

const NODE_MAJOR = 24;

/** The version of Node.js that runs this. */
export function checkNode(version: string): Finding {
  const major = Number(/^v(\d+)/.exec(version)?.[1] ?? 0);
  if (major >= NODE_MAJOR) return ok('Node.js', version);
  const remedy = `Use ./eidetic or make, which fetch Node ${NODE_MAJOR}, or install it.`;
  return problem('Node.js', `${version}; ${NODE_MAJOR} or later is needed to run TypeScript as it is`, remedy);
}

/** What the kernel calls the instructions that matrix products are made of, by how we call them. */
const INSTRUCTIONS: readonly (readonly [string, readonly string[]])[] = [
  ['AVX2', ['avx2']],
  ['AVX-512', ['avx512f']],
  ['VNNI', ['avx512_vnni', 'avx_vnni']],
  ['AMX', ['amx_int8']],
  ['NEON', ['asimd']],
  ['dot products', ['asimddp']],
  ['I8MM', ['i8mm']],
];

/** Instructions that the processor has, and what they mean for the precision of weights. */
export async function checkCpu(readText: ReadText): Promise<Finding> {
  const cpuinfo = await readText('/proc/cpuinfo');
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo ?? '')?.[1]?.split(/\s+/));
  if (flags.size === 0) return ok('CPU', 'its instructions are not listed on this system');
  const has = INSTRUCTIONS.filter(([, names]) => names.some((name) => flags.has(name))).map(([name]) => name);
  if (!has.includes('AVX2') && !has.includes('NEON')) {
    const remedy =
      'Use a machine with AVX2 (Intel since 2013, AMD since 2015); in a virtual machine, pass the host CPU through.';
    return warning('CPU', 'no AVX2: products of matrices take many times as long', remedy);
  }
  const wholeNumbers = ['VNNI', 'AMX', 'dot products', 'I8MM'].some((name) => has.includes(name));
  const why = wholeNumbers ? 'which it multiplies natively' : 'which it has to read least of at full quality';
  return ok('CPU', `${has.join(', ')}. Advised: int8 for the language model, ${why}; float32 for the vision encoder`);
}

const LEAST_FILES = 4096;

/** How many files and connections a process may have open. */
export async function checkOpenFiles(readText: ReadText): Promise<Finding> {
  const limits = await readText('/proc/self/limits');
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return ok('open files', 'their limit is not listed on this system');
  if (soft === 'unlimited' || Number(soft) >= LEAST_FILES) return ok('open files', `up to ${soft}`);
  return warning(
    'open files',
    `at most ${soft}; every client is one`,
    `Raise the limit to ${LEAST_FILES} or more: ulimit -n, LimitNOFILE of systemd, ulimits of a container.`,
  );
}

/** Cores that the control group of this process may use, in version 2 or 1: undefined if there is no limit. */
async function coreLimit(readText: ReadText): Promise<number | undefined> {
  const [quota, period] = (await readText('/sys/fs/cgroup/cpu.max'))?.trim().split(' ').map(Number) ?? [
    Number(await readText('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')),
    Number(await readText('/sys/fs/cgroup/cpu/cpu.cfs_period_us')),
  ];
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

/** Whether the threads that compute have the cores that they count on. */
export async function checkThreads(readText: ReadText, threads: number, cores: number): Promise<Finding> {
  const limit = await coreLimit(readText);
  const have = limit === undefined ? `${cores} cores` : `${limit} of ${cores} cores (limit of the container)`;
  const usable = Math.max(1, Math.floor(Math.min(cores, limit ?? cores)));
  if (threads <= usable) return ok('threads', `${threads} on ${have}`);
  return warning(
    'threads',
    `${threads} on ${have}: they wait for each other`,
    `Set EIDETIC_THREADS=${usable}, or raise the limit.`,
  );
}

const LARGEST_SKEW_MS = 5000;

/** Whether the clock can be right: API keys, deadlines and what lives in Redis for a while go by it. */
export function checkClock(nowMs: number, madeMs: number, redisMs: number | undefined): Finding {
  const remedy = 'Set the clock, and let it follow a time server (chrony, systemd-timesyncd).';
  const shown = new Date(nowMs).toISOString();
  if (nowMs < madeMs) return problem('clock', `${shown} is before this program was written`, remedy);
  if (redisMs === undefined) return ok('clock', shown);
  const skewMs = Math.abs(nowMs - redisMs);
  if (skewMs <= LARGEST_SKEW_MS) return ok('clock', `${shown}, and Redis agrees`);
  return warning('clock', `${shown}, ${Math.round(skewMs / 1000)} s from that of Redis`, remedy);
}

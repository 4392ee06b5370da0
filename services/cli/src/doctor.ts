import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { parseArguments } from './arguments.ts';
import type { Command } from './commands.ts';
import { examine } from './doctor/examine.ts';
import type { Finding, Verdict } from './doctor/finding.ts';
import { loadDoctorConfig } from './doctor/settings.ts';
import { UsageError } from './usage-error.ts';

const usage = `eidetic doctor [CHECKPOINT | BUNDLE] [options]

Looks at what a server needs and says what is missing and how to mend it: Node.js, onnxruntime, the processor, memory, disk, the model,
ports, the limits of the container, the clock; and of a cluster what is named. EIDETIC_* variables count as they do for servers.
One line for each check: ok, warning (it works, but could work better) or problem. Exit status 1 if there is a problem.

  --port PORT          on which the server is to listen; default 8080
  --queue-redis URL    Redis of the queue: reachable, version, maxmemory-policy noeviction, appendonly
  --cache-redis URL    Redis of the caches: reachable, version, maxmemory, maxmemory-policy allkeys-lfu
  --decoders LIST      host:port, several separated by commas, or dns:///host:port: whether each answers
  --vision LIST        the same for vision encoders
  --deep               compare the checksum of every file of the model; takes about a second for a GiB
  --json               print one line of JSON

Examples:
  eidetic doctor --deep
  eidetic doctor --queue-redis redis://localhost:6379 --cache-redis redis://localhost:6380 --decoders localhost:50051`;

const OPTIONS = {
  port: { type: 'string' },
  'queue-redis': { type: 'string' },
  'cache-redis': { type: 'string' },
  decoders: { type: 'string' },
  vision: { type: 'string' },
  deep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** The variables that options stand for. */
const VARIABLES = {
  port: 'EIDETIC_HTTP_PORT',
  'queue-redis': 'EIDETIC_QUEUE_REDIS_URL',
  'cache-redis': 'EIDETIC_CACHE_REDIS_URL',
  decoders: 'EIDETIC_DECODERS',
  vision: 'EIDETIC_VISION_ENCODERS',
} as const;

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const satisfies Record<Verdict, string>;

/** `eidetic doctor`. */
export const doctor: Command = { usage, run: runDoctor };

/**
 * The findings go to standard output.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_config` for wrong settings.
 */
async function runDoctor(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [model, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`One model is looked at; ${more[0]} would be another.`);
  const given = Object.entries(VARIABLES).map(([option, name]) => [name, values[option as keyof typeof VARIABLES]]);
  const config = loadDoctorConfig({
    ...process.env,
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    ...(model !== undefined && { EIDETIC_MODEL: resolve(model) }),
  });
  const findings = await examine(config, values.deep);
  const text = values.json ? JSON.stringify({ findings }) : findings.map(formatFinding).join('\n');
  process.stdout.write(`${text}\n`);
  return findings.some(({ verdict }) => verdict === 'problem') ? 1 : 0;
}

const formatFinding = ({ check, verdict, message, remedy }: Finding): string => {
  const marked = styleText(COLOURS[verdict], verdict.padEnd(8), { stream: process.stdout });
  return `${marked} ${check}: ${message}${remedy === undefined ? '' : ` → ${remedy}`}`;
};

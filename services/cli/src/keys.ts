import { type ApiKeyEntry, generateApiKey, hashApiKey } from '@eidetic/access';
import { parseArguments, wholeNumber } from './arguments.ts';
import type { Command } from './commands.ts';
import { addKey, readKeyFile, updateKey } from './key-file.ts';
import { say } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const DEFAULT_FILE = 'api-keys.jsonl';

const usage = `eidetic keys create --tenant TENANT --name NAME [options]
eidetic keys list [options]
eidetic keys disable NAME [options]
eidetic keys enable NAME [options]

Keeps the file of API keys that a server reads (EIDETIC_API_KEYS_FILE). It has the hashes of keys only: create prints the new key once,
to standard output. Servers notice changes within seconds.

  --file FILE          default: EIDETIC_API_KEYS_FILE, or else ${DEFAULT_FILE}
  --tenant TENANT      whom the work is for; keys of one tenant share pictures and turns
  --name NAME          names the key in lists and logs; no two are the same
  --rpm N              most requests in a minute; 0: any number; default: the server's
  --concurrency N      most requests under way at a time; 0: any number; default: the server's
  --expires TIME       from when on it is refused: 12h, 90d, or a time such as 2030-01-31T12:00:00Z
  --json               list as JSON, one line for each key

Examples:
  eidetic keys create --tenant acme --name ci --rpm 60 --expires 90d
  EIDETIC_API_KEYS_FILE=$PWD/${DEFAULT_FILE} eidetic serve
  eidetic keys disable ci`;

const OPTIONS = {
  file: { type: 'string' },
  tenant: { type: 'string' },
  name: { type: 'string' },
  rpm: { type: 'string' },
  concurrency: { type: 'string' },
  expires: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MAX_LIMIT = 1_000_000_000;

/** `eidetic keys`. */
export const keys: Command = { usage, run: runKeys };

/**
 * Keys and lists go to standard output.
 *
 * @throws UsageError for wrong arguments; EideticError `invalid_config`, `not_found` for what is wrong with the file.
 */
async function runKeys(args: readonly string[]): Promise<undefined> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [action, ...names] = positionals;
  const path = values.file ?? (process.env.EIDETIC_API_KEYS_FILE || DEFAULT_FILE);
  if (action === 'create' && names.length === 0) await create(path, values);
  else if (action === 'list' && names.length === 0) process.stdout.write(await list(path, values.json));
  else if ((action === 'disable' || action === 'enable') && names.length === 1) {
    const [name = ''] = names;
    await updateKey(path, name, { disabled: action === 'disable' ? true : undefined });
    say(`${name} is ${action}d in ${path}`);
  } else throw new UsageError('One of create, list, disable NAME or enable NAME is needed.');
  return undefined;
}

interface KeyOptions {
  readonly tenant?: string | undefined;
  readonly name?: string | undefined;
  readonly rpm?: string | undefined;
  readonly concurrency?: string | undefined;
  readonly expires?: string | undefined;
}

async function create(path: string, { tenant, name, rpm, concurrency, expires }: KeyOptions): Promise<void> {
  if (tenant === undefined || name === undefined) throw new UsageError('--tenant and --name are needed.');
  const key = generateApiKey();
  const entry: ApiKeyEntry = {
    id: name,
    tenant,
    sha256: hashApiKey(key),
    ...(expires !== undefined && { expires: expiryOf(expires, Date.now()) }),
    ...(rpm !== undefined && { requestsPerMinute: wholeNumber('--rpm', rpm, 0, MAX_LIMIT) }),
    ...(concurrency !== undefined && {
      concurrentRequests: wholeNumber('--concurrency', concurrency, 0, MAX_LIMIT),
    }),
  };
  await addKey(path, entry);
  say(`${name} of ${tenant} is in ${path}. The key is shown this once:`);
  process.stdout.write(`${key}\n`);
}

/** A time from now on, or one that is written out, as ISO 8601 in UTC. */
function expiryOf(text: string, nowMs: number): string {
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = amount === undefined ? Date.parse(text) : nowMs + Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (Number.isNaN(ms)) throw new UsageError(`--expires is ${text}; 12h, 90d or 2030-01-31T12:00:00Z is meant.`);
  if (ms <= nowMs) throw new UsageError(`--expires is ${text}, which is over already.`);
  return new Date(ms).toISOString();
}

const stateOf = ({ disabled, expires }: ApiKeyEntry, nowMs: number): string => {
  if (disabled) return 'disabled';
  if (expires === undefined) return 'good';
  return `${Date.parse(expires) <= nowMs ? 'expired' : 'good until'} ${expires}`;
};

const HEADER = ['name', 'tenant', 'a minute', 'at a time', 'state'];

/** All keys, without their hashes. */
async function list(path: string, json: boolean): Promise<string> {
  const entries = await readKeyFile(path);
  if (json) return entries.map(({ sha256: _, ...entry }) => `${JSON.stringify(entry)}\n`).join('');
  const rows = entries.map((entry) => [
    entry.id,
    entry.tenant,
    limitText(entry.requestsPerMinute),
    limitText(entry.concurrentRequests),
    stateOf(entry, Date.now()),
  ]);
  return formatColumns([HEADER, ...rows]);
}

const limitText = (limit: number | undefined): string =>
  limit === undefined ? 'default' : limit === 0 ? 'any' : `${limit}`;

function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

import { alt, type Node } from './node.ts';
import { parseRegex } from './regex.ts';

const DATE = [
  String.raw`\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])`,
  String.raw`\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)`,
  String.raw`\d{4}-02-(0[1-9]|1\d|2[0-8])`,
  String.raw`(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29`,
].join('|');
const TIME = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)`;
const BYTE = String.raw`(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const LABEL = '[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?';

/** Values of `format` that are enforced, each as a pattern whose every text is valid (RFC 3339, 4122, 5321 in part). */
const PATTERNS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `(${DATE})T${TIME}`,
  uuid: '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  ipv4: String.raw`${BYTE}(\.${BYTE}){3}`,
  email: String.raw`[a-z0-9_+-]{1,20}(\.[a-z0-9_+-]{1,20}){0,2}@${LABEL}(\.${LABEL}){1,3}`,
};

/** Names of the formats. */
export const FORMATS: readonly string[] = Object.keys(PATTERNS);

/** Texts of a format; `undefined` for one that is not enforced. */
export function formatNode(name: string): Node | undefined {
  const pattern = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined;
  return pattern === undefined ? undefined : alt(parseRegex(pattern).map((branch) => branch.node));
}

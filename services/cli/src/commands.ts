/** One of the things that `eidetic` does. */
export interface Command {
  /** What `eidetic COMMAND --help` prints. */
  readonly usage: string;
  /** Resolves to the exit status if it is not 0. `signal` aborts on SIGTERM, and on SIGINT unless the command says otherwise. */
  readonly run: (args: readonly string[], signal: AbortSignal) => Promise<number | undefined>;
  /** Whether Ctrl-C means something of its own to it. */
  readonly handlesInterrupt?: boolean;
}

/** A command by name; its code is loaded when it is needed. */
export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every command, in the order of the help text. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'serve a model on this machine',
    load: async () => (await import('./serve.ts')).serve,
  },
  chat: {
    summary: 'ask a server about pictures',
    load: async () => (await import('./chat.ts')).chat,
  },
  bench: {
    summary: 'put load on a server and measure',
    load: async () => (await import('./bench.ts')).bench,
  },
  doctor: {
    summary: 'say what a server misses on this machine',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  keys: {
    summary: 'make and disable API keys',
    load: async () => (await import('./keys.ts')).keys,
  },
  convert: {
    summary: 'make a bundle from a checkpoint',
    load: async () => (await import('./convert.ts')).convert,
  },
  eval: {
    summary: 'score a model on a data set',
    load: async () => (await import('./eval.ts')).evaluate,
  },
  up: {
    summary: 'start a cluster on this machine',
    load: async () => (await import('./up.ts')).up,
  },
};

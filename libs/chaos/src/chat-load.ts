import { type AskedChat, askChat, type KnownChat } from './ask-chat.ts';

/** A load, and where it goes. */
export interface ChatLoadOptions {
  /** URLs. */
  readonly gateways: readonly string[];
  readonly model: string;
  /** Clients, each of which asks its next chat when it has the answer to the last one. */
  readonly clients: number;
  /** The `n`th chat. Every other one is streamed. */
  readonly chat: (n: number) => KnownChat;
}

/** A chat that was asked. Times are milliseconds, those of `performance.now()`. */
export interface ChatRecord extends AskedChat {
  readonly chat: string;
  readonly sentMs: number;
  readonly endedMs: number;
}

/** Chats with known answers, one after the other, from when it is made until it is stopped. */
export class ChatLoad implements AsyncDisposable {
  readonly #options: ChatLoadOptions;
  readonly #records: ChatRecord[] = [];
  readonly #listeners = new Set<(record: ChatRecord) => void>();
  readonly #underWay = new Set<Promise<AskedChat>>();
  readonly #clients: Promise<unknown>;
  #next = 0;
  #stopped = false;

  constructor(options: ChatLoadOptions) {
    this.#options = options;
    this.#clients = Promise.all(Array.from({ length: options.clients }, () => this.#client()));
  }

  /** Chats that have ended, in that order. */
  get records(): readonly ChatRecord[] {
    return this.#records;
  }

  /** Resolves when so many chats have been answered rightly that were sent after `sentAfterMs`. */
  async right(count: number, sentAfterMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = count;
    const listener = ({ outcome, sentMs }: ChatRecord): void => {
      if (outcome === 'right' && sentMs > sentAfterMs && --left === 0) resolve();
    };
    for (const record of this.#records) listener(record);
    this.#listeners.add(listener);
    await promise;
    this.#listeners.delete(listener);
  }

  /** Resolves when all chats have ended that have been sent by now. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Sends no more chats, and waits for the ends of those that were sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#clients;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #client(): Promise<void> {
    const { gateways, model, chat } = this.#options;
    while (!this.#stopped) {
      const n = this.#next++;
      const known = chat(n);
      const first = Math.floor(n / 2) % gateways.length;
      const sentMs = performance.now();
      const asking = askChat(known, {
        gateways: [...gateways.slice(first), ...gateways.slice(0, first)],
        model,
        stream: n % 2 === 0,
      });
      this.#underWay.add(asking);
      const asked = await asking;
      this.#underWay.delete(asking);
      const record = { ...asked, chat: known.name, sentMs, endedMs: performance.now() };
      this.#records.push(record);
      for (const listener of this.#listeners) listener(record);
    }
  }
}

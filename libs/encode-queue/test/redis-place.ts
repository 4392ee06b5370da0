import type { EncodeConsumer, EncodeHandler } from '@eidetic/core';
import { RedisServer, type RedisServerOptions } from '@eidetic/launcher';
import { RedisEncodeConsumer, type RedisEncodeConsumerOptions } from '../src/redis-encode-consumer.ts';
import { RedisEncodeProducer, type RedisEncodeProducerOptions } from '../src/redis-encode-producer.ts';
import { ENCODED, LIMITS } from './jobs.ts';
import { Recorder } from './recorder.ts';

export const PREFIX = '{test}';

/** Locks that expire while a test waits. */
export const SHORT_LOCKS = { lockMs: 1_000, stalledCheckMs: 500, maxTakeovers: 1 };

export const answerAll: EncodeHandler = async (jobs) => jobs.map(() => ENCODED);

/** A Redis server with producers and consumers in this process, which go with it. */
export class RedisPlace implements AsyncDisposable {
  readonly server: RedisServer;
  readonly recorder = new Recorder();
  readonly #opened: { close(): Promise<void> }[] = [];

  private constructor(server: RedisServer) {
    this.server = server;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisPlace> {
    return new RedisPlace(await RedisServer.start(options));
  }

  get place(): { readonly url: string; readonly prefix: string } {
    return { url: this.server.url, prefix: PREFIX };
  }

  async producer(options: Partial<RedisEncodeProducerOptions> = {}): Promise<RedisEncodeProducer> {
    const { observer } = this.recorder;
    const producer = await RedisEncodeProducer.open({
      ...this.place,
      observer,
      findEmbedding: async () => undefined,
      ...options,
    });
    this.#opened.push(producer);
    return producer;
  }

  async consumer(handler: EncodeHandler, options: Partial<RedisEncodeConsumerOptions> = {}): Promise<EncodeConsumer> {
    const { observer } = this.recorder;
    const consumer = await RedisEncodeConsumer.open({ ...this.place, observer, handler, limits: LIMITS, ...options });
    this.#opened.push(consumer);
    return consumer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((opened) => opened.close()));
    await this.server[Symbol.asyncDispose]();
  }
}

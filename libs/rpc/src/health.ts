import { once } from 'node:events';
import { EideticError } from '@eidetic/core';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { type Implementation, implement } from './implement.ts';

/** Whether a server answers calls, as grpc.health.v1 tells it: of the server as a whole (`''`) and of each of its services. */
export class Health {
  readonly #names: readonly string[];
  #changed = Promise.withResolvers<void>();
  #serving = false;

  constructor(services: readonly string[]) {
    this.#names = ['', ...services];
  }

  set serving(serving: boolean) {
    this.#serving = serving;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Watches end, after NOT_SERVING, when the server drains: they would keep connections open until they are cut. */
  implementation(): Implementation {
    return implement(HealthDefinition, {
      check: async ({ service }) => {
        const status = this.#statusOf(service);
        if (status !== ServingStatus.SERVICE_UNKNOWN) return { status };
        throw new EideticError('not_found', `There is no service ${service}.`);
      },
      watch: ({ service }, { signal, draining }) => this.#watch(service, AbortSignal.any([signal, draining])),
    });
  }

  #statusOf(service: string): ServingStatus {
    if (!this.#names.includes(service)) return ServingStatus.SERVICE_UNKNOWN;
    return this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  async *#watch(service: string, ending: AbortSignal) {
    const ended = ending.aborted ? Promise.resolve() : once(ending, 'abort');
    let last: ServingStatus | undefined;
    do {
      const status = this.#statusOf(service);
      if (status !== last) yield { status };
      last = status;
      await Promise.race([this.#changed.promise, ended]);
    } while (!ending.aborted);
    const status = this.#statusOf(service);
    if (status !== last) yield { status };
  }
}

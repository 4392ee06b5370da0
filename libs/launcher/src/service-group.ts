import { type ServiceName, type ServiceOptions, ServiceProcess } from './service-process.ts';

/** Services that go together, those among them that have not come to answer yet. */
export class ServiceGroup implements AsyncDisposable {
  readonly #starts: Promise<ServiceProcess>[] = [];
  readonly #givingUp = new AbortController();

  /**
   * Resolves once it answers.
   *
   * @throws Error with what it said when it ends before.
   */
  start(name: ServiceName, options: ServiceOptions): Promise<ServiceProcess> {
    const start = ServiceProcess.start(name, options, this.#givingUp.signal);
    this.#starts.push(start);
    return start;
  }

  /** Kills them all. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#givingUp.abort();
    const started = await Promise.allSettled(this.#starts);
    await Promise.all(started.map((start) => (start.status === 'fulfilled' ? start.value.kill() : undefined)));
  }
}

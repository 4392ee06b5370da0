import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it was reported. */
export interface ReportedSpan {
  /** Which service reported it. */
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface Report {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<ReportedSpan, 'service'>[] }[];
  }[];
}

const spansOf = ({ resourceSpans }: Report): ReportedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })));
  });

/** Takes traces over OTLP/HTTP, as JSON. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReportedSpan[] = [];
  readonly #came = new EventEmitter();
  readonly #server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = await Array.fromAsync(request);
    if (request.url === '/v1/traces') this.spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString())));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    this.#came.emit('spans');
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await once(receiver.#server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  /** What services are told. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves once spans of all these names have come. */
  async until(...names: readonly string[]): Promise<void> {
    while (!names.every((name) => this.spans.some((span) => span.name === name))) await once(this.#came, 'spans');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

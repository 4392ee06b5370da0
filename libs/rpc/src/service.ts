import type { ServiceDefinition } from '@grpc/grpc-js';

/** How messages of one type are written and read. */
export interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A method: takes one message or a stream, and answers with one message or a stream. */
export interface Method<Request, Response> {
  readonly name: string;
  readonly requestType: MessageType<Request>;
  readonly requestStream: boolean;
  readonly responseType: MessageType<Response>;
  readonly responseStream: boolean;
}

/** A service as ts-proto describes it (`outputServices=generic-definitions`). */
export interface Service {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, Method<unknown, unknown>>>;
}

/** What a method takes, one or many. */
export type RequestOf<M> = M extends Method<infer Request, unknown> ? Request : never;

/** What a method answers with, or streams. */
export type ResponseOf<M> = M extends Method<unknown, infer Response> ? Response : never;

/** Path of a method on the wire. */
export const pathOf = (service: Service, method: Method<unknown, unknown>): string =>
  `/${service.fullName}/${method.name}`;

/** A message as bytes; a view of what was written, not a copy. */
export const serialize = <T>(type: MessageType<T>, message: T): Buffer => {
  const bytes = type.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

/** The service for grpc-js. Requests stay bytes: what cannot be read is then answered like every other bad request. */
export const grpcDefinition = (service: Service): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service.methods).map(([key, method]) => [
      key,
      {
        path: pathOf(service, method),
        requestStream: method.requestStream,
        responseStream: method.responseStream,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (message: unknown) => serialize(method.responseType, message),
        responseDeserialize: (bytes: Buffer) => method.responseType.decode(bytes),
      },
    ]),
  );

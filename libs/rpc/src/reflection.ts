import { createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@eidetic/proto';
import { status } from '@grpc/grpc-js';
import type { CallContext } from './call-context.ts';
import { type Implementation, implement } from './implement.ts';

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

const unknown = (errorMessage: string): Answer => ({
  $case: 'errorResponse',
  value: { errorCode: status.NOT_FOUND, errorMessage },
});

/** A file and what it imports, each once. */
const closure = (file: DescFile, seen = new Set<DescFile>()): Set<DescFile> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const imported of file.dependencies) closure(imported, seen);
  return seen;
};

const filesAnswer = (file: DescFile | undefined, name: string): Answer => {
  if (!file) return unknown(`There is no ${name}.`);
  const fileDescriptorProto = [...closure(file)].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
};

/** The file of a message, enum or service, or of a method, field or value of one. */
const fileOf = (registry: FileRegistry, symbol: string): DescFile | undefined =>
  (registry.get(symbol) ?? registry.get(symbol.slice(0, symbol.lastIndexOf('.'))))?.file;

const answer = (
  registry: FileRegistry,
  services: readonly string[],
  request: ServerReflectionRequest['messageRequest'],
): Answer => {
  switch (request?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return filesAnswer(registry.getFile(request.value), request.value);
    case 'fileContainingSymbol':
      return filesAnswer(fileOf(registry, request.value), request.value);
    case undefined:
      return unknown('That cannot be asked of this server.');
  }
};

/** Answers until the client has no more questions, or the server drains: streams that are left open would keep it from that. */
async function* answers(
  registry: FileRegistry,
  services: readonly string[],
  requests: AsyncIterable<ServerReflectionRequest>,
  { draining }: CallContext,
): AsyncGenerator<ServerReflectionResponse, void, undefined> {
  const iterator = requests[Symbol.asyncIterator]();
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  const end = (): void => resolve(undefined);
  draining.addEventListener('abort', end);
  if (draining.aborted) end();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), ended]);
      if (next === undefined || next.done === true) return;
      const { value: originalRequest } = next;
      const messageResponse = answer(registry, services, originalRequest.messageRequest);
      yield { validHost: originalRequest.host, originalRequest, messageResponse };
    }
  } finally {
    draining.removeEventListener('abort', end);
  }
}

/**
 * Reflection (grpc.reflection.v1) from a serialised google.protobuf.FileDescriptorSet. @grpc/reflection rebuilds descriptors with
 * protobufjs, which loses imports, scopes of type names and `optional`: clients cannot link what it sends.
 */
export const reflection = (descriptors: Uint8Array, services: readonly string[]): Implementation => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const names = [...services, ServerReflectionDefinition.fullName].filter((name) => registry.getService(name));
  return implement(ServerReflectionDefinition, {
    serverReflectionInfo: (requests, context) => answers(registry, names, requests, context),
  });
};

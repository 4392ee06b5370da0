import { createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@eidetic/proto';
import {
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { serialize } from './service.ts';

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

type Call = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

/**
 * Reflection (grpc.reflection.v1) for grpc-js, from a serialised google.protobuf.FileDescriptorSet. @grpc/reflection rebuilds descriptors
 * with protobufjs, which loses imports, scopes of type names and `optional`: clients cannot link what it sends.
 */
export const reflection = (
  descriptors: Uint8Array,
  services: readonly string[],
): { readonly definition: ServiceDefinition; readonly implementation: UntypedServiceImplementation } => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const { fullName, methods } = ServerReflectionDefinition;
  const { name, requestType, responseType } = methods.serverReflectionInfo;
  const names = [...services, fullName].filter((service) => registry.getService(service));
  return {
    definition: {
      serverReflectionInfo: {
        path: `/${fullName}/${name}`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (message: ServerReflectionRequest) => serialize(requestType, message),
        requestDeserialize: (bytes) => requestType.decode(bytes),
        responseSerialize: (message: ServerReflectionResponse) => serialize(responseType, message),
        responseDeserialize: (bytes) => responseType.decode(bytes),
      },
    },
    implementation: {
      serverReflectionInfo: (call: Call) => {
        call.on('data', (originalRequest: ServerReflectionRequest) => {
          const messageResponse = answer(registry, names, originalRequest.messageRequest);
          call.write({ validHost: originalRequest.host, originalRequest, messageResponse });
        });
        call.on('end', () => call.end());
      },
    },
  };
};

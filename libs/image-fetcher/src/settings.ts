import { boolean, type Config, type ConfigDefinition, duration, integer, list, optional, size } from '@eidetic/config';
import { hostPattern } from './host-pattern.ts';

/** Whether and from where pictures are fetched, and what that may cost. */
export const IMAGE_URL_SETTINGS = {
  imageUrls: {
    name: 'EIDETIC_IMAGE_URLS',
    description: 'Whether pictures are fetched from the http(s) URLs in requests, at public addresses only.',
    kind: boolean(),
    default: 'true',
  },
  imageUrlAllow: {
    name: 'EIDETIC_IMAGE_URL_ALLOW',
    description: 'The only hosts that pictures are fetched from; none: all at public addresses.',
    kind: optional(list(hostPattern())),
    default: 'none',
  },
  imageUrlDeny: {
    name: 'EIDETIC_IMAGE_URL_DENY',
    description: 'Hosts that no picture is fetched from.',
    kind: optional(list(hostPattern())),
    default: 'none',
  },
  imageUrlPrivate: {
    name: 'EIDETIC_IMAGE_URL_PRIVATE',
    description:
      'Hosts that pictures are fetched from although their addresses are private, such as an object store in the cluster: whoever may send requests can read every picture there. With addresses, this is so for every name that leads there.',
    kind: optional(list(hostPattern())),
    default: 'none',
  },
  imageUrlPorts: {
    name: 'EIDETIC_IMAGE_URL_PORTS',
    description: 'Ports that pictures are fetched from.',
    kind: list(integer({ min: 1, max: 65_535 })),
    default: '80,443',
  },
  imageUrlTimeoutMs: {
    name: 'EIDETIC_IMAGE_URL_TIMEOUT',
    description: 'Longest time of one fetch, from the look-up of the name to the last byte.',
    kind: duration(1),
    default: '10s',
  },
  imageUrlFetches: {
    name: 'EIDETIC_IMAGE_URL_FETCHES',
    description: 'Pictures that are fetched at the same time; tenants take turns.',
    kind: integer({ min: 1, max: 10_000 }),
    default: '32',
  },
  imageUrlWaiting: {
    name: 'EIDETIC_IMAGE_URL_WAITING',
    description: 'Pictures that may wait to be fetched; more are refused with status 429.',
    kind: integer({ min: 0, max: 100_000 }),
    default: '256',
  },
  imageUrlMemoryBytes: {
    name: 'EIDETIC_IMAGE_URL_MEMORY',
    description:
      'Memory for fetched pictures until their embeddings are there; what would exceed it is refused with status 429.',
    kind: size(),
    default: '256MiB',
  },
} as const satisfies ConfigDefinition;

/** What {@link IMAGE_URL_SETTINGS} load into. */
export type ImageUrlConfig = Config<typeof IMAGE_URL_SETTINGS>;

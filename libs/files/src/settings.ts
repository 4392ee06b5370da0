import { type Config, type ConfigDefinition, integer, size } from '@eidetic/config';

/** What tenants may upload and keep. */
export const FILE_SETTINGS = {
  maxFileBytes: {
    name: 'EIDETIC_MAX_FILE_SIZE',
    description:
      'Largest file that can be uploaded; pictures are also held to EIDETIC_MAX_IMAGE_SIZE where they are decoded.',
    kind: size(),
    default: '200MiB',
  },
  maxFiles: {
    name: 'EIDETIC_FILES_PER_TENANT',
    description: 'Most files that one tenant may keep.',
    kind: integer({ min: 0, max: 1_000_000 }),
    default: '1000',
  },
  maxFilesBytes: {
    name: 'EIDETIC_FILES_SIZE_PER_TENANT',
    description: 'Most bytes that the files of one tenant may have together.',
    kind: size(),
    default: '1GiB',
  },
} as const satisfies ConfigDefinition;

/** What {@link FILE_SETTINGS} load into. */
export type FileConfig = Config<typeof FILE_SETTINGS>;

export { DirectoryFileStore } from './directory-file-store.ts';
export { derivedFileId, isFileId } from './file-id.ts';
export type { FilePurpose, FileRecord, PictureInfo } from './file-record.ts';
export {
  type FileDraft,
  type FileObserver,
  type FileQuery,
  FileService,
  type FileServiceParts,
  readWhole,
} from './file-service.ts';
export type { FileQuota, FileStore, FileUsage, StagedFile } from './file-store.ts';
export { RedisFileStore, type RedisFileStoreOptions } from './redis-file-store.ts';
export { FILE_SETTINGS, type FileConfig } from './settings.ts';

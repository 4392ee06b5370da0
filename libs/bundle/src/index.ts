export { bundleNameOf } from './bundle-name.ts';
export { type Manifest, manifestSchema, type Precision, precisionSchema } from './manifest.ts';
export { type Bundle, MANIFEST_FILE, openBundle } from './open.ts';
export {
  type BundlePart,
  filesOf,
  type ListedFile,
  sha256Of,
  type VerifyOptions,
  verifyBundle,
  verifyFiles,
} from './verify.ts';

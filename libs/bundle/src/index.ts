export { bundleNameOf } from './bundle-name.ts';
export { type Manifest, manifestSchema, type Precision, precisionSchema } from './manifest.ts';
export { type Bundle, MANIFEST_FILE, openBundle, verifyBundle } from './open.ts';

export { type Manifest, manifestSchema, type Precision, precisionSchema } from './manifest.ts';

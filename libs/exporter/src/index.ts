export { WIDE_BLOCK } from './block-size.ts';
export {
  bundleDirectoryOf,
  type ConvertOptions,
  convertCheckpoint,
  ensureBundle,
  type WantedPrecisions,
} from './convert.ts';
export type { ExportFamily, ExportPlan, GraphFormats, WeightSource } from './family.ts';
export { type GptqScheme, gptqLinear, gptqTensors } from './gptq.ts';
export { type ActivationType, constantOf, type LinearFormat, linear } from './linear.ts';
export { denseMatrix, type Matrix, permuteRows, toFloat32, transpose } from './matrix.ts';
export { GraphBuilder, MICROSOFT, type Value } from './onnx/graph-builder.ts';
export { paceText } from './pace-text.ts';
export type { ConvertProgress } from './watched-weights.ts';
export { DEFAULT_PRECISIONS, EXPORTER_VERSION, type PartPrecisions, PRECISIONS_OF } from './write-parts.ts';

export { conversionOf, loadBundle } from './load-bundle.ts';
export type { LoadContext } from './load-context.ts';
export { maxContextOf } from './max-context.ts';
export { memoryLimit, memoryNeeded, memoryWarning, type ReadText } from './memory.ts';
export { checkProvider, loadRuntime, type Runtime } from './runtime.ts';
export { ENGINE_SETTINGS, MODEL_SETTINGS, type ModelConfig, modelPlanOf, VISION_SETTINGS } from './settings.ts';
export { startEngine } from './start-engine.ts';

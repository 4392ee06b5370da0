export type { Binding, BindingOptions } from './binding.ts';
export type { ElementType, TensorArray } from './element-type.ts';
export { Environment, type EnvironmentOptions, type LogLevel } from './environment.ts';
export type { ArrayType, Mirror } from './mirror.ts';
export type { CudaOptions } from './providers.ts';
export type { Runs, Session } from './session.ts';
export type { SessionOptions } from './session-options.ts';
export { type Location, Tensor } from './tensor.ts';
export type { ValueInfo } from './value-info.ts';

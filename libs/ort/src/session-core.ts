import { EideticError } from '@eidetic/core';
import type { CudaRuntime } from './cuda-runtime.ts';
import type { Handle } from './handle.ts';
import type { Library } from './library.ts';
import type { Location } from './tensor.ts';
import type { ValueInfo } from './value-info.ts';

/** Memory that a session's provider computes in. */
interface Device {
  readonly location: Location;
  readonly id: number;
}

/** What a session shares with its bindings. */
export interface SessionCore {
  readonly library: Library;
  readonly handle: Handle;
  /** The model's path, or what stands for it in messages. */
  readonly model: string;
  readonly device: Device;
  /** Of the device, if it is a GPU. */
  readonly cuda?: CudaRuntime;
  readonly inputs: ReadonlyMap<string, ValueInfo>;
  readonly outputs: ReadonlyMap<string, ValueInfo>;
  released: boolean;
}

/** Throws when the session was released. */
export function checkLive(core: SessionCore): void {
  if (core.released) throw new EideticError('internal', `The session of ${core.model} was used after its release.`);
}

import { EideticError } from '@eidetic/core';

/** `OrtErrorCode`, by value. */
const STATUS_NAMES = [
  'OK',
  'FAIL',
  'INVALID_ARGUMENT',
  'NO_SUCHFILE',
  'NO_MODEL',
  'ENGINE_ERROR',
  'RUNTIME_EXCEPTION',
  'INVALID_PROTOBUF',
  'MODEL_LOADED',
  'NOT_IMPLEMENTED',
  'INVALID_GRAPH',
  'EP_FAIL',
  'MODEL_LOAD_CANCELED',
  'MODEL_REQUIRES_COMPILATION',
  'NOT_FOUND',
] as const;

/** Statuses of a session that could not be created for a reason other than the model itself. */
const NOT_THE_MODEL: ReadonlySet<unknown> = new Set(['ENGINE_ERROR', 'RUNTIME_EXCEPTION', 'EP_FAIL']);

/** Source file, line and function that some messages begin with. */
const SOURCE_LOCATION = /^\/\S+:\d+ .*?\[ONNXRuntimeError\] : \d+ : \w+ : /;

/** The error for a failed status. `details.status` is the name of the status code. */
export function statusError(code: number, message: string): EideticError {
  return new EideticError('inference_failed', `onnxruntime: ${message.trim().replace(SOURCE_LOCATION, '')}`, {
    details: { status: STATUS_NAMES[code] ?? String(code) },
  });
}

/** The error for a session that could not be created: `invalid_bundle` when the model is at fault. */
export function sessionError(reason: unknown, model: string): EideticError {
  const error = EideticError.from(reason);
  const code =
    error.code === 'inference_failed' && !NOT_THE_MODEL.has(error.details.status) ? 'invalid_bundle' : error.code;
  return new EideticError(code, `Cannot load ${model}: ${error.message}`, {
    cause: error,
    details: error.details,
  });
}

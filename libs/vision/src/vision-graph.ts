import type { Manifest } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import type { Binding, Mirror, Session } from '@eidetic/ort';

/** One picture's features and the run time of the batch that it was part of. */
interface EncodedPixels {
  /** Row-major `[tokens, hidden]`; its own memory. */
  readonly features: Float32Array;
  readonly encodeMs: number;
  /** Of that, the picture's part. */
  readonly encodeShareMs: number;
}

/** Memory for one batch size, bound once. */
interface PreparedRun {
  readonly pixels: Mirror<Uint8Array>;
  readonly features: Mirror<Float32Array>;
  readonly binding: Binding;
}

/** The vision graph of a bundle with its input and output memory. One run at a time. */
export interface VisionGraph {
  /** Bytes of one picture's pixels: `[imageSize, imageSize, 3]`. */
  readonly pixelBytes: number;
  /** Encodes 1 to `maxBatch` pictures of `pixelBytes` bytes. */
  run(batch: readonly Uint8Array[]): Promise<readonly EncodedPixels[]>;
  /** Frees the memory and the session. */
  release(): void;
}

/**
 * Prepares a loaded vision graph. Takes the session over.
 *
 * @throws EideticError `invalid_bundle` when the graph is not what the manifest says.
 */
export function createVisionGraph(session: Session, vision: Manifest['vision'], maxBatch: number): VisionGraph {
  const { imageSize, tokensPerImage, hidden } = vision;
  const pixelDims = [imageSize, imageSize, 3];
  const featureDims = [tokensPerImage, hidden];
  requireTensor(session.inputs, 'pixels', 'uint8', pixelDims);
  requireTensor(session.outputs, 'image_features', 'float32', featureDims);

  const pixelBytes = imageSize * imageSize * 3;
  const featureLength = tokensPerImage * hidden;
  const resources = new DisposableStack();
  resources.defer(() => session.release());
  const allPixels = resources.use(session.mirror(Uint8Array, [maxBatch, ...pixelDims]));
  const allFeatures = resources.use(session.mirror(Float32Array, [maxBatch, ...featureDims]));
  /** By batch size; all over the same memory. */
  const runs = new Map<number, PreparedRun>();

  const runFor = (size: number): PreparedRun => {
    const prepared = runs.get(size);
    if (prepared !== undefined) return prepared;
    const pixels = resources.use(allPixels.part([size, ...pixelDims]));
    const features = resources.use(allFeatures.part([size, ...featureDims]));
    const binding = session.bind().input('pixels', pixels.tensor).output('image_features', features.tensor);
    const run = { pixels, features, binding: resources.use(binding) };
    runs.set(size, run);
    return run;
  };

  return {
    pixelBytes,
    async run(batch) {
      const { pixels, features, binding } = runFor(batch.length);
      for (const [i, picture] of batch.entries()) pixels.array.set(picture, i * pixelBytes);
      const start = performance.now();
      pixels.upload();
      await binding.run();
      features.download();
      const encodeMs = performance.now() - start;
      return batch.map((_, i) => ({
        features: features.array.slice(i * featureLength, (i + 1) * featureLength),
        encodeMs,
        encodeShareMs: encodeMs / batch.length,
      }));
    },
    release() {
      resources.dispose();
    },
  };
}

function requireTensor(values: Session['inputs'], name: string, type: string, dims: readonly number[]): void {
  const found = values.find((value) => value.name === name);
  // A dimension that the graph leaves open fits any size.
  const open = (dim: number | string | undefined): boolean => typeof dim === 'string' || dim === -1;
  const fits =
    found?.type === type &&
    found.dims.length === dims.length + 1 &&
    open(found.dims[0]) &&
    dims.every((dim, i) => found.dims[i + 1] === dim || open(found.dims[i + 1]));
  if (fits) return;
  const actual = found === undefined ? 'is missing' : `is ${found.type} [${found.dims}]`;
  throw new EideticError(
    'invalid_bundle',
    `"${name}" of the vision graph ${actual}; the manifest needs ${type} [batch,${dims}]. Convert the checkpoint again.`,
  );
}

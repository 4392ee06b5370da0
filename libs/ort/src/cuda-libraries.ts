import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

/** A shared library that the CUDA provider cannot do without. */
export interface CudaLibrary {
  readonly file: string;
  /** Python wheel, and package of NVIDIA's Debian and Ubuntu repository, that have it; undefined: it comes with the driver. */
  readonly source?: { readonly wheel: string; readonly debian: string };
}

/**
 * What onnxruntime's CUDA provider for CUDA 13 is linked against (`readelf -d libonnxruntime_providers_cuda.so` of 1.29.0), each after those
 * that it needs itself, and cuDNN, which it opens when a graph reduces, as the decoder's log normaliser does.
 */
const CUDA_LIBRARIES: readonly CudaLibrary[] = [
  { file: 'libcuda.so.1' },
  { file: 'libcudart.so.13', source: { wheel: 'nvidia-cuda-runtime', debian: 'cuda-cudart-13-0' } },
  { file: 'libcublasLt.so.13', source: { wheel: 'nvidia-cublas', debian: 'libcublas-13-0' } },
  { file: 'libcublas.so.13', source: { wheel: 'nvidia-cublas', debian: 'libcublas-13-0' } },
  { file: 'libcurand.so.10', source: { wheel: 'nvidia-curand', debian: 'libcurand-13-0' } },
  { file: 'libcudnn.so.9', source: { wheel: 'nvidia-cudnn-cu13', debian: 'libcudnn9-cuda-13' } },
];

/** By file name; kept, since koffi unloads a library whose handle is collected. */
const opened = new Map<string, LibraryHandle>();

/**
 * Opens the libraries of CUDA for the whole process, so that the provider finds them: by name, where the system's loader looks
 * (LD_LIBRARY_PATH, ld.so.conf), else where Python wheels lie beside `onnxruntimePath`. Returns those that cannot be had.
 */
export function openCudaLibraries(onnxruntimePath: string): readonly CudaLibrary[] {
  const folders = wheelFolders(onnxruntimePath);
  return CUDA_LIBRARIES.filter(({ file }) => openCudaLibrary(file, folders) === undefined);
}

/** One of them, opened; undefined when it cannot be had. */
export function openCudaLibrary(file: string, folders: readonly string[] = []): LibraryHandle | undefined {
  const known = opened.get(file);
  if (known) return known;
  for (const path of [file, ...folders.map((folder) => join(folder, file)).filter((path) => existsSync(path))]) {
    try {
      const handle = koffi.load(path, { global: true });
      opened.set(file, handle);
      return handle;
    } catch {
      // Not there, or something that it needs is not: the caller says so.
    }
  }
  return undefined;
}

/** How to get missing libraries. */
export function remedyFor(missing: readonly CudaLibrary[]): string {
  const sources = missing.flatMap(({ source }) => source ?? []);
  const list = (names: readonly string[]): string => [...new Set(names)].join(' ');
  const driver =
    'Install the NVIDIA driver, 580 or later; a container gets it from the NVIDIA container toolkit (docker run --gpus all).';
  const wheels = `pip install ${list(sources.map(({ wheel }) => wheel))}`;
  const packages = `apt-get install ${list(sources.map(({ debian }) => debian))}`;
  return [
    ...(sources.length < missing.length ? [driver] : []),
    ...(sources.length > 0
      ? [
          `Get the rest with ${wheels}, beside onnxruntime's own wheel or with LD_LIBRARY_PATH, or from NVIDIA's repository with ${packages}.`,
        ]
      : []),
  ].join(' ');
}

/** `site-packages/nvidia/…/lib`, for the library `site-packages/onnxruntime/capi/libonnxruntime.so.1`. */
function wheelFolders(onnxruntimePath: string): readonly string[] {
  const root = join(dirname(onnxruntimePath), '../../nvidia');
  if (!existsSync(root)) return [];
  return readdirSync(root).map((part) => join(root, part, 'lib'));
}

#!/bin/sh
# Puts onnxruntime with its CUDA provider and the libraries of CUDA that it needs into a folder, as the wheels have them, and nothing that only
# Python needs: fetch-cuda.sh FOLDER. Needs CPython 3.11 with pip. What is fetched is checked against cuda-requirements.txt.
set -eu
folder=$1
python3 -m pip install --quiet --no-cache-dir --no-deps --only-binary :all: --require-hashes --target "$folder/wheels" \
  --requirement "$(dirname "$0")/cuda-requirements.txt"
for file in "$folder"/wheels/onnxruntime/capi/libonnxruntime.so.1.* "$folder"/wheels/onnxruntime/capi/libonnxruntime_providers_shared.so \
  "$folder"/wheels/onnxruntime/capi/libonnxruntime_providers_cuda.so "$folder"/wheels/nvidia/*/lib/*.so.*; do
  to=$folder/$(dirname "${file#"$folder"/wheels/}")
  mkdir -p "$to"
  mv "$file" "$to"
done
# A name without a version, for EIDETIC_ONNXRUNTIME_LIBRARY.
mv "$folder"/onnxruntime/capi/libonnxruntime.so.1.* "$folder/onnxruntime/capi/libonnxruntime.so.1"
# cuDNN needs it, and looks beside itself.
cp -L /usr/lib/x86_64-linux-gnu/libz.so.1 "$folder/nvidia/cudnn/lib"
mkdir -p "$folder/licenses"
cp "$folder"/wheels/onnxruntime/LICENSE "$folder/licenses/onnxruntime"
for license in "$folder"/wheels/nvidia_*.dist-info/licenses/* "$folder"/wheels/nvidia_*.dist-info/License*; do
  [ -f "$license" ] || continue
  wheel=${license#"$folder"/wheels/}
  cp "$license" "$folder/licenses/${wheel%%-*}"
done
rm -r "$folder/wheels"

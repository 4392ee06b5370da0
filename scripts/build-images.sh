#!/bin/sh
# Builds the images of the services as eidetic-gateway, -vision, -decoder and -standalone, tagged with the version (EIDETIC_IMAGE_TAG says
# another). EIDETIC_BASES=debian takes bases made of Debian packages instead of public images. EIDETIC_CUDA=1 builds those for NVIDIA GPUs too,
# eidetic-vision-cuda, -decoder-cuda and -standalone-cuda: 2 GB more, fetched as Python wheels.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)
tag=${EIDETIC_IMAGE_TAG:-$version}
set -- --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
if [ "${EIDETIC_BASES:-}" = debian ]; then
  deploy/docker/debian-bases.sh
  set -- "$@" --build-arg BUILD_IMAGE=eidetic-base/build --build-arg RUN_IMAGE=eidetic-base/run --build-arg WHEELS_IMAGE=eidetic-base/wheels --network host
fi
targets="gateway vision decoder standalone"
if [ "${EIDETIC_CUDA:-}" = 1 ]; then targets="$targets vision-cuda decoder-cuda standalone-cuda"; fi
for service in $targets; do
  docker build --quiet --file deploy/docker/Dockerfile --target "$service" --tag "eidetic-$service:$tag" "$@" .
done

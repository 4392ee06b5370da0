#!/bin/sh
# Builds the images of the services as eidetic-gateway, -vision, -decoder and -standalone, tagged with the version (EIDETIC_IMAGE_TAG says
# another). EIDETIC_BASES=debian takes bases made of Debian packages instead of public images.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)
tag=${EIDETIC_IMAGE_TAG:-$version}
set -- --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)"
if [ "${EIDETIC_BASES:-}" = debian ]; then
  deploy/docker/debian-bases.sh
  set -- "$@" --build-arg BUILD_IMAGE=eidetic-base/build --build-arg RUN_IMAGE=eidetic-base/run --network host
fi
for service in gateway vision decoder standalone; do
  docker build --quiet --file deploy/docker/Dockerfile --target "$service" --tag "eidetic-$service:$tag" "$@" .
done

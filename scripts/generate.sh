#!/bin/sh
# Builds the TypeScript of proto/ and its descriptors into libs/proto/gen; needs the packages, and no network.
# Does nothing while nothing that goes in has changed.
set -eu
cd "$(dirname "$0")/.."

stamp=libs/proto/gen/stamp
want=$(cat "$0" $(find proto -name "*.proto" | sort) buf.yaml buf.gen.yaml pnpm-workspace.yaml | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0

echo "eidetic: generating code from proto/"
PATH="$PWD/.tools/node_modules/.bin:$PWD/node_modules/.bin:$PATH"
export PATH
rm -rf libs/proto/gen
buf generate
buf build --as-file-descriptor-set -o libs/proto/gen/descriptors.binpb
echo "$want" >"$stamp"

#!/bin/sh
# Builds the web page into libs/web/dist/page; needs the packages, and no network.
# Does nothing while nothing that goes in has changed.
set -eu
cd "$(dirname "$0")/.."

stamp=libs/web/dist/stamp
want=$(cat "$0" $(find libs/web/app libs/client/src -type f | LC_ALL=C sort) libs/web/vite.config.ts libs/web/package.json pnpm-workspace.yaml | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0

echo "eidetic: building the web page"
PATH="$PWD/.tools/node_modules/.bin:$PWD/libs/web/node_modules/.bin:$PATH"
export PATH
(cd libs/web && vite build --logLevel warn)
echo "$want" >"$stamp"

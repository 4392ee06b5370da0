#!/bin/sh
# Fetches Node 22 into .cache/node22: the oldest Node that libs/client supports, for its test.
set -eu
cd "$(dirname "$0")/.."
[ -x .cache/node22/node_modules/.bin/node ] && exit 0
echo "eidetic: fetching Node 22 for the test of the client"
mkdir -p .cache/node22
npm install --no-save --prefix .cache/node22 --no-audit --no-fund --loglevel=error node@22 >/dev/null

#!/bin/sh
# Makes the toolchain under .tools (Node 24 and pnpm, both from npm), installs the workspace's packages and builds what is built.
# Does nothing that is done already, so that every make target can call it first.
set -eu
cd "$(dirname "$0")/.."

NODE_MAJOR=24
PNPM_VERSION=$(sed -n 's/.*"packageManager": "pnpm@\([^"]*\)".*/\1/p' package.json)
stamp=.tools/stamp
want="node$NODE_MAJOR pnpm$PNPM_VERSION $(cksum <package.json) $(cksum <pnpm-workspace.yaml) $(cksum <pnpm-lock.yaml 2>/dev/null || echo none) $(cat libs/*/package.json services/*/package.json bench/package.json test/package.json 2>/dev/null | cksum)"
[ -f "$stamp" ] && [ -d node_modules ] && [ "$(cat "$stamp")" = "$want" ] && exec scripts/build.sh

if ! command -v npm >/dev/null; then
  echo "eidetic: npm is missing. Install Node with npm (on Debian: apt-get install nodejs npm), any version, and run again." >&2
  exit 1
fi
mkdir -p .tools
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false npm_config_loglevel=error
if [ ! -x .tools/node_modules/.bin/node ] || [ ! -x .tools/node_modules/.bin/pnpm ]; then
  echo "eidetic: fetching Node $NODE_MAJOR and pnpm $PNPM_VERSION into .tools"
  npm install --no-save --prefix .tools "node@$NODE_MAJOR" "pnpm@$PNPM_VERSION" >/dev/null
fi
PATH="$PWD/.tools/node_modules/.bin:$PATH"
export PATH ONNXRUNTIME_NODE_INSTALL=skip CI=true
echo "eidetic: installing packages"
pnpm install --frozen-lockfile --reporter=append-only >.tools/install.log 2>&1 || {
  cat .tools/install.log >&2
  exit 1
}
echo "$want" >"$stamp"
exec scripts/build.sh

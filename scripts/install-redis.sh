#!/bin/sh
# Sees to it that tests and clusters find a redis-server: one that is there, or Debian's package.
set -eu
[ -n "${EIDETIC_REDIS_SERVER:-}" ] && exit 0
command -v redis-server >/dev/null && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
  echo "eidetic: redis-server is missing. Install it (on Debian: apt-get install redis-server) or set EIDETIC_REDIS_SERVER." >&2
  exit 1
fi
echo "eidetic: installing Debian's redis-server"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends redis-server >/dev/null

#!/bin/sh
# Sees to it that tests and clusters find prometheus and promtool: those that are there, or Debian's package.
set -eu
command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
  echo "eidetic: prometheus and promtool are missing. Install them (on Debian: apt-get install prometheus)." >&2
  exit 1
fi
echo "eidetic: installing Debian's prometheus"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends prometheus >/dev/null

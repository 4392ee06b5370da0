#!/bin/sh
# Sees to it that the browser tests find a Chromium: one that is there, or Debian's package.
set -eu
[ -n "${EIDETIC_CHROMIUM:-}" ] && exit 0
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
  echo "eidetic: the browser tests need Chromium. Install it (on Debian: apt-get install chromium) or set EIDETIC_CHROMIUM." >&2
  exit 1
fi
echo "eidetic: installing Debian's Chromium for the browser tests"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null

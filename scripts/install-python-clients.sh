#!/bin/sh
# Makes a virtual environment under .cache/python with the clients that tests run in Python: openai and grpcio. Without Python 3 those
# tests are skipped, and say so.
set -eu
cd "$(dirname "$0")/.."
requirements=test/python/requirements.txt
stamp=.cache/python/stamp
command -v python3 >/dev/null || exit 0
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cksum <"$requirements")" ] && exit 0
echo "eidetic: installing the clients for Python that tests run"
mkdir -p .cache
if ! python3 -m venv --clear .cache/python >/dev/null 2>&1; then
  echo "eidetic: Python cannot make virtual environments (on Debian: apt-get install python3-venv); the tests that need one are skipped." >&2
  exit 0
fi
.cache/python/bin/pip install --quiet --disable-pip-version-check --requirement "$requirements"
cksum <"$requirements" >"$stamp"

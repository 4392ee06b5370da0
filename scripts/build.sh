#!/bin/sh
# Builds what is built, where something that goes in has changed: the code of proto/ and the web page. Needs the packages, and no network.
set -eu
cd "$(dirname "$0")/.."
scripts/generate.sh
scripts/build-page.sh

#!/bin/sh
# Makes stand-ins for the base images of the Dockerfile out of Debian packages and this clone's own Node, for where no registry can be
# reached: eidetic-base/build, eidetic-base/run and, with EIDETIC_CUDA=1, eidetic-base/wheels. Needs root, debootstrap and docker. Does nothing if they are there.
#
#   docker build --build-arg BUILD_IMAGE=eidetic-base/build --build-arg RUN_IMAGE=eidetic-base/run …
set -eu
cd "$(dirname "$0")/../.."
scripts/bootstrap.sh

release=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Python 3.11 with pip, and the certificates of this machine.
if [ "${EIDETIC_CUDA:-}" = 1 ] && ! docker image inspect eidetic-base/wheels >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=ca-certificates,python3-pip "$release" "$work/wheels" "$mirror" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
  }
  cp /etc/ssl/certs/ca-certificates.crt "$work/wheels/etc/ssl/certs/ca-certificates.crt"
  tar -C "$work/wheels" -c . |
    docker import --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_BREAK_SYSTEM_PACKAGES=1' - eidetic-base/wheels >/dev/null
fi

docker image inspect eidetic-base/build eidetic-base/run >/dev/null 2>&1 && exit 0

# A shell, Node with npm, and the certificates of this machine.
debootstrap --variant=minbase --include=ca-certificates "$release" "$work/build" "$mirror" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  exit 1
}
install -m 755 .tools/node_modules/node/bin/node "$work/build/usr/local/bin/node"
npm install --silent --no-save --prefix "$work/npm" npm@11
mkdir -p "$work/build/usr/local/lib/node_modules"
cp -r "$work/npm/node_modules/npm" "$work/build/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/build/usr/local/bin/npm"
cp /etc/ssl/certs/ca-certificates.crt "$work/build/etc/ssl/certs/ca-certificates.crt"
tar -C "$work/build" -c . | docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - eidetic-base/build >/dev/null

# The libraries that programs in C and C++ load, and nothing to run.
for package in libc6 libgcc-s1 libstdc++6 ca-certificates tzdata; do
  for file in "$work/build/var/cache/apt/archives/${package}"_*.deb; do
    [ -f "$file" ] || { (cd "$work" && apt-get download -q "$package" >/dev/null) && file=$(echo "$work/${package}"_*.deb); }
    dpkg-deb -x "$file" "$work/run"
  done
done
rm -rf "$work/run/usr/share/doc" "$work/run/usr/share/man" "$work/run/usr/share/locale" "$work/run/usr/sbin" "$work/run/usr/bin" "$work/run/sbin"
mkdir -p "$work/run/etc/ssl/certs" "$work/run/home/nonroot" "$work/run/tmp"
chmod 1777 "$work/run/tmp"
cp /etc/ssl/certs/ca-certificates.crt "$work/run/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$work/run/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$work/run/etc/group"
chown 65532:65532 "$work/run/home/nonroot"
tar -C "$work/run" -c . | docker import - eidetic-base/run >/dev/null

#!/bin/sh
# Makes stand-ins for the two base images of the Dockerfile out of Debian packages and this clone's own Node, for where no registry can be
# reached: eidetic-base/build and eidetic-base/run. Needs root, debootstrap and docker. Does nothing if they are there.
#
#   docker build --build-arg BUILD_IMAGE=eidetic-base/build --build-arg RUN_IMAGE=eidetic-base/run …
set -eu
cd "$(dirname "$0")/../.."
scripts/bootstrap.sh
docker image inspect eidetic-base/build eidetic-base/run >/dev/null 2>&1 && exit 0

release=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

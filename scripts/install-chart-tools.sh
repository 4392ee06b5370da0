#!/bin/sh
# Gets what checks the Helm chart into .tools/chart: helm, kubeconform, the schemas of Kubernetes and of the operators whose objects the chart
# makes; with --all kube-linter as well, which takes minutes to compile. All of it comes through Go's module proxy. Where that cannot be had the tests
# of the chart are skipped, which is said here.
set -eu
cd "$(dirname "$0")/.."
# The schemas are written by a script in TypeScript with a package of the workspace: the project's own Node runs it, whatever the system's is.
scripts/bootstrap.sh
PATH="$PWD/.tools/node_modules/.bin:$PATH"
HELM=v3.22.0
KUBECONFORM=v0.7.0
KUBE_LINTER=v0.8.3
# Modules of which only schemas are read; the oldest Kubernetes that the chart supports, and a current one.
SCHEMAS="k8s.io/kubernetes@v1.30.0 k8s.io/kubernetes@v1.37.2 github.com/kedacore/keda/v2@v2.17.2 sigs.k8s.io/gateway-api@v1.3.0
  github.com/prometheus-operator/prometheus-operator@v0.84.0"

go=$(command -v go || echo /usr/local/go/bin/go)
if ! "$go" version >/dev/null 2>&1; then
  echo "eidetic: Go is missing (https://go.dev/dl): the tests of the Helm chart are skipped." >&2
  exit 0
fi
tools=$PWD/.tools/chart
mkdir -p "$tools/bin" "$tools/schemas"

# Compiles what is not there in its version. $1: name, $2: package, $3: version.
compile() {
  [ "$(cat "$tools/bin/.$1" 2>/dev/null)" = "$3" ] && return
  echo "eidetic: compiling $1 $3"
  if GOBIN="$tools/bin" "$go" install "$2@$3" >"$tools/log" 2>&1; then
    echo "$3" >"$tools/bin/.$1"
  else
    tail -n 5 "$tools/log" >&2
    echo "eidetic: $1 cannot be had here: the tests of the Helm chart that need it are skipped." >&2
  fi
}

# kube-linter's own name is not on every proxy, and so that of its repository stands in for it.
compile_kube_linter() {
  [ "$(cat "$tools/bin/.kube-linter" 2>/dev/null)" = "$KUBE_LINTER" ] && return
  echo "eidetic: compiling kube-linter $KUBE_LINTER"
  module=$(mktemp -d)
  (
    cd "$module"
    "$go" mod init kube-linter.local
    "$go" mod edit -require "golang.stackrox.io/kube-linter@$KUBE_LINTER" \
      -replace "golang.stackrox.io/kube-linter=github.com/stackrox/kube-linter@$KUBE_LINTER"
    "$go" build -mod=mod -o "$tools/bin/kube-linter" golang.stackrox.io/kube-linter/cmd/kube-linter
  ) >"$tools/log" 2>&1 && echo "$KUBE_LINTER" >"$tools/bin/.kube-linter" || {
    tail -n 5 "$tools/log" >&2
    echo "eidetic: kube-linter cannot be had here: its check is skipped." >&2
  }
  rm -rf "$module"
}

compile helm helm.sh/helm/v3/cmd/helm $HELM
compile kubeconform github.com/yannh/kubeconform/cmd/kubeconform $KUBECONFORM
[ "${1:-}" != --all ] || compile_kube_linter

if [ "$(cat "$tools/schemas/.modules" 2>/dev/null)" != "$SCHEMAS" ]; then
  echo "eidetic: reading the schemas of Kubernetes"
  # shellcheck disable=SC2086
  if (cd "$tools" && "$go" mod download -json $SCHEMAS) >"$tools/modules.json" 2>"$tools/log" &&
    node test/chart/write-schemas.ts "$tools/modules.json" "$tools/schemas"; then
    printf '%s' "$SCHEMAS" >"$tools/schemas/.modules"
  else
    tail -n 5 "$tools/log" >&2
    echo "eidetic: the schemas cannot be had here: the tests that need them are skipped." >&2
  fi
fi

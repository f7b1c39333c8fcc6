#!/bin/sh
# Writes the manifests of the chart with its own values, for those without Helm:
# deploy/kubernetes/taud.yaml (./dev manifests).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=${GOCACHE:-$work/cache} \
  go build -o "$work/render_chart" "$root/tests/deploy/render_chart.go"
cat <<'END'
# taud on Kubernetes:
#
#   kubectl apply -n NAMESPACE -f deploy/kubernetes/taud.yaml
#
# Made of deploy/helm/taud by ./dev manifests. One pod: every replica would learn a
# model of its own. The image is that of docker/Dockerfile; name the registry that
# has it.
END
"$work/render_chart" "$root/deploy/helm/taud" taud default |
  sed -e '/^# Source: /d' -e '/managed-by: Helm$/d'

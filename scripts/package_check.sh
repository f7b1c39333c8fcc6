#!/usr/bin/env bash
# Installs a package of taud in a bare Debian made by debootstrap, runs the main
# job there as the service's user, installs it again, removes and purges it, and
# fails if anything of that does. Needs root, debootstrap and lintian.
#
# usage: package_check.sh taud_VERSION_amd64.deb [SUITE]
set -euo pipefail

package=$(realpath "$1")
suite=${2:-bookworm}
root=$(mktemp -d /tmp/taud-package-check.XXXXXX)
chmod 755 "$root"
daemon=

finish() {
  if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; fi
  mountpoint -q "$root/proc" && umount "$root/proc"
  rm -rf "$root"
}
trap finish EXIT

say() { printf '==> %s\n' "$*"; }
inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
check() {
  local what=$1
  shift
  "$@" || { echo "package_check: failed: $what" >&2; exit 1; }
}

say "lintian"
lintian --fail-on error,warning --allow-root "$package"

say "a bare $suite"
debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 ||
  { tail "$root.log" >&2; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
# There is no systemd to start the service.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
cp "$package" "$root/root/taud.deb"
printf 'u1,i1\nu1,i2\nu2,i1\nu2,i3\nu3,i2\nu3,i3\nu4,i1\nu4,i4\n' |
  sed '1iuser,item' >"$root/root/interactions.csv"

inside apt-get update -q >/dev/null
started=$(date +%s.%N)
say "apt install ./taud.deb"
inside apt-get install -y -q --no-install-recommends /root/taud.deb >/dev/null
installed=$(date +%s.%N)

say "the main job, as the user taud"
serve() {
  chroot --userspec=taud:taud "$root" env -i PATH=/usr/bin:/bin \
    /usr/bin/taud --config /etc/taud/taud.yaml \
    --grpc-address 127.0.0.1:50951 --http-address 127.0.0.1:0 \
    --set trainer.publish_interval_ms=200 2>"$root/root/log" &
  daemon=$!
  # A pipe from "tail -f" would fail when grep has seen enough and goes.
  while ! grep -q ' serving$' "$root/root/log"; do
    kill -0 "$daemon" 2>/dev/null || { cat "$root/root/log" >&2; exit 1; }
    sleep 0.05
  done
}
stop() {
  kill "$daemon"
  check "taud ends well" wait "$daemon"
  daemon=
}
tauctl() { inside tauctl --server 127.0.0.1:50951 "$@"; }
# The first model needs a moment.
recommended() {
  local try
  for ((try = 0; try < 300; ++try)); do
    tauctl --json recommend u1 -k 2 2>/dev/null | grep -q '"id": *"i[34]"' &&
      return
    sleep 0.1
  done
  return 1
}
first_recommendation() {
  tauctl ingest /root/interactions.csv >/dev/null 2>&1 && recommended
}
serve
check "a recommendation" first_recommendation
ended=$(date +%s.%N)
stop
check "nobody else may read the data" \
  test "$(stat -c '%U %a' "$root/var/lib/taud" 2>/dev/null |
          sed 's/^[^ ]* //')" = 750

say "an upgrade keeps the data and what was changed in the configuration"
echo "# changed" >>"$root/etc/taud/taud.yaml"
inside apt-get install -y -q --reinstall /root/taud.deb >/dev/null
check "the configuration is kept" grep -q '^# changed' "$root/etc/taud/taud.yaml"
serve
check "the data is kept" recommended
stop

say "removing and purging keep the data unless somebody says otherwise"
inside apt-get remove -y -q taud >/dev/null
check "removed, the data is there" test -d "$root/var/lib/taud/log"
inside apt-get purge -y -q taud >/dev/null 2>&1
check "purged, the data is there" test -d "$root/var/lib/taud/log"
check "purged, the configuration is gone" test ! -e "$root/etc/taud/taud.yaml"
inside apt-get install -y -q --no-install-recommends /root/taud.deb >/dev/null
echo 'taud taud/erase-data boolean true' | inside debconf-set-selections
inside apt-get purge -y -q taud >/dev/null 2>&1
check "told to, the data is gone" test ! -e "$root/var/lib/taud"

say "good; from apt install to the first recommendation $(
  awk "BEGIN { printf \"%.0f s, of which apt %.0f s\", $ended - $started, $installed - $started }")"

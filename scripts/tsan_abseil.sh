#!/usr/bin/env bash
# Builds Debian's Abseil with ThreadSanitizer. Without it the sanitizer does not
# see absl::Mutex, and takes all that a mutex guards for a race. The shared
# libraries have the names of Debian's: who starts a program with LD_LIBRARY_PATH
# at OUT has them, gRPC among it.
#
#   scripts/tsan_abseil.sh OUT
#
# Needs Debian 12, and root for the lists of its source packages. A minute or two;
# nothing, if OUT has them already.
set -euo pipefail
out=${1:?usage: scripts/tsan_abseil.sh OUT}
mkdir -p "$out"
out=$(realpath "$out")
version=$(dpkg-query -W -f '${source:Version}' libabsl-dev)
[ "$(cat "$out/version" 2>/dev/null)" = "$version" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! apt-cache showsrc abseil 2>/dev/null | grep -q "^Version: $version"; then
  list=/etc/apt/sources.list.d/debian.sources
  [ -f "$list" ] || { echo "no $list: add Debian's source packages" >&2; exit 1; }
  sed 's/^Types: deb$/Types: deb-src/' "$list" \
    >/etc/apt/sources.list.d/taud-tsan-abseil.sources
  trap 'rm -rf "$work" /etc/apt/sources.list.d/taud-tsan-abseil.sources' EXIT
  apt-get update -q
fi
command -v dpkg-source >/dev/null || apt-get install -y -q dpkg-dev
cd "$work"
apt-get source -q --download-only "abseil=$version"
dpkg-source -x abseil_*.dsc abseil
# As debian/rules has it, but for the sanitizer.
cmake -G Ninja -S abseil -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_STANDARD=17 -DBUILD_SHARED_LIBS=ON \
  -DCMAKE_CXX_FLAGS=-fsanitize=thread \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1"
ninja -C build
find build -name 'libabsl_*.so*' -exec cp -a {} "$out/" \;
echo "$version" >"$out/version"

#!/usr/bin/env bash
# Packs what scripts/gpu_check.sh needs on a machine that has a compiler, CMake,
# CUDA and perhaps PyTorch, but none of our libraries and no network:
#
#   scripts/gpu_pack.sh [--faiss FAISS.tar.xz] [--data DIR] [OUT]
#
#   FAISS.tar.xz  an install tree of FAISS built for CUDA, to measure against
#   DIR           Gowalla as train.txt and test.txt, to learn from
#   OUT           where to; build/gpu-check (ignored by git) if not given
#
# Runs on Debian 12 with apt; needs no root. Takes two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

faiss="" data="" out=build/gpu-check
while [ $# -gt 0 ]; do
  case "$1" in
    --faiss) faiss=$2; shift 2 ;;
    --data) data=$2; shift 2 ;;
    -*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) out=$1; shift ;;
  esac
done
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/root"

# Tools that such a machine has, LibTorch and FAISS (which come otherwise), and
# what only drawings, the page, the clients and the tests of these need.
not_packed='g++|cmake|ninja-build|ccache|clang.*|libclang.*|libtorch-dev|libfaiss-dev|gnuplot.*|python3.*|mypy|golang-.*|nodejs|chromium|fonts-.*|prometheus|haproxy|openssl|curl'
# Of their dependencies: what every Linux with a compiler has.
everywhere='lib(c6|c-bin|c-dev-bin|gcc-s1|gomp1|crypt1|nsl2|tirpc.*)(-.*)?|libcrypt-dev|libnsl-dev|linux-libc-dev|libstdc\+\+.*|gcc.*|g\+\+.*|cpp.*|binutils.*|dpkg.*|debconf.*|perl.*|python3.*|cmake.*|rpcsvc-proto|ca-certificates|openssl|tzdata|libjs-.*|catch2|lib(blas|lapack)[0-9].*|libblas-dev|liblapack-dev|libopenblas.*-(openmp|serial).*'

closure() {
  local -A seen=()
  local -a todo=()
  local package next
  while read -r package; do
    [[ "$package" =~ ^($not_packed)$ ]] || todo+=("$package")
  done < <(grep -v '^#' deps/debian-packages.txt)
  while [ ${#todo[@]} -gt 0 ]; do
    package=${todo[-1]}
    unset 'todo[-1]'
    if [ -n "${seen[$package]:-}" ] || [[ "$package" =~ ^($everywhere)$ ]]; then
      continue
    fi
    seen[$package]=1
    echo "$package"
    while read -r next; do todo+=("$next"); done < <(
      apt-cache depends --no-recommends --no-suggests --no-conflicts \
        --no-breaks --no-replaces --no-enhances "$package" |
        sed -n 's/^ *Depends: \([^<]*\)$/\1/p')
  done
}

closure | sort >"$work/list"
echo "packing $(wc -l <"$work/list") packages" >&2
(cd "$work/packages" && xargs apt-get download -q <"$work/list" >/dev/null)
for package in "$work"/packages/*.deb; do dpkg -x "$package" "$work/root"; done

cd "$work/root"
if [ -d lib ] && [ ! -L lib ]; then cp -a lib/. usr/lib/; rm -rf lib; fi
libraries=usr/lib/x86_64-linux-gnu
# Archives are large. Where there is a shared library of the same name, the
# archive becomes a linker script that takes it; the others stay as empty ones.
find "$libraries" -name '*.a' -size +400k ! -name 'libgtest*' \
  ! -name 'libgmock*' ! -name 'libbenchmark*' |
  while read -r archive; do
    rm "$archive"
    name=$(basename "$archive" .a)
    if [ -e "${archive%.a}.so" ]; then
      echo "INPUT(-l${name#lib})" >"$archive"
    else
      ar rcs "$archive"
    fi
  done
for name in libblas.so libblas.so.3 liblapack.so liblapack.so.3 \
            libopenblas.so libopenblas.so.0; do
  ln -sfn "openblas-pthread/$name" "$libraries/$name"
done
rm -rf etc var usr/share/{doc,man,lintian,locale,bug}
# Absolute paths in package configurations become relative to themselves.
grep -rlZ '/usr/' "$libraries"/cmake | xargs -0 sed -i \
  's#\(["; ]\)/usr/#\1${CMAKE_CURRENT_LIST_DIR}/../../../../#g'
tar -cf - . | xz --threads=2 --x86 --lzma2=preset=9e >"$out/sysroot.tar.xz"

cd "$OLDPWD"
if [ -n "$faiss" ]; then
  # Its flat index is what is measured against: the kernels of inverted lists and
  # of binary vectors are most of the archive, and nothing of ours calls them.
  mkdir "$work/faiss"
  tar -C "$work/faiss" -xJf "$faiss"
  ar t "$work/faiss/lib/libfaiss.a" |
    sed -nE '/^(IVF|BinaryDistance).*\.cu\.o$/p' |
    xargs -r ar d "$work/faiss/lib/libfaiss.a"
  tar -C "$work/faiss" -cJf "$out/faiss.tar.xz" .
fi
if [ -n "$data" ]; then
  tar -C "$data" -cJf "$out/gowalla.tar.xz" train.txt test.txt
fi
ls -l "$out"/*.tar.xz

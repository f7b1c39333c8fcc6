#!/usr/bin/env bash
# Builds taud for the GPU of this machine, tests it there and measures it. One
# command, nine minutes at most; what tells most comes first, and every part
# writes what it found before the next begins.
#
#   scripts/gpu_check.sh [--seconds N] [CARRIED] [OUT]
#
#   CARRIED   what scripts/gpu_pack.sh packed; build/gpu-check if not given
#   OUT       where the parts' outputs go; $OUT or CARRIED/out if not given
#   N         seconds in all, 540 if not given
#
# Needs a compiler, CMake, Ninja and the CUDA toolkit; uses the LibTorch inside
# PyTorch if python3 has it. Without a GPU it builds, runs what the CPU can, and
# says what was not tried: its dry run.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

total=540
if [ "${1:-}" = --seconds ]; then total=$2; shift 2; fi
case "${1:-}" in -*) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
carried=$(realpath "${1:-build/gpu-check}")
out=$(realpath -m "${2:-${OUT:-$carried/out}}")
mkdir -p "$out"
work=${TMPDIR:-/tmp}/taud-gpu-check
mkdir -p "$work"
SECONDS=0
failures=0
summary=$out/summary.txt
: >"$summary"

left() { echo $((total - SECONDS)); }
say() { printf '%s\n' "$*" | tee -a "$summary"; }

# part NAME SECONDS COMMAND…: runs it, no longer than that or than is left, its
# output in OUT/NAME.log.
part() {
  local name=$1 limit=$2 begin=$SECONDS rc=0
  shift 2
  if [ "$(left)" -lt 8 ]; then say "$name: NOT RUN, no time left"; return 0; fi
  [ "$limit" -gt "$(($(left) - 3))" ] && limit=$(($(left) - 3))
  timeout --kill-after=5 "$limit" "$@" >"$out/$name.log" 2>&1 || rc=$?
  case $rc in
    0) say "$name: ok, $((SECONDS - begin)) s" ;;
    124 | 137) say "$name: STOPPED after $limit s"; failures=$((failures + 1)) ;;
    *) say "$name: FAILED ($rc), $((SECONDS - begin)) s"
       failures=$((failures + 1)) ;;
  esac
  return $rc
}

unpack() {
  local name
  for name in sysroot faiss gowalla; do
    [ -f "$carried/$name.tar.xz" ] || { say "$name was not carried"; continue; }
    mkdir -p "$work/$name"
    tar -C "$work/$name" -xJf "$carried/$name.tar.xz" &
  done
  wait
}

build() {
  local torch=""
  torch=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' \
    2>/dev/null) || say "python3 has no PyTorch: LibTorch is the system's"
  LD_LIBRARY_PATH=$libraries part configure 90 cmake -G Ninja -B "$work/build" \
    -S . -DCMAKE_BUILD_TYPE=Release -DTAUD_WITH_CUDA=ON \
    "-DCMAKE_CUDA_ARCHITECTURES=${TAUD_GPU_ARCHITECTURES:-native}" \
    "-DCMAKE_PREFIX_PATH=$work/faiss;$work/sysroot/usr;$torch" \
    "-DCMAKE_LIBRARY_PATH=$libraries" \
    "-DCMAKE_INCLUDE_PATH=$work/sysroot/usr/include" \
    "-DCMAKE_EXE_LINKER_FLAGS=-L$libraries -Wl,-rpath-link,$libraries" ||
    return 1
  grep -A4 -- '-- taud ' "$out/configure.log" | sed 's/^-- //' | tee -a "$summary"
  LD_LIBRARY_PATH=$libraries part build "$(left)" \
    ninja -C "$work/build" ${TAUD_GPU_TARGETS:-}
}

# The lines of a part's log that say what was measured.
show() { [ ! -f "$out/$1.log" ] || sed 's/^/    /' "$out/$1.log" | grep -E "$2" | tee -a "$summary"; }
tests_of() { show "$1" '\[  (PASSED|FAILED|SKIPPED)'; }

# Recall and NDCG of a run of the lab, and how long it took; in its log, when each
# line came.
lab() {
  local name=$1 limit=$2
  shift 2
  [ -d "$gowalla" ] || { say "$name: NOT RUN, no data"; return; }
  part "$name" "$limit" bash -c 'set -o pipefail
    "$@" 2>&1 | while IFS= read -r line; do echo "$SECONDS s: $line"; done' lab \
    "$bin/tauctl" lab run --data "$gowalla" --threads "$(nproc)" --device "$device" --json "$@"
  [ -f "$out/$name.log" ] || return
  python3 - "$out/$name.log" <<'PY' | tee -a "$summary"
import json, sys
text = open(sys.argv[1]).read()
try:
    result = json.loads(text[text.index("{"):])
    keys = ("recall@20", "ndcg@20", "wall_seconds", "epoch_seconds", "epochs",
            "rho", "prior", "tau0", "device")
    print("    " + ", ".join(f"{k} {result[k]}" for k in keys if k in result))
except ValueError:
    print("    " + text.strip()[-300:])
PY
}

libraries=$work/sysroot/usr/lib/x86_64-linux-gnu
# Where Debian has what differs from machine to machine, OpenSSL's settings among it.
export CPATH=$work/sysroot/usr/include/x86_64-linux-gnu
device=cuda
if nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader \
  >"$out/gpu.log" 2>&1; then
  say "$(cat "$out/gpu.log"), $(nproc) cores"
  gpu=yes
else
  say "no GPU here: a dry run on the CPU"
  gpu=no
  device=auto
fi
unpack
build || { tail -30 "$out"/{configure,build}.log 2>/dev/null; exit 1; }
bin=$work/build/bin
tests=$work/build/tests
bench=$work/build/bench
gowalla=$work/gowalla
if [ -d "$gowalla/gowalla" ]; then gowalla=$gowalla/gowalla; fi
export LD_LIBRARY_PATH=$libraries:${LD_LIBRARY_PATH:-}

part device_test 20 "$tests/device_test"
tests_of device_test
part mf_learner_test 60 "$tests/mf_learner_test"
tests_of mf_learner_test
part index_test 90 "$tests/index_test" \
  --gtest_filter='*Gpu*:*Failover*:*Layout*:IndexBuilderTest*'
tests_of index_test
part gradients_test 60 "$tests/trainer_gradients_test" \
  --gtest_filter='*Tensor*:*Mf*'
tests_of gradients_test
part online_trainer_test 60 "$tests/online_trainer_test"
tests_of online_trainer_test
if [ $gpu = yes ]; then
  part search 60 "$bench/gpu_search_bench" 41000 1000000
  show search .
  part learn 40 "$bench/gpu_learn_bench"
  show learn .
  lab mf_gowalla 90
else
  # One epoch, to see that it runs.
  lab mf_gowalla 90 --epochs 1 --rho 1 --prior 0 --neighbours 0 --select last
fi
part freshness 60 "$bin/tauctl" bench freshness --duration 15 \
  --set "trainer.device=$device" --set "serving.device=$device"
show freshness .
if [ $gpu = yes ]; then
  part memcheck_learn 30 compute-sanitizer --error-exitcode 9 \
    "$tests/mf_learner_test" --gtest_filter='Gpu*:CudaLearnerTest.Items*'
  show memcheck_learn 'ERROR SUMMARY|Error:|Invalid'
  part memcheck_search 30 compute-sanitizer --error-exitcode 9 \
    "$tests/index_test" --gtest_filter='GpuIndexTest.NarrowRows:*Ties*Gpu'
  show memcheck_search 'ERROR SUMMARY|Error:|Invalid'
  part search_10m 60 "$bench/gpu_search_bench" 10000000
  show search_10m .
  # β, ρ, p and κ as its trials find them (docs/results.md), which takes longer
  # than the fit; without neighbours, as the CPU's row there.
  lab lightgcn_gowalla 150 --backbone lightgcn --select last --beta 0.5 --rho 1 \
    --rank-sim 0.4 --prior 0.5 --tau0-factor 1 --neighbours 0
  part racecheck_search 40 compute-sanitizer --tool racecheck \
    --error-exitcode 9 "$tests/index_test" \
    --gtest_filter='*TiesComeInItemOrder*Gpu:*Twins*/Gpu'
  show racecheck_search 'RACECHECK SUMMARY|Error:'
  lab mf_gowalla_seed2 90 --seed 2 --select last
  lab mf_gowalla_seed3 90 --seed 3 --select last
fi
say "$SECONDS s in all, $failures parts failed"
[ $failures -eq 0 ]

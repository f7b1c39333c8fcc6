#!/usr/bin/env bash
# How long a daemon takes after kill -9 until it answers, until the log is in
# memory, and until training goes on: bench/recovery.sh BUILD_DIR INTERACTIONS
# (a build directory as build/release; a data directory under $TMPDIR).
set -euo pipefail
bin=$1/bin
interactions=$2
data=$(mktemp -d)
log=$data.log
trap 'kill -9 $(cat "$data.pid") 2>/dev/null || true; rm -rf "$data" "$data".*' EXIT

start() {
  "$bin/taud" --data-dir "$data" --set server.grpc_address=127.0.0.1:0 \
    --set server.http_address=127.0.0.1:0 --set store.checkpoint_seconds=20 \
    2>"$log" &
  echo $! >"$data.pid"
}
# Seconds from the start until the log has a line with $1.
wait_for() {
  until grep -q "$1" "$log"; do
    kill -0 "$(cat "$data.pid")" 2>/dev/null || { cat "$log"; exit 1; }
    sleep 0.02
  done
  awk -v from="$begun" -v now="$(date +%s.%N)" 'BEGIN { printf "%.2f", now - from }'
}

begun=$(date +%s.%N)
start
wait_for ' serving' >/dev/null
server=127.0.0.1:$(grep -o 'grpc_port=[0-9]*' "$log" | head -1 | cut -d= -f2)
"$bin/tauctl" --server "$server" simulate --without-items --seed 1 \
  --interactions "$interactions" --users 100000 --items 100000 --batch 5000 \
  >/dev/null 2>&1
# A snapshot and a checkpoint of all users and items.
until "$bin/tauctl" --server "$server" --json status |
  python3 -c 'import json,sys
s = json.load(sys.stdin)
sys.exit(not (s["ready"] and int(s["checkpoint"]["absorbed_through"]) >= int(s["log"]["last_sequence"])))'; do
  sleep 1
done
"$bin/tauctl" --server "$server" publish >/dev/null
kill -9 "$(cat "$data.pid")"
wait "$(cat "$data.pid")" 2>/dev/null || true

begun=$(date +%s.%N)
start
listening=$(wait_for 'listening')
restored=$(grep -c 'snapshot restored' "$log" || true)
read_log=$(wait_for 'log read')
serving=$(wait_for ' serving')
server=127.0.0.1:$(grep -o 'grpc_port=[0-9]*' "$log" | head -1 | cut -d= -f2)
until "$bin/tauctl" --server "$server" --json status |
  python3 -c 'import json,sys
t = json.load(sys.stdin)["trainer"]
sys.exit(t["state"] not in ("training", "idle") or int(t["backlog"]) > 0)'; do
  sleep 0.1
done
caught_up=$(awk -v from="$begun" -v now="$(date +%s.%N)" 'BEGIN { printf "%.2f", now - from }')
echo "interactions=$interactions answering_s=$listening snapshot_restored=$restored log_read_s=$read_log serving_s=$serving training_caught_up_s=$caught_up"
grep -E 'log read|resumes' "$log"

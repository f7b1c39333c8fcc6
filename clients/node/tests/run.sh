#!/bin/sh
# Builds the client and runs its tests and Node's examples: run.sh TAUD [CYCLES].
# Exits with 77, which is "skipped", where something is missing that ./dev would
# install.
set -eu
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: $1"
  exit 77
}

command -v node >/dev/null || skip "there is no node: install nodejs"
[ -d node_modules/ts-proto ] ||
  skip "there are no packages of npm: npm ci --prefix clients/node"
npm run --silent build
TAUD=$1 CYCLES=${2:-1} exec node --test tests/*.test.mjs

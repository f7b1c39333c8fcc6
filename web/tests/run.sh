#!/bin/sh
# Runs the tests of the page: run.sh unit, or run.sh browser TAUD TAUCTL OUT, which
# leaves screenshots in OUT. Exits with 77, which is "skipped", where something is
# missing that ./dev would install.
set -eu
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: $1"
  exit 77
}

command -v node >/dev/null || skip "there is no node: install nodejs"
[ -d node_modules/esbuild ] || skip "there are no packages of npm: npm ci --prefix web"
case "$1" in
  unit)
    exec node --test tests/unit/*.test.mjs
    ;;
  browser)
    command -v chromium >/dev/null || skip "there is no chromium: install it"
    [ -d node_modules/playwright-core ] ||
      skip "there is no playwright-core: npm ci --prefix web"
    TAUD=$2 TAUCTL=$3 OUT=$4
    export TAUD TAUCTL OUT
    exec node --test tests/browser/*.test.mjs
    ;;
esac

#!/bin/sh
# Runs every torture in full, of which `make test` does a sample, and prints one table of what came out. Debug builds: they
# stop at the first overflow. CHENGTU_TORTURE=sample for a quick look.
set -u
export CHENGTU_TORTURE="${CHENGTU_TORTURE:-full}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
run() {
	echo "== cargo test --locked $*" >&2
	cargo test --locked "$@" -- --nocapture --test-threads=1 >>"$log" 2>&1 || failed=1
}
run --lib store::torture
run --test store damage
run --test torture
run --lib audit
run --test exact
run --test access
run --test fuzz
# The harness writes the test's name before it on the same line.
grep -aoE "(torture: |SKIPPED: |thread '[^']*' panicked).*" "$log" | sed 's/^torture: //' | awk -F': ' '
	{ name = $1; sub(/^[^:]*: /, ""); printf "| %s | %s |\n", name, $0 }'
if [ "$failed" != 0 ]; then
	kept="${CARGO_TARGET_DIR:-target}/torture.log"
	cp "$log" "$kept"
	echo "torture FAILED: see $kept" >&2
	exit 1
fi

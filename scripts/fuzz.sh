#!/bin/sh
# Runs each fuzz target for SECONDS_EACH (60), where a nightly toolchain and cargo-fuzz are; says so where they are not.
set -u
seconds="${SECONDS_EACH:-60}"
if ! rustup toolchain list 2>/dev/null | grep -q nightly || ! cargo fuzz --version >/dev/null 2>&1; then
	echo "SKIPPED: fuzzing needs a nightly toolchain and cargo-fuzz (rustup toolchain install nightly; cargo install cargo-fuzz)." >&2
	echo "Its corpus is replayed and changed by chance without them: cargo test --locked --test fuzz" >&2
	exit 0
fi
cd "$(dirname "$0")/../fuzz" || exit 1
# libdeflate defines the same constant in two of its files, which is no fault of ours.
export ASAN_OPTIONS="detect_odr_violation=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
for target in $(sed -n 's/^name = "\([a-z]*\)"$/\1/p' Cargo.toml); do
	echo "== $target, $seconds s" >&2
	found=$(mktemp -d)
	# What is found stays outside of the corpus, which is kept small by hand.
	cargo +nightly fuzz run "$target" "$found" "corpus/$target" -- -max_total_time="$seconds" -rss_limit_mb=4096 -max_len=65536 || exit 1
	rm -rf "$found"
done

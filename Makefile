# Two commands: `make demo` shows the product, `make test` proves it. Both set the machine up first.
SCALE ?= 1
DEMO ?= demo
LISTEN ?= 127.0.0.1:8080
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo test lint setup build bench clean

setup:
	@sh scripts/setup.sh

build: setup
	cargo build --release --locked

demo: build
	$(CARGO_TARGET_DIR)/release/chengtu sample --out $(DEMO)/deliveries --scale $(SCALE)
	$(CARGO_TARGET_DIR)/release/chengtu import --store $(DEMO)/store $(DEMO)/deliveries/*.toml
	$(CARGO_TARGET_DIR)/release/chengtu serve --store $(DEMO)/store --open --listen $(LISTEN)

lint: setup
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

test: lint
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked; fi

bench: setup
	cargo bench --locked

clean:
	rm -rf $(DEMO)
	cargo clean

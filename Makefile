# Two commands: `make demo` shows the product, `make test` proves it. Both set the machine up first.
SCALE ?= 1
DEMO ?= demo
LISTEN ?= 127.0.0.1:8080
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo test lint setup build bench clients clean

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

# CesiumJS (in Chromium), 3DTilesRendererJS and loaders.gl against a small city; needs npm, node and chromium.
CITY ?= $(DEMO)/clients
clients: build
	cd clients && npm ci --ignore-scripts --no-audit --no-fund
	$(CARGO_TARGET_DIR)/release/chengtu sample --out $(CITY)/deliveries --scale 0.01
	$(CARGO_TARGET_DIR)/release/chengtu import --store $(CITY)/store $(addprefix $(CITY)/deliveries/,cim.toml components.toml pipes.toml)
	cd clients && export CHENGTU_BIN=$(CARGO_TARGET_DIR)/release/chengtu CHENGTU_STORE=$(abspath $(CITY)/store) \
		CHENGTU_PICTURES=$(abspath $(CITY)/pictures) && node three.mjs && node loaders.mjs && node cesium.mjs

clean:
	rm -rf $(DEMO)
	cargo clean

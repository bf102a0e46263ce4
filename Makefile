# Two commands: `make demo` shows the product, `make test` proves it. Both set the machine up first.
SCALE ?= 1
DEMO ?= demo
LISTEN ?= 127.0.0.1:8080
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: demo test lint setup build bench torture fuzz clients styles web web-test walk build-with-page clean

setup:
	@sh scripts/setup.sh

build: setup
	cargo build --release --locked

build-with-page: setup
	@sh scripts/setup.sh web && $(MAKE) --no-print-directory web || echo "WARNING: the map page could not be built; the server comes without it" >&2
	cargo build --release --locked

# The map page (web/ -> web/dist, which the next build of the program embeds). Needs node and npm.
web: web/dist/index.html
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000
web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/build.mjs -type f)
	cd web && node build.mjs

# The page's types and parts, and the page in Chromium before a small city, with the program in WEB_BIN.
WEB_BIN ?= $(CARGO_TARGET_DIR)/debug/chengtu
WEB_CITY ?= $(CARGO_TARGET_DIR)/tmp/web-city
web-test: web
	@[ "$(WEB_BIN)" != "$(CARGO_TARGET_DIR)/debug/chengtu" ] || cargo build --locked
	@test -f $(WEB_CITY)/store/CURRENT || { $(WEB_BIN) sample --out $(WEB_CITY)/deliveries --scale 0.004 && $(WEB_BIN) import --store $(WEB_CITY)/store $(WEB_CITY)/deliveries/*.toml; } >/dev/null
	cd web && npx --no-install tsc --noEmit
	cd web && CHENGTU_BIN=$(abspath $(WEB_BIN)) CHENGTU_STORE=$(abspath $(WEB_CITY)/store) node --test test/*.test.mjs src/globe/*.test.mjs src/globe/drape/*.test.mjs

# A walk through the page before a whole city, as somebody takes it who judges it: checks, and pictures in WALK_OUT.
WALK_OUT ?= $(DEMO)/walk
WALK_CITY ?= $(DEMO)/store
walk: build-with-page
	cd web && CHENGTU_BIN=$(CARGO_TARGET_DIR)/release/chengtu CHENGTU_STORE=$(abspath $(WALK_CITY)) WALK_OUT=$(abspath $(WALK_OUT)) node test/walk.mjs

# Without the page the server still answers everything; `/` then says how to build it.
demo: build-with-page
	@sh scripts/setup.sh fonts || echo "WARNING: fonts could not be installed; labels stay without them" >&2
	$(CARGO_TARGET_DIR)/release/chengtu sample --out $(DEMO)/deliveries --scale $(SCALE)
	$(CARGO_TARGET_DIR)/release/chengtu import --store $(DEMO)/store $(DEMO)/deliveries/*.toml
	$(CARGO_TARGET_DIR)/release/chengtu serve --store $(DEMO)/store --open --listen $(LISTEN)

lint: setup
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# The page first, where npm can be had: its tests want it in the program.
test: lint
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web || echo "SKIPPED: the map page could not be built" >&2; \
	else echo "SKIPPED: the map page needs npm" >&2; fi
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked; fi
	@if [ -f web/dist/index.html ] && [ -x "$${CHROMIUM:-/usr/bin/chromium}" ] && sh scripts/setup.sh fonts; \
	then $(MAKE) --no-print-directory web-test; \
	else echo "SKIPPED: the page in a browser needs the page, chromium and a Chinese font" >&2; fi

# Beside what one would pick instead, on the demo's city (`make demo` first), then each hot path by itself. Martin, PostGIS and
# the Python package pmtiles are used where they are at hand.
BENCH_CITY ?= $(abspath $(DEMO))
bench: build
	cd benches && python3 -m rivals $(CARGO_TARGET_DIR)/release/chengtu $(BENCH_CITY)/store
	cd benches && python3 -m rivals.imports $(CARGO_TARGET_DIR)/release/chengtu $(BENCH_CITY)/deliveries
	cargo bench --locked

# All kills, full disks, power cuts, damages, hostile deliveries, swaps and slow clients; one table. `make test` does a sample.
torture: setup
	@sh scripts/torture.sh

# Each fuzz target for SECONDS_EACH seconds (60); needs nightly and cargo-fuzz.
fuzz: setup
	@sh scripts/fuzz.sh

# Writes the styles from their design and proves them, by the style specification's validator too; needs python3 and npm.
styles: setup web/node_modules/.package-lock.json
	python3 styles/design/make.py
	cargo test --locked --test styles

# Map and 3D clients against a small city; needs npm, node and chromium, and QGIS for its part.
CITY ?= $(DEMO)/clients
clients: build
	cd clients && npm ci --ignore-scripts --no-audit --no-fund
	$(CARGO_TARGET_DIR)/release/chengtu sample --out $(CITY)/deliveries --scale 0.01
	$(CARGO_TARGET_DIR)/release/chengtu import --store $(CITY)/store \
		$(addprefix $(CITY)/deliveries/,basemap.toml cim.toml components.toml grids.toml pipes.toml)
	cd clients && export CHENGTU_BIN=$(CARGO_TARGET_DIR)/release/chengtu CHENGTU_STORE=$(abspath $(CITY)/store) \
		CHENGTU_PICTURES=$(abspath $(CITY)/pictures) && node three.mjs && node loaders.mjs && node cesium.mjs \
		&& node maps.mjs && node gdal.mjs && node qgis.mjs

clean:
	rm -rf $(DEMO)
	cargo clean

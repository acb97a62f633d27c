# Runlog: the commands for people. Each installs what it needs and says so first.
#
#   make up          start everything in this terminal; Ctrl+C stops it
#   make test        everything that CI checks
#   make test-attacks
#                    the sandbox against the whole corpus of attacks; a part is in `make test`
#   make fuzz       what parses bytes of others, a few seconds each
#   make chaos       break everything for a long time and count what is lost; a minute of it is in
#                    `make test`
#   make bench       measure latency, throughput, fan-out, and the log with its readers
#   make bench-log   the log and its readers at full size: a million events, ten million executions
#                    in the history, a million in the log; needs 40 GB of disk and half an hour
#   make images      build the images of the Docker engine, from Debian packages
#   make setup       only install what is missing
#   make clean-data  throw away what `make up` has stored

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# The sandbox needs root; the toolchains are found on this PATH.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo env PATH="$$PATH" HOME="$$HOME")

# Arguments for `runlog up` or `loadtest all`, say `make up ARGS="--port 8080"`.
ARGS ?=

.PHONY: help images setup setup-browser web up test frozen scripts rules dependencies lint docs web-check unit browser bench bench-log clean-data test-attacks fuzz chaos chaos-short

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@scripts/setup

setup-browser:
	@scripts/setup --browser

# The browser's part, which the program carries inside.
web: setup
	if [ -f web/package.json ]; then npm --prefix web run build; fi

up: setup web
	$(CARGO) build --release --locked --package runlog
	$(AS_ROOT) $(TARGET)/release/runlog up $(ARGS)

# In this order: what is quick to fail first, and last the tests, so that what their runner says
# stands at the end.
test: setup-browser frozen scripts rules dependencies web-check lint docs browser chaos-short unit

frozen:
	scripts/check-frozen

scripts:
	scripts/check-scripts

rules: setup
	scripts/check-rules

dependencies:
	scripts/check-dependencies

web-check: setup
	if [ -f web/package.json ]; then npm --prefix web run check; fi

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	# As `make up` builds it: without debug assertions other types are put together.
	$(CARGO) check --release --locked --package runlog --package runlog-loadtest

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

unit:
	scripts/run-tests

# The page in a real browser, on everything that `runlog up` starts.
browser: setup-browser web-check
	$(CARGO) build --locked --package runlog
	$(AS_ROOT) env RUNLOG_PROGRAM="$$(realpath $(TARGET)/debug/runlog)" npm --prefix web run test:browser

# Every attack alone and eight at once, and every deliberate weakness turns one red.
test-attacks: setup
	scripts/test-attacks

# What parses bytes of others.
fuzz:
	scripts/run-fuzz

# A minute of faults, and a rolling restart of a cluster, on the programs as the tests build them.
chaos-short: setup
	$(CARGO) build --workspace --bins --locked
	$(AS_ROOT) $(TARGET)/debug/loadtest chaos --seconds 50 --every 1 --people 8 --patience 600 $(ARGS)
	$(AS_ROOT) $(TARGET)/debug/loadtest chaos --cluster --plan rolling --seconds 15 --people 4 --patience 600

# The programs can be made to die at their failpoints too.
chaos: setup web
	$(CARGO) build --release --locked --package runlog --package runlog-loadtest \
		--features runlog/failpoints,runlog-loadtest/failpoints
	$(AS_ROOT) $(TARGET)/release/loadtest chaos --executions 20000 --people 24 --patience 36000 \
		--json $(TARGET)/chaos.json $(ARGS)
	$(AS_ROOT) $(TARGET)/release/loadtest chaos --cluster --plan rolling --seconds 300 \
		--json $(TARGET)/chaos-rolling.json
	$(AS_ROOT) $(TARGET)/release/loadtest chaos --cluster --plan leader --every 10 --seconds 300 \
		--json $(TARGET)/chaos-leader.json
	$(AS_ROOT) $(TARGET)/release/loadtest chaos --cluster --seconds 300 \
		--json $(TARGET)/chaos-cluster.json

bench: setup-browser web
	$(CARGO) build --release --locked --package runlog --package runlog-loadtest
	$(AS_ROOT) $(TARGET)/release/loadtest all --json $(TARGET)/bench.json $(ARGS)
	$(AS_ROOT) env RUNLOG_PROGRAM="$$(realpath $(TARGET)/release/runlog)" BENCH_JSON="$$(realpath $(TARGET))/bench-page.json" npm --prefix web run bench
	$(CARGO) build --release --locked --package runlog-sandbox --example containers
	$(AS_ROOT) $(TARGET)/release/examples/containers

bench-log: setup web
	$(CARGO) build --release --locked --package runlog --package runlog-loadtest
	$(TARGET)/release/loadtest log --json $(TARGET)/bench-log.json $(ARGS)
	$(TARGET)/release/loadtest history --json $(TARGET)/bench-history.json
	$(TARGET)/release/loadtest retained --json $(TARGET)/bench-retained.json

images: setup
	$(AS_ROOT) scripts/build-images $(ARGS)

clean-data:
	$(AS_ROOT) rm -rf .runlog/data

# Windtunnel. `make` alone lists what there is; `make demo` and `make test` need nothing installed
# beforehand but make itself (scripts/ensure-tools brings the rest).

# Where rustup puts cargo: found even when the shell has not been told of it yet.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# Run directory of the demo; finished runs in it are kept and not run again.
OUT ?= out/demo
# More options for every cargo command, for instance CARGO_FLAGS=--locked.
CARGO_FLAGS ?=
# Which benchmarks to run (part of a name), and how: make bench BENCH=heft
BENCH ?=
# What to fuzz and how long: make fuzz TARGET=yaml FUZZ_SECONDS=600
TARGET ?=
FUZZ_SECONDS ?= 60

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help tools lint-tools demo test bench lint format clippy docs tidy deny miri fuzz gpu-check gpu-pack

help: ## list these targets
	@echo "usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

tools:
	@scripts/ensure-tools

lint-tools:
	@scripts/ensure-tools clippy rustfmt

demo: tools ## run the demonstration experiment; the report is out/demo/report.html
	cargo build --release $(CARGO_FLAGS) --package experiments --bin windtunnel
	@scripts/demo $(OUT)

test: tools ## run every test and documentation example, and count them
	@scripts/test $(CARGO_FLAGS)

bench: tools ## run the benchmarks [BENCH=part of a name]; kept in out/bench
	@mkdir -p out/bench
	set -o pipefail; CRITERION_HOME=$(CURDIR)/out/bench \
	  cargo bench $(CARGO_FLAGS) --workspace --bench '*' -- $(BENCH) 2>&1 | tee out/bench/bench.txt

lint: format clippy docs tidy ## all that must be clean besides the tests: format clippy docs tidy

format: lint-tools ## check the formatting (cargo fmt --all mends it)
	cargo fmt --all --check

clippy: lint-tools ## check all code with clippy; a warning is an error
	cargo clippy $(CARGO_FLAGS) --workspace --all-targets -- -D warnings

docs: tools ## build the documentation; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --workspace --no-deps

tidy: tools ## check sizes, markers, dead files, dependency arrows (cargo xtask tidy)
	cargo xtask tidy

deny: tools ## check licences and sources of all dependencies (cargo-deny)
	@scripts/deny

miri: tools ## run the buffer tests of the real backend under Miri, where there is one
	@scripts/miri

gpu-pack: tools ## build the one file that gpu-check needs on a machine without Rust
	@scripts/gpu-check pack

# No tools: the machine may have none. Options: make gpu-check GPU_OPTIONS=--quick
GPU_OPTIONS ?=
gpu-check: ## check this machine's GPUs with what gpu-pack built; figures in out/gpu-check
	@scripts/gpu-check $(GPU_OPTIONS)

fuzz: tools ## fuzz a target [TARGET=name FUZZ_SECONDS=60]; lists them without one
	@scripts/fuzz $(TARGET) $(FUZZ_SECONDS)

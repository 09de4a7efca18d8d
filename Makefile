# The only door to the project. `make help` lists every target.

SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help prerequisites run test lint fmt doc build release check-config bench-agent fuzz clean-demo ci

help: ## List every target
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

prerequisites: ## Say what is missing on this machine and how to get it
	@bash packaging/prerequisites

run: release ## Start two simulated data centres, two agents and a collector; Ctrl-C stops everything
	@exec $(TARGET)/release/wattwacht-sim demo

test: prerequisites ## Run all tests; the last line says how many passed and failed
	@bash tests/run

build: prerequisites ## Build all programs and tests for development
	@$(CARGO) build --locked --workspace --all-targets

release: prerequisites ## Build all programs for use
	@$(CARGO) build --locked --release -p sim -p agent -p collector

lint: ## Check format and lints, warnings denied
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

fmt: ## Format the sources
	@$(CARGO) fmt --all

doc: ## Build the documentation of the crates, warnings denied
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

check-config: build ## Check every configuration example and profile
	@bash packaging/check-config $(TARGET)/debug

bench-agent: ## Measure the agent against bare loops that send the same requests, and against installed peers (6 min)
	@$(CARGO) build --locked --release -p agent -p bench
	@$(TARGET)/release/wattwacht-bench agent $(BENCH)

fuzz: ## Run a fuzz target by libFuzzer: make fuzz NAME=snmp_answer SECONDS=60 (without NAME: list them)
	@bash packaging/fuzz $(NAME) $(SECONDS)

clean-demo: ## Remove what `make run` has left in var/demo
	@rm -rf var/demo

ci: ## What the gate runs
	@bash .ci/run

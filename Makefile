# Everything starts here: `make up` runs the product, `make test` runs its tests.

SHELL := /bin/bash
BIN := .venv/bin
CORES := $(shell nproc 2>/dev/null || echo 2)
# Calls wait more than they compute.
WORKERS ?= $(shell echo $$(( $(CORES) * 2 < 8 ? $(CORES) * 2 : 8 )))
SOURCES := controlplane tests migrations docs examples dialplan_templates asterisk freeswitch systemd Makefile $(wildcard *.md) .ci \
	Dockerfile docker-compose.yml .env.example
ARGS ?=
ROUNDS ?= 8
SEED ?= 0
SWITCH ?= asterisk

.DEFAULT_GOAL := help
.PHONY: help setup up demo test test-freeswitch soak bench pictures lint check format lock clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  Options of a command: make up ARGS="--listen 0.0.0.0 --sip-port 5080"'

setup: ## Make .venv and all that needs a network (done by the others by itself)
	@.ci/setup

up: setup ## Run everything on this machine until Ctrl-C
	@$(BIN)/controlplane up $(ARGS)

demo: setup ## Place real calls against a private instance and tell what happened
	@$(BIN)/controlplane demo $(ARGS)

test: setup ## Run every test that this machine can run
	@PYTHONPATH=. $(BIN)/python -m tests.support.chromium
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-freeswitch: setup ## Run the tests that place calls on FreeSWITCH (on PATH, in a usual place, or FREESWITCH_PREFIX)
	@PYTHONPATH=. $(BIN)/python -c 'from tests.support.live import without_freeswitch as w; raise SystemExit(w() or 0)'
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m freeswitch --evidence=docs/evidence/freeswitch.json $(ARGS)

soak: setup ## Break one thing after the other while calls go on (ROUNDS=200, SEED=17 to replay, SWITCH=freeswitch)
	@PYTHONPATH=. $(BIN)/python -m tests.soak --rounds $(ROUNDS) --seed $(SEED) --switch $(SWITCH)

bench: setup ## Time answer to greeting and hangup to durable (tests/bench/README.md)
	@$(BIN)/python -m tests.bench $(ARGS)

pictures: setup ## Take the pictures of the portal (docs/portal)
	@$(BIN)/python -m tests.pictures $(ARGS)

lint: setup ## Check format, style, types, imports' direction, spelling, Dockerfiles, the lock and the migrations
	@$(BIN)/ruff format --check --quiet . || { echo 'Run `make format`.'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell $(SOURCES)
	@$(BIN)/hadolint Dockerfile freeswitch/Dockerfile asterisk/Dockerfile
	@$(BIN)/python .ci/check_lock.py
	@$(BIN)/python .ci/check_migrations.py
	@$(BIN)/python .ci/check_evidence.py

check: lint test ## lint and test

format: setup ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## Resolve the dependencies again after a change of pyproject.toml
	@$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --all-extras --group dev \
		pyproject.toml -o requirements.lock $(ARGS)

clean: ## Remove .venv and caches; the state folder stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make demo` and `make test` need Python 3.11 or later with venv, and the package registry; each does its own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SECONDS ?= 3600

.PHONY: help demo test soak lint format types docs bench check clean

help:
	@echo "make demo   run the main job against the built-in sandbox, in under a minute"
	@echo "make test   run the tests;  make soak  play random bulk jobs for an hour (SECONDS=3600), never the same"
	@echo "make lint   check style;  make types  check types;  make bench  measure;  make check  all of these"
	@echo "make docs   write the pages that are made from the code;  make clean  remove what these commands made"

$(READY): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV), once; this takes about half a minute."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,cli,redis,otel,structlog]' --group dev
	@touch $@

demo: $(READY)
	$(BIN)/python examples/bulk_sync.py $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

# Stops at the first failure, and says how to see it again.
soak: $(READY)
	@end=$$(($$(date +%s) + $(SECONDS))); \
	while [ $$(date +%s) -lt $$end ]; do \
		seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); \
		again="TRACKINGMORE_SEED=$$seed TRACKINGMORE_EXAMPLES=3 $(BIN)/python -m pytest -q -x tests/bulk/test_truth.py"; \
		echo "$$again"; \
		env $$again $(ARGS) || { echo "To see it again: $$again"; exit 1; }; \
	done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/pyright
	PATH="$(CURDIR)/$(BIN):$$PATH" pyright --ignoreexternal --verifytypes trackingmore_async

docs: $(READY)
	$(BIN)/python docs/make_operations.py
	$(BIN)/python -m docs.make_outcomes

bench: $(READY)
	$(BIN)/python -m benchmarks

check: test lint types demo bench

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

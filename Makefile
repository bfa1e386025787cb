# `make demo` and `make test` need Python 3.11 or later with venv, and the package registry; each does its own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test lint format types docs bench check clean

help:
	@echo "make demo   run the main job against the built-in sandbox, in under a minute"
	@echo "make test   run the tests"
	@echo "make lint   check style;  make types  check types;  make bench  measure;  make check  all of these"
	@echo "make docs   write the pages that are made from the code;  make clean  remove what these commands made"

$(READY): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV), once; this takes about half a minute."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,cli,redis]' --group dev
	@touch $@

demo: $(READY)
	$(BIN)/python examples/bulk_sync.py $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

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

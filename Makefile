# What there is to do here. CI calls the same targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
ONLY_UV := awk '/^[^ \#]/ {on = /^uv==/} on' requirements.txt

.PHONY: help setup demo test test-quick lint bench airflow lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ok  ## the environment in .venv, every package pinned and its hash checked; the `tierwise` command
	@echo 'Ready: .venv/bin/tierwise. `make demo` shows what it does.'

demo: .venv/.ok  ## a year of a real shop: nine month-ends and two nights refreshed, and how to look at the tiers
	@$(BIN)/python -m tierwise.demo

test: .venv/.ok  ## all tests, those that start a real Airflow and kill it included
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=25

test-quick: .venv/.ok  ## all tests but the slow ones
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

lint: .venv/.ok  ## what can be seen without running: style, types, import directions, SQL, YAML
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/yamllint --strict . && TIERWISE_BUILD=$$(mktemp -d)/lint.duckdb DO_NOT_TRACK=1 $(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models

bench: .venv/.ok  ## ratios against peers; takes hours, goes on where it stopped (SIZE=small: minutes; AGAIN=NAME: that one anew)
	@$(BIN)/python -m benchmarks --size $(or $(SIZE),big) $(if $(AGAIN),--again $(AGAIN))

airflow: .venv/.ok  ## a real Airflow on this machine, with the nightly refresh in it; Ctrl-C stops all of it
	@exec $(BIN)/python -m tierwise.orchestration.local $(PORT)

lock: .venv/.ok  ## requirements*.txt anew from requirements*.in, keeping what still fits (UPGRADE=-U takes the newest)
	@for name in requirements requirements-postgres benchmarks/requirements-peers; do $(BIN)/uv pip compile -q $$name.in --universal -p 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE) -o $$name.txt || exit; done

clean:  ## caches only; never var/, where releases and the control store lie
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dbt_project/target dbt_project/logs

.venv/bin/python:
	@if command -v uv >/dev/null; then uv venv -q -p '>=3.11,<3.14' .venv; elif [ -n "$(PYTHON)" ]; then $(PYTHON) -m venv .venv; else echo 'Tierwise needs Python 3.11, 3.12 or 3.13, or uv, which brings one.' >&2; exit 2; fi

.venv/bin/uv: requirements.txt | .venv/bin/python
	@if command -v uv >/dev/null; then uv pip install -q -p .venv --no-deps --require-hashes -r <($(ONLY_UV)); else $(BIN)/python -m pip install -q --no-deps --require-hashes -r <($(ONLY_UV)) || true; fi
	@touch -c $@

.venv/.ok: requirements.txt pyproject.toml | .venv/bin/python
	@$(MAKE) -s .venv/bin/uv
	@if [ -x $(BIN)/uv ]; then $(BIN)/uv pip sync -q -p .venv --require-hashes requirements.txt && $(BIN)/uv pip install -q -p .venv --no-deps --no-build-isolation -e .; else $(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements.txt && $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .; fi
	@touch $@

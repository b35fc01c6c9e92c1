# Everything a checkout needs, from Python 3.11, git and make alone. `make` lists the targets.
#
# A stamp in .venv says which step was done; it is older than the lock file it was made from when that changes. So the
# first `make setup` takes a minute or two and every later one an instant.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Tests run in a few more processes than there are cores, as many of them wait for a server or a browser; pytest gives
# each test file to one of them, in the order of tests/conftest.py.
JOBS ?= 4
SPREAD := -n $(JOBS) --dist loadfile --no-loadscope-reorder

# What Python has compiled is kept, also where the machine says otherwise: the tests start some two hundred processes.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# uv reads no configuration but this file: the same commands do the same everywhere.
UV := $(BIN)/uv --no-config
INSTALL := $(UV) pip install --python $(BIN)/python
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: help setup peers demo test check quality format-check format lint types layers browser pictures crash bench bench-data bench-log coverage lock docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

## Setting up

setup: $(VENV)/.clew ## Make .venv with everything in it
	@echo "Ready: $(BIN)/clew"

$(VENV)/.uv: requirements/uv.txt
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Clew needs Python 3.11 or later; name one: make PYTHON=/path/to/python3.11 setup")'
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt
	@touch $@

$(VENV)/.libraries: requirements/dev.txt $(VENV)/.uv
	$(INSTALL) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

# Only where there is no npm: Node.js from its wheel, for the build hook.
$(VENV)/.node: requirements/node.txt $(VENV)/.uv
	@command -v npm >/dev/null || $(INSTALL) --require-hashes -r requirements/node.txt
	@touch $@

# Installs the package from its sources in place; its build hook brings the front-end libraries (hatch_build.py).
$(VENV)/.clew: $(VENV)/.libraries $(VENV)/.node pyproject.toml hatch_build.py package.json package-lock.json
	$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# What Clew is measured beside, apart from what it runs on: benchmarks start it in a process of its own.
peers: $(VENV)/peers/.installed ## Install what the benchmarks compare with

$(VENV)/peers/.installed: requirements/bench.txt $(VENV)/.uv
	"$(PYTHON)" -m venv --without-pip $(VENV)/peers
	$(UV) pip install --python $(VENV)/peers/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

browser: setup ## Find a Chromium, or install one
	@$(BIN)/python scripts/chromium.py --install

## Running

demo: setup ## Run Clew with two sample products whose orders flow, and sometimes fail
	$(BIN)/clew demo

test: setup browser ## Run every test
	$(BIN)/pytest $(SPREAD)

pictures: setup browser ## Take the pictures of the documents anew
	CLEW_WRITE_IMAGES=1 $(BIN)/pytest tests/browser/test_failing_order.py

crash: setup ## Kill a loaded server 100 times and count what was lost
	CLEW_CRASH_KILLS=100 $(BIN)/pytest tests/crash

bench: setup peers ## Measure what is promised
	$(BIN)/python -m benchmarks

bench-data: setup ## Build the log of ten million records that is asked, once: ten minutes, 5 GB in .bench-data
	$(BIN)/python -m benchmarks.log_data

bench-log: setup ## Ask that log what people ask, PostgreSQL beside it; write the tables and the picture
	$(BIN)/python -m benchmarks.log_questions --write

coverage: setup browser ## Run every test and say which lines none reached
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SPREAD)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

## Checking

check: quality test ## What CI runs: format, lint, types, layers, tests

quality: format-check lint types layers ## Everything of `check` but the tests

format-check: setup
	$(BIN)/ruff format --check

format: setup ## Format the code, and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint: setup ## Look for mistakes
	$(BIN)/ruff check

types: setup ## Check the types
	$(BIN)/mypy

layers: setup ## Check that each folder imports only those before it
	$(BIN)/lint-imports --no-logo

docs: setup ## Write the pages that are made from the code
	$(BIN)/python scripts/settings_page.py
	$(BIN)/python scripts/features_page.py

## Looking after

lock: $(VENV)/.uv ## Compile the lock files; UPGRADE=1 takes newer versions
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/node.in -o requirements/node.txt
	$(COMPILE) requirements/bench.in -o requirements/bench.txt
	$(COMPILE) --excludes requirements/excludes.txt --extra server pyproject.toml -o requirements/server.txt
	$(COMPILE) --excludes requirements/excludes.txt --extra server --group dev \
		--constraints requirements/server.txt pyproject.toml -o requirements/dev.txt
	command -v npm >/dev/null || $(INSTALL) --require-hashes -r requirements/node.txt
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm $(if $(UPGRADE),update,install) --package-lock-only

clean: ## Remove what the other targets made, but no data of yours
	rm -rf $(VENV) node_modules dist build htmlcov .coverage* src/clew/web/static/vendor
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make test` needs only make and Python 3.11 or newer with its venv module; everything else is installed into .venv.
# PYTHON=… chooses the interpreter, NO_UV=1 installs with pip although uv is there, PYTEST_ARGS=… replaces pytest's arguments.

VENV ?= .venv
PYTEST_ARGS ?= -n 2
export PYTHON NO_UV VENV
bin := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup test demo mutations fuzz check lint format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

setup: ## create or update .venv
	@scripts/setup

test: setup ## run the tests
	$(bin)/pytest $(PYTEST_ARGS)

demo: setup ## show an event, the decision about it and the run that ensues (ARGS=--once)
	$(bin)/ensue demo $(ARGS)

mutations: setup ## prove the tests of docs/guarantees.md, in minutes
	$(bin)/python -m tests.mutations

fuzz: setup ## mutate texts for every parser (FUZZ_ARGS="cel --seconds 600")
	$(bin)/python -m tests.fuzz $(or $(FUZZ_ARGS),all)

check: lint test ## everything that CI runs

lint: setup ## style, types, import rules, sizes, docs
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/python scripts/sizes.py
	$(bin)/python scripts/docs.py

format: setup ## format the code, mend what can be mended
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

lock: ## resolve the dependencies anew (needs uv)
	uv lock --upgrade
	uv export --quiet --frozen --no-emit-project --group dev --output-file requirements/dev.txt
	uv export --quiet --frozen --no-emit-project --no-dev --output-file requirements/server.txt

clean: ## remove .venv and everything generated
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: wheel
wheel: setup ## build the wheel and the source distribution into dist/
	rm -rf dist
	$(bin)/python -m hatchling build

.PHONY: sbom
sbom: ## write the bill of materials of an installation to dist/ensue.cdx.json (needs uv)
	mkdir -p dist
	uv export --quiet --frozen --no-dev --format cyclonedx1.5 --output-file dist/ensue.cdx.json

.PHONY: bench
bench: setup ## measure against named peers, in half an hour (BENCH=name… BENCH_ARGS=--quick); see docs/benchmarks.md
	$(bin)/python -m bench $(or $(BENCH),all) $(BENCH_ARGS)

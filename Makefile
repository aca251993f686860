# A fresh machine needs Python 3.10 or newer, git and make; everything else is set up here.

PYTHON ?= python3
BIN := .venv/bin
TESTS := -n auto --dist worksteal --ignore tests/stack

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage lint format unit docs pictures docs-serve test-stack test-lowest benchmark benchmark-release benchmark-registry benchmark-publish clean

help:  ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/ready  ## Set up everything in .venv

.venv/ready: pyproject.toml scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py .venv

demo: setup  ## See a release, a private index and an installation, for real, in under two minutes
	@$(BIN)/python scripts/demo.py

test: setup lint  ## Run every check that needs no Docker
	$(BIN)/pytest $(TESTS) --durations=40

coverage: setup  ## Run the tests of `make test`, measured, and show what did not run
	$(BIN)/pytest $(TESTS) --cov

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

unit: setup  ## Run the quick tests only
	$(BIN)/pytest tests/unit

docs: setup  ## Write the reference anew, and build the documentation's site in build/site
	@$(BIN)/python -m scripts.reference
	@$(BIN)/python -m scripts.site

pictures: setup  ## Make the documentation's pictures anew: screenshots, and a session in a terminal
	@$(BIN)/python -m scripts.pictures

docs-serve: docs  ## Show the site on this machine, at http://127.0.0.1:8000/
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site 8000

test-stack: setup  ## Run the whole stack for real, which needs Docker and root
	$(BIN)/python scripts/stack_images.py
	$(BIN)/pytest tests/stack

test-lowest: .venv-lowest/ready  ## Run the unit tests with the lowest supported Poetry; PYTHON=python3.10 is the lowest Python
	.venv-lowest/bin/pytest -n auto --dist worksteal tests/unit

.venv-lowest/ready: pyproject.toml scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py .venv-lowest "poetry==2.1.0"

benchmark: setup  ## Measure what the plugin costs Poetry's start
	@$(BIN)/python benchmarks/startup.py $(BENCHMARK)

benchmark-release: setup  ## Measure how fast a history is read, beside peers and git itself
	@$(BIN)/python -m benchmarks.release $(BENCHMARK)

benchmark-registry: setup  ## Measure how fast the registry is, beside peers and nginx itself
	@$(BIN)/python -m benchmarks.registry $(BENCHMARK)

benchmark-publish: setup  ## Measure how fast a version is published over a slow link, beside peers
	@$(BIN)/python -m benchmarks.publish $(BENCHMARK)

clean:  ## Remove what was set up
	rm -rf .venv .venv-lowest dist .coverage* .mypy_cache .pytest_cache .ruff_cache

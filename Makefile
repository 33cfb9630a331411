# Everything a fresh machine needs: Python 3.11 or later with venv, gcc and make. Each target sets up
# what it uses, so any of them can be the first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint bench conformance clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# A program that nobody here wrote, and one that reads a picture and writes one.
demo: $(READY)
	$(BIN)/vmpp run -n 64 -m mpi4py.bench helloworld
	$(BIN)/vmpp run -n 64 -m mpi4py.bench ringtest
	$(BIN)/vmpp run -n 64 -m mpi4py.bench pingpong
	mkdir -p out
	$(BIN)/vmpp run -n 64 --timing heat images/vmpp_images/data/initial.png --output out/heat.png

# The tests start vmpp hundreds of times: without compiled modules each start takes twice as long.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(READY)
	$(BIN)/pytest -q --numprocesses auto --dist worksteal

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks

# Fetches mpi4py's source distribution; the tests of `make test` need no network.
conformance: $(READY)
	$(BIN)/python -m conformance --write docs

clean:
	rm -rf $(VENV) build out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

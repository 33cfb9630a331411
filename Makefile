# Everything a fresh machine needs: Python 3.11 or later, gcc and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint bench clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/vmpp run -n 64 -m mpi4py.bench helloworld
	$(BIN)/vmpp run -n 64 -m mpi4py.bench ringtest
	$(BIN)/vmpp run -n 64 -m mpi4py.bench pingpong

test: $(READY)
	$(BIN)/pytest -q

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

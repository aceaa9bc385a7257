# Two commands matter: `make demo` and `make test`. Each sets up what it needs in .venv.
# uv is used when it runs, else venv and pip.
SHELL := /bin/bash
PYTHON := $(shell for p in python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { $$p -c 'import sys; print(sys.executable)'; break; }; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
BIN := .venv/bin
# Two at once: half the time on two cores, and no more memory than a laptop has.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --durations=15

.PHONY: demo test fast test-long check setup clean

demo: .venv/ready
	$(BIN)/bayesgeo compare seismic_events --out runs/demo
	@echo "Open runs/demo/report.html"

test: .venv/ready
	$(PYTEST) -m "not long"

fast: .venv/ready
	$(PYTEST) tests -m "not slow and not long"

test-long: .venv/ready
	$(PYTEST) -m long
	$(BIN)/python tests/planted_bugs.py

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python tools/stubs.py --check
	$(BIN)/python tools/house.py

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "bayesgeo needs Python 3.12 or newer; none was found." >&2; exit 1; }
ifeq ($(UV),uv)
	test -x $(BIN)/python || uv venv --quiet --python "$(PYTHON)" .venv
	uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
else
	test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
endif
	@touch $@

clean:
	rm -rf .venv runs

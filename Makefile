# The two commands of the README are `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where torch comes from: empty takes what pip is configured for (by default for Linux x86-64 that is the CUDA build,
# which runs on the CPU, too). Set it to the URL of the index of CPU wheels that torch's own install page names to save
# some gigabytes.
TORCH_INDEX ?=
TORCH := torch==2.13.0
# Debian packages: empty takes everything that demo and tests use; "none" leaves the system alone
SYSTEM_PACKAGES ?=
VIEWER ?= yes
BUNDLE ?= bundle
# `make test` runs the tests in one mixed order, so that a red run is about the change; `make test-all` in a new one
SEED ?= 20261129
# In so many processes, each with an Orthanc of its own; a file's tests stay together
JOBS ?= 2

.PHONY: setup demo test test-all unit check bench fmt lint types imports docs golden bundle lock viewer

setup: $(VENV)/.done
$(VENV)/.done: pyproject.toml requirements.lock deploy/setup
	deploy/setup "$(PYTHON)" "$(VENV)" "$(TORCH)" "$(TORCH_INDEX)" "$(SYSTEM_PACKAGES)" "$(VIEWER)"
	touch $@

demo: setup
	$(BIN)/lungnode demo $(if $(INPUT),--input "$(INPUT)")

test: setup check
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m "not slow and not gpu" --randomly-seed=$(SEED)

test-all: setup
	$(BIN)/pytest

unit: setup
	$(BIN)/pytest -m "not slow and not gpu and not orthanc and not browser and not postgres"

check: setup lint types imports

fmt:
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint:
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

bench: setup
	$(BIN)/lungnode bench receive && $(BIN)/lungnode bench read && $(BIN)/lungnode bench encode && $(BIN)/lungnode bench pipeline

# the pages that are written from the code; tests compare them with it
docs: setup
	$(BIN)/python -m node.report.error_codes > docs/codes.md
	cd "$$(mktemp -d)" && "$(CURDIR)/$(BIN)/lungnode" conformance > "$(CURDIR)/docs/conformance.md"

# writes the reports that tests compare word by word anew; review the difference
golden: setup
	LUNGNODE_GOLDEN=1 $(BIN)/pytest tests/report/test_golden.py

bundle: setup
	deploy/bundle "$(BIN)/pip" "$(BUNDLE)" "$(TORCH)" "$(TORCH_INDEX)"

viewer:
	deploy/viewer

lock:
	deploy/lock "$(PYTHON)" "$(TORCH)" "$(TORCH_INDEX)"

# Two commands are all it takes: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice as many as there are cores, as many tests wait for other machines.
WORKERS = $(shell $(BIN)/python -c "import os; print((os.cpu_count() or 1) * 2)")

.PHONY: demo test check bench clean

demo: $(VENV)/.installed
	rm -rf demo-clips
	$(BIN)/pytranscoder demo demo-clips

test: check
	sh tests/lab/install.sh
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 20

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

$(BIN)/python:
	PYTHON=$(PYTHON) sh make-venv.sh $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) demo-clips

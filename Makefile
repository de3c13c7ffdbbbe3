# `make help` lists what can be done here.
PYTHON ?= python3
VENV ?= .venv
# An index that serves a CPU build of torch (smaller than the default on Linux), for example:
#   make install TORCH_INDEX=<index url>
TORCH_INDEX ?=
DATA ?= data
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DONE := $(VENV)/.installed

export DAGSTER_DISABLE_TELEMETRY := 1
export RAGAS_DO_NOT_TRACK := true
export GX_ANALYTICS_ENABLED := False
export DEEPEVAL_TELEMETRY_OPT_OUT := YES
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
# Each night starts fresh processes: a shell that forbids compiled files would have every one of
# them compile a thousand modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: nightly
nightly: $(DONE) ## Install, write sample logs if there are none, run the nightly job
	@if [ -z "$$(find "$(DATA)/logs" -type f -print -quit 2>/dev/null)" ]; then \
		$(BIN)/llmops sample-logs --out "$(DATA)/logs"; fi
	@$(BIN)/llmops --data "$(DATA)" nightly

.PHONY: test
test: $(DONE) ## Install, run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

.PHONY: ui
ui: $(DONE) ## The Dagster UI on the history of `make nightly`
	$(BIN)/llmops --data "$(DATA)" ui

.PHONY: check
check: $(DONE) ## Lint, types, architecture, tests with coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile -q --cov --cov-report=term:skip-covered --cov-fail-under=90

.PHONY: install
install: $(DONE) ## Make .venv and install everything

$(DONE): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -qq --upgrade "pip>=25"
	@$(PIP) install -qq --no-compile $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) --constraint constraints.txt torch
	@echo "installing llmops-pipelines and its tools (a few minutes the first time)"
	@$(PIP) install -qq --no-compile --constraint constraints.txt --editable ".[dev]"
	@# pip compiles on one core. Templates inside packages do not compile: no reason to stop.
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib llmops_pipelines assets >/dev/null 2>&1 || true
	@touch $@

.PHONY: format
format: $(DONE) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(DONE) ## Rewrite docs/tables.md from the tables
	$(BIN)/python -c "from llmops_pipelines.tables.documentation import tables_markdown as page; print(page(), end='')" > docs/tables.md

.PHONY: clean
clean: ## Remove what was computed; logs and reference files stay
	rm -rf "$(DATA)/lake" "$(DATA)/golden" "$(DATA)/.dagster"

# Everything from a bare machine: only Python 3.11 to 3.14 and make are needed. `make` alone lists the targets.

POETRY_VERSION := 2.5.1
MIRROR_PLUGIN_VERSION := 0.6.5
TOOLS := .local/tools
POETRY := $(TOOLS)/bin/poetry
# Stamps: targets that are up to date cost nothing.
TOOLS_STAMP := $(TOOLS)/.poetry-$(POETRY_VERSION)-$(MIRROR_PLUGIN_VERSION)
PROJECT_STAMP := .venv/.installed
# Poetry itself takes half a second per command.
BIN := .venv/bin
INSTALL_LOG := .local/install.log
IMPORTS_LOG := .local/imports.log
PARALLEL := --numprocesses auto --maxprocesses 4
# One more than there are cores: tests wait for servers and disks. On two cores, three take 16 minutes where two took 20.
PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
export PYTEST_XDIST_AUTO_NUM_WORKERS

export POETRY_VIRTUALENVS_IN_PROJECT := true
export POETRY_VIRTUALENVS_USE_POETRY_PYTHON := true
export POETRY_NO_INTERACTION := 1
# Asking a desktop's key ring can hang on a machine without a desktop; set it to true if your index needs it.
POETRY_KEYRING_ENABLED ?= false
export POETRY_KEYRING_ENABLED
# Do not install into another environment that happens to be active.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH
# Otherwise, every test process would compile the code again.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install demo check test test-all coverage lint lock bench bench-scale bench-networks bench-qc docs infra-test referee drill clean

# Prints one option of pip as it is in force here, from pip's settings, its environment or its own default.
PIP_OPTION = "$(TOOLS)/bin/python" -c 'import sys; from pip._internal.commands import create_command; \
	print(getattr(create_command("install").parser.get_default_values(), sys.argv[1]) or "")' 2>/dev/null

# Poetry does not read pip's settings: tell it pip's package index and its certificates.
define LIKE_PIP
export POETRY_PYPI_MIRROR_URL="$${POETRY_PYPI_MIRROR_URL:-$$($(PIP_OPTION) index_url)}"; \
certificates="$${REQUESTS_CA_BUNDLE:-$${PIP_CERT:-$${SSL_CERT_FILE:-$$($(PIP_OPTION) cert)}}}"; \
if [ -n "$$certificates" ]; then export REQUESTS_CA_BUNDLE="$$certificates" SSL_CERT_FILE="$$certificates"; fi;
endef

help: ## List the targets
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 14

install: $(PROJECT_STAMP) ## Install Poetry into .local/tools and the project into .venv
	@if command -v poetry >/dev/null 2>&1; then echo "Installed. Next: poetry run pipeline --help"; \
	else echo "Installed. Poetry is in .local/tools here. Next: $(POETRY) run pipeline --help"; fi

demo: $(PROJECT_STAMP) ## Run the pipeline on simulated APIs of all networks, with the embedded MongoDB
	@$(POETRY) run pipeline --demo --ingest

check: lint ## Lint, check the types and run the tests that need no server
	@HYPOTHESIS_PROFILE=inner $(BIN)/pytest $(PARALLEL) --dist worksteal -m unit

test: lint ## Lint, check the types and run all but the nightly tests, on a real MongoDB and an S3 server
	@HYPOTHESIS_PROFILE=ci $(BIN)/pytest $(PARALLEL) --dist worksteal

test-all: lint ## Lint, check the types and run every test, with ten times as many examples of properties (nightly)
	@HYPOTHESIS_PROFILE=nightly $(BIN)/pytest $(PARALLEL) --dist loadfile -m ""

coverage: $(PROJECT_STAMP) ## Run tiers unit and database, a cluster and a load test; print the lines and branches that they miss
	@HYPOTHESIS_PROFILE=inner $(BIN)/pytest $(PARALLEL) --dist loadfile -m "unit or database" \
		--cov --cov-report= --cov-fail-under=0
	@# What runs in processes of its own alone.
	@FORECAST_COVERAGE_CONCURRENCY=gevent HYPOTHESIS_PROFILE=inner $(BIN)/pytest $(PARALLEL) -m whole tests/integration/test_cluster.py tests/run/test_load_test.py \
		--cov --cov-append --cov-report= --cov-fail-under=0
	@$(BIN)/coverage report
	@$(BIN)/coverage report --fail-under=98.5 --include="src/forecast/qc/*,src/forecast/transform/*"

lint: $(PROJECT_STAMP) ## Lint, and check format, types and import directions
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { \
		echo "Not formatted as agreed; this fixes it: $(POETRY) run ruff format" >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >$(IMPORTS_LOG) || { cat $(IMPORTS_LOG); exit 1; }

lock: $(TOOLS_STAMP) ## Bring poetry.lock up to date with pyproject.toml
	@$(LIKE_PIP) $(POETRY) lock

bench: $(PROJECT_STAMP) ## Measure speed and memory
	@$(POETRY) run python bench/run.py

bench-scale: $(PROJECT_STAMP) ## Measure how cost grows with stations, objects and history; SIZES="--documents 5000000"
	@$(POETRY) run python -m bench.scale $(SIZES)

bench-networks: $(PROJECT_STAMP) ## Measure how fast each network's rows are read
	@$(POETRY) run python -m bench.networks

bench-qc: $(PROJECT_STAMP) ## Compare the quality checks with titanlib's and CrowdQC+'s on errors of known kind
	@$(POETRY) run python -m bench.qc

docs: $(PROJECT_STAMP) ## Regenerate the generated parts of the documentation
	@$(POETRY) run python docs/generate.py

infra-test: $(PROJECT_STAMP) ## Test the infrastructure without an AWS account: Terraform, images, workflows
	@tests/infra/run

referee: $(PROJECT_STAMP) ## Compare airbyte-cdk on the generated manifests with forecast ingest, record by record
	@[ -x .local/referee/bin/python ] || "$(TOOLS)/bin/python" -m venv .local/referee
	@.local/referee/bin/python -m pip install --quiet --disable-pip-version-check \
		"airbyte-cdk==$$($(POETRY) run python -c 'from forecast.ingest.airbyte.manifest import CDK_VERSION; print(CDK_VERSION)')"
	@$(POETRY) run pytest -m slow -q tests/referee

drill: $(PROJECT_STAMP) ## Break a replica set of three on purpose, in containers or namespaces, and count what is lost
	@docker/drill/run

clean: ## Remove everything installed or cached, except the embedded database and the reports
	@rm -rf .venv $(TOOLS) $(INSTALL_LOG) .local/infra .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The log is kept without the password that the index's address may hold.
$(PROJECT_STAMP): pyproject.toml poetry.lock $(TOOLS_STAMP)
	@echo "Installing the project and its dependencies into .venv (once; about a minute) ..."
	@# Made here, because Poetry would rather take an environment that an earlier `poetry install` left elsewhere.
	@[ -x .venv/bin/python ] || "$(TOOLS)/bin/python" -m venv .venv
	@$(LIKE_PIP) $(POETRY) install --no-ansi >$(INSTALL_LOG).raw 2>&1; status=$$?; \
	sed 's#[^/@ ]*:[^/@ ]*@#***@#g' $(INSTALL_LOG).raw >$(INSTALL_LOG); rm -f $(INSTALL_LOG).raw; \
	if [ $$status -ne 0 ]; then tail -n 30 $(INSTALL_LOG) >&2; \
		echo "The installation failed. The whole log is in $(INSTALL_LOG)." >&2; exit 1; fi
	@touch $@

$(TOOLS_STAMP):
	@found=; without_venv=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null || continue; \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then found=$$python; break; fi; \
		without_venv=$$python; \
	done; \
	if [ -z "$$found" ] && [ -n "$$without_venv" ]; then \
		echo "$$without_venv has no venv module. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11, 3.12, 3.13 or 3.14 is needed, and none is on PATH (python3 is: $$(python3 --version 2>&1))." >&2; \
		echo "Install one, or name it: make install PYTHON=/path/to/python3.13" >&2; exit 1; fi; \
	echo "Installing Poetry $(POETRY_VERSION) into $(TOOLS) (once; about half a minute) ..."; \
	rm -rf $(TOOLS) && mkdir -p .local && "$$found" -m venv $(TOOLS) || exit 1; \
	certificates="$${PIP_CERT:-$${REQUESTS_CA_BUNDLE:-$$SSL_CERT_FILE}}"; \
	if [ -n "$$certificates" ]; then export PIP_CERT="$$certificates"; fi; \
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check \
		"poetry==$(POETRY_VERSION)" "poetry-plugin-pypi-mirror==$(MIRROR_PLUGIN_VERSION)" || { \
		echo "Poetry could not be installed: pip says above why." >&2; exit 1; }
	@touch $@

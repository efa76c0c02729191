# `make` alone prints what there is to do.
PYTHON ?= python3
VENV := .venv
SHAPE := embedded
BIN := $(VENV)/bin
# More than processors: most tests wait for servers, not for the processor.
TEST_PROCESSES ?= 4
MEMBERS := protos libs/common services/gateway services/retrieval services/ingestion services/llm-proxy services/audit services/all-in-one cli
MEMBER_FILES := $(addsuffix /pyproject.toml,$(MEMBERS))
SOURCES := libs services cli tests tools deploy conftest.py
PACKAGES := libs/common/clientsphere_common services/gateway/gateway services/retrieval/retrieval services/ingestion/ingestion services/llm-proxy/llm_proxy services/audit/audit services/all-in-one/all_in_one cli/clientsphere_cli
UV := $(BIN)/uv --quiet --no-progress
PROTOS := $(shell cd protos && find clientsphere -name '*.proto' | sort)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-embedded demo-distributed run up down stack-status test test-distributed test-full check fmt lint types contracts sizes docs docs-check protos protos-check pins bench clean

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use it
setup: $(VENV)/.runtime ## Create the virtual environment and install the product, pinned and hashed
demo: demo-$(SHAPE) ## Start everything in one process (or SHAPE=distributed), upload sample documents, ask questions
demo-embedded: setup
	@$(BIN)/clientsphere demo
demo-distributed: $(VENV)/.dev
	@$(BIN)/python -m tests.stack demo
run: setup ## Serve until Ctrl-C (the same as `clientsphere run`)
	@$(BIN)/clientsphere run

up: $(VENV)/.dev ## Start the five services as processes, on servers of their own, without containers
	@$(BIN)/python -m tests.stack up
down: $(VENV)/.dev ## Stop them; what they hold stays in .stack
	@$(BIN)/python -m tests.stack down
stack-status: $(VENV)/.dev ## Say what of it runs, and where
	@$(BIN)/python -m tests.stack status

##@ Test it
test: check ## Everything CI runs: check, then all tests with short profiles
	$(BIN)/pytest -m "not slow and not alone" --numprocesses $(TEST_PROCESSES)
	$(BIN)/pytest -m "not slow and alone"
test-distributed: $(VENV)/.dev ## The part of `test` that runs on the distributed stores, and on all processes together
	$(BIN)/pytest -m "not slow" tests/contract tests/integration tests/e2e tests/isolation tests/stack tests/distributed
test-full: check ## All tests at full size: crash, fuzz, load
	CLIENTSPHERE_TEST_PROFILE=full $(BIN)/pytest -m "not alone" --numprocesses $(TEST_PROCESSES)
	CLIENTSPHERE_TEST_PROFILE=full $(BIN)/pytest -m alone
bench: $(VENV)/.dev ## Measure speed as ratios against a baseline in the same run
	$(BIN)/python -m tests.bench

##@ Change it
check: lint types contracts sizes protos-check docs-check ## Static checks: lint, types, import contracts, sizes, stale files
fmt: $(VENV)/.dev ## Format and fix what can be fixed
	$(BIN)/ruff check --fix --quiet $(SOURCES)
	$(BIN)/ruff format --quiet $(SOURCES)
lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy $(PACKAGES) tests tools deploy
	@# One by one: the tests of two members may have files of the same name.
	for member in $(MEMBERS); do [ ! -d $$member/tests ] || $(BIN)/mypy --no-error-summary $$member/tests || exit 1; done
contracts: $(VENV)/.dev ## import-linter: who may import whom
	$(BIN)/lint-imports
sizes: $(VENV)/.dev ## Files of at most 400 lines, functions of at most 60
	$(BIN)/python -m tools.check_sizes libs services cli tests tools deploy
docs: $(VENV)/.dev ## Write the pages that are made from the code: settings, errors, access, OpenAPI
	$(BIN)/python -m tools.settings_docs
	$(BIN)/python -m tools.error_docs
	$(BIN)/python -m tools.access_docs
	$(BIN)/python -m tools.openapi_docs
docs-check: $(VENV)/.dev ## Fail when one of them no longer says what the code says
	$(BIN)/python -m tools.settings_docs --check
	$(BIN)/python -m tools.error_docs --check
	$(BIN)/python -m tools.access_docs --check
	$(BIN)/python -m tools.openapi_docs --check
protos: $(VENV)/.dev ## Regenerate protos/gen from the .proto files
	rm -rf protos/gen && mkdir -p protos/gen
	cd protos && PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/python -m grpc_tools.protoc -I. --python_out=gen --grpc_python_out=gen --mypy_out=quiet:gen --mypy_grpc_out=quiet:gen $(PROTOS)
	find protos/gen/clientsphere -type d -exec touch {}/py.typed \;
protos-check: $(VENV)/.dev ## Fail when protos/gen is stale
	@$(BIN)/python -m tools.check_protos
pins: $(VENV)/.dev ## Resolve requirements/*.in anew (newest versions, with hashes)
	for name in bootstrap build runtime dev; do $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file requirements/$$name.txt requirements/$$name.in || exit 1; done
clean: ## Remove the environment and everything generated outside git
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.uv: requirements/bootstrap.txt
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements/runtime.txt $(MEMBER_FILES)
	@echo "Installing the pinned packages"
	@$(UV) pip install --python $(BIN)/python --require-hashes --no-deps -r requirements/runtime.txt
	@$(UV) pip install --python $(BIN)/python --require-hashes --no-deps -r requirements/build.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ./,$(MEMBERS))
	@# Once here rather than at the first start; some packages ship templates that do not compile.
	@-$(BIN)/python -m compileall -q $(VENV)/lib libs services cli protos/gen >/dev/null 2>&1
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing the development tools"
	@$(UV) pip install --python $(BIN)/python --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

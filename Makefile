# `make run` sets everything up and serves; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1
SECONDS ?= 600
SEED ?=

CODE := authentication chat chat_server
STATIC_SOURCES := $(shell find static $(CODE) -path '*static*' -not -name '.*' 2>/dev/null)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# `make check` is about the code: neither the developer's `.env` nor their environment has a say. Empty means the default.
WITH_DEFAULTS := env $(shell sed -nE 's/^\#([A-Z_]+)=.*/\1=/p' .env.example) \
	SECRET_KEY=nobody-signs-anything-with-this-key-0123456789-abcdefghijklmnopqrstuvwxyz
# All of both apps' own files but these; what is in `chat/services/` may write, too.
MAY_WRITE := chat/presence.py authentication/services.py authentication/tokens.py authentication/models.py
MAY_NOT_WRITE := $(filter-out $(MAY_WRITE),$(wildcard chat/*.py chat/consumers/*.py authentication/*.py))
# More than there are cores: most tests wait for a process of their own. Who has nothing left takes over half of what the other one has.
AT_ONCE := -n 4 --dist worksteal

# Beside other tests their times mean little; and of the two databases PostgreSQL takes less.
ELSEWHERE := tests/faults/test_faults.py tests/floods tests/fuzz

.PHONY: help run demo test test-sqlite test-postgres test-faults faults bench flamegraph lighthouse pictures check audit format lock clean system

help:  ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: $(VENV)/.requirements $(VENV)/.static  ## set everything up and serve at http://localhost:8000 (HOST=, PORT=, WORKERS=)
	@$(BIN)/python manage.py migrate --verbosity 0
	@echo "== open http://localhost:$(PORT)/ (Ctrl-C ends it)"
	@exec $(BIN)/python manage.py serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

demo: $(VENV)/.requirements  ## fill a running server with people who chat (PORT=)
	@$(BIN)/python manage.py demo --url http://localhost:$(PORT)

test: test-sqlite test-postgres test-faults  ## run all tests: on SQLite, then what writes on PostgreSQL too, then under faults and floods

test-sqlite: $(VENV)/.requirements-dev $(VENV)/.static system
	@echo "== every test but those below, on SQLite"
	@$(BIN)/python -m pytest $(AT_ONCE) $(ELSEWHERE:%=--ignore=%) --cov --cov-report=term:skip-covered --cov-fail-under=95

test-postgres: $(VENV)/.requirements-dev $(VENV)/.static system
	@echo "== what writes, and random input, on PostgreSQL"
	@TEST_DATABASE=postgres $(BIN)/python -m pytest $(AT_ONCE) \
		tests/authentication tests/chat tests/realtime tests/rights tests/admin tests/fuzz tests/test_statements.py

test-faults: $(VENV)/.requirements-dev $(VENV)/.static system  ## every fault and every flood once while people talk
	@echo "== under faults, then under floods"
	@$(BIN)/python -m pytest tests/faults/test_faults.py tests/floods

faults: $(VENV)/.requirements-dev $(VENV)/.static system  ## kill everything again and again while people talk (SECONDS=, SEED=)
	@$(BIN)/python -m tests.faults.run --seconds $(SECONDS) --seed "$(SEED)"

bench: $(VENV)/.requirements-bench $(VENV)/.static  ## measure what it costs, beside others: 15 minutes; QUICK=1: two (ONLY="pairs idle")
	@scripts/install_system_packages redis-server postgresql
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(ONLY)

flamegraph: $(VENV)/.requirements-bench $(VENV)/.static  ## record where the server's time goes into docs/images/flamegraph.svg (ONLY=)
	@scripts/install_system_packages redis-server postgresql
	@$(BIN)/python -m bench --flamegraph $(or $(ONLY),pairs)

lighthouse: $(VENV)/.requirements-dev $(VENV)/.static system  ## ask Lighthouse about the page; fails below 95
	@$(BIN)/python scripts/lighthouse

pictures: $(VENV)/.requirements-dev $(VENV)/.static system  ## take the pictures of the page in docs/images/ anew
	@$(BIN)/python scripts/take_page_pictures

check: $(VENV)/.requirements-dev  ## format, lint, types, import rules, security, migrations, check --deploy
	@echo "== ruff"
	@$(BIN)/ruff format --check . || { echo "make format mends it"; exit 1; }
	@$(BIN)/ruff check .
	@echo "== mypy"
	@$(WITH_DEFAULTS) $(BIN)/mypy
	@echo "== import rules"
	@$(BIN)/lint-imports
	@! grep -rn --include='*.py' '\.group_send' $(CODE) | grep -v '^chat/broadcast.py:' \
		|| { echo "only chat/broadcast.py calls group_send"; exit 1; }
	@! grep -nE '\.a?(save|delete|update|create|bulk_create|bulk_update|get_or_create|update_or_create)\(' $(MAY_NOT_WRITE) \
		|| { echo "only services write"; exit 1; }
	@echo "== security"
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(CODE) scripts manage.py
	@$(BIN)/python scripts/audit_requirements || [ $$? -eq 2 ]  # nobody to ask is said, and no fault of the code
	@echo "== Django"
	@$(WITH_DEFAULTS) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(WITH_DEFAULTS) HTTPS=True $(BIN)/python manage.py check --deploy --fail-level WARNING

audit: $(VENV)/.requirements-dev  ## ask whether anything that is installed has a known vulnerability
	@$(BIN)/python scripts/audit_requirements

format: $(VENV)/.requirements-dev  ## format the code and mend what ruff can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

lock: $(VENV)/.requirements  ## pin requirements*.in into requirements*.txt
	@$(PIP) install uv
	@$(BIN)/uv pip compile --quiet --no-emit-index-url --no-emit-find-links --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --no-emit-index-url --no-emit-find-links --no-header requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --no-emit-index-url --no-emit-find-links --no-header bench/requirements.in -o bench/requirements.txt

clean:  ## take away what the other targets made, but not the database and the secret key
	@rm -rf $(VENV) staticfiles .coverage .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system:  ## install redis-server, postgresql, chromium and Node for the tests, where they are missing
	@scripts/install_system_packages redis-server postgresql chromium nodejs npm

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) comes without venv. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "== making $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.requirements: requirements.txt | $(BIN)/python
	@echo "== installing requirements.txt (when it has changed)"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	@echo "== installing requirements-dev.txt (when it has changed)"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

$(VENV)/.requirements-bench: bench/requirements.txt $(VENV)/.requirements
	@echo "== installing bench/requirements.txt (when it has changed)"
	@$(PIP) install -r bench/requirements.txt
	@touch $@

$(VENV)/.static: $(VENV)/.requirements $(STATIC_SOURCES)
	@echo "== collecting static files (when they have changed)"
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@touch $@

# `make run` starts everything; `make help` lists the rest.
SHELL := /bin/sh
BIN := .venv/bin
PY := $(BIN)/python
TESTS ?= tests
JOBS ?= 2
SECONDS = 600

# Only programs of developers need these keys; `make run` makes real ones.
LINT_ENV := SECRET_KEY=used-by-make-lint-only-and-nowhere-else-0123456789-abcdefghij \
	CAMPAIGN_SECRETS_KEY=bWFrZS1saW50LW9ubHkta2V5LWZvci1zZWNyZXRzLS0=
CHECK_ENV := $(LINT_ENV) DATABASE_URL=postgresql:///none \
	PUBLIC_URL=https://campaign.example.com TRUSTED_PROXIES=127.0.0.1

.PHONY: help run setup test e2e lint format bench bench-console messages vendor screenshots torture

help: ## list the targets
	@grep -E '^[a-z0-9]+:.*##' Makefile | sed 's/:[^#]*## /: /'

run: ## install what is needed and start everything in the foreground
	@python=$$(sh campaign/run/find_python.sh) && exec "$$python" -m campaign.run.bootstrap run

setup: ## install what developers need
	@python=$$(sh campaign/run/find_python.sh) && exec "$$python" -m campaign.run.bootstrap setup

test: setup ## run every test; TESTS=path for some
	@$(PY) -m pytest -n $(JOBS) --dist loadgroup $(TESTS)

e2e: setup ## run the browser tests alone
	@$(PY) -m pytest -m e2e $(TESTS)

lint: setup ## check format, style, types, imports, templates, licences, migrations
	@sh .ci/lint

format: setup ## format code and templates
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/djlint --quiet --reformat templates || true

bench: setup ## measure; table, and JSON in bench/results; BENCH="--quick" or names
	@$(PY) -m bench $(BENCH)

bench-console: setup ## measure every page over ten million rows; 25 minutes, 12 GB
	@$(PY) -m bench console

messages: setup ## collect the texts to translate into locale/
	@$(LINT_ENV) $(PY) .ci/messages.py

vendor: setup ## fetch the third-party browser files again and compare their sums
	@$(PY) .ci/vendor.py

screenshots: setup ## draw the pictures of the documentation
	@$(PY) -m bench.screenshots

torture: setup ## kill everything at random while schedules fire; SECONDS=600
	@$(PY) -m bench.torture --seconds $(SECONDS) --document docs/reliability.md

.DEFAULT_GOAL := help
.PHONY: help run test check format rooms install docs bench trust clean

MANIFESTS := pyproject.toml $(wildcard requirements*.txt */pyproject.toml */*/pyproject.toml)
ARGS ?=

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.installed-run  ## serve on 127.0.0.1:4747 (more options: make run ARGS="--config FILE")
	@echo "jackfield: $(strip .venv/bin/jackfield serve $(ARGS))"
	@exec .venv/bin/jackfield serve $(ARGS)

# The tests start hundreds of processes, which need not each compile the gateway anew.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/.installed-dev  ## run every test (some of them: make test ARGS="kernel -k stream")
	@scripts/test $(ARGS)

check: .venv/.installed-dev  ## lint, format, types, import rules
	@scripts/check

format: .venv/.installed-dev  ## let ruff mend what it can
	@.venv/bin/ruff check --fix-only --quiet
	@.venv/bin/ruff format

rooms: .venv/.installed-dev  ## after adding a plugin: write every list of rooms anew
	@.venv/bin/python scripts/rooms.py

docs: .venv/.installed-dev  ## write the generated parts of the documentation anew
	@scripts/docs

bench: .venv/.installed-dev  ## measure the gateway on this machine (a part: make bench ARGS="--only start")
	@scripts/bench $(ARGS)

trust: .venv/.installed-dev  ## prove that budgets hold and nothing is lost (a part: make trust ARGS="--store sqlite")
	@scripts/trust $(ARGS)

install: .venv/.installed-dev  ## set up .venv with every room and every tool

clean:  ## remove .venv and what the tools have made
	rm -rf .venv .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make the second run quick: nothing is installed until a manifest changes.
.venv/.installed-run: $(MANIFESTS)
	@PYTHON="$(PYTHON)" scripts/install run
	@touch $@

.venv/.installed-dev: $(MANIFESTS)
	@PYTHON="$(PYTHON)" scripts/install dev
	@touch $@ .venv/.installed-run

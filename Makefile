# Two commands matter: `make invoices` and `make test`. They install everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export DO_NOT_TRACK = 1
export GX_ANALYTICS_ENABLED = false
export PYTHONPATH = $(CURDIR)

.PHONY: invoices test test-ui lint types tests verify mutants ui docs bench bench-full bench-peers install clean

$(STAMP): requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit("needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.13" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@touch $@

install: $(STAMP)

MH = $(BIN)/python -m orchestration.cli

# Generates sample data if nothing has ever landed. If something has, `sample` refuses, and nothing is run.
invoices: $(STAMP)
	@case "$$METERHOUSE_LANDING" in *://*) ;; *) \
		if [ -z "$$(ls -A "$${METERHOUSE_LANDING:-landing}" 2>/dev/null)" ]; then $(MH) sample; fi;; \
	esac
	@$(MH) run
	@$(MH) export --latest --format csv

test: $(STAMP) lint types tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.sql_style

types: $(STAMP)
	$(BIN)/mypy

tests: $(STAMP)
	$(BIN)/python -m pytest

# The tests that need a browser, a proxy or a database server: a browser and nginx in front of the Dagster UI,
# PostgreSQL behind it. Installs Debian's packages if it may; screenshots and logs go to METERHOUSE_UI_ARTEFACTS.
test-ui: export METERHOUSE_UI_ARTEFACTS ?= $(CURDIR)/var/ui-artefacts
test-ui: $(STAMP)
	@sh tests/install_programs.sh
	@mkdir -p "$$METERHOUSE_UI_ARTEFACTS"
	$(BIN)/python -m pytest -m needs_programs --junit-xml="$$METERHOUSE_UI_ARTEFACTS/test-ui.xml"

# The oracle on 100,000 tenant-months instead of 2,000; takes most of an hour.
verify: $(STAMP)
	METERHOUSE_VERIFY_TENANT_MONTHS=100000 $(BIN)/python -m pytest tests/properties/test_worlds_match_the_oracle.py

# Flips every rule on purpose to see whether a test catches it; writes docs/mutants.md.
mutants: $(STAMP)
	$(BIN)/python -m tests.mutation

ui: $(STAMP)
	@$(MH) ui

docs: $(STAMP)
	@$(MH) docs

# Takes minutes; inputs, figures and the plot go to METERHOUSE_BENCH_DIR, see docs/performance.md.
bench: $(STAMP)
	@$(BIN)/python -m benchmarks full --records 1000000,10000000
	@$(BIN)/python -m benchmarks scenarios

# 100 million records, and as many of history: needs 40 GB of disk and hours, most of them to generate the data.
bench-full: $(STAMP)
	@$(BIN)/python -m benchmarks full --records 10000000,100000000
	@$(BIN)/python -m benchmarks scenarios forms --records 10000000
	@$(BIN)/python -m benchmarks scenarios memory --records 100000000
	@$(BIN)/python -m benchmarks scenarios history late nothing-new reruns explain queries growth --month-records 5000000

# Other engines on the same input; the only target that installs anything beyond the lock.
bench-peers: $(STAMP)
	@$(BIN)/python -m benchmarks peers --records 10000000

# Removes what an install or a build can recreate. Not var or landing: nothing can recreate landed files and the ledger.
clean:
	rm -rf $(VENV) .cache

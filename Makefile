# make demo   the whole way on a fresh simulated tenant, and the path of its record
# make test   all checks and tests
# Each makes the virtual environment .venv if it is missing. Other targets: see below.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed
TRANSCRIPT := $(CURDIR)/$(VENV)/transcript.jsonl
NPM := tests/browser/node_modules/.package-lock.json
AZURITE := tests/storage/node_modules/.package-lock.json

WORKERS := 2

.PHONY: demo test lint unit browser storage slow fleet outcome faults notebooks bench scaling mutants texts altered regenerate pictures clean help

demo: $(STAMP)
	$(RUN)/runbook demo

test: lint unit

lint: $(STAMP)            ## style, types and layers
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache

unit: $(STAMP)            ## the tests, then every call that was made in them held against the published contracts
	rm -f $(TRANSCRIPT)
	SIMTENANT_TRANSCRIPT=$(TRANSCRIPT) $(RUN)/pytest -n $(WORKERS) --dist worksteal -q -m "not slow and not browser and not storage"
	$(RUN)/python tests/wire/contract.py --client tenantapi/ $(TRANSCRIPT)
	rm -f $(TRANSCRIPT)

browser: $(STAMP) $(NPM)  ## the tests in a real JupyterLab and Chromium, and of the pages with axe-core (some minutes)
	$(RUN)/pytest -q tests/browser

storage: $(STAMP) $(AZURITE)  ## records kept elsewhere, on servers that speak S3 and Azure Blob (two minutes)
	$(RUN)/pytest -n $(WORKERS) --dist loadscope -q -m storage tests/storage

slow: $(STAMP)            ## the long tests: both engines stopped in every way, credentials in every channel, large samples
	$(RUN)/pytest -n $(WORKERS) --dist worksteal -q -m slow

fleet: $(STAMP)           ## the large tests of fleets: 200 and 1,000 tenants, 50 kills of the supervisor (an hour)
	$(RUN)/pytest -q -s -m slow tests/fleet

outcome: $(STAMP)         ## hold 12,000 predictions against where the simulated tenant delivers, and print the counts
	$(RUN)/pytest -q -s -m slow tests/outcome

faults: $(STAMP)          ## break every call of apply and of rollback in every way, and go on (two to three hours)
	$(RUN)/python tests/faults/sweep.py

notebooks: $(STAMP)       ## JupyterLab on the notebooks, against the simulated tenant
	$(RUN)/pip install --quiet --disable-pip-version-check -e '.[notebook]'
	$(RUN)/runbook notebooks

bench: $(STAMP)           ## a compile; apply beside papermill as typed; fleets beside papermill, its API and a bare script
	$(RUN)/python tests/benchmarks/compiling.py
	$(RUN)/python tests/benchmarks/bench.py
	$(RUN)/python tests/benchmarks/fleet.py

scaling: $(STAMP)         ## the table of the docs: 1, 10, 100 and 1,000 tenants, 1 and 2 workers (half an hour)
	$(RUN)/python tests/benchmarks/fleet.py --tenants 1 10 100 1000 --latency-ms 1 --ways kit s --table

mutants: $(STAMP)         ## change every wire constant of the clients, one at a time; the wire tests must notice
	$(RUN)/python tests/wire/mutation/check.py

texts: $(STAMP)           ## hold the compiler against what a reader says of each text, and write the table of the docs
	PYTHONPATH=tests $(RUN)/python -m texts.table

altered: $(STAMP)         ## alter 2,000 texts in 30 ways; none may set more, or anything else, than the text it was made from
	$(RUN)/python tests/altered/sweep.py --count 2000

regenerate: $(STAMP)      ## write notebooks/ anew from the kit's own edition of the tutorial
	$(RUN)/runbook compile junk-and-user-quarantine -o notebooks >/dev/null

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $(STAMP)

# Without npm or Chromium, the tests that need them are skipped and say what to install.
$(NPM): tests/browser/package-lock.json
	if command -v npm >/dev/null; then npm ci --prefix tests/browser --silent --no-audit --no-fund; fi

# Azurite, likewise; its packages' own scripts are not run.
$(AZURITE): tests/storage/package-lock.json
	if command -v npm >/dev/null; then npm ci --prefix tests/storage --silent --no-audit --no-fund --ignore-scripts; fi

pictures: $(STAMP)        ## the README's pictures, from real runs (Chromium, ImageMagick)
	PYTHONPATH=tests $(RUN)/python -m browser.pictures runbook/docs/pictures

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1  \2/p' Makefile

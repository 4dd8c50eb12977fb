# The few commands, the same here and in CI. PYTHON chooses the interpreter: make metrics PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: env metrics test test-all lint requirements

# The stage prints the table when it runs; when there was nothing to do, it is shown from its file.
metrics: env
	@before=$$(ls data/metrics/receipt-* 2>/dev/null); \
	$(BIN)/snakemake --cores all metrics && \
	if [ "$$before" = "$$(ls data/metrics/receipt-*)" ]; then cat data/metrics/table.txt; fi

test: env
	$(BIN)/python -m pytest -m "not long and not shared"

# The photos and weights for the tests marked `shared` are where HUSKIES_SHARED says.
test-all: env
	$(BIN)/python -m pytest $(if $(HUSKIES_SHARED),,-m "not shared")

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

env: $(READY)

# Made anew only when the pins change; a half-made environment has no `ready` and is made again.
$(READY): requirements.txt pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

# After a change in pyproject.toml.
requirements: env
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header \
		--python-version 3.11 --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra s3 --extra ssh --extra webdav --universal --generate-hashes \
		--no-header --python-version 3.11 --constraint requirements.txt \
		--output-file requirements-remotes.txt

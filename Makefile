# The few commands, the same here and in CI. PYTHON chooses the interpreter: make metrics PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

TEST_ALL := .venv/test-all
MARKED := long or server or browser or shared
# A file stays with one worker, since its tests share what they build; conftest.py puts long files first.
SPREAD := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: env metrics test test-marked test-all matrix picture reliability benchmarks lint requirements

# The stages print the table, and where the page is, when they run; when there was nothing to do, the last line does.
metrics: env
	@before=$$(ls data/metrics/receipt-* 2>/dev/null); \
	$(BIN)/snakemake --cores all metrics report && \
	if [ "$$before" = "$$(ls data/metrics/receipt-*)" ]; then PYTHONPATH=workflow $(BIN)/python -m huskies table; fi

test: env
	$(BIN)/python -m pytest $(SPREAD) -m "not ($(MARKED))"

# The photos and weights for the tests marked `shared` are where HUSKIES_SHARED says; those marked `server` need Debian's
# sshd and SLURM, those marked `browser` its chromium.
test-marked: env $(TEST_ALL)
	$(BIN)/python -m pytest $(SPREAD) -m "($(MARKED))$(if $(HUSKIES_SHARED),, and not shared)"

test-all: test test-marked

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

env: $(READY)

# Made anew only when the pins change; a half-made environment has no `ready` and is made again.
$(READY): requirements/workflow.txt pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/workflow.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

# Snakemake imports every executor that it finds, at each start, and Kubernetes' client alone takes half a second. So the
# tests of the two clusters alone are to find theirs.
$(TEST_ALL): $(READY) requirements/int8.txt requirements/keras_hub.txt requirements/remotes.txt \
		requirements/servers.txt requirements/slurm.txt requirements/bucket.txt requirements/kubernetes.txt \
		requirements/browser.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/int8.txt --requirement requirements/keras_hub.txt \
		--requirement requirements/remotes.txt --requirement requirements/servers.txt \
		--requirement requirements/slurm.txt --requirement requirements/bucket.txt \
		--requirement requirements/kubernetes.txt --requirement requirements/browser.txt
	mkdir -p .venv/executors
	for plugin in .venv/lib/python3*/site-packages/snakemake_executor_plugin_*; do \
		rm -rf .venv/executors/$${plugin##*/} && mv $$plugin .venv/executors || exit 1; done
	touch $(TEST_ALL)

# Every kind of change by every way in, an hour and more; renews docs/rebuild-matrix.md. ONLY="aug.factor" for a part of it.
matrix: env
	PYTHONPATH=tests/support:workflow $(BIN)/python tools/matrix.py $(if $(ONLY),--only "$(ONLY)")

# Every fault that the harness knows, many times, some hours; renews docs/reliability.md. ONLY="kill dvc push" TRIALS=5 for
# a part of it.
reliability: env
	PYTHONPATH=tests/support:tools:workflow $(BIN)/python -m reliability $(if $(ONLY),--only "$(ONLY)") \
		$(if $(TRIALS),--trials $(TRIALS)) $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

# How fast everything is, against what, about an hour; writes benchmarks/performance.csv and docs/performance.md.
benchmarks: env
	PYTHONPATH=workflow $(BIN)/python benchmarks/performance.py

# After a change in what reads what: the README's picture, as Snakemake draws it.
picture: env
	$(BIN)/python tools/picture.py

# After a change in pyproject.toml.
requirements: env
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header \
		--python-version 3.11 --output-file requirements/workflow.txt
	$(BIN)/uv pip compile pyproject.toml --extra s3 --extra ssh --extra webdav --universal --generate-hashes \
		--no-header --python-version 3.11 --constraint requirements/workflow.txt \
		--output-file requirements/remotes.txt
	$(BIN)/uv pip compile pyproject.toml --extra int8 --universal --generate-hashes --no-header \
		--python-version 3.11 --constraint requirements/workflow.txt --output-file requirements/int8.txt
	$(BIN)/uv pip compile pyproject.toml --extra keras_hub --universal --generate-hashes --no-header \
		--python-version 3.11 --constraint requirements/workflow.txt --output-file requirements/keras_hub.txt
	$(BIN)/uv pip compile pyproject.toml --extra slurm --universal --generate-hashes --no-header \
		--python-version 3.11 --constraint requirements/workflow.txt --output-file requirements/slurm.txt
	for extra in bucket kubernetes; do $(BIN)/uv pip compile pyproject.toml --extra $$extra --universal \
		--generate-hashes --no-header --python-version 3.11 --constraint requirements/workflow.txt \
		--constraint requirements/remotes.txt --output-file requirements/$$extra.txt || exit 1; done
	$(BIN)/uv pip compile --group servers --universal --generate-hashes --no-header --python-version 3.11 \
		--output-file requirements/servers.txt
	$(BIN)/uv pip compile --group browser --universal --generate-hashes --no-header --python-version 3.11 \
		--constraint requirements/workflow.txt --output-file requirements/browser.txt

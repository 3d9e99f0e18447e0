# Each target makes the environment it needs in .venv, from a lock file with hashes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEMO := demo

.PHONY: help demo test test-crate lint bench config docs lock clean

help:
	@echo "make demo   simulate a study, run the whole pipeline on it, say where the report is"
	@echo "make test   run the whole test suite"
	@echo "make docs   run the commands of docs/ again and put in what they print"
	@echo "make lint   ruff, mypy, snakefmt, snakemake --lint"
	@echo "make bench  measure speed and accuracy"
	@echo "make clean  remove the environment and the demo"

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)
	@test -f $(DEMO)/dataset_description.json || $(BIN)/myomag demo $(DEMO) --participants 24
	$(BIN)/myomag run $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n 2

# The validator of RO-Crates needs other versions than Snakemake, so it lives apart; the test finds it there.
test-crate: $(READY) .venv/roc-validator/ready
	$(BIN)/python -m pytest tests/workflow/test_audit.py -k crate -rs

.venv/roc-validator/ready: $(READY) envs/roc-validator.txt
	$(PYTHON) -m venv .venv/roc-validator
	.venv/roc-validator/bin/python -m pip install --quiet -r envs/roc-validator.txt
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check --line-length 120 Snakefile rules
	$(BIN)/python tests/workflow/lint_workflow.py

bench: $(READY) .venv/pyamares/ready
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYAMARES_PYTHON=.venv/pyamares/bin/python $(BIN)/python benchmarks/run.py --write

# pyAMARES needs an older pandas, so it lives apart.
.venv/pyamares/ready: $(READY) envs/pyamares.txt
	$(PYTHON) -m venv .venv/pyamares
	.venv/pyamares/bin/python -m pip install --quiet -r envs/pyamares.txt
	@touch $@

# Write the files that are generated from the settings models.
config: $(READY)
	$(BIN)/python -m myomag.config_files

# Run the commands of the documentation again and put in what they print.
docs: $(READY)
	$(BIN)/python docs/renew.py

# Needs uv; the lock holds versions and hashes for every platform, and no addresses.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file envs/requirements.lock

clean:
	rm -rf .venv $(DEMO) .mypy_cache .ruff_cache .pytest_cache

# Each target makes the environment it needs in .venv, from a lock file with hashes.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEMO := demo
BENCH := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYAMARES_PYTHON=.venv/pyamares/bin/python $(BIN)/python

.PHONY: help demo test test-slurm validators lint bench config docs lock clean

help:
	@echo "make demo   simulate a study, run the whole pipeline on it, say where the report is"
	@echo "make test   run the whole test suite"
	@echo "make validators  install the validators of BIDS and RO-Crates, which make test then uses too"
	@echo "make test-slurm  run the demo on a Slurm started on this machine (Debian, root)"
	@echo "make docs   run the commands of docs/ again and put in what they print"
	@echo "make lint   ruff, mypy, snakefmt, snakemake --lint"
	@echo "make bench  measure speed and accuracy"
	@echo "make clean  remove the environment and the demo"

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q workflow
	@touch $(READY)

demo: $(READY)
	@test -f $(DEMO)/dataset_description.json || $(BIN)/myomag demo $(DEMO) --participants 24
	$(BIN)/myomag run $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -n 2

# Needs root and the Debian packages munge, slurmctld, slurmd and slurm-client; says so where it is skipped.
test-slurm: $(READY)
	MYOMAG_TEST_SLURM=1 $(BIN)/python -m pytest -rs tests/slurm

# The validators of BIDS and RO-Crates live apart, as they need other versions than Snakemake; the tests find them there.
validators: .venv/bids-validator/ready .venv/roc-validator/ready

.venv/%-validator/ready: envs/%-validator.txt $(READY)
	$(PYTHON) -m venv .venv/$*-validator
	.venv/$*-validator/bin/python -m pip install --quiet -r envs/$*-validator.txt
	@touch $@

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check --line-length 120 Snakefile rules
	$(BIN)/python tests/workflow/lint_workflow.py

bench: $(READY) .venv/pyamares/ready
	$(BENCH) benchmarks/run.py --write
	$(BENCH) benchmarks/pyamares_accuracy.py --write
	$(BENCH) benchmarks/scale.py --scans 441 2000 10000 --batches 16 8 --write
	$(BENCH) benchmarks/memory.py --scans 10000 100000 --write
	$(BENCH) benchmarks/inference.py --write
	$(BENCH) benchmarks/validation.py --write
	$(BENCH) benchmarks/states.py --write
	$(BENCH) benchmarks/detection.py
	$(BENCH) benchmarks/line_shapes.py --write

# pyAMARES needs an older pandas, so it lives apart.
.venv/pyamares/ready: $(READY) envs/pyamares.txt
	$(PYTHON) -m venv .venv/pyamares
	.venv/pyamares/bin/python -m pip install --quiet -r envs/pyamares.txt
	@touch $@

# Write the files that are generated from the settings models.
config: $(READY)
	$(BIN)/python -m myomag.settings.generate

# Run the commands of the documentation again and put in what they print.
docs: $(READY)
	$(BIN)/python docs/renew.py

# Needs uv; the lock holds versions and hashes for every platform, and no addresses.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file envs/requirements.lock

clean:
	rm -rf .venv $(DEMO) .mypy_cache .ruff_cache .pytest_cache

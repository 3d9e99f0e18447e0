# Each target makes the environment it needs in .venv, from lock files with hashes: what a run needs, or all of development.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEV := .venv/dev
DEMO := demo
BENCH := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYAMARES_PYTHON=.venv/pyamares/bin/python $(BIN)/python

.PHONY: help demo test wheel-test test-slurm validators lint bench config docs lock clean

help:
	@echo "make demo   simulate a study, run the whole pipeline on it, say where the report is"
	@echo "make test   run the whole test suite"
	@echo "make wheel-test  build the wheel, install it elsewhere and try every command there"
	@echo "make validators  install the validators of BIDS and RO-Crates, which make test then uses too"
	@echo "make test-slurm  run the demo on a Slurm started on this machine (Debian, root)"
	@echo "make docs   run the commands of docs/ again and put in what they print"
	@echo "make site   build the documentation into site/, and check its links"
	@echo "make pictures  make the pictures of the documentation again (needs Chromium)"
	@echo "make lint   ruff, mypy, snakefmt, snakemake --lint"
	@echo "make bench  measure speed and accuracy"
	@echo "make clean  remove the environment and the demo"

$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	@echo "Environment 1 of 4: an empty one in .venv, with $$($(PYTHON) --version) (seconds)"
	@$(PYTHON) -m venv .venv
	@echo "Environment 2 of 4: the packages of envs/requirements.lock, $$(grep -c == envs/requirements.lock) at most (110 MB to fetch, half a minute)"
	@$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r envs/requirements.lock
	@echo "Environment 3 of 4: myomag itself, from this folder (seconds)"
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "Environment 4 of 4: byte code, without which every job would start slower (a quarter of a minute)"
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' .venv/lib workflow
	@echo "Environment ready: $$(du -sm .venv | cut -f1) MB in .venv"
	@touch $(READY)

# What tests and linters need on top.
$(DEV): envs/dev.lock $(READY)
	@echo "Adding what tests and linters need (envs/dev.lock, a minute)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r envs/dev.lock
	@touch $(DEV)

demo: $(READY)
	@echo "Demo 1 of 2: a simulated study of 24 participants in $(DEMO)/ (seconds)"
	@test -f $(DEMO)/dataset_description.json || $(BIN)/myomag demo $(DEMO) --participants 24
	@echo "Demo 2 of 2: the whole pipeline on it, from raw data to the report (a minute)"
	@$(BIN)/myomag run $(DEMO)

test: $(DEV)
	$(BIN)/python -m pytest -n 2

# The Python that the wheel is tried with: make wheel-test PYTHON=python3.13
wheel-test: $(DEV)
	$(BIN)/python tests/workflow/try_wheel.py $(PYTHON)

# Needs root and the Debian packages munge, slurmctld, slurmd and slurm-client; says so where it is skipped.
test-slurm: $(DEV)
	MYOMAG_TEST_SLURM=1 $(BIN)/python -m pytest -rs tests/slurm

# The validators of BIDS and RO-Crates live apart, as they need other versions than Snakemake; the tests find them there.
validators: .venv/bids-validator/ready .venv/roc-validator/ready

.venv/%-validator/ready: envs/%-validator.txt $(DEV)
	$(PYTHON) -m venv .venv/$*-validator
	.venv/$*-validator/bin/python -m pip install --quiet -r envs/$*-validator.txt
	@touch $@

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check --line-length 120 Snakefile workflow/Snakefile rules
	$(BIN)/python tests/workflow/lint_workflow.py

bench: $(DEV) .venv/pyamares/ready
	$(BENCH) benchmarks/run.py --write
	$(BENCH) benchmarks/pyamares_accuracy.py --write
	$(BENCH) benchmarks/scale.py --scans 441 2000 10000 --batches 16 8 --write
	$(BENCH) benchmarks/memory.py --scans 10000 100000 --write
	$(BENCH) benchmarks/inference.py --write
	$(BENCH) benchmarks/validation.py --write
	$(BENCH) benchmarks/states.py --write
	$(BENCH) benchmarks/detection.py
	$(BENCH) benchmarks/line_shapes.py --write
	PYTHONPATH=tests $(BENCH) benchmarks/series.py --series 300 --write
	PYTHONPATH=tests $(BENCH) benchmarks/series_one_by_one.py --write

# pyAMARES needs an older pandas, so it lives apart.
.venv/pyamares/ready: $(DEV) envs/pyamares.txt
	$(PYTHON) -m venv .venv/pyamares
	.venv/pyamares/bin/python -m pip install --quiet -r envs/pyamares.txt
	@touch $@

# Write the files that are generated from the settings models.
config: $(READY)
	$(BIN)/python -m myomag.settings.generate

# Sphinx lives apart, too; the package that it documents, and what that imports, come from the environment of myomag.
PURELIB := import sysconfig; print(sysconfig.get_path("purelib"))
.venv/site/ready: envs/site.txt $(READY)
	$(BIN)/python -m venv .venv/site
	.venv/site/bin/python -m pip install --quiet --require-hashes -r envs/site.txt
	$(BIN)/python -c '$(PURELIB)' > "$$(.venv/site/bin/python -c '$(PURELIB)')/myomag.pth"
	@touch $@

.PHONY: site pictures lock-site
site: .venv/site/ready
	rm -rf site
	.venv/site/bin/python -m sphinx --quiet --fail-on-warning --keep-going -E -c docs -d .venv/site/doctrees . site
	.venv/site/bin/python docs/check_site.py site
	@echo "Open site/index.html"

pictures: $(DEV)
	$(BIN)/python docs/pictures.py

lock: lock-site
lock-site:
	uv pip compile envs/site.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file envs/site.txt

# Run the commands of the documentation again and put in what they print.
docs: $(DEV)
	$(BIN)/python docs/renew.py

# Needs uv; the locks hold versions and hashes for every platform, and no addresses. The second holds the first.
LOCK := uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock:
	$(LOCK) --output-file envs/requirements.lock
	$(LOCK) --extra dev --constraint envs/requirements.lock --output-file envs/dev.lock

clean:
	rm -rf .venv $(DEMO) $(DEMO).seals.jsonl site dist .mypy_cache .ruff_cache .pytest_cache

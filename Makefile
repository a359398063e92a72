# What a newcomer types. Python 3.11 or newer is all that must be there.
PYTHON ?= python3
BIN = .venv/bin
TESTS ?= tests matching benchmarks/synthetic.py
# One process more than the cores: some tests wait, for another process, a lock or an answer.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
PORT ?= 8000
# The version whose markup the macros of govuk-frontend-jinja have.
GOVUK_FRONTEND = 6.3.0
SPREAD = --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal
PYTEST = $(BIN)/python -m pytest $(SPREAD)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# One thread for each numerical library: with two workers on two cores, their threads only wait for each other.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
# Where the machine forbids bytecode, each of the processes that the tests start would compile the whole project.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install dev run test quick lint style types coverage documents examples pictures prove bench lock

# Nothing is compiled ahead: Python compiles what is imported, and most of what the packages hold never is.
install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed.')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

dev: .venv/installed-dev

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes --requirement requirements-dev.lock
	touch $@

run: install
	$(BIN)/pathways db upgrade
	test -n "$$PATHWAYS_DATABASE_URL" || $(BIN)/pathways demo load-if-empty
	test -n "$$PATHWAYS_DATABASE_URL" || $(BIN)/pathways demo keys --port $(PORT)
	test -n "$$PATHWAYS_DATABASE_URL" || $(BIN)/pathways demo links --port $(PORT)
	$(if $(filter 8000,$(PORT)),,PATHWAYS_PUBLIC_URL="$${PATHWAYS_PUBLIC_URL:-http://127.0.0.1:$(PORT)}") $(BIN)/pathways serve --port $(PORT)

lint: style types

style: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: dev
	$(BIN)/mypy
	$(BIN)/lint-imports

# Types and import rules take half a minute of one core, and the tests alone leave cores idle at their beginning and end.
test: style
	@said=$$(mktemp); $(MAKE) --no-print-directory types >"$$said" 2>&1 & checks=$$!; \
	$(PYTEST) $(TESTS); tests=$$?; \
	wait $$checks; types=$$?; cat "$$said"; rm -f "$$said"; \
	exit $$((tests || types))

quick: dev
	$(BIN)/ruff check .
	$(PYTEST) --quick --failed-first $(TESTS)

coverage: dev
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(SPREAD) $(TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# Pages of docs/ that are made from the code, and the stored OpenAPI document.
documents: dev
	$(BIN)/python -m tests.pages

# Examples of the API, recorded from the demonstration.
examples: dev
	$(BIN)/python -m tests.examples
	$(BIN)/python -m tests.pages

# Pictures of pages for the README, from a demonstration of their own.
pictures: dev
	$(BIN)/python -m tests.pictures

prove: dev
	PATHWAYS_PROVE=1 $(BIN)/python -m pytest -s --no-header tests/proofs tests/pathways/test_places.py tests/pathways/test_merging.py tests/pathways/test_forty.py tests/pathways/test_published.py tests/house/test_access.py
	PATHWAYS_PROVE=1 $(BIN)/python -m pytest -s --no-header -m full_size tests/contract tests/browser
	PATHWAYS_PROVE=1 $(PYTEST) --no-header -m "any_database or long_test" tests/pathways

# The styles of the pages, from pathways/pages/styles. Needs npm, once; what it builds is kept in the repository.
styles:
	rm -rf build/styles && mkdir -p build/styles
	npm install --silent --no-audit --no-fund --prefix build/styles govuk-frontend@$(GOVUK_FRONTEND) sass@1.108.2
	printf '/* GOV.UK Frontend $(GOVUK_FRONTEND) (MIT, see LICENSE-govuk-frontend) with our own styles: built by make styles, do not edit. */\n' >build/styles/pathways.css
	build/styles/node_modules/.bin/sass --no-source-map --style=compressed --no-charset --quiet-deps -I build/styles/node_modules pathways/pages/styles/pathways.scss >>build/styles/pathways.css
	cp build/styles/pathways.css pathways/pages/static/pathways.css
	sed 's|//# sourceMappingURL=.*$$||' build/styles/node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js >pathways/pages/static/govuk-frontend-$(GOVUK_FRONTEND).min.js
	$(BIN)/python -c "import brotli, pathlib; [one.with_name(one.name + '.br').write_bytes(brotli.compress(one.read_bytes())) for one in pathlib.Path('pathways/pages/static').glob('*.*s')]"

bench: dev
	$(BIN)/python -m benchmarks

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev --output-file requirements-dev.lock pyproject.toml

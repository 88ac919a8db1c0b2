# Every target makes what it needs, in .venv, from Python 3.11 or later and a package index.
#   make demo    the whole path against a local provider, and the account at the end
#   make test    all tests, with coverage
#   make lowest  the same tests on the oldest dependencies that pyproject.toml allows
#   make pythons the tests on every Python of 3.11 to 3.14 that is on the path, each in an environment of its own
#   make check   lint, format and prose (make lint), types, also of the pages' blocks (make types), the public surface (make surface), the workflows (make workflows)
#   make record  write the public surface anew, once a change of it is meant
#   make docs    the site, without a warning, into build/site
#   make build   wheel and sdist: what is in them, and each tried in an empty environment
#   make audit   known weaknesses of what an installation with all extras brings along
#   make attack  random bots against random faults on both loops, N schedules (make attack N=20000)
#   make fuzz    every reader before ten million mutated answers, with msgspec and without (make fuzz MINUTES=5, N=100000)
#   make mutants defects planted by hand, each noticed by a named test and by the attack (minutes)
#   make peers   clients that others wrote, every method against the sandbox, compared with docs/about/faithful.md (minutes)
#   make conformance URL=https://5sim.net/v1   what your provider answers beside what we believe; reads only
#   make bench   the benchmarks, into benchmarks/RESULTS.md: each number beside its bar, floor and peers (ten minutes)
#   make soak    a hundred thousand orders of one client, and ten thousand over real HTTP (half an hour; N=20000 is less)
#   make clean   take away everything made

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALL := -m pip --disable-pip-version-check install --quiet --quiet
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)  # some tests wait in real time
SOURCES := $(wildcard smsapi_async tests examples benchmarks documenting)

# A stamp is written last and carries the folder it was made in: a half-made or moved .venv has none.
FOLDER := $(shell pwd | cksum | cut -d' ' -f1)
READY := $(VENV)/ready-$(FOLDER)
CHECKS := $(VENV)/checks-$(FOLDER)
BENCH := $(VENV)-bench/ready-$(FOLDER)
ifneq ($(shell test -x $(PY) && $(PY) -c 'print("alive")' 2>&1),alive)
$(shell rm -f $(READY) $(CHECKS))
endif

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1  # it would ask the index for its newest version, at every run

.PHONY: demo test pythons lowest check lint types surface record workflows docs build audit attack fuzz mutants peers conformance bench soak clean
.DEFAULT_GOAL := test

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11")'
	@echo "making $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PY) $(INSTALL) 'pip>=25.1'
	@$(PY) $(INSTALL) --editable '.[cli,fast,http2,otel,sandbox]' --group test
	@touch $@

$(CHECKS): $(READY)
	@echo "adding the checkers to $(VENV)"
	@$(PY) $(INSTALL) --group check
	@touch $@

demo: $(READY)
	@$(PY) examples/demo.py

test: $(READY)
	@$(PY) -m pytest --numprocesses $(WORKERS) --dist worksteal --cov --cov-report=term

PYTHONS := 3.11 3.12 3.13 3.14

# A name on the path may be a mere signpost to a Python that is not there, so each is tried. All run, whichever fails.
pythons:
	@failed= tried=; for version in $(PYTHONS); do \
	  python$$version -c '' > /dev/null 2>&1 || { echo "Python $$version is not on the path"; continue; }; \
	  tried="$$tried $$version"; \
	  $(MAKE) --no-print-directory test PYTHON=python$$version VENV=$(VENV)-$$version || failed="$$failed $$version"; \
	done; \
	echo "tried:$${tried:- none}; failed:$${failed:- none}"; \
	test -n "$$tried" && test -z "$$failed"

lowest: $(READY)
	@echo "making $(VENV)-lowest"
	@rm -rf $(VENV)-lowest
	@$(PYTHON) -m venv $(VENV)-lowest
	@$(PY) -c "import re, tomllib; file = tomllib.load(open('pyproject.toml', 'rb')); project = file['project']; \
	  lines = sum(project['optional-dependencies'].values(), project['dependencies'] + file['dependency-groups']['test']); \
	  print(*(f'{name}=={bound}' for name, bound in re.findall(r'^([\w-]+)>=([\d.]+)', '\n'.join(lines), re.M)), sep='\n')" \
	  > $(VENV)-lowest/constraints.txt
	@tr '\n' ' ' < $(VENV)-lowest/constraints.txt; echo
	@$(VENV)-lowest/bin/python $(INSTALL) 'pip>=25.1'
	@$(VENV)-lowest/bin/python $(INSTALL) --editable '.[cli,fast,http2,otel,sandbox]' --group test --constraint $(VENV)-lowest/constraints.txt
	@$(VENV)-lowest/bin/python -m pytest --numprocesses $(WORKERS) --dist worksteal --quiet

check: lint types surface $(if $(wildcard .github),workflows)

lint: $(CHECKS)
	$(PY) -m ruff check --quiet $(SOURCES)
	$(PY) -m ruff format --check --quiet $(SOURCES)
	$(PY) -m documenting.prose

types: $(CHECKS)
	$(PY) -m mypy $(SOURCES)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright --verifytypes smsapi_async --ignoreexternal
	$(PY) -m documenting.blocks
	MYPYPATH=documenting/stubs $(PY) -m mypy build/blocks
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright --project build/blocks

surface: $(CHECKS)
	$(PY) -m documenting.surface

record: $(CHECKS)
	$(PY) -m documenting.surface --record

workflows: $(CHECKS)
	$(VENV)/bin/zizmor --offline --persona=pedantic --strict-collection --quiet .github

# A broken link or docstring fails the build, and so does a page that would load anything from another host.
docs: $(CHECKS)
	@rm -rf build/site && mkdir -p build
	@NO_COLOR=1 $(PY) -m zensical build --clean --strict > build/docs.log 2>&1 || { cat build/docs.log; exit 1; }
	@! grep -i -A9 'griffe:\|warning' build/docs.log
	@! grep -rhoE '<(script|link|img|iframe)[^>]+(src|href)="?(https?:)?//[^" >]+' build/site --include='*.html'
	@! grep -rhoE 'url\(["'"'"']?(https?:)?//[^)]+' build/site --include='*.html' --include='*.css'
	@echo "the site is in build/site; to read it: python3 -m http.server --directory build/site"

# What a distribution may hold: the package in the wheel, and in the sdist also what its users may want to read or run.
WHEEL := smsapi_async/([a-z0-9_]+/)*([a-z0-9_]+\.py|py\.typed)|smsapi_async-[^/]+\.dist-info/([A-Za-z_.]+|licenses/LICENSE)
SDIST := [^/]+/(((smsapi_async|tests|docs|examples|benchmarks|documenting)/.+|Makefile|zensical\.toml|[A-Z]+\.md|LICENSE|pyproject\.toml|PKG-INFO|\.gitignore))

build: $(CHECKS)
	@rm -rf build/empty dist && mkdir -p build
	@! grep -q '^[A-Z].*\.example/' pyproject.toml || echo "not to be published yet: [project.urls] has addresses of no site"
	@echo "building the sdist, and the wheel from it"
	@$(PY) -m build --quiet --outdir dist .
	@$(PY) -m zipfile --list dist/*.whl | sed '1d; s/ .*//' > build/wheel.txt
	@tar --list --gzip --file dist/*.tar.gz > build/sdist.txt
	@! grep -vxE '$(WHEEL)' build/wheel.txt || { echo "these do not belong into the wheel"; exit 1; }
	@! grep -vxE '$(SDIST)' build/sdist.txt || { echo "these do not belong into the sdist"; exit 1; }
	@find smsapi_async -name '*.py' -o -name py.typed | sort > build/package.txt
	@grep '^smsapi_async/' build/wheel.txt | sort | diff build/package.txt - || { echo "the wheel is not the package"; exit 1; }
	@for made in dist/*.tar.gz dist/*.whl; do \
	  echo "trying $$made in an empty environment" && \
	  rm -rf build/empty && $(PYTHON) -m venv build/empty && \
	  build/empty/bin/python $(INSTALL) $$made && \
	  build/empty/bin/python -I -c "import smsapi_async as s, pathlib as p; assert (p.Path(s.__file__).parent / 'py.typed').is_file(); print('imported', s.__version__, 'from', s.__file__)" \
	  || exit 1; \
	done

# What a user installs, not our tools. Strict: what the database of weaknesses does not answer for is not called sound.
audit: $(CHECKS)
	@rm -rf build/audited && mkdir -p build
	@$(PYTHON) -m venv build/audited
	@build/audited/bin/python $(INSTALL) '.[cli,fast,http2,otel,sandbox]'
	@build/audited/bin/python -m pip --disable-pip-version-check freeze --exclude smsapi_async --exclude pip --exclude setuptools > build/audited.txt
	@$(PY) -m pip_audit --strict --disable-pip --no-deps --progress-spinner off --requirement build/audited.txt

attack: $(READY)
	@$(PY) -m tests.attack $(or $(N),300)

fuzz: $(READY)
	@$(PY) -m tests.fuzz --executions $(or $(N),10000000) --minutes $(or $(MINUTES),600) --seed $(or $(SEED),1)

mutants: $(READY)
	@$(PY) -m tests.mutants

peers: $(READY)
	@$(PY) -m tests.peers

# BUY=telegram MAX_PRICE=0.30 also buys one activation and cancels it; API=v1 or API=rent for a URL that does not say.
conformance: $(READY)
	@$(PY) -m tests.conformance $(or $(URL),--help) $(if $(API),--api $(API)) \
	  $(if $(BUY),--buy $(BUY)) $(if $(MAX_PRICE),--max-price $(MAX_PRICE))

# An environment of its own: the peers that are measured beside ours are no business of the tests.
$(BENCH): pyproject.toml
	@echo "making $(VENV)-bench"
	@rm -rf $(VENV)-bench
	@$(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python $(INSTALL) 'pip>=25.1'
	@$(VENV)-bench/bin/python $(INSTALL) --editable '.[fast,http2,sandbox]' --group bench
	@touch $@

bench: $(BENCH)
	@$(VENV)-bench/bin/python -m benchmarks

soak: $(BENCH)
	@$(VENV)-bench/bin/python -m benchmarks.soak $(or $(N),100000)
	@$(VENV)-bench/bin/python -m benchmarks.ten_thousand

clean:
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-bench $(PYTHONS:%=$(VENV)-%) $(VENV)-peers .cache build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +

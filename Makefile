# Everything is installed into .venv, once, from the lock files; then no network is needed.
# PYTHON=python3.13 chooses the interpreter; ARGS="..." goes to the command that a target ends in.

PYTHON ?= python3
BIN := .venv/bin
# A lock names everything, so pip resolves nothing.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
LOCK := .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header pyproject.toml

# Every process of the tests reads the same modules: what one of them has compiled, the others find.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help serve compiled test drill proof bench bench-affinity bench-cascading bench-dialects bench-faults bench-fleet bench-plan bench-routing bench-tiering bench-wire demo lock clean

help:
	@echo 'make serve   serve providers.yaml on 127.0.0.1:8080'
	@echo 'make demo    the same beside a real model on this machine and a dead provider'
	@echo 'make test    lint, types and tests'
	@echo 'make drill   everything that providers and the server of a fleet do wrong, and what a client sees of it (two minutes; ARGS="--only NAME")'
	@echo 'make proof   the tests that take long, and those of any value with ten times as many'
	@echo 'make bench   how fast it is here'
	@echo 'make bench-affinity   what it is worth to send prompts where they are cached (six minutes; ARGS="--seeds N", and --cpu: what it costs)'
	@echo 'make bench-faults   what failing costs: failover, silence, and storms of errors'
	@echo 'make bench-dialects   what it costs to stand between two dialects'
	@echo 'make bench-fleet   eight instances under one limit, with Redis and without (15 minutes; ARGS="--only PART")'
	@echo 'make bench-plan   how long a plan takes over a hundred thousand requests'
	@echo 'make bench-wire   what a request costs on real connections, beside Envoy and nginx (10 minutes)'
	@echo 'make bench-routing   how well policies choose, beside baselines (ARGS="--data FOLDER": on traces too)'
	@echo 'make bench-cascading   what a cascade is worth, by how good its judge is (ARGS="--data FOLDER")'
	@echo 'make bench-tiering   what the shipped rules of cost_tiers are worth (ARGS="--data FOLDER", and --fit: fits them again)'
	@echo 'make lock    resolve the lock files again (ARGS=--upgrade: to the newest versions)'
	@echo 'make compiled   a wheel whose way of a request is machine code, in dist/ (needs a C compiler; minutes)'
	@echo 'make clean   remove .venv and caches'

serve: .venv/serving
	$(BIN)/pointsman serve $(ARGS)

# The tests are compiled once, while types are checked, and not by every worker at the same time.
test: .venv/testing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo $(BIN)/mypy; $(BIN)/pytest --collect-only -qq > /dev/null 2>&1 & \
	    $(BIN)/mypy; told=$$?; wait; exit $$told
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN)/python -m benchmarks.routing --quick

drill: .venv/testing
	$(BIN)/python -m tests.drill $(ARGS)

proof: .venv/testing
	$(BIN)/pytest -m 'proof or hypothesis' --hypothesis-profile proof $(ARGS)

bench: .venv/testing
	$(BIN)/python -m benchmarks.core $(ARGS)

bench-affinity: .venv/testing
	$(BIN)/python -m benchmarks.affinity $(ARGS)

bench-faults: .venv/testing
	$(BIN)/python -m benchmarks.faults $(ARGS)

bench-dialects: .venv/testing
	$(BIN)/python -m benchmarks.dialects

bench-fleet: .venv/testing
	$(BIN)/python -m benchmarks.fleet $(ARGS)

bench-plan: .venv/testing
	$(BIN)/python -m benchmarks.planning

bench-wire: .venv/testing
	$(BIN)/python -m benchmarks.wire $(ARGS)

bench-routing: .venv/testing
	$(BIN)/python -m benchmarks.routing $(ARGS)

bench-cascading: .venv/testing
	$(BIN)/python -m benchmarks.cascading $(ARGS)

bench-tiering: .venv/testing
	$(BIN)/python -m benchmarks.tiering $(ARGS)

# The wheel, and what is in it, for tests and benchmarks: build/compiled goes before the sources.
compiled: .venv/testing
	rm -rf build dist
	$(BIN)/python -W ignore .ci/compiled.py dist
	$(INSTALL) --target build/compiled dist/*.whl

demo: .venv/testing
	$(BIN)/python -m tests.e2e.demo $(ARGS)

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "Pointsman needs Python 3.11 or newer; $(PYTHON) is %d.%d. Try: make PYTHON=python3.12 ..." \
	    % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/serving: requirements.lock pyproject.toml | .venv/made
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation -e .
	@touch $@

.venv/testing: requirements-dev.lock .venv/serving
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

lock: | .venv/made
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/pip install --quiet --disable-pip-version-check uv
	$(LOCK) --group build $(ARGS) -o requirements.lock
	$(LOCK) --group build --group dev --group model $(ARGS) -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info build dist

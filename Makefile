# The one list of commands: people, hooks and the build all use these.
# A bare machine needs Python 3.11 or newer. What else is missing (venv, a JRE, Maven) the set-up installs as root on
# Debian or Ubuntu, saying so before; elsewhere it names the packages to install.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
REQUIREMENTS := requirements/main.txt requirements/dev.txt

.PHONY: setup up down secrets test check sweep lint bench lock faults faults-mutate

setup: $(INSTALLED)

$(INSTALLED): $(REQUIREMENTS) pyproject.toml baton/stack/local/pom.xml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing; install it and try again:" \
	"apt install python3 python3-venv | dnf install python3 | pacman -S python" >&2; exit 1; }
	@$(PYTHON) -m baton.stack.provision check
	@$(PYTHON) -m baton.stack.provision fetch & \
	$(PYTHON) -m venv $(VENV) && \
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes $(addprefix -r ,$(REQUIREMENTS)) && \
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e . && \
	wait && touch $@

# `make up ARGUMENTS="--no-demo --replicas 2"`
up: setup
	@exec $(BIN)/baton up $(ARGUMENTS)

down: setup
	@exec $(BIN)/baton down

# for docker-compose.yml; what is there already stays (docs/deployment.md)
secrets:
	@$(PYTHON) -m baton.container_secrets

test: setup
	$(BIN)/pytest tests

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the short fault campaign comes last, as it takes longest to say what is wrong; always with one seed, so that the same
# tree meets the same faults
check: lint test
	$(MAKE) faults PLAN=pr SEED=$(or $(SEED),739948)

# The checks that take hours together; what passed for a commit is not run again. `make sweep CHECKS="five-stacks"`
sweep: setup
	$(BIN)/python -m tests.sweep $(CHECKS)

bench: setup
	$(BIN)/baton bench pipeline --json

# Without SEED=n the seed is random, and printed first; `PLAN=release` is one shard of a release (docs/reliability.md)
PLAN ?= pr
faults: setup
	$(BIN)/python -m tests.faults run --plan $(PLAN) $(if $(SEED),--seed $(SEED))

# Puts seeded bugs into copies of the tree; each has to be caught.
faults-mutate: setup
	$(BIN)/python -m tests.faults.mutants

# Pins every package with its hashes; no address of a registry is written.
LOCK := uv pip compile -q --no-emit-index-url --generate-hashes --universal --python-version 3.11
lock:
	$(LOCK) -o requirements/main.txt pyproject.toml
	$(LOCK) --group dev -c requirements/main.txt -o requirements/dev.txt

# make demo   the program at work on a small shop; no server needed
# make test   everything that must hold: lint, types, tests against real servers
# make guards takes out each guard listed in tests/guards and shows that its test fails
# make bench  dbdump beside its peers, into docs/benchmarks.md; QUICK=1: does it all work? (bench/README.md)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
PROGRAM := $(VENV)/.program
INSTALLED := $(VENV)/.installed
OLD_DJANGO := $(VENV)/django42
# What depends on Django's version; the command lines, which start many processes, are tried on the newest alone.
OLD_DJANGO_TESTS := $(addprefix tests/django/test_,project.py round_trip.py afterwards.py partial.py moments.py aliases.py) \
	$(wildcard tests/django/test_models_*.py)

.PHONY: venv test lint guards demo bench clean

venv: $(INSTALLED)

# What users install, in seconds; the tools of development come on top when they are asked for.
$(PROGRAM): pyproject.toml constraints.txt .ci/python
	"$$(.ci/python)" -m venv --clear $(VENV)
	$(PIP) -e .
	touch $@

$(INSTALLED): $(PROGRAM)
	$(PIP) -e '.[dev,django]'
	touch $@

# Beside the environment, which has the newest: a process sees this one by its PYTHONPATH.
$(OLD_DJANGO)/.installed: constraints-django42.txt $(PROGRAM)
	rm -rf $(OLD_DJANGO)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints-django42.txt --target $(OLD_DJANGO) Django
	touch $@

lint: venv
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint $(OLD_DJANGO)/.installed
	$(BIN)/pytest -n 2 --dist loadfile
	PYTHONPATH="$(CURDIR)/$(OLD_DJANGO)" $(BIN)/pytest -n 2 --dist loadfile $(OLD_DJANGO_TESTS)

guards: venv
	$(BIN)/python -m tests.guards

demo: $(PROGRAM)
	$(BIN)/python -m dbdump_core.demo

bench: venv
	$(BIN)/python -m bench $(if $(QUICK),--quick)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What people run: install, demo, test, lint, bench. Each line can be run by hand just as it stands here.
PYTHON ?= python3
BIN := .venv/bin
# What decides about messages and money: every line and branch is run by the tests.
PROVEN := chat/actions/*,notifications/actions/*,chat/access.py,chat/eventlog.py,chat/protocol.py,chat/errors.py

.PHONY: install demo test lint bench

install: .venv/installed

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: install
	$(BIN)/python manage.py demo

test: install
	$(BIN)/python -m pytest -n 3 --dist loadfile --cov --cov-report=
	$(BIN)/coverage report --skip-covered --fail-under=100 --include="$(PROVEN)"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy
	$(BIN)/lint-imports
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=1 $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: install
	$(BIN)/python -m benchmarks

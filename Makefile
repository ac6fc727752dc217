# Each target does its own set-up: a virtual environment in .venv, with the packages it needs.
PYTHON ?= python3
BIN := .venv/bin
WORKSPACE ?= runs/demo

.PHONY: demo test test-long lint bench clean

demo: .venv/.installed
	$(BIN)/python -m tools.demo --workspace $(WORKSPACE) $(if $(FROM_SCRATCH),--from-scratch) \
		$(if $(ITERATIONS),--iterations $(ITERATIONS))

test: .venv/.installed-dev lint
	$(BIN)/pytest

test-long: .venv/.installed-long
	$(BIN)/pytest -m long

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb colab/*.ipynb

bench: .venv/.installed-bench
	$(BIN)/python -m benchmarks

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/.installed-long: .venv/.installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,engines]'
# Without its dependencies, for one of them is a second OpenCV, which needs a display's libraries.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps face-alignment==1.5.0
	touch $@

.venv/.installed-bench: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps facenet-pytorch==2.6.0  # its own pins are old
	touch $@

clean:
	rm -rf .venv runs

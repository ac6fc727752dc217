# Each target does its own set-up: a virtual environment in .venv, with the packages it needs.
PYTHON ?= python3
BIN := .venv/bin
WORKSPACE ?= runs/demo

.PHONY: demo test test-long lint bench clean

demo: .venv/.installed
	$(BIN)/python -m tools.demo --workspace $(WORKSPACE) $(if $(FROM_SCRATCH),--from-scratch) \
		$(if $(ITERATIONS),--iterations $(ITERATIONS))

# Two workers with a thread each: most tests keep no more than one core busy.
test: export TF_NUM_INTRAOP_THREADS = 1
test: export TF_NUM_INTEROP_THREADS = 1
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: export OPENCV_FOR_THREADS_NUM = 1
test: .venv/.installed-dev lint
	$(BIN)/pytest -n 2 --dist loadfile

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

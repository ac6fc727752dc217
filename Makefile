# Each target does its own set-up: a virtual environment in .venv, with the packages it needs.
PYTHON ?= python3
BIN := .venv/bin
WORKSPACE ?= runs/demo

.PHONY: demo test test-long lint bench clean

demo: .venv/.installed
	$(BIN)/python -m tools.demo --workspace $(WORKSPACE) $(if $(FROM_SCRATCH),--from-scratch) \
		$(if $(ITERATIONS),--iterations $(ITERATIONS)) $(if $(DETECT_EVERY),--detect-every $(DETECT_EVERY))

# Two workers with a thread each: most tests keep no more than one core busy.
test test-long: export TF_NUM_INTRAOP_THREADS = 1
test test-long: export TF_NUM_INTEROP_THREADS = 1
test test-long: export OMP_NUM_THREADS = 1
test test-long: export OPENBLAS_NUM_THREADS = 1
test test-long: export OPENCV_FOR_THREADS_NUM = 1
test: .venv/.installed-dev lint
	$(BIN)/pytest -n 2 --dist loadfile

test-long: .venv/.installed-long
	$(BIN)/pytest -m long -n 2 --dist worksteal

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/nbstripout --verify notebooks/*.ipynb colab/*.ipynb

bench: .venv/.installed-bench
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

# One call of pip for each target, and each leaves what the smaller ones would: most of pip's time is its start.
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt pyproject.toml | .venv/bin/pip
	$(INSTALL) --editable .
	touch $@

.venv/.installed-dev: requirements.txt pyproject.toml | .venv/bin/pip
	$(INSTALL) --editable '.[dev]'
	touch .venv/.installed $@

# The last two without their dependencies: of one that is a second OpenCV, which needs a display's libraries, of the
# other old pins.
.venv/.installed-long: requirements.txt pyproject.toml | .venv/bin/pip
	$(INSTALL) --editable '.[dev,engines,bench]'
	$(INSTALL) --no-deps face-alignment==1.5.0 facenet-pytorch==2.6.0
	touch .venv/.installed .venv/.installed-dev .venv/.installed-bench $@

.venv/.installed-bench: requirements.txt pyproject.toml | .venv/bin/pip
	$(INSTALL) --editable '.[bench]'
	$(INSTALL) --no-deps facenet-pytorch==2.6.0
	touch .venv/.installed $@

clean:
	rm -rf .venv runs

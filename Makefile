# Everything a developer or a newcomer runs. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= python3
JOBS   ?= auto
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit virtual-camera coverage benchmark soak constraints wheel wheelhouse clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP)  ## make .venv and install everything into it

$(STAMP): pyproject.toml requirements/constraints.txt
	@$(PYTHON) tools/check_python.py
	@echo "setting up $(VENV) (a few minutes the first time: TensorFlow is large)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(PIP) install --progress-bar on -c requirements/constraints.txt \
	    -e '.[opencv,litert,onnx,mqtt,metrics,page,convert]' --group dev | sed -uE '/already satisfied/d'
	@test -x $(BIN)/edgeclf
	@touch $@

demo: $(STAMP)  ## convert a real model, classify real photos, play a video, measure
	@$(BIN)/python tools/demo.py

test: lint types unit  ## every check: style, contracts, types, tests

lint: $(STAMP)  ## style, declared dependencies, import contracts, profiles
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .
	$(BIN)/lint-imports
	$(BIN)/validate-pyproject pyproject.toml
	$(BIN)/python tools/check_profiles.py

types: $(STAMP)  ## strict type check
	@# pyproject asks for 3.10, the floor; numpy's stubs for newer Pythons are not for it.
	$(BIN)/mypy $(shell $(BIN)/python -c 'import sys; v = sys.version_info; \
	    v >= (3, 12) and print(f"--python-version={v[0]}.{v[1]}")')

unit: $(STAMP)  ## the tests
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses=4 --dist=loadfile $(ARGS)

virtual-camera: $(STAMP)  ## the real picamera2 on libcamera's virtual camera, in a Debian of its own
	$(BIN)/python -m pytest --virtual-camera tests/e2e/test_virtual_camera.py $(ARGS)

coverage: $(STAMP)  ## the tests, with a report of what they miss
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report

benchmark: $(STAMP) .envs/litert-quantizer  ## the figures in benchmarks/results (ratios; an hour)
	@test -e demo/efficientnet_lite0-int8-tflite.edgeclf || $(MAKE) demo
	@status=0; \
	$(BIN)/python benchmarks/classify.py demo/efficientnet_lite0-int8-tflite.edgeclf || status=$$?; \
	$(BIN)/python benchmarks/agreement.py $(if $(PHOTOS),--photos $(PHOTOS)) || status=$$?; \
	$(BIN)/python -m benchmarks.live_loop demo/efficientnet_lite0-int8-tflite.edgeclf || status=$$?; \
	$(BIN)/python -m benchmarks.compression $(if $(PHOTOS),--photos $(PHOTOS)) || status=$$?; \
	exit $$status

soak: $(STAMP)  ## the loop for an hour or 200,000 frames: does it grow? (ARGS="--minutes 5")
	@test -e demo/efficientnet_lite0-int8-tflite.edgeclf || $(MAKE) demo
	$(BIN)/python -m benchmarks.soak demo/efficientnet_lite0-int8-tflite.edgeclf $(ARGS)

.envs/litert-quantizer:  # a tool to compare with, apart from ours
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet litert-quantizer==0.11.0

constraints: $(STAMP)  ## renew requirements/constraints.txt (names and versions only)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --upgrade \
	    --extra opencv --extra litert --extra onnx --extra mqtt --extra metrics --extra page \
	    --extra convert --group dev \
	    --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
	    --constraint requirements/hints.txt --quiet -o requirements/constraints.txt

wheel: $(STAMP)  ## build dist/edgeclf-*.whl
	$(BIN)/python -m build --wheel --outdir dist .

wheelhouse: wheel  ## BOARD=raspberry-pi-5: all a board needs for an offline install
	$(BIN)/python tools/make_wheelhouse.py "$(BOARD)" $(if $(OS),--os $(OS))

clean:  ## remove what the targets made
	rm -rf $(VENV) .envs demo dist wheelhouse .mypy_cache .pytest_cache .ruff_cache .hypothesis

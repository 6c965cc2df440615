# One entry for everything. Nothing is written into the checkout: the virtual environment, the
# cluster's binaries and all other caches live below $(CACHE).
SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE  ?= $(HOME)/.cache/earlystop
PYTHON ?= python3
LOCK   := tests/requirements.lock
# The name carries the interpreter and the lock, so a changed lock never meets an old environment.
VENV   := $(CACHE)/venv-$(shell { $(PYTHON) --version; cat $(LOCK); } 2>/dev/null | sha256sum | cut -c1-12)
READY  := $(VENV)/.ready
BIN    := $(VENV)/bin

export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)
# Compiled once, beside the other caches: hundreds of processes start in a run, and the tests themselves are compiled.
export PYTHONPYCACHEPREFIX := $(CACHE)/bytecode
# Set in many containers, and every one of those processes would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(BIN):$(PATH)
export MYPY_CACHE_DIR := $(CACHE)/mypy
export RUFF_CACHE_DIR := $(CACHE)/ruff

.PHONY: help
help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Its name says which lock it holds; a fresh clone, whose files are all new, need not install again.
$(READY):
	@echo "installing the locked packages into $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name it with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK)
	@touch $@

.PHONY: venv
venv: $(READY) ## install the locked packages

# Which tests failed last is remembered in the cache; every run ends with where its time went.
RUN := $(BIN)/python -m pytest --durations=15 -o cache_dir=$(CACHE)
PYTEST := $(RUN)/pytest
# Tests of the process alone keep a core busy, so more workers than cores are of no use to them.
CORES := -n 2
# Unit tests are many and short: to send each from a process to another takes as long as many of them. So four
# processes have a part of the folders each, and each remembers its own failures; four on two cores, since a third of
# their time is the time-outs that they wait for. MARKED says which of them: `make test` leaves out none.
MARKED ?= -m "not slow"
FIRST_PART := tests/unit/controller
SECOND_PART := $(addprefix tests/unit/,cli evidence metrics)
THIRD_PART := $(addprefix tests/unit/,demo injector exporter evaluator)
FOURTH_PART := tests/unit $(addprefix --ignore=,$(FIRST_PART) $(SECOND_PART) $(THIRD_PART))
# Seconds after which a unit test fails; the slowest takes five.
UNIT_LIMIT := --timeout=300
LONG := tests/simulations tests/bench
# These wait for whoever has the cores, the longest a quarter of an hour where much else runs.
LONG_LIMIT := --timeout=3000
# Tests with a cluster wait for most of their time, each worker with a cluster of its own (2 GiB). A worker takes whole
# files, in the order of tests/run_order.py.
CLUSTER_WORKERS ?= 3
WITH_CLUSTER := tests/cluster tests/faults tests/e2e
# Meanwhile LONG, which only computes, has what they leave over of the cores, and remembers its own failures.
BACKGROUND := $(BIN)/python -m tests.background $(RUN)/pytest-background
BY_FILE := -n $(CLUSTER_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: lint
lint: $(READY) ## check style, types, the import contract and that generated files are up to date
	$(BIN)/ruff check operator tests manifests
	$(BIN)/ruff format --check operator tests manifests
	$(BIN)/mypy
	$(BIN)/mypy manifests/examples/optuna_proposer.py
	$(BIN)/mypy --explicit-package-bases tests
	$(BIN)/lint-imports --no-cache --no-logo

.PHONY: unit
unit: $(READY) ## run the unit tests but for the slow ones
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target $(PARTS:%=%-part-of-unit)

.PHONY: unit-slow
unit-slow: $(READY) ## run the slow unit tests
	@$(MAKE) --no-print-directory unit MARKED="-m slow"

.PHONY: other-examples
other-examples: $(READY) ## run the tests of properties with examples that no run had before
	$(RUN)/pytest-other-examples tests/unit -q $(UNIT_LIMIT) $(CORES) --dist worksteal -m hypothesis --hypothesis-profile other-examples

PARTS := first second third fourth
.PHONY: $(PARTS:%=%-part-of-unit)
first-part-of-unit: $(READY)
	$(PYTEST) $(FIRST_PART) -q $(UNIT_LIMIT) $(MARKED)
second-part-of-unit: $(READY)
	$(RUN)/pytest-second-part $(SECOND_PART) -q $(UNIT_LIMIT) $(MARKED)
third-part-of-unit: $(READY)
	$(RUN)/pytest-third-part $(THIRD_PART) -q $(UNIT_LIMIT) $(MARKED)
fourth-part-of-unit: $(READY)
	$(RUN)/pytest-fourth-part $(FOURTH_PART) -q $(UNIT_LIMIT) $(MARKED)

.PHONY: simulations
simulations: browser ## run the tests that draw hundreds of campaigns, or start processes
	$(PYTEST) tests/simulations tests/processes -q $(CORES) --dist worksteal

.PHONY: processes
processes: browser
	$(PYTEST) tests/processes -q $(CORES) --dist worksteal

.PHONY: beside-clusters
beside-clusters: $(READY)
	@$(BACKGROUND) $(LONG) -q $(CORES) $(LONG_LIMIT) --dist worksteal

# What these need, `make test` has made ready before it begins with anything.
.PHONY: with-clusters
with-clusters: $(READY)
	@$(BIN)/python -m tests.cluster.rights forget
	$(PYTEST) $(WITH_CLUSTER) -q $(BY_FILE) || \
	  { test $$? -eq 1 && $(BIN)/python -m tests.second_try $(CACHE)/pytest; }
	$(BIN)/python -m tests.cluster.rights

# Real Pods start after the last cluster, and what computes goes on beside them: they leave most of two cores idle.
.PHONY: clusters-then-pods
clusters-then-pods: $(READY)
	@$(MAKE) --no-print-directory with-clusters
	@$(MAKE) --no-print-directory e2e-if-possible

.PHONY: lf
lf: $(READY) ## run the tests that failed in the last run, or those of TESTS=tests/unit/metrics among them
	@for cache in pytest pytest-second-part pytest-third-part pytest-fourth-part pytest-background; do \
	  $(RUN)/$$cache $(or $(TESTS),tests) -q -n 2 --dist loadfile --last-failed --last-failed-no-failures none \
	    || test $$? -eq 5 || failed=1; \
	done; exit $${failed:-0}

.PHONY: binaries
binaries: $(READY) ## build or find the cluster's binaries (about 10 minutes once)
	@$(BIN)/python -m tests.cluster.binaries
	@$(BIN)/python -m tests.cluster.scoring

.PHONY: others-kinds
others-kinds: $(READY) ## fetch definitions of kinds as other projects publish them
	@$(BIN)/python -m tests.cluster.go_modules

.PHONY: promtool
promtool: binaries ## build promtool, which tests the alert rules (a few minutes once)
	$(BIN)/python -m tests.cluster.promtool

.PHONY: older-prometheus
older-prometheus: $(READY) ## find or fetch Prometheus 2.42, which counts are tested with besides 3.x
	$(BIN)/python -m tests.cluster.older_prometheus

.PHONY: bad-gateway
bad-gateway: $(READY) ## fetch Traefik 3.7.5, a gateway that the operator must not trust
	$(BIN)/python -m tests.cluster.bad_gateway

.PHONY: real-engine
real-engine: $(READY) ## build llama.cpp's server and fetch a small language model (about 10 minutes once)
	$(BIN)/python -m tests.cluster.engine_model
	$(BIN)/python -m tests.cluster.engine_build

# Without a compiler, or where its sources cannot be fetched, all other tests are run, and the run says at its end what
# it left out (tests/left_out.py). A build that is cut off is gone on with the next time.
.PHONY: real-engine-if-in-time
real-engine-if-in-time: $(READY)
	@timeout --foreground 5m $(BIN)/python -m tests.cluster.engine_model && \
	  timeout --foreground 15m $(BIN)/python -m tests.cluster.engine_build || \
	  echo "THE REAL ENGINE WAS NOT BUILT WITHIN 20 MINUTES, OR CANNOT BE: its tests are left out. See above for why"

.PHONY: test-images
test-images: $(READY) ## build both images from a Debian of their own, which are tested in containers (as root)
	$(BIN)/python -m tests.cluster.images

.PHONY: browser
browser: $(READY) ## find or install Chromium, in which reports are opened
	@$(BIN)/python -m tests.processes.browser

.PHONY: cluster-tests
cluster-tests: binaries others-kinds promtool older-prometheus bad-gateway test-images ## run the tests on a real API server, Prometheus and gateway
	$(PYTEST) tests/cluster -q $(BY_FILE)

.PHONY: e2e
e2e: binaries test-images ## install the chart on a node where Pods really run, from helm install to helm uninstall (as root)
	@$(BIN)/python -m tests.pods.why_not
	$(PYTEST) tests/pods -q

.PHONY: e2e-if-possible
e2e-if-possible: $(READY)
	@if reason="$$($(BIN)/python -m tests.pods.why_not)"; then $(MAKE) --no-print-directory e2e; \
	  else echo "LEFT OUT: the tests with real Pods (make e2e), since $$reason"; fi

.PHONY: long-plays
long-plays: binaries ## play what takes too long for every run: ten minutes without Prometheus, bursts at a limit of memory (as root)
	$(PYTEST) tests/plays/[a-z]*.py -q -s

.PHONY: faults
faults: binaries older-prometheus bad-gateway ## run the fault injection tests, and count killed processes for ten minutes
	EARLYSTOP_COUNTS_SECONDS=600 $(PYTEST) tests/faults tests/cluster/test_real_counts.py -q $(BY_FILE)

.PHONY: demo
demo: binaries ## watch one setting being promoted and another rolled back (DATA=file.jsonl, KEEP=1)
	@$(BIN)/python -m tests.e2e.demo $(if $(DATA),--data $(abspath $(DATA))) $(if $(KEEP),--keep)

.PHONY: demo-engine
demo-engine: binaries $(if $(VLLM),,real-engine) ## watch a real language model's cap being tried: half an hour on two idle cores (VLLM=path/to/bin/vllm)
	$(BIN)/python -m tests.e2e.demo_engine $(if $(VLLM),--vllm $(abspath $(VLLM)))

.PHONY: test
test: binaries others-kinds promtool older-prometheus bad-gateway browser real-engine-if-in-time test-images lint ## all that CI runs
	$(MAKE) --no-print-directory unit MARKED=
	$(MAKE) --no-print-directory processes
	$(MAKE) --no-print-directory --jobs=2 beside-clusters clusters-then-pods

.PHONY: crds
crds: $(READY) ## generate the CRDs from the typed kinds, and the chart's table of policy kinds
	$(BIN)/python -m earlystop.api.crds crds
	$(BIN)/python -m earlystop.api.crds charts/earlystop/files/crds
	$(BIN)/python -m earlystop.delivery.routes.policy_kinds charts/earlystop/files/policy-kinds.yaml

.PHONY: docs
docs: $(READY) ## generate the pages that are made from tables of the code
	$(BIN)/python -m earlystop.api.reasons.every operator/docs/reasons.md
	$(BIN)/python -m earlystop.controller.policy_metrics.page operator/docs/metrics.md
	$(BIN)/python -m earlystop.api.reference_pages operator/docs/api
	PYTHONPATH=operator $(BIN)/python -m docs_build.llms operator/docs
	PYTHONPATH=operator $(BIN)/python -m dashboard_build.build charts/earlystop/files/dashboard.json

.PHONY: manifests
manifests: crds ## render the chart into manifests/install.yaml
	{ cat manifests/namespace.yaml; \
	  $$($(BIN)/python -c 'from tests.cluster.binaries import binary; print(binary("helm"))') \
	  template earlystop charts/earlystop --namespace earlystop-system --skip-tests --kube-version 1.30; } > manifests/install.yaml

.PHONY: lock
lock: $(READY) ## resolve the dependencies anew
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --allow-unsafe --strip-extras --output-file operator/requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --allow-unsafe --strip-extras --extra dev --output-file tests/requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --allow-unsafe --strip-extras --extra evaluator --constraint tests/requirements.lock \
	  --output-file operator/evaluator.lock pyproject.toml

.PHONY: bench-%
bench-%: $(READY)
	$(BIN)/python -m tests.bench.$*

.PHONY: others-controllers
others-controllers: $(READY) ## build Argo Rollouts' and Flagger's controllers, beside which this operator is measured (10 minutes once)
	@$(BIN)/python -m tests.bench.beside_peers

.PHONY: bench-beside
bench-beside: binaries others-controllers ## measure this operator beside Argo Rollouts' and Flagger's controllers (half an hour)
	$(BIN)/python -m tests.bench.beside

.PHONY: bench
bench: bench-evidence bench-statistics bench-street bench-peers bench-ramps bench-injector bench-bodies bench-shadow bench-together bench-search bench-classes bench-counts bench-scale bench-beside bench-delivery bench-guard ## run every benchmark

.PHONY: clean
clean: ## remove everything that was cached
	rm -rf $(CACHE)

IMAGE ?= earlystop-operator:0.1.0
ENGINE ?= $(firstword $(shell command -v docker podman buildah 2>/dev/null))
# Where there is no registry: any image with Python, its venv, ca-certificates and libstdc++.
BUILD_ARGS = $(if $(BASE),--build-arg BASE=$(BASE)) $(BUILD_FLAGS)
# For whatever else a build needs, such as another package index or, with podman and buildah, an authority of one's own:
# BUILD_FLAGS="--build-arg PIP_CERT=/trusted.crt --volume /etc/ssl/certs/ca-certificates.crt:/trusted.crt:ro".
BUILD_FLAGS ?=

.PHONY: image
image: ## build the operator's image (IMAGE=name:tag, BASE=image with Python, BUILD_FLAGS=more of the engine's)
	@test -n "$(ENGINE)" || { echo "docker, podman or buildah is needed to build an image"; exit 1; }
	$(ENGINE) build --file operator/Containerfile $(BUILD_ARGS) --tag $(IMAGE) .

EVALUATOR_IMAGE ?= earlystop-evaluator:0.1.0
.PHONY: evaluator-image
evaluator-image: ## build the evaluator's image (EVALUATOR_IMAGE=name:tag)
	@test -n "$(ENGINE)" || { echo "docker, podman or buildah is needed to build an image"; exit 1; }
	$(ENGINE) build --file operator/Containerfile $(BUILD_ARGS) --build-arg LOCK=operator/evaluator.lock --tag $(EVALUATOR_IMAGE) .

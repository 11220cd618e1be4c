# Atomic State: everything a person types. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What `make run` serves, and where it keeps its data. RUN_OPTIONS goes to the server as it is.
SCHEMA ?= examples/bank.yaml
DATA ?= data
RUN_OPTIONS ?=

# The one configuration of every build, so that run, test and bench share what is built. A build with
# other flags than the one before it compiles all packages again. scripts/swift-flags is also for the
# image: without testing enabled the compiler does not see constants of other modules, an eighth more
# instructions a transaction; `make sanitize` checks that accesses are exclusive, a fifth more
# instructions of a small request; and loops are aligned to 32 bytes, lest where the linker puts the evaluation
# make it a quarter slower.
SWIFT_FLAGS := -c release $(shell cat scripts/swift-flags)
BINARIES := .build/release

IMAGE ?= atomic-state:latest
CONTAINER_ENGINE ?= $(firstword $(notdir $(shell command -v docker podman buildah)))

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: prerequisites
prerequisites: ## Check for Swift and the Debian packages of a build; install the packages if root
	@scripts/prerequisites.sh build

.PHONY: build
build: prerequisites ## Build the server, the load generator and the SDK
	swift build $(SWIFT_FLAGS)

.PHONY: run
run: build ## Run the server (SCHEMA=examples/bank.yaml DATA=data)
	@$(BINARIES)/atomic-state serve --schema '$(SCHEMA)' --data '$(DATA)' $(RUN_OPTIONS)

# The tests come last: their runner's closing line is the last line of the output. `swift test` would
# add flags of its own and build everything a second time, hence --skip-build.
.PHONY: test
test: proto-check ## Build everything and run every test
	@scripts/prerequisites.sh build test
	swift build --build-tests $(SWIFT_FLAGS)
	@cd scripts && python3 -m unittest --quiet test_torture
	@python3 bench/instructions.py $(BINARIES)
	swift test --skip-build --disable-xctest -c release

# The time is for all random tests together. Without a seed it begins with the time of day; a failure
# names the seed that repeats it.
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= $(shell date +%s)

.PHONY: fuzz
fuzz: ## Run the engine's random tests for long (FUZZ_SECONDS=600 FUZZ_SEED=1)
	@scripts/prerequisites.sh build test
	swift build --build-tests $(SWIFT_FLAGS)
	ATOMIC_STATE_FUZZ_SECONDS='$(FUZZ_SECONDS)' ATOMIC_STATE_FUZZ_SEED='$(FUZZ_SEED)' \
		swift test --skip-build --disable-xctest -c release --filter '(Differential|Damage)Tests'

MINUTES ?= 10
SUITE ?=

.PHONY: torture
torture: ## Run the long forms of the tests: kills, power cuts, disk faults, ... (MINUTES=10 SUITE=)
	@scripts/prerequisites.sh build test
	swift build --build-tests $(SWIFT_FLAGS)
	@python3 scripts/torture.py $(if $(SUITE),--suite '$(SUITE)') '$(MINUTES)'

.PHONY: soak
soak: ## Mixed load with restarts and schema changes; memory, descriptors and disk stay flat (MINUTES=10)
	@$(MAKE) torture SUITE=soak MINUTES='$(MINUTES)'

# A target of scripts/fuzz-inputs.sh, or all; FUZZ_SECONDS is for each of them.
FUZZ_TARGET ?= all

.PHONY: fuzz-inputs
fuzz-inputs: ## Fuzz what reads bytes from outside with libFuzzer (FUZZ_TARGET=all FUZZ_SECONDS=600)
	@scripts/prerequisites.sh build
	@scripts/fuzz-inputs.sh '$(FUZZ_TARGET)' '$(FUZZ_SECONDS)'

.PHONY: sanitize
sanitize: ## Run the tests under AddressSanitizer, UndefinedBehaviorSanitizer (C) and ThreadSanitizer
	@scripts/prerequisites.sh build test
	@scripts/sanitize.py address
	@scripts/sanitize.py thread

# Variables of all of these: BENCH_DURATION=20s BATCH_SIZE WORKERS IN_FLIGHT ACCOUNTS SEED RATE, and
# those that `bench/run.py --help` lists. BENCH_BINARIES measures another build. The first Python is
# the one that Debian's packages are for.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

.PHONY: bench
bench: bench-prerequisites build ## Measure (BENCH_DURATION=20s BATCH_SIZE=1000 WORKERS=2 IN_FLIGHT=2)
	@$(PYTHON) bench/run.py batch-1000 --json bench/out/result.json

.PHONY: bench-broker
bench-broker: bench-prerequisites build ## Measure batches of 1000
	@$(PYTHON) bench/run.py batch-1000 --json bench/out/broker.json

.PHONY: bench-ceiling
bench-ceiling: bench-prerequisites build ## Measure batches of 2000 against batches of 1000
	@BATCH_SIZE= $(PYTHON) bench/run.py batch-1000 batch-2000

.PHONY: bench-perf-dense
bench-perf-dense: bench-prerequisites build ## Measure 64 workers with batches of 100
	@$(PYTHON) bench/run.py perf-dense

.PHONY: bench-keys
bench-keys: bench-prerequisites build ## Measure what idempotency keys cost: runs with and without, in turns
	@$(PYTHON) bench/keys.py

.PHONY: bench-report
bench-report: build ## Measure all scenarios and write bench/out/report.html (BENCH_DURATION=12s)
	@scripts/prerequisites.sh build bench report
	@$(PYTHON) bench/report.py

.PHONY: bench-evaluation
bench-evaluation: build ## Measure evaluation alone: a transfer, a limit over 10 to 1,000,000 entities
	@scripts/prerequisites.sh build test
	@$(PYTHON) bench/evaluation.py $(BINARIES)

.PHONY: bench-peers
bench-peers: build ## Measure the same transfers on PostgreSQL, Redis and here (BENCH_DURATION=10s)
	@scripts/prerequisites.sh build bench peers
	@$(PYTHON) bench/peers.py

.PHONY: bench-prerequisites
bench-prerequisites:
	@scripts/prerequisites.sh build bench

.PHONY: image
image: ## Build the container image with docker, podman or buildah (IMAGE=atomic-state:latest)
	@[ -n '$(CONTAINER_ENGINE)' ] || { echo 'make image needs docker, podman or buildah' >&2; exit 1; }
	$(CONTAINER_ENGINE) build $(if $(filter docker,$(CONTAINER_ENGINE)),,--format docker) \
		--file docker/Dockerfile --tag $(IMAGE) .

.PHONY: image-test
image-test: ## Build the image's runtime stage, run it and check it (root on Debian 12; no engine needed)
	@scripts/prerequisites.sh build image
	@scripts/image-test.sh

.PHONY: proto
proto: prerequisites ## Generate the C code of Protos/ into Sources/CProtocol
	@scripts/generate-protocol.sh

.PHONY: proto-check
proto-check: prerequisites ## Check that the generated C code is current
	@scripts/generate-protocol.sh --check

.PHONY: format
format: ## Format the Swift sources in place
	@swift format --in-place --parallel --recursive Package.swift Sources Tests

.PHONY: lint
lint: ## Check the format of the sources, the scripts, and that no work is left marked
	@scripts/lint.sh

.PHONY: clean
clean: ## Remove what was built and measured; the data folder stays
	rm -rf .build .build-asan .build-fuzz .build-image .build-tsan bench/out

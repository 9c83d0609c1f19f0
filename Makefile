# GoKube: `make run` and `make test` work on a machine with git, make and Node.js 20 or later; everything else they
# need they bring along, pinned in package-lock.json. `make help` lists all targets.
SHELL := /bin/sh
-include .env
# Only what is set: an empty variable would be taken for a wish.
$(foreach name,HOST PORT GOKUBE_NAME GOKUBE_NODES GOKUBE_RUNTIME GOKUBE_STORE GOKUBE_DATA_DIR,$(if $($(name)),$(eval export $(name)),$(eval unexport $(name))))

BIN ?= /usr/local/bin
COMPONENTS := apiserver controller scheduler kubelet proxy gokube
PACKAGES := $(notdir $(wildcard pkg/*))

.DEFAULT_GOAL := help

##@ First steps
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z_\/%<>-]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: node_modules/.gokube-run ## Start a cluster of three nodes; Ctrl-C stops it
	@bin/gokube up $(ARGS)

test: node_modules/.gokube-dev ## Run every test that this machine can run
	@bin/node tools/run-tests.ts

test/%: node_modules/.gokube-dev ## Run one package's tests: make test/api, test/controller, test/kubelet, test/e2e
	@bin/node tools/run-tests.ts $*

clean: ## Remove what was installed and built
	rm -rf node_modules dist .cache

##@ Working on the code
deps: node_modules/.gokube-dev ## Install the pinned dependencies, tools included

deps/clients: node_modules/.gokube-dev ## Fetch the real clients (kubectl, Helm, Python's), for the tests that use them
	@bin/node tools/fetch-clients.ts

fmt: node_modules/.gokube-dev ## Format the code
	@node_modules/.bin/biome check --write --error-on-warnings .

vet: node_modules/.gokube-dev ## Check types
	@bin/node node_modules/typescript/bin/tsc -p .

lint: node_modules/.gokube-dev vet ## Check style, lost promises, floors, unused code and generated files
	@node_modules/.bin/biome check --error-on-warnings .
	@bin/node node_modules/.bin/oxlint --type-aware --deny-warnings pkg cmd test tools
	@bin/node tools/check-floors.ts
	@bin/node node_modules/.bin/knip
	@bin/node tools/generate-api.ts --check

generate: node_modules/.gokube-dev ## Write what is generated from the API's facts
	@bin/node tools/generate-api.ts

mockgen: generate ## Same: fakes are written by hand beside their ports, only types are generated

bench: node_modules/.gokube-dev ## Measure; prints one table and writes .cache/bench.json
	@bin/node --expose-gc tools/bench.ts $(ARGS)

precommit: fmt lint test ## Everything to do before a commit

##@ Building and installing
build: node_modules/.gokube-dev ## Compile the package (dist/): JavaScript with declarations
	@bin/node tools/build.ts

build/%: node_modules/.gokube-dev ## Bundle one binary: make build/apiserver, build/controller, build/kubelet...
	@bin/node tools/build.ts $*

install: $(addprefix install/,$(COMPONENTS)) ## Install all binaries to BIN (default /usr/local/bin)

install/%: build/% ## Install one binary to BIN: make install/apiserver
	@install -d $(BIN)
	@bin/node tools/build.ts $* --install $(BIN)

##@ Virtual machines (macOS: a Linux with root for real containers)
colima/install: ## Install colima with Homebrew
	brew install colima

colima/start: ## Start a colima VM with Docker
	colima start --cpu 2 --memory 4

LIMA_VMS := master worker1 worker2
lima/init-vms: ## Create the Lima VMs: one master, two workers
	@for vm in $(LIMA_VMS); do limactl create --tty=false --name=gokube-$$vm --set '.param.ROLE="'$$vm'"' hack/lima.yaml || exit 1; done

lima/start-vms: ## Start them
	@for vm in $(LIMA_VMS); do limactl start gokube-$$vm || exit 1; done

lima/run: ## Start the control plane on the master and a node on each worker
	@hack/lima-run.sh

lima/stop-vms: ## Stop them
	@for vm in $(LIMA_VMS); do limactl stop gokube-$$vm; done

lima/cleanup: ## Stop and delete them
	@for vm in $(LIMA_VMS); do limactl stop --force gokube-$$vm; limactl delete gokube-$$vm; done

shell/%: ## Open a shell in a VM: make shell/master, shell/worker1
	@limactl shell gokube-$*

node_modules/.gokube-run: package-lock.json
	@[ -e node_modules/.gokube-dev ] && [ node_modules/.gokube-dev -nt package-lock.json ] || { echo "gokube: installing pinned dependencies (once)..."; hack/install-dependencies.sh --omit=dev; }
	@touch $@

node_modules/.gokube-dev: package-lock.json
	@echo "gokube: installing pinned dependencies and tools (once)..."
	@hack/install-dependencies.sh
	@touch $@ node_modules/.gokube-run

.PHONY: help run test clean deps deps/clients fmt vet lint generate mockgen bench precommit build install colima/install colima/start lima/init-vms lima/start-vms lima/run lima/stop-vms lima/cleanup

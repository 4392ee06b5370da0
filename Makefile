# The front door. Every target sets up what it needs first.
.PHONY: help setup run up decoder vision settings images chart test fuzz check sim bench bench-gpu clean
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.tools/node_modules/.bin:$(CURDIR)/node_modules/.bin:$(PATH)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 11

setup:
	@scripts/bootstrap.sh

run: setup ## serve the embedded model on http://localhost:8080 (EIDETIC_HTTP_PORT), and over gRPC on port 50050 (EIDETIC_GRPC_PORT)
	@exec node services/standalone/src/main.ts

up: setup ## start a cluster on this machine: Redis, gateways on 8080 and 8081, vision encoders, decoders, Prometheus with the alerts on 9090
	@scripts/install-redis.sh
	@scripts/install-prometheus.sh
	@exec node services/cli/src/main.ts up --prometheus

decoder: setup ## serve only the language model, over gRPC on port 50051 (EIDETIC_GRPC_PORT)
	@exec node services/decoder/src/main.ts

vision: setup ## serve only the vision encoder, over gRPC on port 50052 (EIDETIC_GRPC_PORT)
	@exec node services/vision/src/main.ts

settings: setup ## print every setting of the server
	@node services/standalone/src/main.ts --help

images: ## build the container images of the services (EIDETIC_CUDA=1: those for NVIDIA GPUs too; EIDETIC_BASES=debian: without a registry)
	@scripts/build-images.sh

chart: setup ## check the Helm chart with helm, kubeconform, kube-linter, and as processes of this machine
	@scripts/install-redis.sh
	@scripts/install-chart-tools.sh --all
	@vitest run test/chart

test: check ## run every check and every test
	@scripts/install-browser.sh
	@scripts/install-redis.sh
	@scripts/install-prometheus.sh
	@scripts/install-node22.sh
	@scripts/install-python-clients.sh
	@scripts/install-chart-tools.sh
	@vitest run

fuzz: setup ## run the property tests with other random values than last time
	@TEST_SEED=$$(date +%s) vitest run $$(git grep -l fast-check -- '*.test.ts')

check: setup ## contracts, types, formatting, lint, unused code
	@buf lint
	@buf breaking --against test/proto/released
	@tsc --noEmit
	@tsc --noEmit --project libs/web
	@biome ci --colors=off --error-on-warnings .
	@knip

sim: setup ## simulate clusters of 10 to 1,000 pods; results in test/sim/results, plots in docs/images
	@node test/sim/src/main.ts

bench: setup ## measure against the peers; raw results in bench/results
	@node bench/src/main.ts

bench-gpu: setup ## measure the full-size model on an NVIDIA GPU beside PyTorch (EIDETIC_ONNXRUNTIME_LIBRARY, EIDETIC_BENCH_PYTHON)
	@node bench/gpu/main.ts --out bench/results/gpu.json

clean: ## remove everything that was built or downloaded
	@rm -rf .tools .cache libs/proto/gen libs/web/dist node_modules libs/*/node_modules services/*/node_modules bench/node_modules test/node_modules test/*/node_modules

# Every command of daily work. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)
BUILD ?= build
TYPE ?= RelWithDebInfo
# WERROR=ON, as in .ci/run: a warning fails the build. Without it nobody's other compiler is held to g++ 12's warnings.
WERROR ?=
STRICT = CMAKE_COMPILE_WARNING_AS_ERROR
CONFIGURE = cmake -S . -G Ninja -Wno-dev
# One more than cores: most suites wait for daemons now and then.
CTEST = ctest --output-on-failure -j $(shell expr $(JOBS) + 1)
# The sanitizers stop at the first error; leaks of libfcgi and nginx are not ours to see.
SANITIZED = ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

.PHONY: help
help: ## this list
	@grep -hE '^[a-z -]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.PHONY: packages
packages: # what building and running needs, from Debian
	@.ci/packages build

.PHONY: build
build: packages ## build/berth (TYPE=Debug for a debugger)
	@[ -f $(BUILD)/build.ninja ] || $(CONFIGURE) -B $(BUILD) -DCMAKE_BUILD_TYPE=$(TYPE) >/dev/null
	@$(if $(WERROR),grep -qs '^$(STRICT):.*=$(WERROR)$$' $(BUILD)/CMakeCache.txt || \
	  cmake -B $(BUILD) -D$(STRICT):BOOL=$(WERROR) >/dev/null)
	@cmake --build $(BUILD) -j $(JOBS) $(TARGET)
	@ln -sf $(BUILD)/compile_commands.json compile_commands.json

.PHONY: run
run: TARGET = --target berth
run: build data/certs/localhost.crt ## the registry on https://localhost:5000, data under ./data; Ctrl-C stops it
	@exec $(BUILD)/berth up config/berth.yml

data/certs/localhost.crt:
	@mkdir -p data/certs
	@openssl req -x509 -newkey rsa:2048 -nodes -days 825 -subj "/CN=localhost" \
	  -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1" \
	  -keyout data/certs/localhost.key.new -out data/certs/localhost.crt.new 2>/dev/null
	@mv data/certs/localhost.key.new data/certs/localhost.key && mv data/certs/localhost.crt.new $@

.PHONY: image
image: ## the image `berth`, with docker; with a stripped berth of Debian 12 in prebuilt/ nothing is compiled
	@docker build -t berth --build-arg VERSION="$$(sed -n 's/^project(berth VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null)" $(OPTIONS) .

.PHONY: test
test: ## unit, contract, fault and protocol tests; ends with ctest's summary
	@.ci/packages test
	@$(MAKE) --no-print-directory build
	@$(CTEST) --test-dir $(BUILD) -LE heavy --output-junit junit.xml

.PHONY: test-system
test-system: ## the heavier suites: real clients (COSTLY=1: all), kill -9, full disk, swapping with docker-registry
	@.ci/packages system
	@$(MAKE) --no-print-directory build
	@tests/system/go_programs.py || echo "the tests of these are skipped, each saying so"
	@$(CTEST) --test-dir $(BUILD) -L heavy --output-junit junit-system.xml

.PHONY: chaos
chaos: ## protocol and system tests while berth and nginx sleep at random: finds tests that do not wait
	@.ci/packages system
	@$(MAKE) --no-print-directory build
	@$(CXX) -std=c++23 -O1 -shared -fPIC -o $(BUILD)/chaos.so tests/chaos.cc
	@# Most of the time everything sleeps: more jobs than cores.
	@LD_PRELOAD=$(abspath $(BUILD))/chaos.so $(CTEST) -j 4 --test-dir $(BUILD) \
	  -L 'protocol|races|heavy' -E '^test_compose$$'

.PHONY: conformance
conformance: ## the official OCI conformance suites, every option on; needs Go; reports in build/conformance
	@.ci/packages test
	@$(MAKE) --no-print-directory build TARGET='--target berth'
	@BERTH=$(abspath $(BUILD))/berth tests/conformance/run $(OPTIONS)

.PHONY: asan tsan compile-asan compile-tsan
asan compile-asan: SANITIZER = address,undefined
tsan compile-tsan: SANITIZER = thread
compile-asan compile-tsan: compile-%:
	@.ci/packages test
	@[ -f build-$*/build.ninja ] || \
	  $(CONFIGURE) -B build-$* -DCMAKE_BUILD_TYPE=Debug -DBERTH_SANITIZE=$(SANITIZER) >/dev/null
	@cmake --build build-$* -j $(JOBS)
asan tsan: %: compile-% ## unit and protocol tests under a sanitizer, in build-asan, build-tsan; conformance too (asan)
	@# Nothing for the thread sanitizer: what is read of a configuration, or answered to a command line, is so before
	@# there is a second thread.
	@$(SANITIZED) $(CTEST) --test-dir build-$@ -L '$(or $(LABELS),unit|protocol|races)' --output-junit junit.xml \
	  $(if $(filter tsan,$@),-E '^test_(command_line|config_(files|values))$$')
	@$(if $(LABELS)$(filter tsan,$@),true,$(SANITIZED) BERTH=$(abspath build-$@)/berth \
	  tests/conformance/run --skip-without-go)

.PHONY: fuzz
fuzz: ## every fuzz target for SECONDS (30) each, with clang's libFuzzer
	@tests/fuzz/run $(or $(SECONDS),30)

.PHONY: bench bench-quick
bench: ## berth beside docker-registry and a bare nginx, on loopback; writes build/bench.md
	@.ci/packages bench
	@$(MAKE) --no-print-directory build TARGET='--target berth bench_client'
	@BERTH=$(abspath $(BUILD))/berth tests/bench/run $(OPTIONS)
bench-quick: ## the same in a minute or two
	@$(MAKE) --no-print-directory bench OPTIONS='--quick $(OPTIONS)'

.PHONY: tidy
tidy: ## the include arrows, the sizes, the form and the manners of the tree
	@/usr/bin/python3 tests/tidy.py

.PHONY: lint
lint: ## clang-tidy over backend/, by .clang-tidy; FILES="…" for some; what was clean is remembered
	@.ci/packages lint
	@$(MAKE) --no-print-directory build TARGET='--target berth'
	@.ci/lint --jobs $(JOBS) $(BUILD) $(FILES)

.PHONY: hooks
hooks: ## from now on `git commit` runs tidy on what is staged; git config --unset core.hooksPath ends it
	@git config core.hooksPath .ci/hooks

.PHONY: format
format: ## clang-format over backend/ and tests/
	@clang-format-19 -i $$(git ls-files 'backend/*.h' 'backend/*.cc' 'tests/*.h' 'tests/*.cc')

.PHONY: ci
ci: ## all that .ci/run does
	@.ci/run

.PHONY: install
install: TARGET = --target berth
install: PREFIX ?= /usr/local
install: build ## program, nginx files, manual pages, completions, units: below DESTDIR and PREFIX (/usr/local)
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

.PHONY: deb
deb: ## a Debian package in dist/ (BERTH_BUILD=DIR packs what is built there, and compiles nothing)
	@.ci/packages deb
	@packaging/make-deb dist

.PHONY: arm64
arm64: ## build-arm64/berth, for arm64 (TYPE=Debug: quickly, at -O0); runs here if qemu-user-static is there
	@.ci/packages arm64
	@packaging/arm64-sysroot build-arm64/sysroot
	@[ -f build-arm64/build.ninja ] || $(CONFIGURE) -B build-arm64 -DCMAKE_BUILD_TYPE=$(TYPE) -DBUILD_TESTING=OFF \
	  -DCMAKE_TOOLCHAIN_FILE=packaging/arm64.cmake -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
	  $(if $(filter Debug,$(TYPE)),-DBERTH_PRECOMPILE=ON) >/dev/null
	@cmake --build build-arm64 -j $(JOBS) --target berth
	@! command -v qemu-aarch64-static >/dev/null || \
	  qemu-aarch64-static -L build-arm64/sysroot build-arm64/berth --version

.PHONY: release
release: ## tag, tarball, .deb, SBOM and image of the version in CMakeLists.txt, in dist/; pushes nothing
	@.ci/release

.PHONY: clean
clean: ## removes the build directories; neither ./data nor dist
	@rm -rf build build-asan build-tsan build-fuzz build-arm64 compile_commands.json

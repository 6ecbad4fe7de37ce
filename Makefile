# SPDX-License-Identifier: Apache-2.0
#
# make            debug build                        make demo     [ARCHITECTURE=arm64] a session with a simulated machine
# make release    what install installs              make test     all tests
# make install    [DESTDIR=] [PREFIX=]               make bench    how fast things are
# make deb        [DEB=] [DEB_VERSION=] Debian packages of what make release has built
# make chaos      [ROUNDS=] [SEED=] [ARCHITECTURE=arm64] faults, clients, other tools and SIGKILL at random, in a simulated machine
# make soak       [FAILURES=] [REQUESTS=] a day of failures and status requests in minutes; explore: [ALPHABET=] every state; tables: those of ARCHITECTURE.md
# make fuzz       [FUZZ_SECONDS= for all | FUZZ_EXECUTIONS= for each] [FUZZ_RUNS=] mutated inputs for every parser
# make scenarios  [ARCHITECTURE=arm64] [TARGET=/dev/jailhouse] [SCENARIOS=] whether a machine behaves as Tests/Programs/scenarios say
# make manuals    [MANUALS=] the manual pages, from the tables of the programs
# make docs       [DOCS=] the guide as a site, without network once the packages are there
# make fleet      [MACHINES=] machines with Ansible and Prometheus, a good image and a bad one; ends by itself
# make deaths     what is said of each death: Tests/FailureReportsTests/deaths.md
# make guest-kernel  [GUEST=] [ARCHITECTURE=arm64] a small Linux that can be a guest, and a shell for it; minutes, once
# make format     as .swift-format says              make lint     what must be silent before a commit

PREFIX ?= /usr/local
DESTDIR ?=
# the release binaries, or others to install
BINARIES ?= .build/release

SWIFT := swift
# the toolchain's
CLANG = $$(dirname $$(realpath $$(command -v swiftc)))/clang
COMMANDS := jailhoused jailhouse-ctl jailhouse-sim jailhouse-exporter
PRELOAD := jailhouse-sim-preload
# not installed: it makes the manual pages
MANUAL_PAGES := manual-pages
MANUALS ?= .build/manuals
# in the margins of the manual pages
DATE ?= $(shell date --utc +%F --date "@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || date --reference CHANGELOG.md +%s)}")
BUILD_PACKAGES := pkg-config libsystemd-dev libumockdev-dev umockdev
FLEET_PACKAGES := systemd-container dbus qemu-system-x86 man-db debhelper chrpath lintian prometheus ansible-core openssh-client iproute2
TEST_PACKAGES := $(BUILD_PACKAGES) $(FLEET_PACKAGES) gdb gdb-multiarch qemu-system-arm python3-venv mandoc curl device-tree-compiler \
    chromium-headless-shell mmdebstrap mkdocs-material zstd
# the daemon acts upon no file that others may write, and some checkouts are made so
OWN_FILES := chmod -R go-w configs inmates && umask 022 &&
ROUNDS ?= 200
# of the demo's machine; nothing is x86
ARCHITECTURE ?=
SEED ?=
BENCH_PACKAGES := gcc libc6-dev binutils strace valgrind
LINT_PACKAGES := shellcheck
SWIFT_SOURCES := Package.swift Sources Tests Fuzz inmates
SCRIPTS := $(wildcard .ci/* docs/*.sh inmates/linux/*.sh inmates/linux/guest/jailhouse-guest Tests/*/*.sh Tests/Programs/*/*.sh Fuzz/*.sh)

build:
	$(SWIFT) build

inmates:
	$(MAKE) --no-print-directory -C inmates

# what executes cells in the simulated machine
cell-monitor:
	$(MAKE) --no-print-directory -C Sources/CellMonitor

# The runtimes of Swift and C++ go into the binaries, so that a board needs none; Package.swift looks for that of C++ here.
release:
	.ci/packages $(BUILD_PACKAGES)
	$(MAKE) --no-print-directory inmates cell-monitor
	mkdir -p .build/static
	ln -sf "$$($(CLANG) -print-file-name=libstdc++.a)" .build/static/libstdc++.a
	ln -sf "$$($(CLANG) -print-file-name=libgcc_eh.a)" .build/static/libgcc_s.a
	for product in $(COMMANDS) $(PRELOAD) $(MANUAL_PAGES); do \
	    $(SWIFT) build -c release --static-swift-stdlib --product $$product || exit; done
	# in C: linked by SwiftPM it would need a Swift runtime in every program that it is loaded into
	$(CLANG) -shared -fPIC -O2 -I Sources/SimulatorPreload/include \
	    -o .build/release/lib$(PRELOAD).so Sources/SimulatorPreload/*.c

demo:
	.ci/packages $(BUILD_PACKAGES) qemu-system-$(if $(filter arm64,$(ARCHITECTURE)),arm,x86)
	$(MAKE) --no-print-directory inmates cell-monitor build
	$(OWN_FILES) Tests/Programs/demo/demo$(ARCHITECTURE:%=-%).sh .build/debug

test:
	.ci/packages $(TEST_PACKAGES)
	$(MAKE) --no-print-directory inmates cell-monitor .build/venv .build/bare-debian.tar
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(OWN_FILES) SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4 $(SWIFT) test --skip-build

# Of Debian's source; see inmates/linux/guest-kernel.sh.
GUEST ?= .build/guest-kernel
GUEST_PACKAGES := linux-source-6.1 gcc make flex bison bc libelf-dev libc6-dev xz-utils cpio busybox-static
guest-kernel:
	.ci/packages $(GUEST_PACKAGES) $(if $(filter arm64,$(ARCHITECTURE)),gcc-aarch64-linux-gnu)
	inmates/linux/guest-kernel.sh $(GUEST) $(ARCHITECTURE)

chaos:
	.ci/packages $(BUILD_PACKAGES)
	$(MAKE) --no-print-directory inmates
	for product in jailhoused $(PRELOAD) chaos; do $(SWIFT) build --product $$product || exit; done
	$(OWN_FILES) .build/debug/chaos --rounds $(ROUNDS) $(SEED:%=--seed %) $(ARCHITECTURE:%=--architecture %)

soak:
	.ci/packages $(BUILD_PACKAGES)
	for product in jailhoused $(PRELOAD) soak; do $(SWIFT) build -c release --product $$product || exit; done
	.build/release/soak $(FAILURES:%=--failures %) $(REQUESTS:%=--requests %)

bench: release
	.ci/packages $(BENCH_PACKAGES)
	Tests/Programs/bench/budget.py .build/release
	Tests/Programs/bench/check.sh .build/release
	Tests/Programs/bench/restart.sh .build/release
	Tests/Programs/bench/beside.sh .build/release
	Tests/Programs/bench/hog.sh .build/release
	Tests/Programs/bench/executing.sh .build/release
	Tests/Programs/bench/cell-machine.sh
	Tests/Programs/bench/linux.sh .build/release $(GUEST)

# What repeats of it, against Tests/Programs/bench/limits.txt.
limits: release
	.ci/packages $(BENCH_PACKAGES)
	Tests/Programs/bench/budget.py .build/release --limits

# On the simulated machine, or on this one: TARGET=/dev/jailhouse, as root. ARCHITECTURE=arm64: those of Arm64.
SCENARIOS ?=
TARGET ?= simulator
scenarios:
	.ci/packages $(BUILD_PACKAGES) qemu-system-$(if $(filter arm64,$(ARCHITECTURE)),arm,x86)
	$(MAKE) --no-print-directory inmates cell-monitor
	for product in jailhouse-sim scenarios; do $(SWIFT) build --product $$product || exit; done
	ARCHITECTURE=$(ARCHITECTURE) FILES="$(SCENARIOS)" Tests/Programs/scenarios/play.sh .build/debug $(TARGET)

# Machines as containers, which get the packages of the debug build; as root, or through sudo.
MACHINES ?= 4
FLEET := .build/fleet
fleet:
	.ci/packages $(BUILD_PACKAGES) $(FLEET_PACKAGES)
	$(MAKE) --no-print-directory inmates cell-monitor build
	umask 022 && SHLIBDEPS=--ignore-missing-info COMPRESSION="gzip -z1" $(MAKE) --silent deb BINARIES=$(CURDIR)/.build/debug DEB=$(FLEET) \
	    LINTIAN="--allow-root --suppress-tags custom-library-search-path" > $(FLEET).log 2>&1 || { cat $(FLEET).log; exit 1; }
	$$(test $$(id -u) = 0 || echo sudo) Tests/Programs/fleet/fleet.sh $(MACHINES) $(FLEET)

# what Ansible's own tools say of the collection; those of ansible-test come from PyPI
fleet-lint:
	.ci/packages ansible-core ansible-lint git python3-pip python3-venv
	Tests/Programs/fleet/sanity.sh

# Every parser, guided by coverage; see Fuzz/Makefile for what can be said.
fuzz: inmates
	$(MAKE) --no-print-directory -f Fuzz/Makefile

# PyPI's client, for the tests: another's reading of the Varlink protocol
.build/venv: Makefile
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check varlink==31.0.0
	touch $@

# A bare Debian that boots, with man. What the packages depend on is beside it, as the only source of apt.
BARE_PACKAGES := systemd-sysv,dbus,procps,man-db
BARE_SOURCE := root/dependencies
.build/bare-debian.tar: Makefile
	.ci/packages mmdebstrap dpkg-dev
	mkdir -p $(@D)
	$$(test $$(id -u) = 0 || echo sudo) mmdebstrap --quiet --mode=root --variant=minbase --include=$(BARE_PACKAGES) \
	    --customize-hook='chroot "$$1" apt-get clean' \
	    --customize-hook='chroot "$$1" apt-get --quiet=2 --yes --no-install-recommends --download-only install umockdev' \
	    --customize-hook='mkdir "$$1/$(BARE_SOURCE)" && mv "$$1"/var/cache/apt/archives/*.deb "$$1/$(BARE_SOURCE)"' \
	    --customize-hook='cd "$$1/$(BARE_SOURCE)" && dpkg-scanpackages --multiversion . > Packages' \
	    --customize-hook='echo "deb [trusted=yes] file:/$(BARE_SOURCE) ./" > "$$1/etc/apt/sources.list"' \
	    --format=tar bookworm $@.new
	mv $@.new $@

# Every state of a cell's life that can be reached, for every kind of definition: a table, and a story for what does not
# hold. The tests explore the smallest alphabet.
explore: .build/explore/explore
	$< $(ALPHABET)

# the transition tables of ARCHITECTURE.md; a test compares the page with the smallest alphabet
tables: .build/explore/explore
	$< tables ARCHITECTURE.md

# the page of deaths; a test compares it with what the code says
deaths:
	$(SWIFT) build --product deaths
	.build/debug/deaths > Tests/FailureReportsTests/deaths.md

DOCS ?= .build/docs
DOCS_SOURCE := .build/docs-source
docs:
	.ci/packages $(BUILD_PACKAGES) mandoc qemu-system-x86 mkdocs-material
	$(MAKE) --no-print-directory inmates cell-monitor
	for product in $(COMMANDS) $(PRELOAD) $(MANUAL_PAGES); do $(SWIFT) build --product $$product || exit; done
	rm -rf $(DOCS_SOURCE)
	cp -r docs $(DOCS_SOURCE)
	$(MAKE) --no-print-directory --silent manuals BINARIES=.build/debug MANUALS=$(DOCS_SOURCE)/manuals
	docs/reference.sh $(DOCS_SOURCE)/manuals README.md $(DOCS_SOURCE)/guide
	docs/pictures.sh .build/debug $(DOCS_SOURCE)/guide
	mkdocs build --quiet --strict --config-file $(DOCS_SOURCE)/mkdocs.yml --site-dir $(abspath $(DOCS))

# of the programs in BINARIES
manuals:
	dumps=$$(mktemp -d) && trap 'rm -r "$$dumps"' EXIT && \
	    for command in $(COMMANDS); do \
	    $(BINARIES)/$$command --experimental-dump-help > "$$dumps/$$command" || exit; done && \
	    $(BINARIES)/$(MANUAL_PAGES) --date $(DATE) --output $(MANUALS) "$$dumps"/*

EXPLORE_SWIFTC := swiftc -O -wmo -swift-version 6 -package-name jailhoused -enable-upcoming-feature InternalImportsByDefault
.build/explore/explore: $(wildcard Sources/JailhouseInterface/*.swift Sources/Supervision/*.swift Sources/Supervision/*/*.swift Tests/SupervisionTests/Exploration/*.swift Tests/Programs/explore/*.swift)
	mkdir -p $(@D)
	for room in JailhouseInterface Supervision; do \
	    $(EXPLORE_SWIFTC) -parse-as-library -enable-testing -module-name $$room -emit-library -static -I $(@D) \
	    -emit-module -emit-module-path $(@D)/$$room.swiftmodule -o $(@D)/lib$$room.a $$(find Sources/$$room -name '*.swift') || exit; done
	$(EXPLORE_SWIFTC) -I $(@D) -L $(@D) -lSupervision -lJailhouseInterface \
	    Tests/SupervisionTests/Exploration/*.swift Tests/Programs/explore/main.swift -o $@

format:
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

lint:
	.ci/packages $(LINT_PACKAGES)
	$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)
	shellcheck --external-sources $(SCRIPTS)

# Debian packages of the programs in BINARIES, in DEB. They are made in a copy of debian/ among links to all else.
VERSION := $(shell sed -n 's/.*version = "\(.*\)"/\1/p' Sources/ControlInterface/Product.swift)
# before the release of that version
DEB_VERSION ?= $(VERSION)$(if $(shell grep -F '## [$(VERSION)]' CHANGELOG.md),,~$(subst -,,$(DATE)))
DEB ?= .build/deb
# further options of lintian
LINTIAN ?=
deb:
	.ci/packages debhelper chrpath lintian python3
	rm -rf $(DEB)
	mkdir -p $(DEB)/tree
	cp -r debian $(DEB)/tree
	cd $(DEB)/tree && for entry in $(CURDIR)/* $(CURDIR)/.build; do \
	    case $$entry in */debian) ;; *.md) cp "$$entry" . || exit;; *) ln -s "$$entry" . || exit;; esac; done
	debian/changelog-of CHANGELOG.md $(DEB_VERSION) $$(date --date $(DATE) +%s) > $(DEB)/tree/debian/changelog
	cd $(DEB)/tree && BINARIES=$(abspath $(BINARIES)) DEB_RULES_REQUIRES_ROOT=no debian/rules binary
	mv $(DEB)/tree/packages/*.deb $(DEB)
	rm -r $(DEB)/tree
	lintian --fail-on error,warning $(LINTIAN) $(DEB)/*.deb

# Copies only: build first, as whom you like, then install as root.
install:
	@test -x $(BINARIES)/jailhoused || { echo "$(BINARIES)/jailhoused is not there: run make release first" >&2; exit 1; }
	@test -e inmates/build/rtems.exe || { echo "the inmates are not built: run make release first" >&2; exit 1; }
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/systemd/system lib/systemd/catalog lib/sysusers.d lib/tmpfiles.d \
	    lib/udev/rules.d lib/jailhoused/inmates share/jailhoused/examples share/bash-completion/completions \
	    share/zsh/site-functions share/fish/vendor_completions.d) $(DESTDIR)/etc/jailhoused/cells
	install -s $(COMMANDS:%=$(BINARIES)/%) $(DESTDIR)$(PREFIX)/bin
	install -s -m 644 $(BINARIES)/lib$(PRELOAD).so $(DESTDIR)$(PREFIX)/lib/jailhoused
	for unit in units/*.service units/*.socket units/*.timer; do \
	    sed 's|@PREFIX@|$(PREFIX)|' $$unit > $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit; done
	install -m 644 units/jailhoused.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/jailhoused.conf
	install -m 644 units/jailhoused.tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/jailhoused.conf
	install -m 644 units/jailhoused.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog
	install -m 644 units/70-jailhouse.rules $(DESTDIR)$(PREFIX)/lib/udev/rules.d
	install -d $(DESTDIR)$(PREFIX)/share/jailhoused/prometheus $(DESTDIR)$(PREFIX)/share/jailhoused/grafana
	install -m 644 fleet/prometheus/*.yml $(DESTDIR)$(PREFIX)/share/jailhoused/prometheus
	install -m 644 fleet/grafana/*.json $(DESTDIR)$(PREFIX)/share/jailhoused/grafana
	# the kernels stand in for Linux in the guide, where their loader is named, too
	install -m 644 $$(ls inmates/build/*.exe | grep -v /linux-) $(addprefix inmates/build/linux-,kernel.bin kernel-arm64.bin loader.bin) \
	    $(DESTDIR)$(PREFIX)/lib/jailhoused/inmates
	install -m 644 inmates/build/linux-loader.bin Sources/CellMonitor/build/*.bin $(DESTDIR)$(PREFIX)/lib/jailhoused
	install -D inmates/linux/guest/jailhouse-guest $(DESTDIR)$(PREFIX)/lib/jailhoused/guest/jailhouse-guest
	install -m 644 inmates/linux/guest/jailhouse-guest.service $(DESTDIR)$(PREFIX)/lib/jailhoused/guest
	cp -r configs/. $(DESTDIR)$(PREFIX)/share/jailhoused/examples
	# what Linux says of two machines, for "probe --root"
	install -d $(DESTDIR)$(PREFIX)/share/jailhoused/examples/boards
	cp -r $(addprefix Tests/MachineProbeTests/Captures/,q35 virt-gicv3) $(DESTDIR)$(PREFIX)/share/jailhoused/examples/boards
	cp -r fleet/ansible $(DESTDIR)$(PREFIX)/share/jailhoused
	install -m 644 -D --target-directory=$(DESTDIR)$(PREFIX)/share/doc/jailhoused/guide docs/guide/*.md
	install -m 644 README.md SECURITY.md $(DESTDIR)$(PREFIX)/share/doc/jailhoused
	install -m 644 inmates/linux/guest/README.md $(DESTDIR)$(PREFIX)/lib/jailhoused/guest
	sed 's|@PREFIX@|$(PREFIX)|' docs/installed.sed | sed -i -f - $(DESTDIR)$(PREFIX)/share/doc/jailhoused/README.md \
	    $(DESTDIR)$(PREFIX)/share/jailhoused/examples/README.md
	find $(DESTDIR)$(PREFIX)/share/jailhoused/examples -name '*.toml' \
	    -exec sed -i 's|/usr/lib/jailhoused|$(PREFIX)/lib/jailhoused|' {} +
	test -e $(DESTDIR)/etc/jailhoused/jailhoused.toml || \
	    install -m 644 configs/jailhoused.toml $(DESTDIR)/etc/jailhoused/jailhoused.toml
	$(MAKE) --no-print-directory manuals MANUALS=$(DESTDIR)$(PREFIX)/share/man
	cd $(DESTDIR)$(PREFIX)/share && \
	    ../bin/jailhouse-ctl --generate-completion-script bash | sed '1{/^#!/d}' > bash-completion/completions/jailhouse-ctl && \
	    ../bin/jailhouse-ctl --generate-completion-script zsh > zsh/site-functions/_jailhouse-ctl && \
	    ../bin/jailhouse-ctl --generate-completion-script fish > fish/vendor_completions.d/jailhouse-ctl.fish

.PHONY: build inmates cell-monitor release demo test guest-kernel chaos soak bench limits scenarios fleet fleet-lint fuzz explore tables deaths manuals docs deb format lint install

# SPDX-License-Identifier: GPL-2.0
# viewos: the module, its user space, its tests. "make help" lists what can be made.

KDIR ?= /lib/modules/$(shell uname -r)/build
# What uname -r says; Debian's kernel.release is another number.
KREL ?= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
PREFIX ?= /usr/local
DESTDIR ?=
KERNELS ?= 6.1 6.12
TESTS ?=
MODULES = $(DESTDIR)/lib/modules/$(KREL)/updates
# "make demo SHELL=1" asks for a prompt; SHELL is also what make runs recipes with.
want_shell := $(filter 1 yes,$(SHELL))
override SHELL := /bin/bash
MAKEOVERRIDES := $(filter-out SHELL=%,$(MAKEOVERRIDES))

vm := selftests/vm
export KERNELS TESTS SANITIZE

all: module userspace

help:
	@echo 'make                build the module for KDIR, and the user space'
	@echo 'make install        install both, the headers and the man pages'
	@echo 'make uninstall      undo that'
	@echo 'make demo           show it at work in a virtual machine; SHELL=1 for a prompt there'
	@echo 'make check          run the tests in virtual machines'
	@echo '                      KERNELS="6.1 6.12"  on which kernels'
	@echo '                      TESTS="view abi"    which tests'
	@echo '                      SANITIZE=1    user space built with ASan and UBSan'
	@echo 'make unit           tests of the user space alone, here, with ASan and UBSan'
	@echo 'make check-debug    the same on a kernel with KASAN, lockdep, kmemleak and more'
	@echo 'make check-debug-self  see that a broken module fails there'
	@echo 'make fuzz           fuzz the module there'
	@echo 'make stress         do everything at once there, and stress-ng in a view'
	@echo '                      SECONDS=600  for how long; SEED=N  from where (random)'
	@echo '                      KERNELS=6.1  on another kernel'
	@echo 'make bench          count the instructions of the benchmarks, in virtual machines'
	@echo 'make static         checkpatch, sparse, W=1, kernel-doc, cppcheck, shellcheck, mandoc'
	@echo 'make module|userspace|selftests'
	@echo 'make clean          remove what was built, but not the fetched kernels'
	@echo 'make distclean      remove those too'

module:
	@test -e $(KDIR)/Makefile || { \
		echo "make: $(KDIR): no kernel headers there" >&2; \
		echo "Install them: apt-get install linux-headers-$$(uname -r)" >&2; \
		echo "or name others: make KDIR=DIR; 'make userspace' does without" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace:
	@$(MAKE) --no-print-directory -C userspace OUT=$(CURDIR)/build/userspace all

# With the compiler's checkers; what the tests in a machine then use.
userspace-sanitized:
	@$(MAKE) --no-print-directory -C userspace OUT=$(CURDIR)/build/userspace-sanitized SANITIZE=1 all

unit: $(CURDIR)/build/kselftest/.done
	@$(vm)/deps.sh build
	@$(MAKE) --no-print-directory -C selftests OUT=$(CURDIR)/build/selftests KSELFTEST=$(CURDIR)/build/kselftest unit
	@selftests/unit/run.sh

selftests: userspace $(CURDIR)/build/kselftest/.done
	@$(MAKE) --no-print-directory -C selftests OUT=$(CURDIR)/build/selftests KSELFTEST=$(CURDIR)/build/kselftest all

$(CURDIR)/build/kselftest/.done:
	@$(vm)/kselftest.sh

install: all
	install -D -m 644 kmod/viewos.ko $(MODULES)/viewos.ko
	$(if $(DESTDIR),,depmod -a $(KREL))
	$(MAKE) -C userspace OUT=$(CURDIR)/build/userspace PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install
	$(if $(DESTDIR),,ldconfig)
	for page in $(wildcard Documentation/man/*.[0-9]); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done

uninstall:
	rm -f $(MODULES)/viewos.ko
	$(if $(DESTDIR),,depmod -a $(KREL))
	$(MAKE) -C userspace OUT=$(CURDIR)/build/userspace PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) uninstall
	rm -f $(foreach p,$(notdir $(wildcard Documentation/man/*.[0-9])),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $p))/$p)

check:
	@$(vm)/deps.sh build vm
	@$(MAKE) --no-print-directory userspace selftests $(if $(SANITIZE),userspace-sanitized)
	@$(vm)/check.sh

demo shell:
	@$(vm)/deps.sh build vm
	@$(MAKE) --no-print-directory userspace
	@$(vm)/demo.sh $(if $(want_shell)$(filter shell,$@),--shell)

check-debug:
	@$(vm)/deps.sh build vm
	@$(MAKE) --no-print-directory userspace selftests
	@$(vm)/kernel.sh debug
	@KERNELS=debug $(vm)/check.sh

check-debug-self:
	@$(vm)/deps.sh build vm
	@$(vm)/kernel.sh debug
	@selftests/debug/selftest.sh

# SECONDS is bash's own, which counts.
fuzz stress: export SECONDS_WANTED = $(SECONDS)
fuzz stress:
	@$(vm)/deps.sh build vm $(filter stress,$@)
	@$(MAKE) --no-print-directory userspace selftests
	@KERNELS="$(if $(filter file,$(origin KERNELS)),debug,$(KERNELS))" selftests/$@/$@.sh

bench:
	@$(vm)/deps.sh build vm
	@$(MAKE) --no-print-directory userspace selftests
	@$(vm)/bench.sh

static:
	@$(vm)/deps.sh build vm static
	@$(vm)/static.sh

clean:
	rm -rf build/userspace build/userspace-sanitized build/selftests build/kmod build/vm
	find kmod \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o \
		-name '.*.cmd' -o -name Module.symvers -o -name modules.order \) -delete
	rm -f Module.symvers modules.order .*.cmd

distclean: clean
	rm -rf build

.PHONY: all help module userspace userspace-sanitized unit selftests install uninstall check check-debug \
	check-debug-self fuzz stress demo shell bench static clean distclean

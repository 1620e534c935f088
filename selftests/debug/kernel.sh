#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the debug kernel from Debian's kernel source, once, and links it at build/kernels/debug.
#
# It is kept in $VIEWOS_CACHE (~/.cache/viewos), named for what it is made from, so that neither
# "make clean" nor another checkout costs a build. debug/kernel.sh --cached fails instead of
# building.
. "$(dirname "$0")/../vm/lib.sh"

here=$TOP/selftests/debug
cache=${VIEWOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/viewos}

source_tar()
{
	local tar=/usr/src/linux-source-6.1.tar.xz

	if [ ! -e $tar ]; then
		tar=$BUILD/kernels/source$tar
		if [ ! -e "$tar" ]; then
			apt_update
			say "Getting the kernel's source (linux-source-6.1, 140 MB)"
			fetch "$BUILD/kernels/source" linux-source-6.1
		fi
	fi
	echo "$tar"
}

# What the source needs to run with these checkers, as an ELF image booted by QEMU.
source_adapt()
{
	# The stack filter of fault injection works with frame pointers, which we have.
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/^config/s/^\tdepends on !X86_64$//' \
		lib/Kconfig.debug
	# These run before KASAN's shadow is there.
	echo 'KASAN_SANITIZE := n' >>arch/x86/platform/pvh/Makefile
	echo 'KASAN_SANITIZE_string.o := n' >>lib/Makefile
	# And these only cost time: the checkers themselves.
	echo 'KASAN_SANITIZE_lockdep.o := n' >>kernel/locking/Makefile
	echo 'KASAN_SANITIZE_kmemleak.o := n' >>mm/Makefile
	printf 'KASAN_SANITIZE_%s.o := n\n' rbtree debugobjects >>lib/Makefile
	echo 'KASAN_SANITIZE_unwind_frame.o := n' >>arch/x86/kernel/Makefile
}

# What a module is built with; the rest of the tree goes.
tree_prune()
{
	find . -depth -mindepth 1 -maxdepth 1 \( -name Documentation -o -name samples -o \
		-name drivers -o -name sound -o -name .git \) -exec rm -rf {} +
	find arch -mindepth 1 -maxdepth 1 ! -name x86 ! -name Kconfig -exec rm -rf {} +
	find . \( -path ./scripts -o -path ./tools \) -prune -o -type f \
		\( -name '*.[cSo]' -o -name '*.a' -o -name '.*.cmd' -o -name 'vmlinux*' -o \
		-name '*.bin' -o -name 'bzImage' \) -exec rm -f {} +
	find tools -name '*.o' -delete
}

build_in()
{
	local dir=$1 tar=$2

	mkdir -p "$dir/headers"
	tar -xJf "$tar" -C "$dir/headers" --strip-components=1
	cd "$dir/headers"
	source_adapt
	make -s KCONFIG_ALLCONFIG="$here/debug.config" allnoconfig
	make -s -j"$(nproc)" vmlinux modules_prepare
	strip --strip-debug -o "$dir/vmlinux" vmlinux
	# modules_prepare does not write it without modules; vmlinux's symbols are all that is.
	[ -e Module.symvers ] || cp vmlinux.symvers Module.symvers
	make -s kernelrelease >"$dir/release"
	cp System.map "$dir/"
	tree_prune
	mkdir -p "$dir/modules/lib/modules/$(cat "$dir/release")"
}

tar=$(source_tar)
key=$(cat "$0" "$here/debug.config" <(stat -c %s "$tar") <(gcc --version) | sha256sum | cut -c1-16)
kernel=$cache/debug-kernel-$key
if [ ! -e "$kernel/release" ]; then
	[ "${1:-}" != --cached ] || exit 1
	need gcc make bc flex bison libelf-dev libssl-dev xz-utils
	mkdir -p "$cache"
	exec 9>"$cache/.lock"
	flock 9
	if [ ! -e "$kernel/release" ]; then
		say "Building the debug kernel, once: 10 minutes on two idle cores, up to 40 on busy ones"
		work=$(mktemp -d "$cache/debug-kernel.XXXXXX")
		trap 'rm -rf "$work"' EXIT
		start=$SECONDS
		(build_in "$work" "$tar") >"$cache/debug-kernel.log" 2>&1 ||
			die "the debug kernel does not build: $(tail -n 3 "$cache/debug-kernel.log")" \
				"The whole output is in $cache/debug-kernel.log"
		rm -rf "$kernel"
		mv "$work" "$kernel"
		say "Built in $((SECONDS - start)) s, kept in $kernel"
	fi
fi
mkdir -p "$BUILD/kernels"
ln -sfn "$kernel" "$BUILD/kernels/debug"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Gets the test harness and checkpatch out of Debian's kernel source, into build/kselftest.
. "$(dirname "$0")/lib.sh"

dir=$BUILD/kselftest
[ ! -e "$dir/.done" ] || exit 0
tar=/usr/src/linux-source-6.1.tar.xz
if [ ! -e $tar ]; then
	apt-cache show linux-source-6.1 >/dev/null 2>&1 || apt_update
	say "Getting the kernel's test harness (linux-source-6.1, 140 MB)"
	fetch "$BUILD/kernels/source" linux-source-6.1
	tar=$BUILD/kernels/source$tar
fi
say "Unpacking the kernel's test harness"
mkdir -p "$dir"
tar -xJf "$tar" -C "$dir" --transform 's,.*/,,' \
	linux-source-6.1/tools/testing/selftests/kselftest.h \
	linux-source-6.1/tools/testing/selftests/kselftest_harness.h \
	linux-source-6.1/scripts/checkpatch.pl \
	linux-source-6.1/scripts/spelling.txt \
	linux-source-6.1/scripts/const_structs.checkpatch
touch "$dir/.done"

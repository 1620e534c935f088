#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the module for a kernel of the rig, beside other kernels' builds: build.sh SERIES [make arguments]
. "$(dirname "$0")/lib.sh"

series=${1:?which kernel?}
shift
"$TOP/selftests/vm/kernel.sh" "$series"
dir=$BUILD/kmod/$series
mkdir -p "$dir/kmod" "$dir/uapi"
# Sources that are gone must not linger; objects of the others are to stay.
(cd "$dir" && find kmod uapi -name '*.[chS]' 2>/dev/null | while read -r file; do
	[ -e "$TOP/$file" ] || rm -f "$file"
done)
(cd "$TOP" && find kmod uapi -type f \( -name '*.[chS]' ! -name '*.mod.c' -o -name Kbuild -o -name Makefile \) \
	-exec cp -au --parents -t "$dir/" Kbuild {} +)
[ "$series" != debug ] || set -- UBSAN_SANITIZE=y KCOV_INSTRUMENT=y GCOV_PROFILE=y "$@"
log=$dir/build.log
if ! kbuild "$series" "$dir" "$@" >"$log" 2>&1; then
	grep -E 'error|undefined|\*\*\*' "$log" >&2 || tail -n 20 "$log" >&2
	die "the module does not build for $series" "The whole output is in $log"
fi
grep -E 'warning:' "$log" >&2 || true

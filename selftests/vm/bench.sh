#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the benchmarks on each kernel of $KERNELS: by instruction count, then by time.
. "$(dirname "$0")/lib.sh"

bench=build/selftests/bench/bench
[ -x "$TOP/$bench" ] || die "$bench: not built" "Try: make selftests"
status=0
for series in $KERNELS; do
	"$TOP/selftests/vm/build.sh" "$series"
	for mode in --icount ''; do
		say "Linux $series, ${mode:-by time}"
		# shellcheck disable=SC2086
		"$TOP/selftests/vm/run.sh" --kernel "$series" $mode -- "/mnt/viewos/$bench" || status=1
	done
done
exit $status

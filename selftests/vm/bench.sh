#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the benchmarks on each kernel of $KERNELS: by instruction count, then by time.
# $BENCH names those to run, or all: bench, redirect, sockets, peers.sh; $BENCH_PARTS parts of one:
# of bench system, warm, cold, write, clients; of redirect files, names.
. "$(dirname "$0")/lib.sh"

status=0
for series in $KERNELS; do
	"$TOP/selftests/vm/build.sh" "$series"
	for mode in --icount ''; do
		for name in ${BENCH:-bench redirect sockets peers.sh}; do
			bench=build/selftests/bench/$name
			[ -x "$TOP/$bench" ] || die "$bench: not built" "Try: make selftests"
			say "Linux $series, $name, ${mode:-by time}"
			# shellcheck disable=SC2086
			"$TOP/selftests/vm/run.sh" --kernel "$series" $mode -- "/mnt/viewos/$bench" \
				${BENCH_PARTS:-} || status=1
		done
	done
done
exit $status

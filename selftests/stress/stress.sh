#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make stress: for $SECONDS_WANTED, from $SEED, on each of $KERNELS.
. "$(dirname "$0")/../vm/lib.sh"

seconds=${SECONDS_WANTED:-600}
seed=$(seed_of "${SEED:-random}")
failed=0
for series in $KERNELS; do
	"$TOP/selftests/vm/build.sh" "$series"
	say "Stressing Linux $(cat "$BUILD/kernels/$series/release") for $seconds s with seed $seed"
	"$TOP/selftests/vm/run.sh" --kernel "$series" --memory 1536 --timeout $((seconds * 2 + 900)) -- \
		/mnt/viewos/selftests/stress/guest.sh "$seconds" "$seed" || failed=1
done
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make fuzz: for $SECONDS_WANTED, from $SEED, on each of $KERNELS. What a failure takes to be
# understood is kept in build/fuzz.
. "$(dirname "$0")/../vm/lib.sh"

seconds=${SECONDS_WANTED:-600}
seed=$(seed_of "${SEED:-random}")
corpora=(${REPLAY:+"$REPLAY"} "$TOP/selftests/fuzz/corpus")
[ -z "${REPLAY:-}" ] || [ -e "$REPLAY" ] || die "'$REPLAY': no such file" "It is a file of inputs, as in build/fuzz."

# The guest has the checkout, and no other file.
mkdir -p "$BUILD/fuzz"
cat "${corpora[@]}" >"$BUILD/fuzz/start" 2>/dev/null || true
failed=0
for series in $KERNELS; do
	"$TOP/selftests/vm/build.sh" "$series"
	say "Fuzzing Linux $(cat "$BUILD/kernels/$series/release") for $seconds s with seed $seed"
	vm=${VIEWOS_VM:-$BUILD/vm/$series}
	status=0
	"$TOP/selftests/vm/run.sh" --kernel "$series" --memory 1536 --timeout $((seconds * 2 + 900)) -- \
		"/mnt/viewos/build/selftests/fuzz/fuzz --seconds $seconds --seed $seed" \
		"--corpus /mnt/viewos/build/fuzz/start --out /mnt/share" || status=$?
	kept=$BUILD/fuzz/$series
	rm -rf "$kept"
	mkdir -p "$kept"
	cp -r "$vm/console.log" "$vm/output" "$vm"/share/* "$kept/"
	if [ $status != 0 ]; then
		failed=1
		sed 's/ *$//' "$kept"/recent-* >"$kept/recent"
		say "Failed. The kernel's log is $kept/console.log. To try again:"
		echo "make fuzz KERNELS=$series SECONDS=$seconds SEED=$seed" >&2
		echo "make fuzz KERNELS=$series SECONDS=60 REPLAY=$kept/recent      the last inputs first" >&2
	fi
done
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests on each kernel of $KERNELS, or those that $TESTS names.
. "$(dirname "$0")/lib.sh"

# The tests to run: all, or those whose last part of the name was given.
select_tests()
{
	local series=$1 name known found

	known=$(cat "$BUILD/selftests/tests.list")
	# Some need what only the debug kernel has.
	[ "$series" != debug ] || known+=$'\n'$(cat "$BUILD/selftests/debug.list")
	if [ -z "${TESTS:-}" ]; then
		echo "$known"
		return
	fi
	for name in $TESTS; do
		# shellcheck disable=SC2086
		found=$(grep -E "(^|/)${name%.sh}(\.sh)?$" <<<"$known") ||
			die "'$name': no such test" "Known are: $(basename -a $known | tr '\n' ' ')"
		echo "$found"
	done
}

passed=0
failed=0
skipped=0
for series in $KERNELS; do
	tests=$(select_tests "$series")
	if ! "$TOP/selftests/vm/build.sh" "$series"; then
		echo "not ok $series: no kernel, or no module for it"
		failed=$((failed + 1))
		continue
	fi
	say "Testing on Linux $(cat "$BUILD/kernels/$series/release")"
	vm=${VIEWOS_VM:-$BUILD/vm/$series}
	status=0
	# The debug kernel is five times slower.
	timeout=1800
	[ "$series" != debug ] || timeout=5400
	"$TOP/selftests/vm/run.sh" --kernel "$series" --timeout $timeout -- \
		/mnt/viewos/selftests/vm/guest-check.sh "${tests//$'\n'/ }" || status=$?
	read -r p f s < <(sed -n 's/^totals //p' "$vm/output" | tail -n 1) || true
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-0}))
	skipped=$((skipped + ${s:-0}))
	echo "The log of each test is in $vm/logs" >&2
	# The run itself can fail: a crash, a complaint of the kernel, a stuck module.
	if [ $status != 0 ] && [ "${f:-0}" = 0 ]; then
		echo "not ok $series: the run itself failed ($status)"
		failed=$((failed + 1))
	fi
	unset p f s
done
# A run of nothing, or of skips alone, is no success.
[ $((passed + failed)) -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]

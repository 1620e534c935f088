#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: runs the tests, counts their KTAP lines, ends with "totals P F S".
#
# A test that crashes, hangs, or has fewer results than it announced has failed
# once more.

tests=/mnt/viewos/build/selftests
passed=0
failed=0
skipped=0

# ended STATUS LIMIT: what an exit status says, for a person.
ended()
{
	case $1 in
	124 | 137) echo "exit status $1, killed, perhaps after $2 s" ;;
	1[3-9]?) echo "exit status $1, killed by SIG$(kill -l $(($1 - 128)))" ;;
	*) echo "exit status $1" ;;
	esac
}

run_test()
{
	local test=$1 log=/tmp/check.log limit=300 status results plan fail skip before

	[ ! -e "/mnt/viewos/selftests/$test.timeout" ] ||
		limit=$(cat "/mnt/viewos/selftests/$test.timeout")
	# A debug kernel is slow.
	[ ! -e /sys/kernel/debug/kmemleak ] || limit=$((limit * 10))
	# What the kernel says from now on it says of this test, as does its last word.
	echo "viewos-vm: test $test" >/dev/ttyS0
	before=$(dmesg | wc -l)
	timeout -k 5 "$limit" "$tests/$test" >$log 2>&1 </dev/null
	status=$?
	{ echo "viewos-vm: log ${test//\//.}"; cat $log; echo "exit status $status"; } >/dev/ttyS2
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' $log | tail -n 1)
	results=$(grep -cE '^(not )?ok [0-9]+' $log)
	fail=$(grep -cE '^not ok [0-9]+' $log)
	skip=$(grep -cE '^ok [0-9]+.*# SKIP' $log)
	# What kselftest calls KSFT_SKIP: the program as a whole was skipped.
	if [ $status = 4 ] && [ "$results" = 0 ]; then
		skipped=$((skipped + 1))
		printf '%-28s skipped: %s\n' "$test" "$(tail -n 1 $log)"
		return
	fi
	if [ "${plan:-none}" != "$results" ] || { [ $status != 0 ] && [ "$fail" = 0 ]; }; then
		echo "not ok $test: $(ended $status "$limit"), $results results of ${plan:-none announced}"
		failed=$((failed + 1))
	fi
	passed=$((passed + results - fail - skip))
	failed=$((failed + fail))
	skipped=$((skipped + skip))
	printf '%-28s %3d passed, %d failed, %d skipped (%d s)\n' "$test" \
		$((results - fail - skip)) "$fail" "$skip" $((SECONDS - start))
	grep -E '# SKIP' $log
	if [ "$fail" != 0 ] || [ $status != 0 ]; then
		sed 's/^/    /' $log | grep -vE '#  RUN|#   *OK|    ok ' | tail -n 80
		dmesg | tail -n +$((before + 1)) | tail -n 40 | sed 's/^/    dmesg: /'
	fi
}

for test in "$@"; do
	start=$SECONDS
	run_test "$test"
done
echo "totals $passed $failed $skipped"
[ $failed = 0 ]

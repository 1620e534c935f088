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
	known+=$'\n'$(cat "$BUILD/selftests/named.list")
	for name in $TESTS; do
		# shellcheck disable=SC2086
		found=$(grep -E "(^|/)${name%.sh}(\.sh)?$" <<<"$known") ||
			die "'$name': no such test" "Known are: $(basename -a $known | tr '\n' ' ')"
		echo "$found"
	done
}

# The tests of a part: "c", "programs-1" and "programs-2" (every other one of those in a shell) or
# "module" (of its being unloaded).
tests_of()
{
	case $2 in
	module) select_tests "$1" | grep '^module/' ;;
	programs-*) select_tests "$1" | grep -v '^module/' | grep '\.sh$' |
		awk -v "part=${2#*-}" 'NR % 2 == part % 2' ;;
	c) select_tests "$1" | grep -vE '^module/|\.sh$' ;;
	esac || true
}

# Adds to the totals what a run's output has: its own, or, if it did not come that far, of
# the tests that ended.
count()
{
	local p f s

	read -r p f s < <(sed -n 's/^totals //p' "$1" | tail -n 1) ||
		read -r p f s < <(awk '/ passed, .* failed, .* skipped \(/ { p += $2; f += $4; s += $6 }
			END { print p + 0, f + 0, s + 0 }' "$1")
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	run_failed=$f
}

# Did the emulator end the run? QEMU before 8.1 can keep a breakpoint of the kernel's, with which
# it patches its code, in what one CPU translates while the other takes it away again. Linux 6.12
# takes it for a fault; 6.1 sees the instruction whole again and goes back to it, for ever: a CPU
# hangs at a function's first instruction, where a call of ftrace's is.
stale_breakpoint()
{
	local vm=$1

	! grep -qwE 'vmx|svm' /proc/cpuinfo || return 1
	grep -q 'Oops: int3: 0000' "$vm/console.log" ||
		sed -n '/BUG: soft lockup - CPU/,/Call Trace:/p' "$vm/console.log" |
			grep -qE 'RIP: 0010:[a-zA-Z0-9_.]+\+0x[04]/'
}

# The tests of a list that have not ended in a run.
tests_left()
{
	local name

	for name in $2; do
		grep -qE "^$name +([0-9]+ passed|skipped:)" "$1" || echo "$name"
	done
}

# check_in VM SERIES TESTS [OPTION]: runs tests in a machine; run.sh takes the option.
check_in()
{
	local vm=$1 series=$2 tests=$3 timeout=3000 tries status
	shift 3

	# The debug kernel is five times slower.
	[ "$series" != debug ] || timeout=9000
	for tries in 1 2 3; do
		status=0
		VIEWOS_VM=$vm "$TOP/selftests/vm/run.sh" --kernel "$series" --timeout $timeout "$@" -- \
			/mnt/viewos/selftests/vm/guest-check.sh "${tests//$'\n'/ }" || status=$?
		count "$vm/output"
		if [ "$status" = 0 ] || [ "$tries" = 3 ] || ! stale_breakpoint "$vm"; then
			break
		fi
		tests=$(tests_left "$vm/output" "$tests")
		say "The emulator kept a stale breakpoint; on with the tests that are left"
	done
	say "The log of each test is in $vm/logs"
	# The run itself can fail: a crash, a complaint of the kernel, a stuck module.
	if [ "$status" != 0 ] && [ "$run_failed" = 0 ]; then
		echo "not ok $series: the run itself failed ($status)"
		failed=$((failed + 1))
	fi
}

# Runs a part of the tests on one kernel. The last line of the output is for this script: how many
# tests passed, failed and were skipped.
check_part()
{
	local series=$1 part=$2 vm=${VIEWOS_VM:-$BUILD/vm/$1} passed=0 failed=0 skipped=0
	local options=()

	case $part in
	# With fewer CPUs than two machines have, one of theirs spins for the other, which does
	# not run, and all takes three times as long; races are for the tests in C.
	programs-*) [ "$(nproc)" -ge 4 ] || options=(--smp 1) ;;
	# These have the kernel's code patched while it runs, all the time; with one thread for
	# all CPUs the emulator does not get that wrong.
	module) options=(--one-thread) ;;
	esac
	[ "$part" = c ] || vm+=-$part
	say "Testing on Linux $(cat "$BUILD/kernels/$series/release"): $part"
	check_in "$vm" "$series" "$(tests_of "$series" "$part")" ${options[@]+"${options[@]}"}
	echo "$passed $failed $skipped"
}

passed=0
failed=0
skipped=0
failed_builds=0
testing=()
mkdir -p "$BUILD/check"
for series in $KERNELS; do
	select_tests "$series" >/dev/null
	if "$TOP/selftests/vm/build.sh" "$series"; then
		testing+=("$series")
	else
		echo "not ok $series: no kernel, or no module for it"
		failed_builds=$((failed_builds + 1))
	fi
done
# Two machines at a time, as most of the tests keep one CPU busy; each kernel begins with another
# part. The output is of one after the other. $VIEWOS_VM is for one machine.
at_once=2
[ -z "${VIEWOS_VM:-}" ] || at_once=1
jobs=()
parts=(c programs-1 programs-2 module)
for step in "${!parts[@]}"; do
	for i in "${!testing[@]}"; do
		series=${testing[$i]}
		part=${parts[$(((step + i) % ${#parts[@]}))]}
		[ -z "$(tests_of "$series" "$part")" ] || jobs+=("$series $part")
	done
done

run_jobs()
{
	local job running=0

	for job in ${jobs[@]+"${jobs[@]}"}; do
		if [ $running = $at_once ]; then
			wait -n || true
			running=$((running - 1))
		fi
		# shellcheck disable=SC2086
		{
			check_part $job &
			wait $! || echo "0 1 0"
		} >>"$BUILD/check/${job/ /-}" 2>&1 &
		running=$((running + 1))
	done
	wait
}

for job in ${jobs[@]+"${jobs[@]}"}; do
	# Now, as who reads it may be faster.
	: >"$BUILD/check/${job/ /-}"
done
# What runs in the background does not hear of an interrupt by itself.
trap 'trap "" TERM; kill -TERM 0' INT TERM
run_jobs &
runner=$!
totals='^[0-9]+ [0-9]+ [0-9]+$'
for job in ${jobs[@]+"${jobs[@]}"}; do
	tail -n +1 -s 0.2 --pid=$runner -f "$BUILD/check/${job/ /-}" | sed -uE "/$totals/Q" || true
	read -r p f s < <(grep -E "$totals" "$BUILD/check/${job/ /-}") || { p=0 f=1 s=0; }
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
done
failed=$((failed + failed_builds))
# A run of nothing, or of skips alone, is no success.
[ $((passed + failed)) -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]

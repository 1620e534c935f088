# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Tests in shell that print KTAP. Source it, call the checks, and finish at the end.

echo "TAP version 13"
test_number=0
test_failed=0

# result STATUS NAME: one line of KTAP.
result()
{
	test_number=$((test_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $test_number $2"
	else
		test_failed=$((test_failed + 1))
		echo "not ok $test_number $2"
	fi
}

# check NAME COMMAND...: the command succeeds.
check()
{
	local name=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	[ $status = 0 ] || printf '# %s: exit status %s: %s\n' "$name" $status "$output"
	result $status "$name"
}

# check_output NAME WANTED COMMAND...: it succeeds, and prints just this.
check_output()
{
	local name=$1 wanted=$2 output status=0
	shift 2
	output=$("$@" 2>&1) || status=$?
	if [ $status != 0 ] || [ "$output" != "$wanted" ]; then
		printf '# %s: exit status %s, output "%s", wanted "%s"\n' "$name" $status \
			"$output" "$wanted"
		status=1
	fi
	result $status "$name"
}

# check_status NAME STATUS PATTERN COMMAND...: it ends with this status, and its
# output has a line that matches.
check_status()
{
	local name=$1 wanted=$2 pattern=$3 output status=0
	shift 3
	output=$("$@" 2>&1) || status=$?
	if [ $status != "$wanted" ] || ! grep -qE -- "$pattern" <<<"$output"; then
		printf '# %s: exit status %s, wanted %s; output "%s", wanted "%s"\n' "$name" \
			$status "$wanted" "$output" "$pattern"
		result 1 "$name"
	else
		result 0 "$name"
	fi
}

# eventually COMMAND...: it succeeds within a minute, which a slow machine may take.
eventually()
{
	local end=$((SECONDS + 60))

	while [ $SECONDS -lt $end ]; do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# test_empty COMMAND...: it prints nothing.
test_empty()
{
	[ -z "$("$@")" ]
}

# skip NAME WHY
skip()
{
	test_number=$((test_number + 1))
	echo "ok $test_number $1 # SKIP $2"
}

finish()
{
	echo "1..$test_number"
	[ $test_failed = 0 ]
	exit
}

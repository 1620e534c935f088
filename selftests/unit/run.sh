#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the unit tests, here, and counts their KTAP lines.
. "$(dirname "$0")/../vm/lib.sh"

passed=0
failed=0
for test in mem archive ext rule sock call; do
	log=$BUILD/unit-$test.log
	status=0
	timeout 300 "$BUILD/selftests/unit/$test" >"$log" 2>&1 || status=$?
	ok=$(grep -cE '^ok [0-9]+' "$log" || true)
	not_ok=$(grep -cE '^not ok [0-9]+' "$log" || true)
	# A checker of the compiler may end it before it says so itself.
	[ $status = 0 ] || [ "$not_ok" != 0 ] || not_ok=1
	[ "$not_ok" = 0 ] || { tail -n 40 "$log"; echo "The whole output is in $log"; }
	printf '%-28s %3d passed, %d failed, 0 skipped\n' "unit/$test" "$ok" "$not_ok"
	passed=$((passed + ok))
	failed=$((failed + not_ok))
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]

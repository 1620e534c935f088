#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPython's own tests of sockets, in views whose sockets are made elsewhere: what they say there is
# compared with what they say outside. By name only, since it takes long, and needs
# libpython3.11-testsuite.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

export PATH=$VIEWOS_TOP/build/selftests/doc:$PATH
cd /tmp || exit 1
python3 -c 'import test.test_socket' 2>/dev/null || {
	echo "1..0 # SKIP no test.test_socket (Debian: libpython3.11-testsuite)"
	exit 4
}

# results NAME COMMAND...: the tests that were skipped or failed, and how many were run.
results()
{
	local name=$1
	shift
	"$@" timeout 900 python3 -c '
import os, sys, unittest
suite = unittest.defaultTestLoader.loadTestsFromName("test.test_socket")
log = open(sys.argv[1] + ".log", "w")
result = unittest.TextTestRunner(stream=log, verbosity=2).run(suite)
bad = [("failed", t) for t, _ in result.failures + result.errors]
bad += [("skipped", t) for t, _ in result.skipped]
with open(sys.argv[1], "w") as out:
    print("run", result.testsRun, file=out)
    for how, test in sorted(bad, key=str):
        print(how, test.id(), file=out)
' "$name" >/dev/null 2>&1
	grep -E '^(FAIL|ERROR):|Error:' "$name.log" | sed "s/^/# $name: /"
	echo "# $name: $(grep -c . "$name") lines, $(head -n 1 "$name")"
}

# compare NAME COMMAND...: nothing differs from outside of views.
compare()
{
	results "$@"
	diff native "$1" | sed -n 's/^[<>]/# &/p'
	check "$1: as outside of views" cmp native "$1"
}

unshare -n sleep 100000 & far=$!
eventually test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$far/ns/net)"
nsenter -t "$far" -n ip link set lo up
results native
check "outside of views: tests were run" grep -qE '^run [1-9][0-9][0-9]' native
compare view viewctl run --
compare netns viewctl run -s "any=netns:$far" --
compare backing viewctl run -s 'inet46=serve:firewall:nobody/*' --
kill $far
finish

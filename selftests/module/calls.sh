#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes while system calls are ruled and others make the same ones, and
# with the other way to redirect functions.
. "$VIEWOS_TOP/selftests/ktap.sh"

tests=$VIEWOS_TOP/build/selftests
hooks=/sys/kernel/tracing/enabled_functions
calling=/tmp/calling

# shellcheck disable=SC2120 # its arguments come through the checks
load() { insmod "$VIEWOS_KO" "$@"; }
unload() { eventually rmmod viewos; }
unhooked() { ! grep -E 'viewos|_sys_|timespec' "$hooks"; }

# Until the file is gone: calls that are ruled in views, and never here.
call_storm()
{
	python3 - "$calling" <<-'EOF'
	import os, sys, time
	parent = os.getppid()
	while os.path.exists(sys.argv[1]):
	    for i in range(1000):
	        if os.getppid() != parent:
	            sys.exit(1)
	    time.sleep(0)
	EOF
}

# One that sleeps in a ruled call when its view is killed, and one that is answered.
cycle()
{
	local output

	load || return
	viewctl create cycle --syscall getppid=value:42 --syscall clock_nanosleep,pause=native \
		--clock realtime=+1d || return
	viewctl enter cycle -- sleep 1000 &
	output=$(viewctl enter cycle -- python3 -c 'import os; print(os.getppid())')
	viewctl destroy --kill cycle
	wait $! 2>/dev/null
	[ "$output" = 42 ] || { echo "it says $output"; return 1; }
	unload
}

cycles()
{
	local i

	for i in $(seq "$1"); do
		cycle >/dev/null || { echo "in cycle $i"; return 1; }
	done
}

check "unloaded" unload
touch $calling
call_storm &
one=$!
check "5 times while the calls are made" cycles 5
rm $calling
wait $one
result $? "who made them outside noticed nothing"
check "no function is redirected" unhooked

check "direct_calls=0" load direct_calls=0
viewctl create other --syscall getppid=value:42 >/dev/null
check "redirected by IPMODIFY" grep -q '_sys_getppid .* I .*viewos_hook_redirect' $hooks
check "destroyed" viewctl destroy other
check "rules" "$tests/syscall/rule"
check "clocks" "$tests/view/clock"
check "unloaded again" unload
check "no function is redirected any more" unhooked

check "loaded with defaults" load
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes: not while it is used, at once afterwards, again and again,
# with processes forking all the time, and with the other way to redirect functions.
. "$VIEWOS_TOP/selftests/ktap.sh"

tests=$VIEWOS_TOP/build/selftests
hooks=/sys/kernel/tracing/enabled_functions
forking=/tmp/forking

loaded() { grep -q '^viewos ' /proc/modules; }
# shellcheck disable=SC2120 # its arguments come through the checks
load() { insmod "$VIEWOS_KO" "$@"; }

# What ended just now may still be letting go.
unload() { eventually rmmod viewos; }

# There is a view: hooks are installed.
in_a_view() { eventually grep -q '^cgroup_can_fork ' $hooks; }

unhooked() { ! grep -E 'viewos|^cgroup_(can|cancel)_fork|^cgroup_(task_)?exit' "$hooks"; }

# Loads it, uses it in every way, unloads it.
cycle()
{
	load && viewctl run -m mem::/mnt -- \
		bash -c 'echo text >/mnt/file && grep -q text /mnt/file' && unload
}

cycles()
{
	local i

	for i in $(seq "$1"); do
		cycle || { echo "in cycle $i"; return 1; }
	done
}

# Until the file is gone: forks, and minds each failure.
fork_storm()
{
	while [ -e $forking ]; do
		(exit 7)
		[ $? = 7 ] || exit 1
		/bin/true || exit 2
	done
	exit 0
}

# Busy: each of these holds the module.
exec 5<>/dev/viewos
check_status "an open control node: in use" 1 'in use' rmmod viewos
exec 5>&-
check "closed: unloaded at once" rmmod viewos
check "loaded again" load
viewctl run -- sleep 1000 &
running=$!
in_a_view
check_status "a process in a view: in use" 1 'in use' rmmod viewos
kill $running
wait $running
check "it ended: unloaded" unload
check "loaded again" load
check "a view with a mount" viewctl create kept -m mem::/mnt
check_status "in use" 1 'in use' rmmod viewos
viewctl destroy --kill kept
check "destroyed: unloaded" unload

# Again and again, and while others fork, in no view and in one.
check "20 times" cycles 20
touch $forking
fork_storm &
one=$!
fork_storm &
other=$!
check "10 times in a fork storm" cycles 10
check "loaded in it" load
viewctl run -- bash -c "$(declare -f fork_storm); forking=$forking fork_storm" &
inside=$!
in_a_view
sleep 1
check_status "a storm in a view: in use" 1 'in use' rmmod viewos
check "redirected by a direct call" grep -q 'direct-->viewos_entry_cgroup_can_fork' $hooks
kill -KILL "$(pgrep -P $inside)" $inside 2>/dev/null
wait $inside 2>/dev/null
check "killed: unloaded" unload
rm $forking
wait $one
result $? "the storm outside noticed nothing"
wait $other
result $? "nor did the other"
check "no function is redirected" unhooked

# The other way to redirect.
check "direct_calls=0" load direct_calls=0
viewctl run -- sleep 1000 &
running=$!
in_a_view
check "redirected by IPMODIFY" grep -q '^cgroup_can_fork .* I .*viewos_hook_redirect' $hooks
kill $running
wait $running
check "views" "$tests/view/view"
check "inheritance" "$tests/view/inherit"
check "unloaded" unload
check "no function is redirected any more" unhooked

# Parameters that make no sense.
for bad in max_user_views=many max_user_views=-1 max_user_servers=99999999999 direct_calls=2; do
	check_status "$bad is refused" 1 'Invalid|out of range' load $bad
	check_status "and it is not loaded" 1 '' loaded
done

# As it was found.
check "loaded with defaults" load
check_output "direct calls" Y cat /sys/module/viewos/parameters/direct_calls
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --pid, --ipc, --cgroup: namespaces of the kernel's that a view can have, and how a
# command lives in them: its status, signals, orphans, and the end.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
ns() { readlink "/proc/self/ns/$1"; }
differs() { [ "$("${@:2}")" != "$1" ]; }
gone() { ! pgrep -f "$1" >/dev/null; }

# other KIND OPTION: the namespace is another one with the option, and the same without.
other()
{
	check "$2" differs "$(ns "$1")" viewctl run "$2" -- readlink "/proc/self/ns/$1"
	check_output "$2: not without it" "$(ns "$1")" viewctl run -- readlink "/proc/self/ns/$1"
	check "$2: an ordinary user" differs "$(ns "$1")" as_tester \
		viewctl run "$2" -- readlink "/proc/self/ns/$1"
	check "$2: nested" viewctl run "$2" -- bash -c '
		here=$(readlink /proc/self/ns/'"$1"')
		[ "$(viewctl run -- readlink /proc/self/ns/'"$1"')" = "$here" ] &&
		[ "$(viewctl run '"$2"' -- readlink /proc/self/ns/'"$1"')" != "$here" ]'
	check "$2: create" viewctl create "kept$1" "$2"
	check "$2: enter" differs "$(ns "$1")" viewctl enter "kept$1" -- readlink "/proc/self/ns/$1"
	check_output "$2: enter again: the same one" "$(viewctl enter "kept$1" -- readlink "/proc/self/ns/$1")" \
		viewctl enter "kept$1" -- readlink "/proc/self/ns/$1"
	check "$2: destroy" viewctl destroy "kept$1"
}

other ipc --ipc
other cgroup --cgroup
other pid --pid

check "ipc: a queue inside is none outside" bash -c '
	viewctl run --ipc -- ipcmk -Q && [ "$(ipcs -q | grep -c ^0x)" = 0 ]'
check_output "cgroup: its own is the root" "/" viewctl run --cgroup -- \
	sed -n 's/^0:://p' /proc/self/cgroup

# The first process is viewctl, which takes what a command does not expect.
check_output "pid: the command is the second" "2 1" viewctl run --pid -- bash -c 'echo $$ $PPID'
check_output "pid: /proc has no others" "1 2" viewctl run --pid -- bash -c \
	'cd /proc; ls=(*); for p in "${ls[@]}"; do [[ $p == [0-9]* ]] && echo $p; done | sort -n | xargs'
check_output "pid: an orphan is the first one's, and reaped" "adopted gone" viewctl run --pid -- bash -c '
	bash -c "(me=\$BASHPID; until [ \$(ps -o ppid= -p \$me) = 1 ]; do sleep 0.1; done
		echo adopted >/tmp/orphan.out) & echo \$! >/tmp/orphan"
	orphan=$(cat /tmp/orphan)
	while [ -e /proc/$orphan ]; do sleep 0.1; done
	echo $(cat /tmp/orphan.out) gone'
check_status "pid: the exit status" 7 '^$' viewctl run --pid -- bash -c 'exit 7'
check_status "pid: killed by a signal" 143 '^$' viewctl run --pid -- bash -c 'kill -TERM $$; sleep 60'
# An ignored SIGCHLD is inherited, and nobody would be left to wait for.
check_status "pid: where SIGCHLD was ignored" 7 '^$' timeout -k 5 60 python3 -c '
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp("viewctl", ["viewctl", "run", "--pid", "--", "sh", "-c", "exit 7"])'
check_status "pid: no such command" 127 "'/nowhere': No such file" viewctl run --pid -- /nowhere
check_status "pid: in a directory" 0 '^/proc$' viewctl run --pid --chdir /proc -- pwd
check_status "pid: SIGTERM is passed on" 9 '^got it$' bash -c '
	viewctl run --pid -- bash -c "trap \"echo got it; exit 9\" TERM; >/tmp/ready; while :; do sleep 0.1; done" &
	while [ ! -e /tmp/ready ]; do sleep 0.1; done
	rm /tmp/ready
	kill -TERM $!; wait $!'
check "pid: all end with viewctl" bash -c '
	viewctl run --pid -- bash -c "exec -a forever sleep 1000 & exec -a forever sleep 1000" &
	while [ "$(pgrep -fc "^forever")" -lt 2 ]; do sleep 0.1; done
	kill -KILL $!; wait $!; true'
check "pid: they have ended" eventually gone '^forever'
check "pid: those that are left end with the command" bash -c '
	viewctl run --pid -- bash -c "exec -a forever sleep 1000 & exit 0"'
check "pid: they have ended, too" eventually gone '^forever'
check_status "an ordinary user, as root, all three" 0 '^0 2$' as_tester \
	"viewctl run -r --pid --ipc --cgroup -- bash -c 'echo \$(id -u) \$\$'"
check_output "pid: a server's files" "data" viewctl run --pid -m mem::/mnt -- \
	bash -c 'echo data >/mnt/file; cat /mnt/file'

check "create: with all three" viewctl create all --pid --ipc --cgroup
check_output "create: its first process is there" "1" viewctl enter all -- bash -c '
	cd /proc; for p in [0-9]*; do [ $p = $$ ] || echo $p; done | head -n 1'
check "create: who enters is in it" viewctl enter all -- bash -c \
	'kill -0 1 && [ $(readlink /proc/1/ns/pid) = $(readlink /proc/self/ns/pid) ]'
check_status "enter: the exit status" 5 '^$' viewctl enter all -- bash -c 'exit 5'
check_status "enter: a child that goes on" 0 '^$' viewctl enter all -- bash -c \
	'exec -a forever sleep 1000 >/dev/null 2>&1 &'
check_status "destroy: not while it is there" 1 "busy: 2 tasks" viewctl destroy all
check "destroy: with it" viewctl destroy --kill all
check "destroy: it has ended" eventually gone '^forever'
check_status "help" 0 '^ *--pid ' viewctl help run
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl kill: a signal for the processes of views.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
running() { pgrep -f "^$1" >/dev/null; }
gone() { ! running "$1"; }
# start VIEW NAME: a process of that name in the view, and a child of it.
start()
{
	viewctl enter "$1" -- bash -c "exec -a $2 bash -c 'sleep 1000; true'" >/dev/null 2>&1 &
	eventually running "$2"
}

check_status "no view" 2 'the view is missing' viewctl kill
check_status "no such view" 1 'nosuch' viewctl kill nosuch
check "create" viewctl create k
check_status "nothing but the keeper" 1 "'k': no process in it" viewctl kill k
for bad in NONSENSE SIGNONSENSE 65 RTMIN+40 RTMIN- RTMAX-100 9x; do
	check_status "signal $bad" 2 "'${bad/+/.}': no such signal" viewctl kill -s "$bad" k
done
check_status "option nonsense" 2 'nonsense' viewctl kill --nonsense k
check_status "option -x" 2 "'-x'" viewctl kill -x k

for how in "" -TERM -SIGTERM -15 -KILL -9 "-s HUP" "--signal SIGUSR1" "-s 12 --" -RTMIN -RTMIN+1 -RTMAX -RTMAX-3; do
	check "start for '$how'" start k kill-me
	# shellcheck disable=SC2086
	check "kill $how" viewctl kill $how k
	check "it ends" eventually gone kill-me
done
check "the view is still there" viewctl enter k -- true

check "start" start k kill-me
check "signal 0" viewctl kill -0 k
check "does nothing" running kill-me
check "create another" viewctl create l
check "start there" start l spare-me
check "kill the first" viewctl kill k
check "it ends" eventually gone kill-me
check "the second does not" running spare-me
check "kill both" start k kill-me
check_status "one is not there" 1 "nosuch" viewctl kill k nosuch l
check "the others end" eventually gone '(kill|spare)-me'

# Each handles it once: a second signal would add a second line.
check_output "a signal is handled once by each" "a b c" viewctl enter k -- bash -c '
	rm -f /tmp/kill.out
	for name in a b c; do
		(trap "echo $name >>/tmp/kill.out; exit" USR1; >/tmp/kill.$name; while :; do sleep 0.1; done) 2>/dev/null &
	done
	for name in a b c; do while [ ! -e /tmp/kill.$name ]; do sleep 0.1; done; done
	rm /tmp/kill.[abc]
	trap "" USR1
	viewctl kill -USR1 k
	wait
	sort /tmp/kill.out | xargs'
check "a pid namespace: the command has it from there" viewctl create --pid p
check "start" start p kill-me
check "kill" viewctl kill p
check "it ends" eventually gone kill-me
check "the namespace does not" viewctl enter p -- true

check_status "another user's view" 1 'k' as_tester 'viewctl kill k'
check_status "an ordinary user's" 0 '^$' as_tester '
	viewctl create mine >/dev/null
	viewctl enter mine -- sleep 1000 >/dev/null 2>&1 &
	while ! viewctl kill mine 2>/dev/null; do sleep 0.1; done
	wait
	viewctl destroy --kill mine'
check "destroy" viewctl destroy --kill k l p
check_status "help" 0 'Usage: viewctl kill' viewctl help kill
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl attach: programs that run are moved into a view: threads, sleepers, shells, stopped ones,
# an ordinary user's, and what is refused.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
dir=$(mktemp -d) && cd "$dir" && chmod 777 "$dir" || exit 1
viewctl create named --syscall getppid=value:77 --socket inet=deny >/dev/null

# Is $p listed as one of the view's?
listed() { viewctl ps -n -o PID named | grep -qx " *$p *"; }

# A program tells in its file "in" when it is in the view, and then ends.
cat >look.py <<'P'
import os, sys, threading, time
def look():
    while os.getppid() != 77:
        time.sleep(0.01)
threads = [threading.Thread(target=look) for i in range(int(sys.argv[1]))]
for t in threads: t.start()
open(sys.argv[2], "w").close()
look()
for t in threads: t.join()
print("in")
P
chmod 644 look.py
# Its end: it has succeeded.
ended() { wait $p; result $? "$1"; }
look() { rm -f ready; python3 look.py "$@" ready >out 2>&1 & p=$!; eventually test -e ready; }

look 0
check "a process" viewctl attach $p named
ended "it goes on there"
look 7
check "threads" viewctl attach $p named
ended "all of them go on there"
check_output "and say so" in cat out

check_output "a shell moves itself" "77 77" bash -c '
	viewctl attach $$ named
	a=$(python3 -c "import os; print(os.getppid())"); exec python3 -c "
import os; print(\"$a\", os.getppid())"'
check_output "its rules for sockets" PermissionError bash -c 'viewctl attach $$ named; exec python3 -c "
import socket
try:
    socket.socket()
except OSError as e:
    print(type(e).__name__)"'

sleep 3 & p=$!
start=$SECONDS
viewctl attach $p named
wait $p
check "a sleeper sleeps on" test $((SECONDS - start)) -ge 2
cat </dev/zero >/dev/null & p=$!
check "one that is busy" viewctl attach $p named
check "it is listed" listed
check "it is busy still" grep -q '^State:.R' /proc/$p/status
kill -STOP $p
eventually grep -q '^State:.T' /proc/$p/status
check "one that is stopped" viewctl attach $p 0
check "stays so" grep -q '^State:.T' /proc/$p/status
check_status "back to the root view" 1 '' listed
kill -CONT $p
check "and goes on" eventually grep -q '^State:.R' /proc/$p/status
kill $p
python3 -c 'import signal, time
signal.signal(signal.SIGUSR1, lambda *a: open("got", "a").write("x"))
open("ready2", "w").close()
while True: time.sleep(10)' & p=$!
eventually test -e ready2
for _ in 1 2 3 4 5; do kill -USR1 $p; viewctl attach $p named; viewctl attach $p 0; done
check_output "signals are not lost" x bash -c '
	for i in $(seq 100); do [ -s got ] && break; sleep 0.1; done; cut -c 1 got'
kill $p

check_output "an ordinary user" "77" as_tester 'viewctl create mine --syscall getppid=value:77 >/dev/null
	viewctl attach $$ mine; exec python3 -c "import os; print(os.getppid())"'
check_status "not someone else's process" 1 '^viewctl: 1: may not be traced' as_tester \
	'viewctl create other >/dev/null; viewctl attach 1 other'
check_status "not one that is traced" 1 'may not be traced' bash -c '
	strace -o /dev/null sleep 100 & until p=$(pgrep -x sleep); do :; done
	eventually() { until "$@"; do sleep 0.1; done; }
	eventually grep -q "^TracerPid:.[1-9]" /proc/$p/status
	viewctl attach $p named; status=$?; kill $p; wait; exit $status'
check_status "not by who is in a user namespace beneath" 1 'may not be traced' as_tester '
	sleep 100 & p=$!
	viewctl run -- viewctl attach $p mine
	status=$?; kill $p; exit $status'
check_status "no such process" 1 'viewctl: 999999999: No such process' viewctl attach 999999999 named
check_status "no such view" 1 "'nowhere'" viewctl attach $$ nowhere
check_status "no id" 2 "'x': expected a process id" viewctl attach x named
check_status "nothing" 2 'the process is missing' viewctl attach
check_status "no view" 2 'the view is missing' viewctl attach 1
check_status "too much" 2 "'x': too many" viewctl attach 1 named x
check_output "events" "enter" bash -c 'viewctl monitor >events & m=$!
	sleep 100 & p=$!
	until viewctl attach $p named && grep -q "enter.*$p\|$p.*enter" events; do sleep 0.1; done
	kill $m $p; grep -o enter events | head -n 1'
viewctl destroy --kill named
as_tester 'for view in other mine; do viewctl destroy --kill $view; done'
rm -rf "$dir"
finish

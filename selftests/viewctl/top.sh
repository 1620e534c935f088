#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl top: rates of views and of servers, the busiest first, on a terminal and in a file.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

# One view that asks all the time, one that asks now and then, and one that does not.
# The busy one starts no programs, which takes long on some machines.
viewctl run --name busy -m mem,ttl=0::/mnt -- bash -c '>/mnt/a; while :; do : </mnt/a; done' & busy=$!
viewctl run --name slow -m mem,ttl=0::/mnt -- \
	bash -c '>/mnt/a; while :; do : </mnt/a; sleep 0.5; done' & slow=$!
viewctl create quiet >/dev/null
requests() { viewctl ls -n -o NAME,REQUESTS | awk -v name="$1" '$1 == name { print $2 }'; }
more_than() { local n; n=$(requests "$1"); [ "${n:-0}" -gt "$2" ]; }
eventually more_than busy 50
eventually more_than slow 3

check_output "views, the busiest first" "busy slow quiet" bash -c '
	viewctl top -b -n 1 -d 3 | awk "\$1 ~ /^(busy|slow|quiet)$/ { print \$1 }" | paste -sd " "'
check_output "rates" "True True 0.0" bash -c 'viewctl top -J -n 1 -d 3 | python3 -c "
import json, sys
text = sys.stdin.read()
views, end = json.JSONDecoder().raw_decode(text)
rates = {v[\"view\"]: v[\"req/s\"] for v in views[\"views\"]}
print(rates[\"busy\"] > rates[\"slow\"], rates[\"slow\"] > 0, rates[\"quiet\"])"'
check_output "it is what is counted" True bash -c '
	before=$(viewctl ls -n -o NAME,REQUESTS | awk "\$1 == \"busy\" { print \$2 }")
	rate=$(viewctl top -b -n 1 -d 2 | awk "\$1 == \"busy\" { print \$5 }")
	after=$(viewctl ls -n -o NAME,REQUESTS | awk "\$1 == \"busy\" { print \$2 }")
	python3 -c "print(0 < 2 * $rate <= $after - $before)"'
check_output "servers" "mem path" bash -c '
	viewctl top -b -n 1 -d 1 | sed -n "/^SERVER/,\$p" | awk "NR == 2 { print \$1, \$2 }" |
		sed "s/@[0-9]*//"'
check_output "several times" 3 bash -c 'viewctl top -b -n 3 -d 0.1 | grep -c ^VIEW'
check_output "an ordinary user" "mine" su tester -s /bin/bash -c 'viewctl create mine >/dev/null
	viewctl top -b -n 1 -d 0.1 | awk "\$1 == \"mine\" { print \$1 }"; viewctl destroy mine'

kill $slow
wait $slow 2>/dev/null
check_output "without who has gone" "busy" bash -c '
	viewctl top -b -n 1 -d 1 | awk "\$1 ~ /^(busy|slow)$/ { print \$1 }"'

# On a terminal, which is as it was before when it has ended.
cat >/tmp/terminal.py <<'P'
import os, pty, sys, termios, time
pid, fd = pty.fork()
if not pid:
    os.execvp(sys.argv[1], sys.argv[1:-1])
before = termios.tcgetattr(fd)
text = b""
while text.count(b"\x1b[H") < 2:
    text += os.read(fd, 4096)
raw = termios.tcgetattr(fd)[3] & termios.ICANON == 0
os.write(fd, sys.argv[-1].encode())
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(status, raw, termios.tcgetattr(fd) == before, b"busy" in text)
P
check_output "on a terminal, q ends it" "0 True True True" \
	python3 /tmp/terminal.py viewctl top -d 0.3 q
check_output "on a terminal, ^C ends it" "0 True True True" \
	python3 /tmp/terminal.py viewctl top -d 0.3 $'\x03'

check_status "no number" 2 "--delay: 'x': expected seconds" viewctl top -d x
check_status "too small" 2 "--delay: '0': expected seconds" viewctl top -d 0
check_status "no times" 2 "--iterations: '0': expected a number" viewctl top -n 0
check_status "an argument" 2 "'busy': unexpected" viewctl top busy
kill $busy
wait $busy 2>/dev/null
viewctl destroy --kill quiet
finish

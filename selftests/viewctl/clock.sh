#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --clock: what programs say of the time in a view, nesting, setting, listing, errors.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
hooks=/sys/kernel/tracing/enabled_functions
hooked() { grep -q '^get_timespec64 .*' "$hooks"; }
unhooked() { ! grep -E '^(get_.?timespec|.*setup_additional_pages|.*_gettime|do_adjtimex)' "$hooks"; }

export TZ=UTC
here=$(date +%s)
up=$(awk '{ print int($1) }' /proc/uptime)

# near EXPECTED COMMAND...: it prints a number from EXPECTED to what the test may take more; no
# clock here is wrong by less than an hour.
near()
{
	local expected=$1 said

	shift
	said=$("$@") || return
	said=${said%%[.,]*}
	[ "$said" -ge "$expected" ] && [ "$said" -le $((expected + 1800)) ] && return
	echo "expected $expected or a little more, got $said"
	return 1
}

check "before: nothing is redirected" eventually unhooked
date=(--clock realtime=2031-05-06T07:08:00Z)
then=1935817680
day=$((here + 86400))

check "date" near $then viewctl run "${date[@]}" -- date +%s
check_output "date says the day" "2031-05-06" viewctl run "${date[@]}" -- date +%F
check "a static program" near $then viewctl run "${date[@]}" -- busybox date +%s
check "python3: time.time" near $then viewctl run "${date[@]}" -- python3 -c 'import time; print(time.time())'
check "python3: datetime" near $then viewctl run "${date[@]}" -- python3 -c \
	'import datetime; print(datetime.datetime.now().timestamp())'
check "bash: printf" near $then viewctl run "${date[@]}" -- bash -c 'printf "%(%s)T\n" -1'
check "bash: EPOCHREALTIME" near $then viewctl run "${date[@]}" -- bash -c 'echo $EPOCHREALTIME'
check "bash: SECONDS" near 1 viewctl run "${date[@]}" -- bash -c 'sleep 1.1; echo $SECONDS'
check "perl" near $then viewctl run "${date[@]}" -- perl -e 'print time, "\n"'
check "awk" near $then viewctl run "${date[@]}" -- awk 'BEGIN { srand(); srand(); print srand() }'
check "programs started by programs" near $then viewctl run "${date[@]}" -- bash -c 'echo $(sh -c "date +%s")'
check "an offset" near $day viewctl run --clock realtime=+1d -- date +%s
check "an offset of parts" near $((here + 90061)) viewctl run --clock realtime=+1d1h1m1s -- date +%s
check "an offset of seconds" near $((here + 86400)) viewctl run --clock realtime=+86400 -- date +%s
check "an offset backwards" near $((here - 86400)) viewctl run --clock realtime=-1d -- date +%s
check "an offset with a fraction" near $((here + 129600)) viewctl run --clock realtime=+1.5d -- date +%s
check "a date by its seconds" near 1000000 viewctl run --clock realtime=@1000000 -- date +%s
check "a date without a time" near 1935792000 viewctl run --clock realtime=2031-05-06 -- date +%s
check "a date with a zone" near $((then - 7200)) viewctl run --clock realtime=2031-05-06T07:08+02:00 -- date +%s
check "a date of the local zone" near $((then - 3600)) env TZ=XXX-1 viewctl run \
	--clock realtime=2031-05-06T07:08 -- date +%s
check "file times are the host's" near "$here" viewctl run "${date[@]}" -- \
	bash -c 'touch /tmp/clock-file; stat -c %Y /tmp/clock-file'
check "sleep until" viewctl run "${date[@]}" -- python3 -c '
import ctypes, time
until = time.time() + 0.3
class ts(ctypes.Structure): _fields_ = [("s", ctypes.c_long), ("n", ctypes.c_long)]
start = time.monotonic()
assert not ctypes.CDLL(None).clock_nanosleep(0, 1, ctypes.byref(ts(int(until), int(until % 1 * 1e9))), None)
assert 0.2 < time.monotonic() - start < 20 and time.time() >= until - 0.001'
check "waiting with a time-out" viewctl run "${date[@]}" -- python3 -c '
import threading, time
start = time.monotonic()
assert not threading.Event().wait(0.3)
assert 0.2 < time.monotonic() - start < 20'
check "timeout(1)" viewctl run "${date[@]}" -- bash -c 'timeout 0.3 sleep 100; [ $? = 124 ]'

# make compares times of files, which are the host's all.
mkdir -p /tmp/clock-make
printf 'b: a\n\tcp a b\n' >/tmp/clock-make/Makefile
check "make, in the future" viewctl run --clock realtime=+1d -- bash -c '
	cd /tmp/clock-make && touch a && rm -f b && make && make -q'
check "make, and not out of date outside" make -q -C /tmp/clock-make
check_status "make, in the past, says so" 0 "in the future" viewctl run --clock realtime=-1d -- bash -c '
	cd /tmp/clock-make && touch a && make 2>&1'

check "date -s moves the view's alone" near 2000000 viewctl run --clock realtime=+1d -- \
	bash -c 'date -s @2000000 >/dev/null; date +%s'
check "the host's is where it was" near "$here" date +%s
check "an ordinary user" near $then as_tester viewctl run "${date[@]}" -- date +%s
check_status "an ordinary user may not set it" 1 "not permitted" as_tester \
	"viewctl run ${date[*]} -- date -s @2000000"
check "an ordinary user, as root, may" near 2000000 as_tester \
	"viewctl run -r ${date[*]} -- bash -c 'date -s @2000000 >/dev/null; date +%s'"

check "nested: as the parent's" near $day viewctl run --clock realtime=+1d -- viewctl run -- date +%s
check "nested: relative to the parent's" near $((day + 3600)) viewctl run --clock realtime=+1d -- \
	viewctl run --clock realtime=+1h -- date +%s
check "nested: and back" near "$here" viewctl run --clock realtime=+1d -- \
	viewctl run --clock realtime=-1d -- date +%s

check "boottime" near $((up + 86400)) viewctl run --clock boottime=+1d -- \
	python3 -c 'import time; print(time.clock_gettime(time.CLOCK_BOOTTIME))'
check "boottime: /proc/uptime" near $((up + 86400)) viewctl run --clock boottime=+1d -- \
	awk '{ print int($1) }' /proc/uptime
check "boottime: and nothing else" near "$here" viewctl run --clock boottime=+1d -- date +%s
check "monotonic" near $((up + 3600)) viewctl run --clock monotonic=+1h -- \
	python3 -c 'import time; print(time.monotonic())'
check "monotonic, backwards by a fraction" near $((up - 2)) viewctl run --clock monotonic=-0.5 -- \
	python3 -c 'import time; print(time.monotonic())'
check "all at once" viewctl run --clock realtime=@5000,boottime=+1d,monotonic=+2d,rate=2 -- python3 -c "
import time
assert 5000 <= time.time() < 6800
assert 86400 <= time.clock_gettime(time.CLOCK_BOOTTIME) - $up < 88200
assert 172800 <= time.monotonic() - $up < 174600"
check "boottime, an ordinary user" near $((up + 86400)) as_tester viewctl run --clock boottime=+1d -- \
	"python3 -c 'import time; print(time.clock_gettime(time.CLOCK_BOOTTIME))'"
check "a rate" viewctl run --clock rate=100 -- python3 -c '
import time
real, mono = time.time(), time.monotonic()
time.sleep(0.5)
real, mono = time.time() - real, time.monotonic() - mono
assert 90 * mono < real + 1 and real < 110 * mono + 1, (real, mono)'

check "create" viewctl create named --clock realtime=+1d,rate=2,boottime=+1d
check "redirected while there is one" hooked
check "enter" near $day viewctl enter named -- date +%s
check "enter: the time namespace" near $((up + 86400)) viewctl enter named -- awk '{ print int($1) }' /proc/uptime
check_status "show" 0 '^clock rate: 2$' viewctl show named
check_status "show: the offset" 0 '^clock offset: \+86[4-9][0-9][0-9]\.' viewctl show named
check_output "show as JSON" "2" bash -c 'viewctl show --json named | python3 -c "
import json, sys
print(json.load(sys.stdin)[\"view\"][\"clock-rate\"])"'
check "destroy" viewctl destroy named
viewctl create exact --clock realtime=-1.5 >/dev/null
check_output "ls" "exact -1.500000000" viewctl ls -n -r -o NAME,CLOCK-OFFSET
check "destroy another" viewctl destroy exact

wrong() { check_status "wrong: $1" 2 "$2" viewctl run --clock "$1" -- true; }
wrong realtim=+1d "^viewctl: --clock: 'realtim': expected realtime, rate"
wrong realtime "^viewctl: --clock: 'realtime': expected realtime=VALUE"
wrong "" "^viewctl: --clock: '': expected"
for value in "" 1d +1x + - +1d-1h +1e3 +9999999999999999999 +300000000d tomorrow 2031-02-30 2031-13-01 \
	2031-05-06T25:00 2031-05-06X @ @x @-5 2031-05-06T07:08+9; do
	wrong "realtime=$value" "'realtime=${value//+/.}': expected [+]OFFSET"
done
for value in 0 -1 x nan inf 1001 0.0009 1x ""; do
	wrong "rate=$value" "'rate=$value': expected a number from 0.001 to 1000"
done
wrong boottime=1d "'boottime=1d': expected [+]OFFSET"
check_status "wrong: before 1970" 125 "before 1970" viewctl run --clock realtime=-100000d -- true
check_status "wrong: too late" 125 "after 2231" viewctl run --clock realtime=2240-01-01 -- true
check_status "wrong: a boot in the future" 125 "offsets of the time namespace" \
	viewctl run --clock boottime=-1000d -- true
check_status "help" 0 '--clock KEY=VALUE' viewctl help run
check "out here nothing has changed" near "$here" date +%s
check "nothing is redirected any more" eventually unhooked
finish

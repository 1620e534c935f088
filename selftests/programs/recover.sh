#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server that is killed again and again, and started again, while programs use its mount.
. "$VIEWOS_TOP/selftests/ktap.sh"

tools=$VIEWOS_TOP/build/selftests/programs
base=$(mktemp -d /tmp/recover.XXXXXX)
mkdir "$base/data" "$base/mnt"
cd "$base" || exit 1
# By its whole path: what is not mounted may be the name of another mount's source.
trap 'touch stop; kill_server; umount -l "$base/mnt" 2>/dev/null; cd /; rm -rf "$base"' EXIT

# What systemd does with Restart=always.
supervise()
{
	while [ ! -e stop ]; do
		"$tools/steady" --foreground 2>>log &
		echo $! >pid
		wait $! 2>/dev/null
	done
}
kill_server() { kill -9 "$(cat pid)" 2>/dev/null; }
serves() { viewctl servers | grep -qw steady; }
state_is() { viewctl sessions | grep -w steady | grep -qw "$1"; }
mounted() { viewctl mount --server steady "$@"; }
steady() { "$tools/steady" --foreground 2>>log & echo $! >pid; eventually serves; }

# ---- by hand ----
steady
check_status "option: too long" 1 'Invalid argument' mounted -o recover=3601 data mnt
check "mount" mounted -o recover=60 data mnt
check_output "mountinfo" "recover=60" \
	bash -c "grep ' $base/mnt ' /proc/self/mountinfo | grep -o 'recover=[0-9]*'"
viewctl monitor >events &
monitor=$!
sleep 1
echo before >data/file
check_output "it works" "before" cat mnt/file
kill_server
check "orphaned" eventually state_is orphaned
cat mnt/file >out &
reader=$!
sleep 0.5
check "a reader waits" kill -0 $reader
check "umount of what is in use is refused" bash -c '! umount mnt 2>/dev/null'
if [ -d /sys/module/viewos ]; then
	check "the module stays" bash -c '! rmmod viewos 2>/dev/null'
fi
steady
wait $reader
result $? "the reader goes on"
check_output "with what it wanted" "before" cat out
check "ready" eventually state_is ready
check_output "it knows" "steady: recover" tail -n 1 log
check_output "in the same session" "1" bash -c "viewctl sessions | grep -cw steady"
check_output "and counts it" "1" \
	bash -c 'viewctl servers --json | grep -o "\"sessions\": *\"*[0-9]*" | grep -o "[0-9]*$" | head -n 1'
kill $monitor
wait $monitor 2>/dev/null
check_output "events" "session-orphaned session-recovered " \
	bash -c "grep -o '^session-[a-z]*' events | tr '\n' ' '"

# ---- a server that goes on purpose is followed as well ----
kill -TERM "$(cat pid)"
check "orphaned again" eventually state_is orphaned
check "umount while nobody serves" timeout 20 umount mnt
check "the session has gone" eventually test_empty viewctl sessions --noheadings

# ---- without the option ----
steady
check "mount without" mounted data mnt
kill_server
check_status "ENOTCONN" 1 'not connected' cat mnt/file
check "umount without" umount mnt

# ---- a server that cannot be followed ----
viewos-mem --name unsteady --foreground & p=$!
eventually bash -c 'viewctl servers | grep -qw unsteady'
check_status "refused" 1 'not supported' viewctl mount --server unsteady -o recover=60 none mnt
kill $p
wait $p 2>/dev/null

# ---- under load ----
rm -f data/*
supervise &
supervisor=$!
eventually serves
check "mount for the load" mounted -o recover=120 data mnt
"$tools/rounds" mnt 8 enough >left 2>failures &
load=$!
killed=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep "$((RANDOM % 3)).$((RANDOM % 10))"
	! kill_server || killed=$((killed + 1))
	sleep 0.7
done
check_output "killed" "10" echo $killed
touch enough
wait $load
result $? "every operation succeeded"
check_output "without a complaint" "" cat failures
check "what was synced is there" bash -c "'$tools/rounds' mnt <left"
check "behind it, too" bash -c "'$tools/rounds' data <left"
check_output "nothing else is there" "$(sort left)" bash -c 'ls data | sort'
check "recovered each time" test "$(grep -c recover log)" -ge 11
touch stop
check "umount after the load" umount mnt
kill_server
wait $supervisor 2>/dev/null
finish

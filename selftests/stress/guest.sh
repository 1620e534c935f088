#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: stress for some seconds, the module's own and, at the same time, stress-ng in a
# view on viewfs: guest.sh SECONDS SEED

seconds=$1
seed=$2
end=$((SECONDS + seconds))

# Of file systems, processes, signals, and io_uring. Not: what is only about devices or
# other file systems, takes minutes by itself, or wants more memory than there is.
stressors="access chdir chmod chown copy-file dentry dir dirdeep dnotify dup fallocate fanotify
	fcntl file-ioctl filename flock fstat getdent handle hdd inode-flags inotify io iomix lease
	link lockf lockofd mknod open rename symlink sync-file touch utime xattr
	aio aiol io-uring readahead revio seek mmap mmapaddr mmapshared msync sendfile splice
	clone daemon exec exit-group fork kill pthread session softlockup spawn vfork vforkmany
	wait zombie
	alarm itimer nanosleep sigabrt sigchld sigfd sigio signal signest sigpending sigpipe sigq
	sigrt sigsegv sigsuspend sigtrap timer timerfd"

"$VIEWOS_TOP/build/selftests/stress/storm" "$seconds" "$seed" &
storm=$!

passed=0
failed=0
skipped=0
mkdir -p /mnt/stress
viewctl create stress-ng -m mem::/mnt/stress >/dev/null || exit 1
# Each takes a while to start and to end.
while [ $((end - SECONDS)) -gt 20 ]; do
	# shellcheck disable=SC2086
	for stressor in $(shuf -e $stressors --random-source=<(yes "$seed")); do
		[ $((end - SECONDS)) -gt 20 ] || break
		timeout -k 10 120 viewctl enter stress-ng -- stress-ng --"$stressor" 2 --timeout 5 \
			--verify --temp-path /mnt/stress --no-rand-seed --oomable >/tmp/stress-ng.log 2>&1
		case $? in
		0) passed=$((passed + 1)) ;;
		3 | 4) skipped=$((skipped + 1)); echo "stress-ng --$stressor cannot run here" ;;
		*)
			echo "stress-ng --$stressor failed:"
			grep -E 'fail|error' /tmp/stress-ng.log || tail -n 10 /tmp/stress-ng.log
			failed=$((failed + 1))
			;;
		esac
	done
	seed=$((seed + 1))
done
viewctl destroy --kill stress-ng
wait $storm || failed=$((failed + 1))
echo "stress-ng: $passed runs passed, $failed failed, $skipped could not run"

# Nothing is left.
for _ in $(seq 50); do
	left=$(viewctl ls --noheadings)
	[ -n "$left" ] || break
	sleep 0.2
done
[ -z "$left" ] || { echo "Views are left:"; viewctl tree; viewctl ps; failed=$((failed + 1)); }
[ $failed = 0 ]

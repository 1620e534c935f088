#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: stress for some seconds, the module's own and, at the same time, stress-ng in a
# view on viewfs: guest.sh SECONDS SEED

seconds=$1
seed=$2
end=$((SECONDS + seconds))
logs=/tmp/stress-ng
# So long a stressor runs. Each takes a while to start, and to end: those of links clean up
# thousands of names, made or not.
turn=2
patience=180
[ ! -e /sys/kernel/debug/kmemleak ] || patience=600

# Each kind has its turns at the same time as the others, so that a few minutes are enough for
# all. Not here: what is only about devices or other file systems, takes minutes by itself, or
# wants more memory than there is.
declare -A kinds=(
	[names]="access chdir copy-file dentry dir dirdeep filename getdent hdd inotify open
		rename touch mknod fanotify dnotify"
	[links]="link symlink"
	[files]="chmod chown dup fallocate fcntl file-ioctl flock fstat handle inode-flags io iomix
		lease lockf lockofd sync-file utime xattr"
	[data]="aio aiol io-uring readahead revio seek mmap mmapaddr mmapshared msync sendfile
		splice"
	[processes]="clone daemon exec exit-group fork kill pthread session softlockup spawn vfork
		vforkmany wait zombie"
	[signals]="alarm itimer nanosleep sigabrt sigchld sigfd sigio signal signest sigpending
		sigpipe sigq sigrt sigsegv sigsuspend sigtrap timer timerfd"
)

# Some make thousands of names or many megabytes, and clean up for longer than they ran.
declare -A less=(
	[chdir]="--chdir-dirs 64" [dentry]="--dentries 128" [dirdeep]="--dirdeep-inodes 500"
	[hdd]="--hdd-bytes 4m" [fallocate]="--fallocate-bytes 4m" [iomix]="--iomix-bytes 4m"
	[copy-file]="--copy-file-bytes 4m" [sync-file]="--sync-file-bytes 4m"
	[readahead]="--readahead-bytes 4m" [revio]="--revio-bytes 4m" [seek]="--seek-size 4m"
	[mmap]="--mmap-bytes 4m" [dir]="--dir-dirs 128"
)

# What a stressor takes for a failure, and has done itself: this one cancels its own reads and
# writes, which are done before it can where no server is asked for them.
declare -A own=(
	[io-uring]='completion opcode=[0-9]+ \((IORING_OP_)?(READ|WRITE)V?\), error=125 '
)

# stressor_own NAME LOG: was that all that failed?
stressor_own()
{
	[ -n "${own[$1]:-}" ] && grep -q ' fail: ' "$2" &&
		! grep ' fail: ' "$2" | grep -qvE "${own[$1]}"
}

# stressor NAME LOG COMMAND...: one turn of it, behind a command that says where.
stressor()
{
	local name=$1 log=$2
	shift 2

	# shellcheck disable=SC2086
	timeout -k 10 $patience "$@" stress-ng --"$name" 1 ${less[$name]:-} --timeout $turn \
		--verify --no-rand-seed --oomable >"$log" 2>&1
}

# stressor_said LOG STATUS
stressor_said()
{
	grep -E 'fail|error' "$1" || tail -n 10 "$1"
	echo "(exit status $2)"
}

# stressors KIND: turns of those of a kind, in an order of their own, until the time is over. A
# line for each: NAME RESULT
stressors()
{
	local kind=$1 random=$seed name log=$logs/$1.log status

	while [ $((end - SECONDS)) -gt 15 ]; do
		# shellcheck disable=SC2086
		for name in $(shuf -e ${kinds[$kind]} --random-source=<(yes "$random")); do
			[ $((end - SECONDS)) -gt 15 ] || break
			stressor "$name" "$log" viewctl enter stress-ng -- env -C /mnt/stress
			status=$?
			case $status in
			0) echo "$name passed" ;;
			3 | 4) echo "$name skipped" ;;
			# A process that hangs for good is what the kernel, or the end, tells of.
			124 | 137) echo "$name slow" ;;
			*)
				# Is it that it does not get on with this kernel?
				if stressor_own "$name" "$log"; then
					echo "$name own"
				elif ! stressor "$name" "$log.native" env -C "$logs"; then
					echo "$name native"
				else
					{
						echo "stress-ng --$name failed:"
						stressor_said "$log" $status
					} >&2
					echo "$name failed"
				fi
				;;
			esac
		done
		random=$((random + 1))
	done >"$logs/$kind.results"
}

# names RESULT: which stressors had it, each once.
names()
{
	sed -n "s/ $1\$//p" "$logs"/*.results | sort -u | tr '\n' ' '
}

number()
{
	grep -c " $1\$" <(cat "$logs"/*.results)
}

mkdir -p /mnt/stress $logs
viewctl create stress-ng -m mem::/mnt/stress >/dev/null || exit 1
PATH=$PATH:$VIEWOS_TOP/build/selftests/programs \
	"$VIEWOS_TOP/build/selftests/stress/storm" "$seconds" "$seed" \
	2> >(grep --line-buffered -v '^steady: ' >&2) &
storm=$!
turns=()
for kind in "${!kinds[@]}"; do
	stressors "$kind" &
	turns+=($!)
done
wait "${turns[@]}"
viewctl destroy --kill stress-ng
failed=0
wait $storm || failed=1

echo "stress-ng: $(number passed) runs passed, $(number failed) failed," \
	"$(number native) failed without a view too, $(number own) of what they did themselves," \
	"$(number skipped) could not run," \
	"$(number slow) were stopped after $patience s"
for kind in "${!kinds[@]}"; do
	missing=$(comm -23 <(tr -s ' \t\n' '\n' <<<"${kinds[$kind]}" | sed '/^$/d' | sort) \
		<(sed 's/ .*//' "$logs/$kind.results" | sort -u) | tr '\n' ' ')
	echo "stress-ng, $kind: $(sed 's/ .*//' "$logs/$kind.results" | sort -u | wc -l) of" \
		"$(wc -w <<<"${kinds[$kind]}") had a turn${missing:+, not: $missing}"
done
[ "$(number skipped)" = 0 ] || echo "Could not run: $(names skipped)"
[ "$(number slow)" = 0 ] || echo "Stopped after $patience s: $(names slow)"
[ "$(number own)" = 0 ] || echo "Failed of what they did themselves: $(names own)"
[ "$(number native)" = 0 ] || echo "Failed without a view too: $(names native)"
if [ "$(number failed)" != 0 ]; then
	echo "Failed: $(names failed)"
	failed=1
fi
if [ "$(number passed)" = 0 ]; then
	echo "No stressor of stress-ng passed."
	failed=1
fi

# Nothing is left.
for _ in $(seq 50); do
	left=$(viewctl ls --noheadings)
	[ -n "$left" ] || break
	sleep 0.2
done
[ -z "$left" ] || { echo "Views are left:"; viewctl tree; viewctl ps; failed=1; }
[ $failed = 0 ]

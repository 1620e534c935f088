#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same calls in a view and in what does the like without viewos, in one boot: nanoseconds a call,
# and the ratio to nothing at all.
here=$(dirname "$0")
peers=$here/peers
export LC_ALL=C
export FAKETIME_DONT_FAKE_MONOTONIC=1
failed=0

mkdir -p /tmp/peers
cp /bin/busybox /tmp/peers/true
printf '#!/tmp/peers/true\n' >/tmp/peers/script.view
chmod 755 /tmp/peers/script.view
touch /tmp/peers/file
chown 1000 /tmp/peers/file
trap 'rm -rf /tmp/peers' EXIT

# date(1) and its libraries are loaded again and again: a root of its own, all in memory.
root=/tmp/peers/root
preload=$(find /usr/lib/*/faketime -name libfaketime.so.1 2>/dev/null | head -n 1)
mapfile -t files < <(printf '%s\n' /bin/date /bin/busybox "$preload" "$peers"
	ldd /bin/date "$peers" ${preload:+"$preload"} | grep -o '/[^ :]*' | grep '\.so')
for file in "${files[@]}"; do
	[ -z "$file" ] || install -D "$file" "$root$file"
done

# row CALL WANTED BY COMMAND...: one figure, by a command that runs peers; WANTED is what the call
# gives there, or - for anything. The first one of a call is native.
row()
{
	local name=$1 wanted=$2 by=$3 time
	shift 3
	if [[ $by =~ ^(strace|proot|fakeroot|faketime)$ ]] && ! command -v "$by" >/dev/null; then
		printf '%-24s %-24s %10s\n' "$name" "$by" absent
		return
	fi
	if [ "$wanted" = - ]; then unset WANTED; else export WANTED=$wanted; fi
	if ! time=$("$@" 2>/tmp/peers/errors | tail -n 1) || ! [[ $time =~ ^[0-9]+$ ]]; then
		printf '%-24s %-24s %10s\n' "$name" "$by" failed
		sed 's/^/# /' /tmp/peers/errors
		failed=1
		return
	fi
	[ "$by" = native ] && native=$time
	printf '%-24s %-24s %10d %8.2f\n' "$name" "$by" "$time" \
		"$(awk "BEGIN { print $time / $native }")"
}

# shellcheck disable=SC2317
view() { viewctl run "$@"; }
# shellcheck disable=SC2317
strace_of() { strace -f --seccomp-bpf -qq -o /dev/null -e trace=getppid "$@"; }

printf '%-24s %-24s %10s %8s\n' "call" "by" "ns" "ratio"
row "denied" - native "$peers" getppid
row "denied" -1 "viewos" view --syscall getppid=deny:EPERM -- "$peers" getppid
row "denied" -1 "seccomp filter" "$peers" getppid errno
row "denied" -1 "strace" strace_of -e inject=getppid:error=EPERM "$peers" getppid
row "valued" - native "$peers" getppid
row "valued" 7 "viewos" view --syscall getppid=value:7 -- "$peers" getppid
row "valued" 7 "strace" strace_of -e inject=getppid:retval=7 "$peers" getppid
row "served" - native "$peers" getppid
row "served" 7 "viewos" "$peers" getppid serve
row "served" 7 "seccomp notification" "$peers" getppid notify
row "served" - "strace" strace_of "$peers" getppid
row "not ruled" 1 native "$peers" getpgrp
row "not ruled" 1 "viewos" view --syscall getppid=value:7 -- "$peers" getpgrp
row "not ruled" 1 "seccomp filter" "$peers" getpgrp errno
row "not ruled" 1 "seccomp notification" "$peers" getpgrp notify
row "not ruled" 1 "strace" strace_of "$peers" getpgrp
row "not ruled" 1 "proot" proot "$peers" getpgrp
row "not ruled" 1 "fakeroot" fakeroot "$peers" getpgrp
today=$(($(date +%s) / 86400))
row "clock_gettime" - native "$peers" clock
row "clock_gettime" $((today + 10)) "viewos" view --clock realtime=+10d -- "$peers" clock
row "clock_gettime" $((today + 10)) "faketime" faketime -f +10d "$peers" clock
row "date" 0 native chroot $root "$peers" date
row "date" 0 "viewos" view --clock realtime=+10d -- chroot $root "$peers" date
row "date" 0 "faketime" chroot $root /bin/busybox env "LD_PRELOAD=$preload" FAKETIME=+10d "$peers" date
row "exec" 0 native "$peers" true
row "exec" 0 "viewos" view -- "$peers" true
row "exec" 0 "proot" proot "$peers" true
row "exec, interpreted" 0 native "$peers" exec
row "exec, interpreted" 0 "viewos" view --binfmt .view=/tmp/peers/true -- "$peers" exec
if mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || [ -e /proc/sys/fs/binfmt_misc/register ]; then
	printf ':peers:E::view::/tmp/peers/true:' >/proc/sys/fs/binfmt_misc/register
	row "exec, interpreted" 0 binfmt_misc "$peers" exec
	echo -1 >/proc/sys/fs/binfmt_misc/peers
	umount /proc/sys/fs/binfmt_misc
else
	printf '%-24s %-24s %10s\n' "exec, interpreted" binfmt_misc absent
fi
row "exec, interpreted" 0 "proot" proot "$peers" exec
for case in stat getuid open; do
	[ $case = stat ] && wanted=1000 || wanted=0
	row "fake root: $case" "$wanted" native "$peers" $case
	row "fake root: $case" "$wanted" "viewos" view --ids -- "$peers" $case
	[ $case = stat ] || row "fake root: $case" "$([ $case = getuid ] && echo 12 || echo 0)" \
		"viewos, another user" view --ids -- setpriv --reuid 12 "$peers" $case
	row "fake root: $case" - "fakeroot" fakeroot "$peers" $case
	row "fake root: $case" - "proot" proot -0 "$peers" $case
done
exit $failed

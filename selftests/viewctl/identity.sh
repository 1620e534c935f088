#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --ids: processes that become others, in a view alone.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/home/tester/identity
export LC_ALL=C
umask 022
rm -rf $base
mkdir -p $base
chown tester: $base
cd $base || exit 1

# as_user WORDS, as the shell takes them
as_user() { su tester -s /bin/bash -c "umask 022; cd $base; $1"; }
# fresh SCRIPT: in a view of its own
fresh() { as_user "viewctl run --ids -- bash -ec '$1'"; }

become=$VIEWOS_TOP/build/selftests/viewctl/become
# both NAME WANTED WORDS: by the static program, and by the one of 32 bits
both()
{
	check_output "$1" "$2" as_user "viewctl run --ids -- $become $3"
	if [ -x "${become}32" ]; then
		check_output "$1, 32 bits" "$2" as_user "viewctl run --ids -- ${become}32 $3"
	else
		skip "$1, 32 bits" "not built"
	fi
}

# ---- each call ----

both "who one is" "0 0 0, 0 0 0," "ids"
both "setuid" $'12 12 12, 0 0 0,' "setuid 12 ids"
both "setuid: root no more" $'setuid: Operation not permitted\n12 12 12, 0 0 0,' \
	"setuid 12 setuid 0 setuid 12 ids"
both "setgid" "0 0 0, 34 34 34," "setgid 34 ids"
both "setgid: after setuid" $'setgid: Operation not permitted\n12 12 12, 0 0 0,' \
	"setuid 12 setgid 34 ids"
both "setgroups" "0 0 0, 0 0 0, 5 6 7" "setgroups 7 5 6 ids"
both "setgroups: none" "0 0 0, 0 0 0," "setgroups 7 5 6 setgroups ids"
both "setgroups: not by another" $'setgroups: Operation not permitted\n1 1 1, 0 0 0, 5' \
	"setgroups 5 setuid 1 setgroups 6 ids"
both "setgroups: one that nobody is" $'setgroups: Invalid argument\n0 0 0, 0 0 0,' \
	"setgroups 4 -1 ids"
both "setresuid, setresgid" "1 2 3, 4 5 6," "setresgid 4 5 6 setresuid 1 2 3 ids"
both "setresuid: some" "0 2 0, 0 0 0," "setresuid -1 2 -1 ids"
both "setresuid: back by the saved one" $'0 2 0, 0 0 0,\n0 0 0, 0 0 0,' \
	"setresuid -1 2 -1 ids setresuid -1 0 -1 ids"
both "setresuid: one of one's own" $'3 1 2, 0 0 0,' "setresuid 1 2 3 setresuid 3 1 2 ids"
both "setresuid: none of one's own" $'setresuid: Operation not permitted\n1 2 3, 0 0 0,' \
	"setresuid 1 2 3 setresuid 1 2 4 ids"
both "setreuid: the saved one follows" $'0 9 9, 0 0 0,\n9 0 0, 0 0 0,' \
	"setreuid -1 9 ids setreuid 9 0 ids"
both "setregid" $'3 3 3, 7 8 8,\nsetregid: Operation not permitted' \
	"setregid 7 8 setuid 3 ids setregid 9 -1"
both "setuid: nobody" $'setuid: Invalid argument\nsetgid: Invalid argument\n0 0 0, 0 0 0,' \
	"setuid -1 setgid -1 ids"
both "setfsuid: tells who it was" $'setfsuid: 5\nsetfsgid: 6\nsetfsuid: 5' \
	"setfsuid 5 setfsuid -1 setfsgid 6 setfsgid -1 setfsuid 5"
both "setfsuid: of another never fails, and does nothing" $'setfsuid: 1\nsetfsuid: 1' \
	"setuid 1 setfsuid 5 setfsuid -1"
if [ -x "${become}32" ]; then
	check_output "32 bits: by the newer calls" $'2 3 4, 5 6 7, 8 9\nsetfsuid32: 3' as_user \
		"viewctl run --ids -- ${become}32 setgroups32 9 8 setresgid32 5 6 7 \
		setresuid32 2 3 4 ids setfsuid32 4"
	check_output "32 bits: what 16 cannot tell" \
		$'65534 65534 65534, 65534 65534 65534, 65534\nby 32 bits: 70000 70000 70000, 80000 80000 80000, 90000' \
		as_user "viewctl run --ids -- ${become}32 setgroups32 90000 setgid32 80000 setuid32 70000 ids"
	check_output "32 bits: others by the newer calls" \
		$'1 1 1, 2 2 2,\nsetreuid32: Operation not permitted\nsetuid32: Operation not permitted' \
		as_user "viewctl run --ids -- ${become}32 setgid32 2 setregid32 2 2 setreuid32 1 1 ids \
		setreuid32 3 3 setuid32 4"
fi

# ---- who inherits it ----

both "fork: the child is who its parent was" $'1 1 1, 2 2 2, 3\nbefore: 1 1 1, 2 2 2, 3' \
	"setgroups 3 setgid 2 setuid 1 fork ids"
both "fork: and becomes another by itself" $'7 7 7, 2 2 2,\nbefore: 0 0 0, 2 2 2,' \
	"setgid 2 fork setuid 7 ids"
both "fork: though the parent has ended" $'1 1 1, 2 2 2,\nbefore: 1 1 1, 2 2 2,' \
	"setgid 2 setuid 1 orphan ids"
both "exec keeps it" "1 2 1, 0 3 0, 4 5" "setgroups 4 5 setresgid -1 3 -1 setresuid 1 2 1 exec ids"
both "a thread: its own, as with the kernel" $'1 1 1, 2 2 2,\nbefore: 0 0 0, 2 2 2,' \
	"setgid 2 thread setuid 1 ids"
both "a thread: then a child, then a program" $'1 1 1, 2 2 2,\nbefore: 1 1 1, 2 2 2,\nbefore: 0 0 0, 2 2 2,' \
	"setgid 2 thread setuid 1 fork exec ids"
check_output "the C library sees to all threads" "12 12 12" fresh 'python3 -c "
import os, threading, time
go, seen = threading.Event(), []
def wait(): go.wait(); seen.append(os.getuid())
all = [threading.Thread(target=wait) for i in range(2)]
[t.start() for t in all]; os.setuid(12); go.set(); [t.join() for t in all]
print(*seen, os.getuid())"'
check_output "system(3), which is a vfork" "5 6" fresh 'python3 -c "
import os
os.setgid(6); os.setuid(5); os.system(\"echo \$(id -u) \$(id -g)\")"'
check_output "many processes, each another" "ok" fresh '
	for i in {1..40}; do '"$become"' setgid $((i + 100)) setuid $i fork exec ids >out.$i & done; wait
	for i in {1..40}; do
		g=$((i + 100)); printf "$i $i $i, $g $g $g,\nbefore: $i $i $i, $g $g $g,\n" | diff - out.$i
	done; rm out.*; echo ok'
check_output "a pid that is used again" "1 0" viewctl run --ids -- python3 -c '
import os
first = os.fork()
if not first: os.setuid(12); os._exit(0)
os.waitpid(first, 0)
for i in range(100):
    open("/proc/sys/kernel/ns_last_pid", "w").write(str(first - 1))
    again = os.fork()
    if not again: os._exit(os.getuid())
    status = os.waitpid(again, 0)[1]
    if again == first: break
print(int(again == first), os.waitstatus_to_exitcode(status))'
check_output "in a pid namespace" $'3 3 3, 0 0 0,\nbefore: 3 3 3, 0 0 0,' as_user \
	"viewctl run --pid --ids -- $become setuid 3 fork ids"
check_output "who enters is root" "0" as_user 'viewctl create stays --ids >/dev/null
	viewctl enter stays -- '"$become"' setuid 5; viewctl enter stays -- id -u; viewctl destroy stays'
check_output "by root" $'12 12 12, 34 34 34,' viewctl run --ids -- "$become" setgid 34 setuid 12 ids
check_output "by root: not so outside" "0" bash -c \
	'viewctl run --ids -- python3 -c "import os; os.setuid(12); print(open(\"/proc/self/status\").read())" |
	awk "/^Uid/ { print \$2 }"'
check_output "without a user namespace" $'0 0 0, 0 0 0,\n5 5 5, 0 0 0,' as_user \
	"viewctl run --map-user -- viewctl run --ids --user-ns no -- $become ids setuid 5 ids"
check_output "in a view in a view: each its own" $'5 5 5, 0 0 0,\n6 6 6, 0 0 0,\n0 0 0, 0 0 0,' as_user "
	viewctl run --ids -- bash -c '$become setuid 5 ids; viewctl run --ids -- bash -c \"$become setuid 6 ids
	$become ids\"'"
check_output "as somebody else from the beginning" $'12 12 12, 34 34 34,\nsetuid: Operation not permitted' \
	as_user "viewctl run --ids --user 12:34 -- $become ids setuid 5"

# ---- files ----

check_output "what is made is whose who makes it" \
	"f 12:34 f.c 12:34 f.d 12:34 f.l 12:34 f.p 12:34" fresh "
	$become setgid 34 setuid 12 make f; stat -c \"%n %u:%g\" f* | xargs; rm -r f*"
if [ -x "${become}32" ]; then
	check_output "likewise, 32 bits" "f 12:34 f.c 12:34 f.d 12:34 f.l 12:34 f.p 12:34" fresh "
		${become}32 setgid 34 setuid 12 make f; stat -c \"%n %u:%g\" f* | xargs; rm -r f*"
fi
check_output "setfsuid: whose what is made is" "5:6" fresh \
	"$become setfsgid 6 setfsuid 5 make f >/dev/null; stat -c %u:%g f; rm -r f*"
check_output "what was there stays whose it was" "0 text" fresh '
	touch f; python3 -c "
import os
os.setuid(12); open(\"f\", \"a\").write(\"text\"); os.open(\"f\", os.O_CREAT)"
	echo $(stat -c %u f) $(cat f); rm f'
check_output "openat2, creat, and through a link that leads nowhere" "3 3 3" fresh '
	ln -s to link; python3 -c "
import ctypes, os
libc = ctypes.CDLL(None)
os.setuid(3); open(\"link\", \"w\").close(); libc.creat(b\"c\", 0o644)
how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_RDWR, 0o644, 0)
libc.syscall(437, -100, b\"o\", how, 24)"
	echo $(stat -c %u to c o); rm to c o link'
check_output "a shell of another: as with tar" "tar 12/34 f" fresh '
	python3 -c "
import os
os.setgid(34); os.setuid(12); os.system(\"mkdir d; echo hello >d/f\")"
	tar -cf t d; echo tar $(tar -tv --numeric-owner -f t | sed -nE "s,^\S+ (\S+) .* d/(f),\1 \2,p"); rm -r d t'
check_output "giving away takes no root, as in fakeroot" "77" fresh \
	"touch f; $become setuid 12 chown f 77; stat -c %u f; rm f"
check_output "kept: what another has made" $'12:34\n12:34' as_user "
	viewctl run --ids=list -- bash -c \"$become setgid 34 setuid 12 make f; stat -c %u:%g f\"
	viewctl run --ids=list -- stat -c %u:%g f; rm -r f* list"
check_output "kept: fakeroot reads it" "12:34" as_user "
	viewctl run --ids=list -- bash -c \"$become setgid 34 setuid 12 make f\"
	fakeroot -i list stat -c %u:%g f; rm -r f* list"

# ---- programs ----

check_output "setpriv" "12 34 34 56" fresh 'setpriv --reuid 12 --regid 34 --groups 34,56 -- bash -c \
	"echo \$(id -u) \$(id -g) \$(id -G | tr \" \" \"\n\" | sort -n)"'
check_output "chroot --userspec" $'12\n34' fresh '
	mkdir -p r; cp /bin/busybox r; chroot --userspec=12:34 r /busybox sh -c "/busybox id -u; /busybox id -g"
	rm -r r'
check_output "su, static" "$(id -u daemon):$(id -g daemon)" fresh \
	'busybox su -s /bin/sh daemon -c "echo \$(busybox id -u):\$(busybox id -g)"'
check_output "setpriv, by name" "$(id -u daemon):$(id -g daemon)" fresh \
	'setpriv --reuid daemon --regid daemon --init-groups -- bash -c "echo \$(id -u):\$(id -g)"'
check_output "who keeps capabilities goes on to be root, and else not" "0 1 1 0" fresh 'python3 -c "
import ctypes, os
libc = ctypes.CDLL(None)
def keeps(): return libc.prctl(7, 0, 0, 0, 0)
before = keeps(); libc.prctl(8, 1, 0, 0, 0); os.setuid(12)
during = keeps(); os.setgid(34); os.setuid(0); libc.prctl(8, 0, 0, 0, 0); os.setuid(12); libc.prctl(8, 1, 0, 0, 0)
print(before, during, libc.setuid(0) + 2, keeps())"'
check_output "perl" "12 34" fresh 'perl -e "\$) = \"34 34\"; \$( = 34; \$< = \$> = 12; print \"\$> \", \$)+0, \"\n\""'
check_output "bash: \$EUID of another" "12" fresh \
	'setpriv --reuid 12 --clear-groups -- bash -c "echo \$EUID"'

# The same in fakeroot(1), where that looks after it: no further groups, nothing made, no way back.
cat >peer.py <<'END'
import os, stat, sys
def tell(what):
    print(what, os.getresuid(), os.getresgid(), os.getuid(), os.geteuid(), os.getgid(), os.getegid())
    sys.stdout.flush()
def own(name):
    s = os.lstat(name)
    print(name, s.st_uid, s.st_gid, stat.filemode(s.st_mode), s.st_rdev)
tell("first")
open("a", "w").close(); os.chown("a", 5, 6); own("a")
os.setegid(77); tell("setegid"); os.setegid(0); tell("and back")
os.seteuid(9); tell("seteuid"); os.seteuid(0); tell("and back")
if not os.fork():
    os.setresgid(1, 2, 3); os.setresuid(4, 5, 6); tell("child"); sys.stdout.flush()
    os.execlp("python3", "python3", "-c", "import os; print(os.getresuid(), os.getresgid())")
os.wait()
os.setresgid(34, 34, 34); os.setresuid(12, 12, 12); tell("another"); os.setuid(12); tell("still")
os.chown("a", 7, 8); own("a"); os.chmod("a", 0o4711); own("a")
os.mknod("c", stat.S_IFCHR | 0o600, os.makedev(1, 3)); os.chown("c", 1, 2); own("c")
sys.stdout.flush()
os.system("id -u; id -ru; id -g; stat -c '%u %g %a' a")
os.unlink("a"); os.unlink("c")
END
check_output "the same as in fakeroot" "$(as_user 'fakeroot python3 peer.py')" \
	as_user 'viewctl run --ids -- python3 peer.py'
rm peer.py

# ---- hostile ----

check_output "hostile: no room for what is told" "14 14 14 22 22" fresh 'python3 -c "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    ctypes.set_errno(0)
    libc.syscall(*[ctypes.c_void_p(a) for a in args])
    return ctypes.get_errno()
libc.setresuid(1, 0, 0); room = (ctypes.c_uint32 * 4)(); at = ctypes.addressof(room)
print(call(118, at, 8, at), call(120, 8, at, at), call(116, 3, 8), call(116, 70000, at),
      call(115, -1, at))"'
check_output "hostile: too few places for the groups" "22 3" fresh 'python3 -c "
import ctypes, os
os.setgroups([1, 2, 3]); libc = ctypes.CDLL(None, use_errno=True)
room = (ctypes.c_uint32 * 4)(); libc.getgroups(2, room); print(ctypes.get_errno(), libc.getgroups(0, None))"'
check_output "hostile: more than a server remembers" "11 0" fresh 'python3 -c "
import os
end = 0
for i in range(100):
    try: os.setgroups(list(range(i, i + 65536)))
    except OSError as error: end = error.errno
os.setgroups([]); print(end, os.getuid())"'
check_output "hostile: a server that dies leaves errors" "5" fresh 'python3 -c "
import ctypes, os, signal, subprocess
os.setuid(12)
libc = ctypes.CDLL(None, use_errno=True)
os.kill(int(subprocess.check_output([\"pgrep\", \"-n\", \"-x\", \"viewos-ids\"])), signal.SIGKILL)
libc.setuid(12); libc.setuid(12); print(ctypes.get_errno())"'
none_left() { ! pgrep -x viewos-ids >/dev/null; }
check "servers end with their views" eventually none_left
cd / && rm -rf $base
finish

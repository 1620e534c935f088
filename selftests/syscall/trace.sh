#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl trace: what it tells of real programs, in which forms, and that these do not notice.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

log=/tmp/trace.log
# check_log NAME PATTERN COMMAND...: the command succeeds, and the log has a line that matches.
check_log()
{
	local name=$1 pattern=$2 status=0 output
	shift 2
	output=$("$@" 2>&1) || status=$?
	if [ $status != 0 ] || ! grep -qE -- "$pattern" $log; then
		printf '# %s: exit status %s, output "%s", wanted "%s", log:\n' "$name" $status \
			"$output" "$pattern"
		head -n 30 $log | sed 's/^/# /'
		status=1
	fi
	result $status "$name"
}
traced() { viewctl trace -o "$log" "$@"; }

# The functions of calls stay redirected from one trace to the next: to do it costs seconds.
viewctl create redirected --syscall any=native

# Arguments and results.
check_log "a path and flags" \
	'^[0-9]+ +openat\(AT_FDCWD, "/etc/passwd", O_RDONLY.*\) = [0-9]+$' traced cat /etc/passwd
check_log "an error" '^[0-9]+ +openat\(AT_FDCWD, "/nowhere", O_RDONLY\) = -1 ENOENT \(No such file' \
	traced bash -c 'cat /nowhere || true'
check_log "bytes that are written" '^[0-9]+ +write\(1, "a\\"b\\nc.*", 6\) = 6$' \
	traced printf 'a"b\nc\n'
check_log "argv" '^[0-9]+ +execve\("/bin/true|"/usr/bin/true", \["true", "with", "words"\], ' \
	traced true with words
check_log "a mode" '^[0-9]+ +chmod\("/tmp/made", 0750\) = 0$' \
	traced busybox mkdir -m 750 /tmp/made
check_log "an address" '^[0-9]+ +connect\([0-9]+, \{AF_INET, 127\.0\.0\.1:9\}, 16\) = -1 ECONNREFUSED' \
	traced python3 -c 'import socket
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    pass'
check_log "a signal" '^[0-9]+ +kill\([0-9]+, SIGURG\) = 0$' traced bash -c 'kill -URG $$'
check_log "a time" '^[0-9]+ +clock_nanosleep\(CLOCK_REALTIME, 0x?0?, \{0, 1000000\}, ' \
	traced sleep 0.001
check_log "an address space" '^[0-9]+ +mmap\(NULL, 8192, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, .*\) = 0x[0-9a-f]+$' \
	traced python3 -c 'import mmap; mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE)'
check_log "the end" '^[0-9]+ +exit_group\(0\) = \?$' traced true
check_log "a pointer to nothing" '^[0-9]+ +chdir\(0x10\) = -1 EFAULT' traced python3 -c '
import ctypes; ctypes.CDLL(None).syscall(80, 16)'

# Processes.
check_log "children" '^[0-9]+ +openat\(.*"/etc/hostname"' traced bash -c '(cat /etc/hostname); :'
check_output "all of them" 5 bash -c "viewctl trace -o $log -e execve bash -c \
	'for i in 1 2 3 4; do /bin/true; done' && grep -c ' = 0\$' $log"
check_output "each thread" 9 bash -c "viewctl trace -o $log -e gettid python3 -c '
import threading
def call():
    threading.get_native_id()
threads = [threading.Thread(target=call) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
threading.get_native_id()' && cut -d ' ' -f 1 $log | sort -u | wc -l"
check_log "a fork storm" '^[0-9]+ +exit_group\(3\) = \?$' \
	traced bash -c 'for i in $(seq 50); do (exit 3); done; /bin/true'
check_log "vfork and exec" '^[0-9]+ +execve\(.*\) = 0$' traced python3 -c '
import subprocess; subprocess.run(["/bin/true"], check=True)'
check_log "one that is killed in a call" '^[0-9]+ +clock_nanosleep\(.*\) = \?' \
	traced bash -c 'sleep 1000 & p=$!
		until grep -q "^230 " /proc/$p/syscall; do :; done
		kill -KILL $p; wait; true'

# How it ends is the command's.
check_status "exit status" 7 '' traced bash -c 'exit 7'
check_status "killed" 143 '' traced bash -c 'kill -TERM $$'
check_status "not found" 127 "'/nowhere': No such file" traced /nowhere
check_status "not executable" 126 "'/etc/passwd': Permission" traced /etc/passwd
check_output "output and input are the command's" "in out" bash -c \
	"echo in | viewctl trace -o $log bash -c 'read x; echo \$x out'"
check_status "lines go to stderr" 0 '^[0-9]+ +exit_group' viewctl trace true
check_output "and not to stdout" "" bash -c 'viewctl trace true 2>/dev/null'
check_status "a signal is passed on" 143 '' bash -c "
	viewctl trace -o $log -e pause,rt_sigsuspend,clock_nanosleep sleep 1000 & p=\$!
	until pgrep -x sleep >/dev/null; do sleep 0.1; done
	kill \$p; wait \$p"

# What is chosen.
check_output "-e" "getppid" bash -c "viewctl trace -o $log -e getppid python3 -c '
import os; os.getppid()' && sed 's/^[0-9]* *//; s/(.*//' $log | sort -u"
check_output "-e, several" "getpgid getppid" bash -c "viewctl trace -o $log -e getppid -e getpgid python3 -c '
import os; os.getppid(); os.getpgid(0)' && sed 's/^[0-9]* *//; s/(.*//' $log | sort -u | paste -sd ' '"
check_log "-e, a group" '^[0-9]+ +umount2\("/nowhere", ' traced -e @mount bash -c 'umount /nowhere || true'
check_output "all but what must not be ruled" 0 bash -c "viewctl trace -o $log bash -c \
	'trap : USR1; kill -USR1 \$\$' && grep -c sigreturn $log || true"

# Other forms.
check_output "--json" "openat x86-64 ENOENT True" bash -c "viewctl trace -J -o $log bash -c 'cat /nowhere || :' 2>/dev/null
	python3 -c '
import json
for line in open(\"$log\"):
    c = json.loads(line)
    if \"\\\"/nowhere\\\"\" in c[\"args\"] and c[\"call\"] == \"openat\":
        print(c[\"call\"], c[\"arch\"], c[\"error\"], c[\"seconds\"] >= 0 and c[\"pid\"] > 0)'"
check_log "-c" '^ *[0-9.]+ +[0-9.]+ +[0-9]+ +10 +10 mkdir$' traced -c python3 -c '
import os
for i in range(10):
    try:
        os.mkdir("/nowhere/x")
    except OSError:
        pass'
check_log "-c: what a call took" '^ *[0-9.]+ +0\.[2-9][0-9]* +[0-9]+ +1 +0 clock_nanosleep$' \
	traced -c -e clock_nanosleep sleep 0.2
check_output "-c --json" "10 10" bash -c "viewctl trace -c -J -o $log python3 -c '
import os
for i in range(10):
    try:
        os.mkdir(\"/nowhere/x\")
    except OSError:
        pass' && python3 -c '
import json
for c in json.load(open(\"$log\"))[\"calls\"]:
    if c[\"call\"] == \"mkdir\":
        print(c[\"calls\"], c[\"errors\"])'"

# With views and others around it.
check_log "in a view with rules: what they say is told" '^[0-9]+ +mkdir\(.*\) = -1 ENOSPC' \
	viewctl run --syscall mkdir,mkdirat=deny:ENOSPC -- bash -c \
	"viewctl trace -o $log busybox mkdir /tmp/denied || test ! -e /tmp/denied"
check_log "a trace in a trace" '^[0-9]+ +execve\("[^"]*viewctl"' \
	traced viewctl trace -o /tmp/inner.log true
check_output "and the inner one" 1 grep -c 'exit_group(0)' /tmp/inner.log
check_log "views beneath" '^[0-9]+ +openat\(.*"/etc/hostname"' traced viewctl run -- cat /etc/hostname
check_status "strace on the same task" 0 'getppid\(\) += [0-9]+' \
	traced strace -e trace=getppid python3 -c 'import os; os.getppid()'
check_log "and it is told of that" '^[0-9]+ +getppid\(\) = [0-9]+' true
check_log "as a rule" '^[0-9]+ +getppid\(\) = ' bash -c "rm $log
	viewctl run --syscall getppid=serve:trace:$log -- python3 -c 'import os; os.getppid()'"
check_output "an ordinary user" exit_group su tester -s /bin/bash -c '
	viewctl trace -e exit_group -o /tmp/tester.log true
	sed "s/^[0-9]* *//; s/(.*//" /tmp/tester.log'
if [ -x "$VIEWOS_TOP/build/selftests/socket/client32" ]; then
	check_log "a program of 32 bits" '^[0-9]+ +exit_group/i386\([0-9]+\) = \?$' bash -c \
		"viewctl trace -o $log '$VIEWOS_TOP/build/selftests/socket/client32' || true"
	check_log "and its arguments" '^[0-9]+ +readlink/i386\("/proc/self/exe", 0x[0-9a-f]+, 4096\) = ' true
fi

# A server that is killed: the calls fail, the command ends.
check_status "its server is killed" 5 '' bash -c "
	viewctl trace -o $log -e getppid python3 -c '
import ctypes, os, subprocess
subprocess.run([\"pkill\", \"-KILL\", \"-x\", \"viewos-trace\"])
libc = ctypes.CDLL(None, use_errno=True)
while libc.syscall(110) >= 0:
    pass
os._exit(ctypes.get_errno())'"

check_status "wrong: a call" 2 "viewctl: -e: 'mkdri': expected the name" viewctl trace -e mkdri true
check_status "wrong: one that must not be ruled" 2 "'rt_sigreturn': must not be ruled" \
	viewctl trace -e rt_sigreturn true
check_status "wrong: a file" 125 "-o: '/nowhere/x': No such file" viewctl trace -o /nowhere/x true
check_status "wrong: an option" 2 "unknown option" viewctl trace --nonsense true
check_status "help" 0 '--count' viewctl help trace
none_left() { ! pgrep -x viewos-trace >/dev/null; }
check "no server is left" eventually none_left
viewctl destroy redirected
rm -rf /tmp/made /tmp/inner.log /tmp/tester.log $log
finish

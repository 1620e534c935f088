#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rules for system calls by viewctl, with real programs: what they say, nesting, changes
# while programs run, strace, an ordinary user, how it all is listed, what is refused.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
hooked() { grep -c "^__[a-z0-9]*_sys_$1 \|^__do_sys_$1 " /sys/kernel/tracing/enabled_functions; }

# mkdir: x86-64 has one of its own and mkdirat.
check_status "deny" 1 'Operation not permitted' \
	viewctl run --syscall mkdir,mkdirat=deny -- mkdir /tmp/denied
check_status "deny: by name" 1 'No space left' \
	viewctl run --syscall mkdir,mkdirat=deny:ENOSPC -- mkdir /tmp/denied
check_status "deny: by number" 1 'No space left' \
	viewctl run --syscall mkdir,mkdirat=deny:28 -- mkdir /tmp/denied
check_status "deny: a static program" 1 'No space left' \
	viewctl run --syscall mkdir=deny:ENOSPC -- busybox mkdir /tmp/denied
check_status "deny: bash" 254 'Resource temporarily unavailable' \
	timeout 100 viewctl run --syscall clone,fork,vfork,clone3=deny:EAGAIN -- \
	bash -c 'trap "exit 254" EXIT; (true)'
check_output "deny: python3" EDOM viewctl run --syscall getpriority=deny:EDOM -- python3 -c '
import errno, os
try:
    os.getpriority(os.PRIO_PROCESS, 0)
except OSError as e:
    print(errno.errorcode[e.errno])'
check_status "deny: a group" 32 'mount: .*(denied|permitted)' viewctl run --syscall @mount=deny -- \
	mount -t tmpfs none /mnt
mkdir -p /tmp/made /tmp/mem
touch /tmp/made/a /tmp/made/b
check_output "files are made before there are rules" $'b\nf\n32' viewctl run --syscall @mount,mknodat=deny \
	--cow /tmp/made --hide /tmp/made/a -m mem::/tmp/mem -- bash -c '
	ls /tmp/made; touch /tmp/mem/f; ls /tmp/mem; umount /tmp/mem 2>/dev/null; echo $?'
check_output "also in a directory with a hidden name" "b" viewctl run --syscall @mount,openat2=deny \
	--hide /tmp/made/a -- ls /tmp/made
check_status "a rule that cannot be added, with files" 125 "type 'nobody': no such server" \
	viewctl run --syscall getppid=serve:nobody --cow /tmp/made -- true
rm -r /tmp/made /tmp/mem
check "value: nothing is done" viewctl run --syscall mkdir,mkdirat=value:0 -- mkdir /tmp/valued
check_status "value: indeed" 1 '' test -e /tmp/valued
check_output "value: id" "7" viewctl run --syscall geteuid=value:7 -- id -u
check_output "value: python3" "42 0x10" viewctl run --syscall getppid=value:42 \
	--syscall getpgrp,getpgid=value:0x10 -- python3 -c 'import os; print(os.getppid(), hex(os.getpgrp()))'
check_output "native, as an exception" "7" viewctl run --syscall getuid,getgid,geteuid=value:7 \
	--syscall getgid=native -- bash -c 'id -u'
check_output "one call for two" "5 7" viewctl run --syscall getppid,getpgrp=value:7 \
	--syscall getppid=value:5 -- python3 -c 'import os; print(os.getppid(), os.getpgrp())'
check_output "a number" "9" viewctl run --syscall 110/x86-64=value:9 -- python3 -c 'import os; print(os.getppid())'
check_output "the other table is not meant" yes viewctl run --syscall getppid/i386=value:9 -- \
	python3 -c 'import os; print("no" if os.getppid() == 9 else "yes")'

# Nested.
check_status "nested: what is denied stays so" 1 'No space left' \
	viewctl run --syscall mkdir,mkdirat=deny:ENOSPC -- \
	viewctl run --syscall mkdir,mkdirat=native -- mkdir /tmp/denied
check_output "nested: the nearest decides" 2 viewctl run --syscall getppid=value:1 -- \
	viewctl run --syscall getppid=value:2 -- python3 -c 'import os; print(os.getppid())'
deep="python3 -c 'import os; print(os.getppid())'"
for _ in 1 2 3 4 5 6; do deep="viewctl run --syscall mkdir=deny -- $deep"; done
check_output "nested: through six views" 3 bash -c "viewctl run --syscall getppid=value:3 -- $deep"

# strace sees the call, and what became of it.
check_status "strace" 0 'getppid\(\) += 4' viewctl run --syscall getppid=value:4 -- \
	strace -e trace=getppid python3 -c 'import os; os.getppid()'
check_status "strace: of an error" 0 'mkdir\(.*\) += -1 ENOSPC' \
	viewctl run --syscall mkdir,mkdirat=deny:ENOSPC -- \
	bash -c 'strace -f -e trace=mkdir busybox mkdir /tmp/denied; true'
check_output "a fork storm" 200 viewctl run --syscall getppid=value:4 -- bash -c \
	'for i in $(seq 200); do /bin/true || exit 1; (exit 0) || exit 1; done; echo $i'

# Live, and hooks come and go.
check "live: create" viewctl create live
id=$(viewctl rule add live syscall:mkdir,mkdirat=deny:ENOSPC)
check_status "live: add" 1 'No space left' viewctl enter live -- mkdir /tmp/ruled
check_output "live: four functions are redirected" 4 bash -c \
	"$(declare -f hooked); echo \$((\$(hooked mkdir) + \$(hooked mkdirat)))"
check "live: del" viewctl rule del live "$id"
check "live: it is gone" viewctl enter live -- mkdir /tmp/ruled
none_hooked() { ! hooked 'mkdir\(at\)\?' >/dev/null; }
check "live: no function is redirected" eventually none_hooked
check_status "live: all or nothing" 2 "'nosuch': expected" \
	viewctl rule add live syscall:mkdir=deny syscall:nosuch=deny
check_output "live: so nothing" "" viewctl rule ls -n live
check "live: destroy" viewctl destroy live

# How it is listed.
check "list: create" viewctl create listed --syscall @mount=deny --syscall getppid/x86-64=value:-5000 \
	--syscall mkdir,open=native --syscall sync/i386=deny:ENOSYS --socket inet=deny
viewctl enter listed -- python3 -c 'import os; os.getppid()'
check_output "list: as it was written" \
	"inet=deny:EACCES syscall:@mount=deny:EPERM syscall:getppid/x86-64=value:-5000 syscall:open,mkdir=native syscall:sync/i386=deny:ENOSYS" \
	bash -c 'viewctl rule ls -n -r -o RULE listed | LC_ALL=C sort | paste -sd " "'
check_output "list: hits" "getppid/x86-64 value -5000 1 syscall" \
	bash -c 'viewctl rule ls -n -r -o MATCH,VERDICT,TARGET,HITS,CLASS listed | grep getppid'
check_output "list: JSON" "-5000 listed 1 syscall" bash -c 'viewctl rule ls --json -o +CLASS | python3 -c "
import json, sys
for r in json.load(sys.stdin)[\"rules\"]:
    if r[\"match\"] == \"getppid/x86-64\":
        print(r[\"target\"], r[\"view\"], r[\"hits\"], r[\"class\"])"'
check_output "list: show" 4 bash -c 'viewctl show listed | grep -cE "^rule: .*(deny (EPERM|ENOSYS)|value|native)"'
check "list: what is listed can be added" bash -c \
	'viewctl create copy && viewctl rule add copy $(viewctl rule ls -n -r -o RULE listed)'
check_output "list: and is the same" same bash -c '
	a=$(viewctl rule ls -n -r -o RULE listed | sort)
	b=$(viewctl rule ls -n -r -o RULE copy | sort)
	[ "$a" = "$b" ] && echo same || echo "$b"'
check "list: destroy" viewctl destroy listed copy
check_status "events" 0 'rule-new view [0-9]+ rule-id [0-9]+ rule syscall:getppid=value:8' bash -c '
	timeout 60 viewctl monitor >/tmp/events & p=$!
	while ! grep -q rule-new /tmp/events || ! grep -q rule-gone /tmp/events; do viewctl run --syscall getppid=value:8 -- true; done
	kill $p; cat /tmp/events'

# A server, started for it: getppid is 42, and of all others it says to go on.
mkdir -p /tmp/servers
cat >/tmp/servers/viewos-pycalls <<'END'
#!/usr/bin/python3
import fcntl, os, struct
# Who starts it may wait for the end of its output.
null = os.open("/dev/null", os.O_RDWR)
for fd in 0, 1, 2:
    os.dup2(null, fd)
server = int(os.environ["VIEWOS_SERVER_FD"])
accept = bytearray(struct.pack("II48x", 56, 0))
session = fcntl.ioctl(server, 0xc038b720, accept)
def reply(unique, body):
    os.write(session, struct.pack("IiQ", 16 + len(body), 0, unique) + body)
try:
    while True:
        message = os.read(session, 8192)
        size, op, unique = struct.unpack_from("IIQ", message)
        if op == 0x2000:
            reply(unique, struct.pack("IIII", 1, 0, 0, 0))
        elif op == 0x2001:
            getppid = struct.unpack_from("I", message, 40)[0] == 110
            reply(unique, struct.pack("IIq48x", 0 if getppid else 1, 0, 42 if getppid else 0))
except OSError:
    pass
END
chmod 755 /tmp/servers/viewos-pycalls
export PATH=$PATH:/tmp/servers
check_output "serve: a value" 42 viewctl run --syscall getppid/x86-64,getpgrp/x86-64=serve:pycalls -- \
	python3 -c 'import os; os.getpgrp(); print(os.getppid())'
check_output "serve: all there is" 42 viewctl run --syscall any=serve:pycalls -- bash -c \
	'/bin/true; (exit 3); [ $? = 3 ] && python3 -c "import os; print(os.getppid())"'
check_output "serve: an ordinary user" 42 as_tester "PATH=\$PATH:/tmp/servers viewctl run --syscall \
getppid/x86-64=serve:pycalls -- python3 -c 'import os; print(os.getppid())'"
check "serve: create" viewctl create asked --syscall getppid/x86-64,exit/x86-64=serve:pycalls
check_status "serve: list" 0 '^syscall:exit/x86-64,getppid/x86-64=serve:pycalls@[0-9]+$|^syscall:getppid/x86-64,exit/x86-64=serve:pycalls@[0-9]+$' \
	viewctl rule ls -n -r -o RULE asked
check_status "serve: servers" 0 'pycalls@[0-9]+ .* syscall ' viewctl sessions -r
check "serve: destroy" viewctl destroy asked
check_status "serve: no such server" 125 "no such server, and no program viewos-none" \
	viewctl run --syscall getppid=serve:none -- true

# An ordinary user.
check_output "user: value" "4" as_tester \
	"viewctl run --syscall getppid=value:4 -- python3 -c 'import os; print(os.getppid())'"
check_status "user: not from inside" 1 "permission denied" as_tester \
	"viewctl run --name in --syscall mkdir=deny -- viewctl rule add in syscall:mkdir=native"

# The module is in use while there are rules, also ruled calls that sleep.
check "unload: create" viewctl create busy --syscall getppid=value:1 --syscall nanosleep=native
viewctl enter busy -- sleep 1000 & sleeper=$!
check_status "unload: in use" 1 'in use' rmmod viewos
kill $sleeper
wait 2>/dev/null
check "unload: destroy" viewctl destroy --kill busy

# What is wrong is told, with what it is.
wrong() { check_status "wrong: $1" 2 "^viewctl: --syscall: '.*': $2" viewctl run --syscall "$1" -- true; }
wrong mkdri=deny "'mkdri': expected the name of a system call"
wrong @muont=deny "'@muont': expected one of"
wrong mkdir "'mkdir': expected CALL"
wrong mkdir=allow "'allow': expected native, deny\[:ERRNO\], value:NUMBER or serve:"
wrong mkdir=serve "'serve': expected serve:NAME"
wrong rt_sigreturn=serve:x "'rt_sigreturn': must not be ruled"
wrong mkdir=deny:EFOO "'EFOO': expected the name of an error"
wrong mkdir=deny:512 "'512': expected"
wrong mkdir=value "'value': expected a number"
wrong mkdir=value:x "'x': expected a number"
wrong mkdir=value:-1 "'-1': means an error"
wrong mkdir=native:x "'x': native takes nothing"
wrong 5=deny "'5': expected 5/x86-64 or 5/i386"
wrong 512/i386=deny "'512': expected .*below 512"
wrong mkdir/arm=deny "'arm': expected x86-64 or i386"
wrong socketcall/x86-64=deny "'socketcall': x86-64 has no such"
wrong exit_group=deny "'exit_group': must not be ruled"
wrong "=deny" "'': expected the name"
check_status "wrong: a number that the kernel does not have" 125 \
	"viewctl: '511/x86-64=deny': the kernel does not have that system call" \
	viewctl run --syscall 511/x86-64=deny -- true
check_status "help: rule add" 0 '@network-io' viewctl help rule add
check_status "help: run" 0 '--syscall RULE' viewctl help run
rm -rf /tmp/ruled
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rules for programs by viewctl, with real programs and interpreters: another machine's, python3's,
# scripts; nesting, changes, an ordinary user, how it all is listed, what is refused.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
export dir; dir=$(mktemp -d) && cd "$dir" && chmod 755 "$dir" || exit 1

# A python program that says nothing of it, and one in a folder with a dot.
mkdir -p dir.d
printf 'import sys\nprint(sys.argv)\n' >args.py
cp args.py dir.d/plain
chmod 755 args.py dir.d/plain
python=$(command -v python3)
# Others take what the kernel does not know for a shell's.
printf '#!%s\nimport os, sys\nos.execv(sys.argv[1], sys.argv[1:])\n' "$python" >execv
chmod 755 execv
PATH=$PATH:$dir

check_output "an extension" "['./args.py', 'a b', 'c']" viewctl run --binfmt ".py=$python" -- \
	./args.py 'a b' c
check_status "not outside" 1 'Exec format error' viewctl run -- execv ./args.py
check_output "bash" "['./args.py', '1']" viewctl run --binfmt ".py=$python" -- bash -c './args.py 1'
check_output "found in PATH" "['$dir/args.py']" viewctl run --binfmt ".py=$python" -- \
	bash -c 'PATH=$dir:$PATH; args.py'
check_output "python3" "['./args.py', '2']" viewctl run --binfmt ".py=$python" -- python3 -c '
import subprocess; subprocess.run(["./args.py", "2"], check=True)'
check_output "find" "['$dir/args.py', 'x']" viewctl run --binfmt ".py=$python" -- \
	find "$dir/args.py" -exec {} x \;
check_output "a static program" "['./args.py', '3']" viewctl run --binfmt ".py=$python" -- \
	busybox env ./args.py 3
check_output "by what it begins with" "['dir.d/plain']" viewctl run --binfmt "import=$python" -- \
	dir.d/plain
check_output "at an offset" "['dir.d/plain']" viewctl run --binfmt "port@2=$python" -- dir.d/plain
check_output "with a mask" "['dir.d/plain']" viewctl run \
	--binfmt 'iMPOrt&\xff\xdf\xdf\xdf\xff\xff='"$python" -- dir.d/plain
printf '#!/bin/sh\necho interpreted "$@"\n' >own.sh
printf '#!/bin/echo own\n' >own.x
chmod 755 own.sh own.x
check_output "before scripts" "interpreted ./own.x 1" viewctl run --binfmt ".x=$dir/own.sh" -- ./own.x 1
check_output "the interpreter has one" "interpreted $dir/own.y ./own.x" bash -c '
	cp own.x own.y; printf y >own.y
	viewctl run --binfmt .x=$dir/own.y --binfmt .y=$dir/own.sh -- ./own.x'
check_status "one that is its own" 126 'Too many levels' \
	viewctl run --binfmt ".x=$dir/own.x" -- ./own.x
check_output "argv[0]" "interpreted $dir/own.x name 1" viewctl run --binfmt ".x=$dir/own.sh,argv0" -- \
	bash -c 'exec -a name ./own.x 1'
check_status "deny" 126 'Permission denied' viewctl run --binfmt .x=deny -- ./own.x
check_status "deny: by name" 126 'Text file busy' viewctl run --binfmt .x=deny:ETXTBSY -- ./own.x
check_output "native, as an exception" "own ./own.x" viewctl run --binfmt ".x=$dir/own.sh" \
	--binfmt '#!\x2fbin\x2fecho=native' -- ./own.x
check_output "a path with a comma" "interpreted ./own.x" bash -c '
	cp own.sh with,comma; viewctl run --binfmt ".x=$dir/with\,comma" -- ./own.x'
check_output "the last one counts" "interpreted ./own.x" viewctl run --binfmt .x=deny \
	--binfmt ".x=$dir/own.sh" -- ./own.x
check_output "nested: as the parent's" "interpreted ./own.x" viewctl run --binfmt ".x=$dir/own.sh" -- \
	viewctl run -- ./own.x
check_status "nested: the nearest decides" 126 'Permission denied' \
	viewctl run --binfmt ".x=$dir/own.sh" -- viewctl run --binfmt .x=deny -- ./own.x
check_output "nested: and not outside of it" "interpreted ./own.x" viewctl run \
	--binfmt ".x=$dir/own.sh" -- bash -c 'viewctl run --binfmt .x=deny -- true; ./own.x'
check_output "an ordinary user" "interpreted ./own.x" as_tester \
	viewctl run --binfmt ".x=$dir/own.sh" -- ./own.x
check_output "an ordinary user, as root" "interpreted ./own.x" as_tester \
	viewctl run -r --binfmt ".x=$dir/own.sh" -- ./own.x
check_output "an ordinary user: open" "./own.x" as_tester \
	viewctl run --binfmt .x=/bin/echo,open -- ./own.x
check_status "open: an interpreter that has one itself" 1 'Exec format error' \
	viewctl run --binfmt ".x=$dir/own.sh,open" -- execv ./own.x
check_status "an ordinary user: no rights of others" 125 "may not give programs' rights" as_tester \
	viewctl run --binfmt ".x=$dir/own.sh,credentials" -- ./own.x
check_output "strace" "interpreted ./own.x" viewctl run --binfmt ".x=$dir/own.sh" -- \
	strace -f -o /dev/null ./own.x
check_output "a patched directory" "interpreted ./own.x" viewctl run --hide "$dir/args.py" \
	--binfmt ".x=$dir/own.sh" -- ./own.x

# A program for another machine: write(1, "foreign\n", 8), exit(7).
le() { local i; for i; do printf '%b' "\\x${i:6:2}\\x${i:4:2}\\x${i:2:2}\\x${i:0:2}"; done; }
{
	printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0'
	printf '\x78\0\x40\0\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0'
	printf '\x01\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x40\0\0\0\0\0'
	printf '\xa0\0\0\0\0\0\0\0\xa0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0'
	le d2800020 100000e1 d2800102 d2800808 d4000001 d28000e0 d2800ba8 d4000001
	printf 'foreign\n'
} >aarch64
chmod 755 aarch64
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
qemu=$(command -v qemu-aarch64-static || echo "$VIEWOS_TOP/build/qemu-user/usr/bin/qemu-aarch64-static")
if [ -x "$qemu" ]; then
	check_status "another machine's" 7 '^foreign$' viewctl run \
		--binfmt "$magic&$mask=$qemu" -- ./aarch64
	check_status "another machine's, in bash" 7 '^foreign$' viewctl run \
		--binfmt "$magic&$mask=$qemu" -- bash -c './aarch64 | cat; ./aarch64 >/dev/null'
	check_status "as binfmt.d has it" 7 '^foreign$' viewctl run \
		--binfmt ":qemu-aarch64:M::$magic:$mask:$qemu:PO" -- bash -c 'exec ./aarch64'
	check_status "not of the same kind" 0 '' viewctl run \
		--binfmt ":qemu-aarch64:M:0:$magic:$mask:$qemu:" -- true
	check_status "an ordinary user: another machine's" 7 '^foreign$' as_tester \
		"viewctl run --binfmt '$magic&$mask=$qemu' -- ./aarch64"
else
	for name in "another machine's" "another machine's, in bash" "as binfmt.d has it" \
		    "not of the same kind" "an ordinary user: another machine's"; do
		skip "$name" "no qemu-aarch64-static"
	done
fi
check_status "another machine's: not outside" 1 'Exec format error' viewctl run -- execv ./aarch64

# On a live view, and how it is listed.
check "create" viewctl create named --binfmt ".x=$dir/own.sh,argv0"
check_output "enter" "interpreted ./own.x ./own.x" viewctl enter named -- ./own.x
check_output "rule add" yes bash -c 'viewctl rule add named "binfmt:#!&\xff\xff@0=deny" "binfmt:.q=native" |
	grep -cE "^[0-9]+$" | grep -qx 2 && echo yes'
check_status "it is in force" 126 'Permission denied' viewctl enter named -- ./own.x
check_output "rule ls" "binfmt .q native -
binfmt %23%21 deny EACCES
binfmt .x interpret $dir/own.sh" bash -c \
	'viewctl rule ls -n -o CLASS,MATCH,VERDICT,TARGET named | sed "s/  */ /g; s/ $//"'
check_output "rule ls: as they are written" 'binfmt:.q=native
binfmt:%23%21=deny:EACCES
binfmt:.x='"$dir/own.sh,argv0" viewctl rule ls -n -o RULE named
check_output "rule ls: and read" same bash -c '
	viewctl create again >/dev/null
	viewctl rule ls -n -o RULE named | tac | xargs -d "\n" viewctl rule add again >/dev/null
	cmp <(viewctl rule ls -n -o RULE named) <(viewctl rule ls -n -o RULE again) && echo same
	viewctl destroy again'
check_output "rule ls: how often" 1 bash -c \
	'viewctl rule ls --json named | python3 -c "
import json, sys
print([r[\"hits\"] for r in json.load(sys.stdin)[\"rules\"] if r[\"match\"] == \".x\"][0])"'
check_output "rule del" "interpreted ./own.x ./own.x" bash -c '
	viewctl rule del named $(viewctl rule ls -n -o ID,VERDICT named | awk "\$2 == \"deny\" { print \$1 }")
	viewctl enter named -- ./own.x'
check_status "monitor" 0 'rule.*\.z' bash -c '
	viewctl monitor >events & p=$!
	until viewctl rule add named binfmt:.z=native >/dev/null && grep -q "\.z" events; do :; done
	kill $p; cat events'
check "destroy" viewctl destroy named

# What is refused, and why.
refused() { check_status "refused: $1" 2 "$2" viewctl run --binfmt "$1" -- true; }
refused .x "expected .EXTENSION=VERDICT or MAGIC"
refused "=" "the magic is empty"
refused .=native "the extension is empty"
refused .a.b=native "'a.b': expected an extension, without a dot"
refused .x=bin/sh "'bin/sh': expected native, deny\[:ERRNO\], or the absolute path"
refused .x= "'': expected native"
refused .x=deny:ENOSUCH "ENOSUCH"
refused .x=deny:ENOEXEC "other formats would be tried"
refused .x=/bin/sh,argv1 "'argv1': expected argv0, open or credentials"
refused "ab&\xff=native" "the magic has 2 bytes, and its mask 1"
refused "ab&\x00\x00=native" "all zero"
refused "ab@256=native" "'256': expected an offset below 256"
refused "ab@255=native" "ends at byte 257"
refused "ab@x=native" "'x': expected an offset"
refused "%ab%zz=/bin/sh,x" "'x': expected argv0"
refused "$(printf 'a%.0s' {1..128})=native" "too long: expected at most 127"
refused ":name:X::a::/bin/sh:" "'X': expected the type M or E"
refused ":name:M::a::/bin/sh" "expected :NAME:TYPE:OFFSET:MAGIC:MASK:INTERPRETER:FLAGS"
refused ":name:M::a::/bin/sh::x" "expected :NAME:TYPE"
refused ":name:M::a::/bin/sh:F" "the flag F is not for views"
refused ":name:M::a::/bin/sh:Q" "'Q': expected the flags"
check_status "refused: in rule add" 2 "'.x': expected .EXTENSION=VERDICT" viewctl rule add none binfmt:.x
rm -rf "$dir"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl run --config: each key of a file that describes a view, and each way to be wrong.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=$(mktemp -d)
chmod 755 "$base"
trap 'rm -rf "$base"' EXIT
cd "$base" || exit
mkdir dir other hidden
echo outside >dir/file
echo other >other/file
chmod -R a+rX .
as_tester() { su tester -s /bin/bash -c "$*"; }

# said TEXT COMMAND...: runs it in the view that the text describes.
said()
{
	printf '%b\n' "$1" >said.conf
	shift
	viewctl run --config said.conf -- "$@"
}

# key NAME WANTED TEXT SCRIPT
key() { check_output "$1" "$2" said "$3" bash -c "$4"; }

self='viewctl ls -n -r -o'
here=$(readlink /proc/self/ns/ipc)
key "Name" "named" '[View]\nName=named' "$self NAME"
key "Inherit" "nest" '[View]\nInherit=nest' "exec $self INHERIT"
mount --bind dir dir
mount --make-shared dir
key "Propagation" "1" '[View]\nPropagation=follow' "grep -c ' $base/dir .* master:' /proc/self/mountinfo"
key "Propagation: none" "0" '[View]' "grep -c ' $base/dir .* master:' /proc/self/mountinfo || true"
umount dir
key "UserNamespace" "other" '[View]\nUserNamespace=yes' \
	'[ $(readlink /proc/self/ns/user) = '"$(readlink /proc/self/ns/user)"' ] || echo other'
key "User" "7:8" '[View]\nUser=7:8' 'echo $(id -u):$(id -g)'
key "MapRoot" "0" '[View]\nMapRoot=yes' 'id -u'
check_output "MapRoot, of a user" "0" as_tester "printf '[View]\nMapRoot=on\n' |
	viewctl run --config - -- id -u"
check_output "MapRoot=no" "1000" as_tester "printf '[View]\nMapRoot=yes\nMapRoot=no\n' |
	viewctl run --config - -- id -u"
key "Ids" "12" '[View]\nIds=yes' 'touch ids; chown 12 ids; stat -c %u ids; rm ids'
key "Ids=no" "0" '[View]\nIds=yes\nIds=no' 'stat -c %u dir'
key "Ids: a file" "14" "[View]\nIds=$base/list" 'touch kept; chown 14 kept; stat -c %u kept'
key "Ids: a file, again" "14" "[View]\nIds=$base/list" 'stat -c %u kept; rm kept'
key "Pid" "2" '[View]\nPid=yes' 'echo $$'
key "Ipc" "other" '[View]\nIpc=true' "[ \$(readlink /proc/self/ns/ipc) = '$here' ] || echo other"
key "Ipc=no" "same" '[View]\nIpc=yes\nIpc=0' "[ \$(readlink /proc/self/ns/ipc) != '$here' ] || echo same"
key "Cgroup" "other" '[View]\nCgroup=1' \
	"[ \$(readlink /proc/self/ns/cgroup) = '$(readlink /proc/self/ns/cgroup)' ] || echo other"
key "WorkingDirectory" "$base/dir" "[View]\nWorkingDirectory=$base/dir" 'pwd'
command() { printf '%s\n' "[View]" "Command=$1" >command.conf; viewctl run --config command.conf; }
check_output "Command" "a b  c" command 'echo "a b " c'
check_output "Command: quotes" "[a\"b] ['] [ \\] [] [x\\y]" command \
	"printf '[%s] [%s] [%s] [%s] [%s]\\n' 'a\"b' \"'\" \\ \\\\ '' x\\\\y"
check_output "Command: another one on the command line" "given" viewctl run --config command.conf -- \
	echo given
key "Mount" "new" "[Files]\nMount=mem::$base/dir" "echo new >$base/dir/f; cat $base/dir/f; ! ls $base/dir | grep file"
key "Bind" "other" "[Files]\nBind=$base/other:$base/dir" "cat $base/dir/file"
key "Bind: read-only" "denied" "[Files]\nBind=$base/other:$base/dir,ro" \
	"echo x 2>/dev/null >$base/dir/file || echo denied"
key "Hide" "gone" "[Files]\nHide=$base/dir/file" "cat $base/dir/file 2>/dev/null || echo gone"
key "Patch" "gone" "[Files]\nPatch=$base:hide=dir/file" "cat $base/dir/file 2>/dev/null || echo gone"
key "Cow" "inside" "[Files]\nCow=$base/dir" "echo inside >$base/dir/file; cat $base/dir/file"
check_output "Cow: outside" "outside" cat dir/file
key "Cow: kept" "kept" "[Files]\nCow=$base/dir,keep=$base/hidden" "echo kept >$base/dir/file; cat $base/dir/file"
check_output "Cow: what is kept" "kept" cat hidden/upper/file
key "Files in order" "other" "[Files]\nCow=$base/dir\nBind=$base/other/file:$base/dir/file" \
	"cat $base/dir/file"
key "Socket" "Permission denied" '[Rules]\nSocket=inet46=deny' \
	'python3 -c "import socket
try: socket.socket()
except OSError as e: print(e.strerror)"'
key "Syscall" "77" '[Rules]\nSyscall=getuid,geteuid=value:77' 'id -u'
printf 'MAGICAL\n' >magic
chmod 755 magic
key "Binfmt" "$base/magic" "[Rules]\nBinfmt=MAGICAL=/bin/echo" "exec $base/magic"
printf '[Rules]\nStack=net\n' >stack.conf
check_output "Stack" "any=stack:net" bash -c 'viewctl create stacked --config stack.conf >/dev/null
	viewctl rule ls -n -r -o RULE stacked; viewctl destroy stacked'
key "Nodename, Domainname" "n d" '[Names]\nNodename=n\nDomainname=d' \
	'echo $(uname -n) $(cat /proc/sys/kernel/domainname)'
key "Sysname, Release, Version, Machine" "S 99-r #1, v m" \
	'[Names]\nSysname=S\nRelease=99-r\nVersion=#1, v\nMachine=m' 'uname -srvm'
key "Realtime" "2031-05-06" '[Clock]\nRealtime=2031-05-06' 'date +%F'
key "Rate" "1000" '[Clock]\nRate=1000' 'viewctl ls -n -r -o CLOCK-RATE'
key "Boottime" "far" '[Clock]\nBoottime=+400d' '[ $(cut -d. -f1 /proc/uptime) -gt 34560000 ] && echo far'
key "Monotonic" "far" '[Clock]\nMonotonic=+400d' \
	'python3 -c "import time; print(\"far\" if time.monotonic() > 34560000 else \"near\")"'

# The same list of keys as is tested above: one that is new is to be tested, too.
keys=$(viewctl run --config <(printf '[View]\nx=\n[Files]\nx=\n[Rules]\nx=\n[Names]\nx=\n[Clock]\nx=\n') 2>&1 |
	sed -n 's/.*expected //p' | sed 's/, / /g; s/ or / /' | xargs)
check_output "all keys" "Name Inherit Propagation UserNamespace User MapRoot Ids Pid Ipc Cgroup WorkingDirectory Command Mount Bind Patch Hide Cow Socket Syscall Binfmt Stack Nodename Domainname Sysname Release Version Machine Realtime Rate Boottime Monotonic" \
	echo "$keys"

# An option that describes a view has a key, but for those that are told otherwise.
options=$(viewctl help run | sed -n 's/^  \(-[a-zA-Z],\|   \) --\([a-z-]*\).*/\2/p' |
	grep -cvxE 'config|help|map-user|uts|clock')
check_output "as many as there are options" "$options" echo $(($(wc -w <<<"$keys") - 10 - 1))

key "comments, blank lines, white space" "n" '# one\n; two\n\n  [Names] \n\t Nodename \t=  n  \r' 'uname -n'
key "lines that go on" "a  b" '[Names]\nNodename=a \\\n# between\n   b' 'uname -n'
key "strings in quotes" ' "\ ' '[Names]\nNodename=" \\"\\\\\\x20"' 'uname -n'
key "the last one counts" "b" '[Names]\nNodename=a\nNodename=b' 'uname -n'
key "empty" "" '[Names]\nNodename=' 'uname -n'
key "a section twice" "n" '[Names]\nNodename=n\n[View]\n[Names]\nDomainname=d' 'uname -n'
check_output "no last newline" "n" viewctl run --config <(printf '[Names]\nNodename=n') -- uname -n
check_output "nothing at all" "yes" viewctl run --config /dev/null -- echo yes
check_output "standard input" "n" bash -c 'echo "[Names]
Nodename=n" | viewctl run --config - -- uname -n'
printf '[Names]\nNodename=file\nDomainname=file\n' >names.conf
check_output "options win, wherever they are" "option file" viewctl run --uts nodename=option \
	--config names.conf -- bash -c 'echo $(uname -n) $(cat /proc/sys/kernel/domainname)'
printf '[Files]\nBind=%s:%s\n' "$base/other" "$base/dir" >bind.conf
check_output "options add" "2" viewctl run --hide "$base/dir/file" --config bind.conf --bind "$base/magic:$base/new" -- \
	bash -c "ls $base/dir/file $base/new $base/dir 2>&1 | grep -c -e 'cannot access' -e new"
check_output "two files" "file other" viewctl run --config names.conf --config bind.conf -- \
	bash -c "echo \$(uname -n) \$(cat $base/dir/file)"
check_output "create --config" "file" bash -c 'viewctl create made --config names.conf >/dev/null
	viewctl enter made -- uname -n; viewctl destroy made'
check_output "an ordinary user" "file other" as_tester \
	"cd /; viewctl run --config $base/names.conf --config $base/bind.conf -- bash -c 'echo \$(uname -n) \$(cat $base/dir/file)'"

# wrong NAME LINE COMPLAINT TEXT: and it is the only complaint.
wrong()
{
	printf '%b\n' "$4" >wrong.conf
	check_output "wrong: $1" "viewctl: wrong.conf:$2: $3
2" bash -c 'viewctl run --config wrong.conf -- echo run; echo $?'
}

wrong "a section" 2 "[Fils]: unknown section, expected View, Files, Rules, Names or Clock" '\n[Fils]\nBind=x'
wrong "half a section" 1 "'[View': expected [SECTION]" '[View'
wrong "behind a section" 1 "'[View] x': expected [SECTION]" '[View] x'
wrong "no section" 1 "'Name': in no section, expected [View] or another before it" 'Name=x'
wrong "a key" 2 "'Node': unknown key of [Clock], expected Realtime, Rate, Boottime or Monotonic" '[Clock]\nNode=x'
wrong "a key of another section" 2 "'Bind': unknown key, expected Bind of [Files]" '[View]\nBind=/a:/b'
wrong "a key in small letters" 2 "'bind': unknown key, expected Bind of [Files]" '[Files]\nbind=/a:/b'
wrong "no value" 2 "'Name': expected KEY=VALUE or [SECTION]" '[View]\nName'
wrong "the end" 2 "goes on behind the end of the file" "[View]\\nName=a\\\\"
wrong "quotes" 2 'Name: expected a string in quotes, with \", \\, \n, \t and \xHH in it, and nothing behind it' '[View]\nName="a'
wrong "an escape" 2 'Name: expected a string in quotes, with \", \\, \n, \t and \xHH in it, and nothing behind it' '[View]\nName="\\q"'
wrong "a zero byte" 3 "a zero byte" '[View]\n\nName=a\0b'
wrong "the line where it begins" 2 "Inherit: 'a  b': expected share, nest or leave" '[View]\nInherit=a \\\nb'
wrong "Inherit" 2 "Inherit: 'x': expected share, nest or leave" '[View]\nInherit=x'
wrong "Propagation" 2 "Propagation: 'x': expected private or follow" '[View]\nPropagation=x'
wrong "UserNamespace" 2 "UserNamespace: 'x': expected auto, yes or no" '[View]\nUserNamespace=x'
wrong "User" 2 "User: 'no.body': there is no such user; expected root, UID:GID or a name" '[View]\nUser=no.body'
wrong "MapRoot" 2 "MapRoot: 'x': expected yes or no" '[View]\nMapRoot=x'
wrong "Ids" 2 "Ids: 'x': expected yes, no or an absolute path" '[View]\nIds=x'
wrong "Pid" 2 "Pid: '': expected yes or no" '[View]\nPid='
wrong "WorkingDirectory" 2 "WorkingDirectory: 'x': expected an absolute path" '[View]\nWorkingDirectory=x'
wrong "Command" 2 "Command: a quote has no end" '[View]\nCommand=a "b'
wrong "Command: none" 2 "Command: expected a command" '[View]\nCommand='
wrong "Mount" 2 "Mount: 'mem': expected TYPE[,OPTIONS]:SOURCE:TARGET" '[Files]\nMount=mem'
wrong "Mount: a relative path" 2 "Mount: 'b': expected an absolute path" '[Files]\nMount=mem::b'
wrong "Bind" 2 "Bind: '/a': expected SOURCE:TARGET[,ro]" '[Files]\nBind=/a'
wrong "Bind: a relative path" 2 "Bind: 'a': expected an absolute path" '[Files]\nBind=a:/b'
wrong "Hide" 2 "Hide: '/': expected the path of a name" '[Files]\nHide=/'
wrong "Patch" 2 "Patch: ':hide=x': expected DIR[:OPTION,...]" '[Files]\nPatch=:hide=x'
wrong "Cow" 2 "Cow: ',keep=/a': expected DIR[,keep=PATH]" '[Files]\nCow=,keep=/a'
wrong "Socket" 2 "Socket: 'inet': 'inet': expected FAMILY[/TYPE[/PROTOCOL]][@STACK]=VERDICT" '[Rules]\nSocket=inet'
wrong "Syscall" 2 "Syscall: 'mount': 'mount': expected CALL[,CALL...]=VERDICT" '[Rules]\nSyscall=mount'
wrong "Binfmt" 2 "Binfmt: 'x': expected .EXTENSION=VERDICT or MAGIC[&MASK][@OFFSET]=VERDICT" '[Rules]\nBinfmt=x'
wrong "Stack" 2 "Stack: '1': expected the name of a stack" '[Rules]\nStack=1'
wrong "Nodename" 2 "Nodename: 'nodename=$(printf %065d 0)': longer than 64 bytes" "[Names]\nNodename=$(printf %065d 0)"
wrong "Release" 2 "Release: 'release=': expected a value" '[Names]\nRelease='
wrong "Realtime" 2 "Realtime: 'realtime=x': expected +OFFSET, -OFFSET (as +1d12h30m or +90.5) or a date (as 2031-05-06T07:08:09Z or @SECONDS)" '[Clock]\nRealtime=x'
wrong "Rate" 2 "Rate: 'rate=0': expected a number from 0.001 to 1000" '[Clock]\nRate=0'
wrong "Boottime" 2 "Boottime: 'boottime=1': expected +OFFSET or -OFFSET, as +1d12h30m" '[Clock]\nBoottime=1'
wrong "Monotonic" 2 "Monotonic: 'monotonic=1': expected +OFFSET or -OFFSET, as +1d12h30m" '[Clock]\nMonotonic=1'

printf '[View]\nInherit=x\nnothing\n[Clock]\nRate=0\n' >many.conf
check_output "all that is wrong is told" "many.conf:2: many.conf:3: many.conf:5:" bash -c \
	'echo $(viewctl run --config many.conf -- true 2>&1 | grep -o "many.conf:[0-9]*:")'
# What is only seen when it is to be done has its line as well.
later()
{
	printf '%b\n' "$3" >later.conf
	check_status "later: $1" 125 "^viewctl: later.conf:$2" viewctl run --config later.conf -- true
}
later "Bind: no such source" "3: Bind: '/no/such': No such file" "[View]\n[Files]\nBind=/no/such:$base/dir"
later "Bind: twice" "3: Bind: '$base/dir': given before, for Bind" \
	"[Files]\nBind=$base/other:$base/dir\nBind=$base/hidden:$base/dir"
later "Mount: no such server" "2: type 'nosuch': no such server" "[Files]\nMount=nosuch::$base/dir"
later "Mount: no such target" "2: '/no/such': cannot mount" "[Files]\nMount=mem::/no/such"
later "Socket: no such namespace" "2: 'inet=netns:nosuch': /run/netns/nosuch: No such file" \
	'[Rules]\nSocket=inet=netns:nosuch'
later "Ids: no such directory" "2: Ids: '/no/such': No such file" '[View]\nIds=/no/such'
later "User: no namespace" "3: User: takes a user namespace" '[View]\nUserNamespace=no\nUser=7:7'
later "Realtime: too early" "2: Realtime: the time would be before 1970" '[Clock]\nRealtime=-100000d'
check_output "no view is left" "" bash -c 'viewctl ls -n'

check_status "no such file" 125 "^viewctl: nosuch.conf: No such file" viewctl run --config nosuch.conf -- true
check_status "a directory" 125 "^viewctl: dir: Is a directory" viewctl run --config dir -- true
check_status "too large a file" 125 "^viewctl: large.conf: longer than 1048576 bytes" bash -c \
	'yes "# line" | head -c 1048577 >large.conf; viewctl run --config large.conf -- true'
check_output "just as large" "yes" bash -c \
	'truncate -s 1048576 large.conf; viewctl run --config large.conf -- echo yes'
check_status "too large an entry" 2 "^viewctl: long.conf:2: longer than 65536 bytes" bash -c \
	'{ echo "[View]"; echo "Name=$(printf %066000d 0)"; } >long.conf; viewctl run --config long.conf -- true'
check_status "its argument is missing" 2 "'--config': its argument is missing" viewctl run --config
finish

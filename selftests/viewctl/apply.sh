#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl apply, viewctl show --config: a view from a file, the file of a view, changes, errors.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=$(mktemp -d)
chmod 755 "$base"
trap 'rm -rf "$base"' EXIT
cd "$base" || exit
mkdir dir other third layer home
echo outside >dir/file
echo other >other/file
touch third/file
chmod -R a+rX .
chown tester: home
as_tester() { su tester -s /bin/bash -c "$*"; }

# file NAME TEXT: makes NAME.conf.
file() { printf '%b\n' "$2" >"$1.conf"; }
# rules VIEW: as one would write them, a line each.
rules() { viewctl rule ls -n -r -o RULE "$1"; }
config() { viewctl show --config "$1" | grep -v '^#'; }

cat >all.conf <<END
[View]
Inherit=share
UserNamespace=yes
User=root
Ids=$base/list
Pid=yes
Ipc=yes
Cgroup=yes
WorkingDirectory=/
Command=sleep "1000"
Propagation=follow

[Files]
Mount=mem,size=1M:some:/mnt
Cow=$base/dir,keep=$base/layer
Hide=$base/third/file
Bind=$base/other:$base/dir/new,ro
Patch=$base/other:hide=file

[Rules]
Socket=inet46/stream=deny:ENETDOWN
Stack=net
Syscall=@reboot=deny
Syscall=any/i386=native
Syscall=getpid=native
Binfmt=.magic=/bin/echo,argv0
Socket=unix@net=native

[Names]
Nodename=all
Domainname=
Version=#1, "of all" \\

[Clock]
Realtime=+1d
Rate=2
Boottime=+2d
Monotonic=-1.5
END
sed -i '/^Version=/s/=.*/="#1, \\"of all\\" \\\\"/' all.conf

check_output "check it" "1" bash -c 'viewctl apply --dry-run all.conf | grep -c "^Nodename=all$"'
check_status "it has not been made" 1 "no such view" viewctl show all
# Who keeps ids in a file may have to complain at the end, and keeps standard error.
check_status "create" 0 '^[0-9]+$' bash -c 'viewctl apply all.conf 2>said'
check_output "it is there" "all follow" bash -c 'echo $(viewctl ls -n -r -o NAME) $(viewctl show --config all |
	sed -n "s/^Propagation=//p")'
check_output "the command runs" "1" bash -c 'viewctl ps -n -r -o COMM all | grep -c -x sleep'
check_output "its files" "cannot new" bash -c "viewctl enter all -- ls $base/third/file $base/dir 2>&1 |
	grep -o -e cannot -e new | xargs"
check_output "its names" "all #1, \"of all\" \\" viewctl enter all -- uname -nv
check_output "its ids" "5" viewctl enter all -- bash -c 'touch /mnt/f; chown 5 /mnt/f; stat -c %u /mnt/f'
viewctl show --config all >shown.conf
check_output "show it: as it was told" "" diff <(grep '^[A-Z]' all.conf | sed 's/^Stack=/Socket=any=stack:/
	/^Inherit=share/d; s/^Command=.*/Command=sleep 1000/' | sort) <(grep '^[A-Z]' shown.conf | sort | grep -v ^Name=)
check_output "a second time nothing is done" "" viewctl apply all.conf
check_output "nor with what is shown" "" viewctl apply shown.conf --name all
check_output "nor are rules others" "$(viewctl rule ls -n -r -o ID,RULE all)" bash -c \
	'viewctl apply all.conf; viewctl rule ls -n -r -o ID,RULE all'
check "round trip: destroy" viewctl destroy --kill all
eventually test_empty viewctl ls -n
sed 's/^Ids=.*/Ids=yes/' shown.conf >ids.conf
check "round trip: apply what was shown, by another name" bash -c 'viewctl apply --name again - <ids.conf'
check_output "round trip: it is the same view" "" diff <(grep -v -e ^Name= -e '^#' ids.conf) \
	<(config again | grep -v ^Name=)
check_output "round trip: by its name" "Name=again" bash -c 'viewctl show --config again | grep ^Name='
check "round trip: and once more" bash -c 'viewctl show --config again | grep -v ^Cow | viewctl apply --name third -'
check "destroy both" viewctl destroy --kill again third

# What changes, live.
file live '[Rules]\nSocket=inet=deny\nSyscall=mount=deny\n[Clock]\nRealtime=+1d'
check_status "live: create, with the name of the file" 0 '^[0-9]+$' viewctl apply live.conf
check_output "live: nothing to do" "" viewctl apply live.conf
file live '[View]\nInherit=nest\n[Rules]\nSocket=inet=deny\nSocket=inet6=deny:EIO\n[Clock]\nRealtime=+2d'
check_output "live: what would be changed" "-Inherit=share
+Inherit=nest
-Realtime=+1d
+Realtime=+2d
-Syscall=mount=deny:EPERM
+Socket=inet6=deny:EIO" viewctl apply -n live.conf
check_output "live: nothing has been" "share 2" bash -c \
	'echo $(viewctl ls -n -r -o INHERIT) $(viewctl rule ls -n live | wc -l)'
# The youngest is listed first.
old=$(viewctl rule ls -n -r -o ID live | tail -n 1)
check_status "live: change" 0 '^\+Socket=inet6=deny:EIO$' viewctl apply live.conf
check_output "live: it is so" "nest +172800.000000000 inet6=deny:EIO inet=deny:EACCES" bash -c \
	'echo $(viewctl ls -n -r -o INHERIT,CLOCK-OFFSET) $(viewctl rule ls -n -r -o RULE live)'
check_output "live: what stays is not touched" "$old" bash -c 'viewctl rule ls -n -r -o ID live | tail -n 1'
check_output "live: nothing more to do" "" viewctl apply live.conf
check_output "live: and show says so" "Inherit=nest Socket=inet=deny Socket=inet6=deny:EIO Realtime=+2d" bash -c \
	'viewctl show --config live | grep -E "^(Inherit|Socket|Syscall|Realtime)" | xargs'

# What others change.
viewctl rule add live unix=deny >/dev/null
viewctl rule del live "$old"
viewctl set live --inherit share
check_output "changed by others: show says what is" "Socket=inet6=deny:EIO Socket=unix=deny:EACCES" bash -c \
	'viewctl show --config live | grep -E "^(Inherit|Socket)" | xargs'
check_output "changed by others: and apply makes it so again" "-Inherit=share +Inherit=nest -Socket=inet6=deny:EIO -Socket=unix=deny:EACCES +Socket=inet=deny +Socket=inet6=deny:EIO" \
	bash -c 'viewctl apply live.conf | xargs'
check_output "order: the youngest counts, and is the last in the file" "inet6=deny:EIO inet=deny:EACCES" bash -c \
	'viewctl rule ls -n -r -o RULE live | xargs'
viewctl enter live -- date -s @0 >/dev/null 2>&1
check_output "a clock that was set inside is set again" "+Realtime=+2d +172800.000000000" bash -c \
	'echo $(viewctl apply live.conf | grep ^+) $(viewctl ls -n -r -o CLOCK-OFFSET)'
file live '[View]\nInherit=nest\n[Rules]\nSyscall=@mount=deny\n[Clock]\nRealtime=2031-05-06\nRate=3'
check_output "a group, and a date" "0" bash -c 'viewctl apply live.conf >/dev/null; echo $?'
check_output "again: nothing to do" "" viewctl apply live.conf
check_output "show: the group" "Syscall=@mount=deny Realtime=2031-05-06 Rate=3" bash -c \
	'viewctl show --config live | grep -E "^(Syscall|R)" | xargs'

# What cannot be changed.
# fixed NAME COMPLAINT TEXT: and nothing is.
fixed()
{
	local before

	before=$(config live; rules live)
	file fixed "$3"
	check_status "fixed: $1" 1 "^viewctl: fixed.conf:? ?$2" viewctl apply --name live fixed.conf
	check_output "fixed: $1: nothing is changed" "$before" bash -c \
		'viewctl show --config live | grep -v "^#"; viewctl rule ls -n -r -o RULE live'
}
clock='[Clock]\nRealtime=2031-05-06\nRate=3'
fixed "Bind" "4: Bind: '/etc:/mnt': view 'live' exists, and cannot be changed to that" \
	"[Rules]\nSocket=inet=native\n[Files]\nBind=/etc:/mnt\n$clock"
fixed "Pid" "2: Pid: 'yes': view 'live' exists" "[View]\nPid=yes\n$clock"
fixed "Command" "2: Command: 'sleep 1': view 'live' exists" "[View]\nCommand=sleep 1\n$clock"
fixed "User" "2: User: 'root': view 'live' exists" "[View]\nUser=root\n$clock"
fixed "Nodename" "2: Nodename: 'other': view 'live' exists, with none of its own" "[Names]\nNodename=other\n$clock"
fixed "Boottime" "2: Boottime: '\+1d': view 'live' exists" "[Clock]\nBoottime=+1d\n$clock"
fixed "no clock" "view 'live' exists, with a clock" "[View]\nInherit=nest"
fixed "a rule that cannot be" "2: 'inet=serve:nosuch': no such server|2: type 'nosuch'" \
	"[Rules]\nSocket=inet=serve:nosuch\n$clock"
file fixed "[View]\nPid=yes\nIpc=yes\n$clock"
check_output "fixed: all of it is told" "2" bash -c \
	'viewctl apply --name live fixed.conf 2>&1 | grep -c "view .live. exists"'
check "destroy" viewctl destroy live

file files "[Files]\nHide=$base/dir/file\nBind=$base/other:/mnt\n[Names]\nNodename=a"
check "of files and names: create" viewctl apply files.conf
viewctl enter files -- hostname b
check_output "names: show says what is" "Nodename=b" bash -c 'viewctl show --config files | grep name='
check_status "names: cannot be set again" 1 "files.conf:5: Nodename: 'a': view 'files' exists, with 'b'" \
	viewctl apply files.conf
check_output "names: as they are" "" bash -c 'sed s/Nodename=a/Nodename=b/ files.conf | viewctl apply --name files -'
check_status "files: one less" 1 "standard input: view 'files' exists, with Hide=$base/dir/file, and cannot be" bash -c \
	'grep -v ^Hide files.conf | sed s/Nodename=a/Nodename=b/ | viewctl apply --name files -'
check_status "files: another order" 1 "standard input:2: Bind: .* exists, and has that in another order" bash -c \
	'sed -e "/^Hide/{h;d}; /^Bind/{G}; s/Nodename=a/Nodename=b/" files.conf | viewctl apply --name files -'
check "destroy" viewctl destroy files

check "a view of create" viewctl create -m mem::/mnt --hide dir/file --uts nodename=c made
check_output "show: paths are absolute" "Mount=mem::/mnt Hide=$base/dir/file Nodename=c" bash -c \
	'viewctl show --config made | grep -E "^(Mount|Hide|Node)" | xargs'
check_output "apply: it is that already" "" bash -c 'cd /; viewctl show --config made | viewctl apply -'
check "destroy" viewctl destroy made
viewctl run --name running -s inet=deny --hide dir/file -- sleep 1000 &
eventually viewctl show running >/dev/null 2>&1
eventually bash -c 'viewctl ps -n -r -o COMM running | grep -q -x sleep' 2>/dev/null
check_output "a view of run: what the kernel knows" "Name=running Socket=inet=deny:EACCES" bash -c \
	'viewctl show --config running | grep -E "^[A-Z]" | xargs'
check_status "and is told so" 0 "^# What was told when it was made is not known" viewctl show --config running
check_output "its rules can be changed" "-Socket=inet=deny:EACCES +Socket=inet=native" bash -c \
	'printf "[Rules]\nSocket=inet=native\n" | viewctl apply --name running - | xargs'
check_status "its files cannot" 1 "^viewctl: standard input:2: Hide: .* \(how it was made is not known\)" bash -c \
	'printf "[Files]\nHide=/etc/passwd\n" | viewctl apply --name running -'
check "kill it" viewctl kill -s KILL running
wait

# Commands.
file command "[View]\nCommand=sh -c 'echo said; pwd >$base/where; readlink /proc/self/fd/0 /proc/self/fd/1; sleep 1000'\nWorkingDirectory=$base/dir"
check "a command: create" viewctl apply command.conf
check "a command: it is in its directory" eventually grep -q -x "$base/dir" where
check_status "a command: the view is busy" 1 "busy" viewctl destroy command
check_output "a command: is not started again" "1" bash -c 'viewctl apply command.conf
	viewctl ps -n -r -o COMM command | grep -c -x sleep'
check "a command: kill" viewctl kill command
check "a command: has ended, and is no zombie" eventually bash -c \
	'[ "$(viewctl ps -n -r -o PID command | wc -l)" = 1 ]'
check_output "a command: the view stays" "command" viewctl ls -n -r -o NAME
check_output "a command: and is not started again then" "" viewctl apply command.conf
check "a command: destroy" viewctl destroy command
file command "[View]\nCommand=sh -c 'readlink /proc/self/fd/0 /proc/self/fd/1; exit'"
check "a command: its output" eventually bash -c 'viewctl apply --stdio command.conf | cat >said
	viewctl destroy --kill command 2>/dev/null; [ "$(sed -n 2p said)" = /dev/null ] && grep -q ^pipe: said'
file nosuch '[View]\nCommand=/no/such "command"'
check_status "a command: none" 1 "^viewctl: '/no/such': No such file" viewctl apply nosuch.conf
check_status "a command: no directory" 1 "^viewctl: '/no/such': No such file" bash -c \
	'printf "[View]\nWorkingDirectory=/no/such\nCommand=true\n" | viewctl apply --name nosuch -'
check_output "a command: no view is left" "" bash -c 'eventually() { for _ in $(seq 50); do "$@" && return; sleep 0.1; done; }
	none() { [ -z "$(viewctl ls -n)" ]; }; eventually none; viewctl ls -n'

# Users.
cat >home/mine.conf <<END
[Files]
Bind=$base/other:/mnt
Mount=mem::/srv
[Rules]
Socket=inet=deny
END
mine=$base/home/mine.conf
chown tester: "$mine"
check_status "a user: create" 0 '^[0-9]+$' as_tester "viewctl apply $mine"
check_output "a user: nothing to do" "" as_tester "viewctl apply $mine"
check_output "a user: show" "Name=mine Bind=$base/other:/mnt Mount=mem::/srv Socket=inet=deny" as_tester \
	'viewctl show --config mine | grep ^[A-Z] | xargs'
check_output "a user: change" "+Socket=inet6=deny" as_tester "echo Socket=inet6=deny >>$mine; viewctl apply $mine"
check_status "a user: what cannot be" 1 "mine.conf:2: Bind: .* exists, and cannot" as_tester \
	"sed -i s,other:/mnt,dir:/mnt, $mine; viewctl apply $mine"
id=$(viewctl ls -n -r -o ID)
check_status "another user's: nothing that they told is taken" 0 "^# What was told" viewctl show --config "$id"
check_output "another user's: but what the kernel knows" "Socket=inet=deny:EACCES Socket=inet6=deny:EACCES" bash -c \
	"viewctl show --config $id | grep -E '^(Bind|Mount|Socket)' | xargs"
check_status "another user's, by a user" 1 "permission denied" as_tester \
	"viewctl show --config $(viewctl apply --name roots live.conf | tail -n 1)"
viewctl destroy roots
check "a user: destroy" as_tester viewctl destroy mine
check_status "a user: what they may not" 1 "^viewctl: $mine:6: Inherit: |^viewctl: view 'mine': " as_tester \
	"printf '[View]\nInherit=leave\n' >$mine; viewctl apply $mine"

check_status "wrong: nothing is done" 2 "^viewctl: bad.conf:4: Inherit: 'x'" bash -c \
	'printf "[Files]\nBind=/etc:/mnt\n[View]\nInherit=x\n" >bad.conf; viewctl apply bad.conf'
check_status "wrong: no name" 2 "^viewctl: the view has no name" viewctl apply - </dev/null
check_status "wrong: a name" 1 "^viewctl: '1': |^viewctl: view '1': not a valid name" viewctl apply --name 1 /dev/null
check_status "wrong: no file" 2 "the file is missing" viewctl apply
check_status "wrong: two" 2 "'b': unexpected argument" viewctl apply a b
check_status "wrong: no such file" 1 "^viewctl: nosuch: No such file" viewctl apply nosuch
check_status "wrong: show" 2 "only one of them" viewctl show --config --json x
check_status "help" 0 "FILE is as viewctl.conf" viewctl help apply
check_output "no view is left" "" viewctl ls -n
finish

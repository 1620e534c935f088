#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl: every verb, its output forms, its errors and exit statuses.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

mkdir -p /mnt/a /mnt/b
as_tester() { su tester -s /bin/bash -c "$*"; }

# Help and usage.
check_status "help" 0 '^Usage: viewctl' viewctl help
check_status "help goes to stdout" 0 '^Usage' bash -c 'viewctl help 2>/dev/null'
for verb in run create enter set destroy kill mount umount tree ls show ps mounts servers sessions monitor; do
	check_status "$verb --help" 0 "^Usage: viewctl $verb" viewctl $verb --help
done
check_status "unknown verb" 2 "^viewctl: .*foo" viewctl foo
check_status "unknown option" 2 "nonsense" viewctl ls --nonsense
check_status "unknown column" 2 "NONSENSE" viewctl ls --output NONSENSE
check_status "errors go to stderr" 2 '^$' bash -c 'viewctl foo 2>/dev/null; s=$?; echo; exit $s'
check_status "no such view" 1 "^viewctl: .*nosuch" viewctl show nosuch
check_status "mount without target" 2 "viewctl: " viewctl mount -t mem x

# Exit statuses of run.
check_status "run: the command's status" 42 '' viewctl run -- bash -c 'exit 42'
check_status "run: 128 + signal" 143 '' viewctl run -- bash -c 'kill -TERM $$'
check_status "run: command not found" 127 "nosuchcommand" viewctl run -- nosuchcommand
check_status "run: command cannot be run" 126 "" viewctl run -- /etc/passwd
check_output "run: no command is the user's shell" "shell" bash -c 'echo "echo shell" | SHELL=/bin/bash viewctl run'
check_output "run: or sh" "sh" bash -c 'echo "echo sh" | env -u SHELL viewctl run'
check_status "run: viewctl failed" 125 "no-such-type" viewctl run -m no-such-type::/mnt/a -- true
check_status "run: no such target" 125 "/no/such/dir" viewctl run -m mem::/no/such/dir -- true
check_status "run: bad inherit" 2 "sometimes" viewctl run --inherit sometimes -- true
check_status "run: bad name" 125 "9lives" viewctl run --name 9lives -- true

# Views come, are seen, and go.
check "create" viewctl create alpha
check_status "create twice" 1 "alpha.*there is a view of that name" viewctl create alpha
check_output "ls --noheadings --output" "alpha" bash -c 'viewctl ls --noheadings --output NAME | tr -d " "'
check_output "ls --json" "alpha" bash -c \
	'viewctl ls --json | python3 -c "import json, sys; print(list(json.load(sys.stdin).values())[0][0][\"name\"])"'
check_status "tree" 0 alpha viewctl tree
check_status "bare viewctl" 0 alpha viewctl
check_status "show" 0 alpha viewctl show alpha
check_status "ps" 0 viewctl viewctl ps alpha
check "enter" viewctl enter alpha -- true
check_status "enter: status" 7 '' viewctl enter alpha -- bash -c 'exit 7'
check "set" viewctl set alpha --inherit nest
check_status "set is seen" 0 nest viewctl ls --noheadings --output INHERIT
check "destroy" viewctl destroy alpha
check_output "nothing is left" "" viewctl ls --noheadings

# Mounts.
check "create with a mount" viewctl create beta -m mem,size=1M::/mnt/a
check_status "mounts" 0 /mnt/a bash -c 'viewctl mounts; viewctl show beta'
check "write inside" viewctl enter beta -- bash -c 'echo text >/mnt/a/file'
check_output "read inside" text viewctl enter beta -- cat /mnt/a/file
check_status "not outside" 1 'No such file' cat /mnt/a/file
check_status "servers" 0 mem viewctl servers
check_status "sessions" 0 mem viewctl sessions
check "mount --view" viewctl mount -t mem --view beta none /mnt/b
check "it is there" viewctl enter beta -- touch /mnt/b/file
check_output "and only there" "" ls -A /mnt/b
check "umount --view" viewctl umount --view beta /mnt/b
check_status "an option for the server" 1 'size|No space' viewctl enter beta -- \
	bash -c 'head -c 2000000 /dev/zero >/mnt/a/big && exit 0; exit 1'
check_status "the server refuses an option" 1 'nonsense' viewctl mount -t mem -o nonsense=1 x /mnt/b
check_status "no archive" 1 '/no/such.tar' viewctl mount -t archive /no/such.tar /mnt/b
check_status "not an archive" 1 '/etc/passwd' viewctl mount -t archive /etc/passwd /mnt/b
check "destroy --kill" viewctl destroy --kill beta
check "the servers went too" eventually test_empty viewctl servers --noheadings

# Nesting, eight deep, each level with a mount of its own.
nest()
{
	local command="cat /mnt/a/level"
	for level in 8 7 6 5 4 3 2 1; do
		command="viewctl run -m mem::/mnt/a -- bash -c $(printf %q "echo $level >/mnt/a/level; $command; cat /mnt/a/level")"
	done
	bash -c "$command"
}
check_output "nested 8 deep" "8 8 7 6 5 4 3 2 1" bash -c "$(declare -f nest); nest | tr '\n' ' ' | sed 's/ \$//'"

# An ordinary user.
check_output "an ordinary user" "tester mine" as_tester \
	'viewctl run -m mem::/mnt/a -- bash -c "echo mine >/mnt/a/f; echo \$(id -un) \$(cat /mnt/a/f)"'
check_output "mapped to root" "0" as_tester 'viewctl run -r -- id -u'
check_status "no new privileges" 0 'NoNewPrivs:[[:space:]]*1' as_tester \
	'viewctl run -- grep NoNewPrivs /proc/self/status'
check "create by root" viewctl create gamma
check_status "foreign view" 1 'gamma' as_tester 'viewctl destroy --kill gamma'
check_output "foreign views are not seen" "" as_tester 'viewctl ls --noheadings'
check "destroy it" viewctl destroy gamma

# The terminal and signals.
check_output "the terminal is passed on" "yes" bash -c \
	"script -qec \"viewctl run -- bash -c 'tty -s && echo yes'\" /dev/null </dev/null | tr -d '\r'"
check_status "signals are forwarded" 9 '' bash -c \
	'viewctl run -- bash -c "trap \"exit 9\" TERM; touch /tmp/trapped; while :; do sleep 0.1; done" &
	until [ -e /tmp/trapped ]; do sleep 0.1; done; kill -TERM $!; wait $!'

# Events.
check_status "monitor" 0 'watched' bash -c \
	'timeout 60 viewctl monitor --count 1 & p=$!; while kill -0 $p; do viewctl run --name watched -- true; done; wait $p'
finish

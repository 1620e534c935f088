#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rules by viewctl, with real programs: native, deny, other network namespaces, stacks,
# nesting, changes while programs run, an ordinary user, and how it all is listed.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

tools=$VIEWOS_TOP/build/selftests/socket
url=http://127.0.0.1:8080/
as_tester() { su tester -s /bin/bash -c "$*"; }

# answers NETNS_PID: a web server there says something.
answers() { nsenter -t "$1" -n curl -s "$url"; }

# server PID TEXT: a web server in the network namespace of a process.
server()
{
	mkdir -p "/tmp/www-$2"
	echo "$2" >"/tmp/www-$2/index.html"
	nsenter -t "$1" -n busybox ip link set lo up
	nsenter -t "$1" -n busybox httpd -p 8080 -h "/tmp/www-$2"
	eventually answers "$1" >/dev/null || echo "# no web server $2"
}

# One here, one in a network namespace of root's, one in tester's own. /tmp is the guest's own.
sleep 100000 & here=$!
unshare -n sleep 100000 & far=$!
as_tester 'exec unshare -U -r -n sleep 100000' & own=$!
eventually test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$far/ns/net)"
own_pid() { own=$(pgrep -u tester -x sleep); }
eventually own_pid
server $here here
server $far far
server "$own" own
mkdir -p /run/netns
touch /run/netns/far
mount --bind "/proc/$far/ns/net" /run/netns/far

# Without a rule, and with one that changes nothing.
check_output "no rule" here viewctl run -- curl -s $url
check_output "native" here viewctl run --socket any=native -- curl -s $url

# Denied: what programs say of it.
check_status "deny: curl" 7 '' viewctl run --socket inet=deny -- curl -s $url
check_status "deny: bash" 1 'Permission denied' viewctl run --socket inet=deny -- \
	bash -c 'echo >/dev/tcp/127.0.0.1/8080'
check_output "deny: python" EACCES viewctl run --socket inet=deny -- python3 -c '
import errno, socket
try:
    socket.socket()
except OSError as e:
    print(errno.errorcode[e.errno])'
check_status "deny: a static program" 1 'Permission denied' \
	viewctl run --socket inet=deny -- busybox nc 127.0.0.1 8080
check_status "deny: another errno" 1 'Network is unreachable' \
	viewctl run -s inet=deny:ENETUNREACH -- busybox nc 127.0.0.1 8080
check_status "deny: by number" 1 'EHOSTDOWN' \
	viewctl run -s inet/stream=deny:112 -- "$tools/client" 8080
check "deny: of other types nothing" viewctl run -s inet/stream=deny -- "$tools/client" -u 8080
check_status "deny: an allow list" 1 'EACCES' \
	viewctl run -s any=deny -s unix=native -- "$tools/client" 8080
check_output "deny: what is allowed" '(True, b"x")' viewctl run -s any=deny -s unix=native -- \
	python3 -c 'import socket; a, b = socket.socketpair(); a.send(b"x")
print(str((a.family == socket.AF_UNIX, b.recv(1))).replace("'"'"'", "\""))'
if [ -x "$tools/client32" ]; then
	check_status "deny: a 32-bit program" 1 'EACCES' \
		viewctl run -s inet=deny -- "$tools/client32" 8080
	check_output "netns: a 32-bit program" far \
		viewctl run -s "inet=netns:$far" -- "$tools/client32" 8080
else
	skip "deny: a 32-bit program" "it cannot be built here"
	skip "netns: a 32-bit program" "it cannot be built here"
fi

# Another network namespace, by whatever it is called.
check_output "netns: a process" far viewctl run -s "inet46=netns:$far" -- curl -s $url
check_output "netns: a name" far viewctl run -s inet=netns:far -- curl -s $url
check_output "netns: a path" far viewctl run -s "inet=netns:/proc/$far/ns/net" -- curl -s $url
check_output "netns: python" far viewctl run -s "inet=netns:$far" -- python3 -c \
	"import urllib.request; print(urllib.request.urlopen('$url').read().decode().strip())"
check_output "netns: a static program" far viewctl run -s "inet=netns:$far" -- \
	busybox wget -q -O - $url
check_output "netns: only what the rule is for" here viewctl run -s "inet6=netns:$far" -- \
	curl -s $url
served_there()
{
	viewctl run -s "inet=netns:$far" -- python3 -c '
import socket
connection, _ = socket.create_server(("127.0.0.1", 9090)).accept()
print(connection.recv(10).decode().strip())' >/tmp/heard &
	eventually nsenter -t "$far" -n bash -c 'echo heard >/dev/tcp/127.0.0.1/9090' 2>/dev/null
	wait $!
	cat /tmp/heard
}
check_output "netns: a server in there" heard served_there
check_status "netns: no such name" 125 "viewctl: 'inet=netns:nosuch': /run/netns/nosuch: No such" \
	viewctl run -s inet=netns:nosuch -- true
check_status "netns: no such process" 125 "/proc/999999999/ns/net: No such" \
	viewctl run -s inet=netns:999999999 -- true
check_status "netns: another namespace" 125 "viewctl: 'inet=netns:/proc/self/ns/mnt': " \
	viewctl run -s inet=netns:/proc/self/ns/mnt -- true

# Stacks, one of which a program names by libviewos.
check_output "stack: named" far viewctl run -s "inet@far=netns:$far" -- \
	"$tools/client" -s far 8080
check_output "stack: the default is not it" here viewctl run -s "inet@far=netns:$far" -- \
	"$tools/client" 8080
check_status "stack: there is none" 1 'client: socket: ENOENT' \
	viewctl run -s "inet@far=netns:$far" -- "$tools/client" -s other 8080
check_status "stack: nor outside of views" 1 'client: socket: ENOENT' "$tools/client" -s far 8080
check_output "stack: as the default" far viewctl run -s "inet@far=netns:$far" --stack far -- \
	curl -s $url
check_output "stack: by a rule" far viewctl run -s "inet@far=netns:$far" -s inet=stack:far -- \
	curl -s $url
check_output "stack: inside a view beneath" far viewctl run -s "inet@far=netns:$far" -- \
	viewctl run --stack far -- curl -s $url
check_status "stack: to itself" 125 "viewctl: 'any@a=stack:a': stacks lead to each other" \
	viewctl run -s any@a=stack:a -- true

# Nesting.
check_status "nested: what is denied stays so" 1 EACCES viewctl run -s inet=deny -- \
	viewctl run -s inet=native -- "$tools/client" 8080
check_status "nested: no namespace gives it back" 1 EACCES viewctl run -s inet=deny -- \
	viewctl run -s "inet=netns:$far" -- "$tools/client" 8080
check_output "nested: native is the parent's" far viewctl run -s "inet=netns:$far" -- \
	viewctl run -s inet=native -- "$tools/client" 8080
check_status "nested: a child may deny more" 1 ENETDOWN viewctl run -s "inet=netns:$far" -- \
	viewctl run -s inet=deny:ENETDOWN -- "$tools/client" 8080
check_output "nested: the nearest decides" here viewctl run -s "inet=netns:$far" -- \
	viewctl run -s "inet=netns:$here" -- "$tools/client" 8080
deep="$tools/client 8080"
for _ in 1 2 3 4 5 6 7 8; do deep="viewctl run -s inet6=deny -- $deep"; done
# shellcheck disable=SC2086
check_output "nested: through eight views" far viewctl run -s "inet=netns:$far" -- $deep

# Rules come and go while programs run.
check "live: create" viewctl create live
id=$(viewctl rule add live inet=deny)
check_status "live: add" 1 EACCES viewctl enter live -- "$tools/client" 8080
check_output "live: ids are printed" 2 bash -c \
	'viewctl rule add live inet46@x=native | grep -c "^[0-9]*$"'
check "live: del" viewctl rule del live "$id"
check_output "live: it is gone" here viewctl enter live -- "$tools/client" 8080
check_status "live: del twice" 1 "viewctl: 'live': '$id': no such rule" viewctl rule del live "$id"
viewctl enter live -- bash -c 'while :; do '"$tools"'/client 8080 >/tmp/live.new 2>&1
	mv /tmp/live.new /tmp/live; done' & loop=$!
says() { grep -q "$1" /tmp/live 2>/dev/null; }
check "live: a running loop is served here" eventually says here
id=$(viewctl rule add live "inet=netns:$far")
check "live: then there" eventually says far
viewctl rule add live inet=deny:ENETDOWN >/dev/null
check "live: then not at all" eventually says ENETDOWN
check_status "live: all or nothing" 1 "inet=netns:nosuch" \
	viewctl rule add live inet6=deny inet=netns:nosuch
check_output "live: so nothing" "" bash -c 'viewctl rule ls -n -r -o MATCH,VERDICT live | grep "^inet6 deny"; true'
kill $loop
wait $loop 2>/dev/null
check "live: destroy" viewctl destroy --kill live

# How it is listed.
check "list: create" viewctl create listed -s inet/stream/tcp=deny:ENETDOWN -s "inet6@a=netns:$far" \
	-s unix=native --stack a
viewctl enter listed -- "$tools/client" 8080 2>/dev/null
list() { viewctl rule ls --raw --noheadings --output "$@"; }
check_output "list: matches" "any inet/stream/tcp inet6 unix" \
	bash -c "viewctl rule ls -n -r -o MATCH listed | sort | paste -sd ' '"
check_output "list: verdicts" "deny ENETDOWN,native -,netns net:[$(stat -Lc %i /proc/$far/ns/net)],stack a" \
	bash -c 'viewctl rule ls -n -r -o VERDICT,TARGET listed | sort | paste -sd ,'
check_output "list: as it was written" "any=stack:a inet/stream/tcp=deny:ENETDOWN unix=native" \
	bash -c "viewctl rule ls -n -r -o RULE | grep -v netns | sort | paste -sd ' '"
check_output "list: hits" "inet/stream/tcp 1" bash -c 'viewctl rule ls -n -r -o MATCH,HITS | grep tcp'
check_output "list: JSON" "ENETDOWN listed 1" bash -c 'viewctl rule ls --json | python3 -c "
import json, sys
for r in json.load(sys.stdin)[\"rules\"]:
    if r[\"match\"] == \"inet/stream/tcp\":
        print(r[\"target\"], r[\"view\"], r[\"hits\"])"'
check_status "list: heading" 0 '^ *ID VIEW +MATCH +STACK +VERDICT +TARGET +SOURCE +HITS$' viewctl rule ls
check "list: another view" viewctl create unruly
check_output "list: has none" "" viewctl rule ls -n unruly
check_output "list: show" 4 bash -c 'viewctl show listed | grep -c "^rule: "'
check_output "list: show as JSON" 4 bash -c 'viewctl show --json listed | python3 -c "
import json, sys
print(len(json.load(sys.stdin)[\"rules\"]))"'
check_status "list: no such view" 1 "viewctl: 'nosuch': no such view" viewctl rule ls nosuch
check_output "list: sockets, none" "" viewctl sockets -n
check_output "list: sockets of a view, none" 0 bash -c 'viewctl sockets --json listed | python3 -c "
import json, sys
print(len(json.load(sys.stdin)[\"sockets\"]))"'
check "list: destroy" viewctl destroy listed unruly
check_output "list: rules went with it" "" viewctl rule ls -n

# Events.
check_status "events" 0 'rule-new view [0-9]+ rule-id [0-9]+ rule inet/stream=deny:ENETDOWN' bash -c '
	timeout 60 viewctl monitor >/tmp/events & p=$!
	while ! grep -q rule-new /tmp/events || ! grep -q rule-gone /tmp/events; do viewctl run -s inet/stream=deny:ENETDOWN -- true; done
	kill $p; cat /tmp/events'

# An ordinary user: no privilege is needed, and none is to be had.
check_output "user: no rule" here as_tester "viewctl run -- curl -s $url"
check_status "user: deny" 1 EACCES as_tester "viewctl run -s inet=deny -- $tools/client 8080"
check_output "user: their own network namespace" own as_tester \
	"viewctl run -s inet=netns:$own -- $tools/client 8080"
check_status "user: not somebody else's" 125 "Permission denied|permission denied" as_tester \
	"viewctl run -s inet=netns:$far -- true"
check_status "user: not by a name, either" 125 \
	"viewctl: 'inet=netns:far': permission denied .*network namespace" as_tester \
	"viewctl run -s inet=netns:far -- true"
check_output "user: as root of their own" own as_tester \
	"viewctl run -r -s inet=netns:$own -- $tools/client 8080"
check_status "user: not from inside" 1 "viewctl: 'inet=native': permission denied" as_tester \
	"viewctl run --name in -s inet=deny -- viewctl rule add in inet=native"
check_status "user: not as root of their own, either" 1 "permission denied" as_tester \
	"viewctl run -r --name in -s inet=deny -- viewctl rule add in inet=native"
check_status "user: nor to delete" 1 "permission denied" as_tester \
	'viewctl run --name in -s inet=deny -- bash -c "viewctl rule del in \$(viewctl rule ls -n -r -o ID)"'
check_status "user: nested" 1 ENETDOWN as_tester \
	"viewctl run -s inet=native -- viewctl run -s inet=deny:ENETDOWN -- $tools/client 8080"
check_output "user: live" "EACCES here" as_tester "
	viewctl create theirs >/dev/null
	id=\$(viewctl rule add theirs inet=deny)
	a=\$(viewctl enter theirs -- $tools/client 8080 2>&1)
	viewctl rule del theirs \$id
	echo \${a##* } \$(viewctl enter theirs -- $tools/client 8080)
	viewctl destroy theirs"
check "user: root's view" viewctl create roots -s inet=deny
check_output "user: root's rules are not seen" "" as_tester "viewctl rule ls -n"
check_status "user: nor changed" 1 "roots" as_tester "viewctl rule add roots inet=native"
check "user: destroy it" viewctl destroy roots

# What is wrong is told, with what it is.
check_status "wrong: no argument" 2 "'--socket': its argument is missing" viewctl run --socket
check_status "wrong: verdict" 2 "^viewctl: --socket: 'inet=permit': 'permit': expected native" \
	viewctl run --socket inet=permit -- true
check_status "wrong: family" 2 "'inett': expected an address family" viewctl create x -s inett=deny
check_status "wrong: stack" 2 "^viewctl: --stack: '1': expected" viewctl run --stack 1 -- true
check_status "wrong: no such server" 125 "nosuch: no such server|type 'nosuch': no such server" \
	viewctl run -s inet=serve:nosuch -- true
check_status "wrong: a server of files" 125 "viewos-mem|mem" viewctl run -s inet=serve:mem -- true
check_status "wrong: rule alone" 2 "^viewctl: 'rule': " viewctl rule
check_status "wrong: verb of rule" 2 "^viewctl: 'foo': unknown verb, try viewctl help rule" viewctl rule foo
check_status "wrong: rule add" 2 "the view is missing" viewctl rule add
check_status "wrong: rule add VIEW" 2 "the rule is missing" viewctl rule add x
check_status "wrong: rule del VIEW" 2 "the rule's id is missing" viewctl rule del x
check_status "wrong: rule del an id" 2 "'foo': expected the id of a rule" viewctl rule del x foo
check_status "wrong: rule ls" 2 "'b': unexpected argument" viewctl rule ls a b
check_status "wrong: the root view" 1 "permission denied" viewctl rule add 0 inet=deny
for verb in "" add del ls; do
	check_status "help rule $verb" 0 "^Usage: viewctl rule $verb" bash -c "viewctl help rule $verb"
done
check_status "help sockets" 0 "^Usage: viewctl sockets" viewctl sockets --help

umount /run/netns/far
kill $here $far "$own"
pkill -x busybox
wait 2>/dev/null
finish

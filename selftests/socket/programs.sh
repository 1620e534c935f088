#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sockets of views with git and ssh, over each way that they can go; more of VDE's networks; and how
# sockets are seen from outside.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

export PATH=$VIEWOS_TOP/build/selftests/doc:$PATH
# The example has no checkers built in, so its library must have none.
plain=$VIEWOS_TOP/build/userspace/lib
mkdir /tmp/sockets
cd /tmp/sockets || exit 1
pids=()
start() { "$@" & pids+=($!); }

# ---- servers, here and in another network namespace ----
start unshare -n sleep 100000
far=$!
eventually test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$far/ns/net)"
nsenter -t "$far" -n ip link set lo up
git init -q tree && git -C tree -c user.email=a@b -c user.name=n commit -q --allow-empty -m one
git clone -q --bare tree repo.git
mkdir -p web /run/sshd
echo "Hello, web." >web/hello
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f user
printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' 'HostKey /tmp/sockets/host' 'UsePAM no' 'PidFile none' \
	'StrictModes no' 'AuthorizedKeysFile /tmp/sockets/user.pub' 'PermitRootLogin yes' >sshd.conf
printf '%s\n' 'Host *' 'Port 2222' 'IdentityFile /tmp/sockets/user' 'StrictHostKeyChecking no' \
	'UserKnownHostsFile /dev/null' 'LogLevel ERROR' 'BatchMode yes' >ssh.conf
for there in '' "nsenter -t $far -n"; do
	# shellcheck disable=SC2086
	{
		start $there python3 -m http.server 8080 --bind 127.0.0.1 --directory web >/dev/null 2>&1
		start $there git daemon --export-all --base-path=/tmp/sockets --listen=127.0.0.1 >/dev/null 2>&1
		start $there /usr/sbin/sshd -D -e -f /tmp/sockets/sshd.conf 2>sshd.log
	}
	for port in 8080 9418 2222; do
		# shellcheck disable=SC2086
		check "a server${there:+ there}: $port" eventually \
			$there bash -c "echo >/dev/tcp/127.0.0.1/$port" 2>/dev/null
	done
done
start microsocks -i 127.0.0.1 -p 1080 >/dev/null 2>&1
check "a proxy" eventually bash -c 'echo >/dev/tcp/127.0.0.1/1080' 2>/dev/null

in_native() { viewctl run -s any=native -- "$@"; }
in_netns() { viewctl run -s "inet46=netns:$far" -- "$@"; }
in_virtual()
{
	LD_LIBRARY_PATH=$plain viewctl run -s 'inet46=serve:firewall:nobody/*' -- "$@"
}
in_proxy()
{
	viewctl run -s inet46=serve:proxy:socks5://127.0.0.1:1080 -s any=deny -s unix=native -- "$@"
}
for way in native netns virtual proxy; do
	check_output "$way: curl" "Hello, web." "in_$way" curl -sS http://127.0.0.1:8080/hello
	check "$way: git clone git:" "in_$way" git clone -q git://127.0.0.1/repo.git "git-$way"
	check_output "$way: ssh" "there" "in_$way" ssh -F ssh.conf root@127.0.0.1 echo there
	check_output "$way: ssh, much data" 3000000 "in_$way" sh -c \
		'head -c 3000000 /dev/zero | ssh -F ssh.conf root@127.0.0.1 cat | wc -c'
	check "$way: git clone ssh:" "in_$way" \
		env GIT_SSH_COMMAND='ssh -F /tmp/sockets/ssh.conf' git clone -q ssh://root@127.0.0.1/tmp/sockets/repo.git "ssh-$way"
done

# ---- VDE's other networks ----
# The second of a pair reaches the web server of the first, once that reaches itself.
pair()
{
	local name=$1 url=$2 first=first-${2%%:*}

	start viewctl run --name "$first" -s "any=serve:netstack,name=a,ip=10.7.0.1/24:$url" -- \
		python3 -m http.server 80 --bind 10.7.0.1 --directory web >/dev/null 2>&1
	alone() { viewctl enter "$first" -- curl -sS --max-time 20 http://10.7.0.1/hello 2>/dev/null |
		grep -q Hello; }
	check "netstack: $name: the first" eventually alone
	reached() { viewctl run -s "any=serve:netstack,name=b,ip=10.7.0.2/24:$url" -- \
		curl -sS --max-time 20 http://10.7.0.1/hello 2>/dev/null | grep -q Hello; }
	check "netstack: $name" eventually reached
	kill "${pids[-1]}"
	wait "${pids[-1]}" 2>/dev/null
}
pair "two views by ptp" ptp:///tmp/ptp
ip route add 239.0.0.0/8 dev lo 2>/dev/null
pair "two views by vxvde" vxvde://239.1.2.3
# The other end of the tap is here, once the server has made it.
through_tap()
{
	start viewctl run -s any=serve:netstack,ip=10.6.0.2/24:tap://viewtap -- sh -c \
		'read -r _ <tapped; curl -sS --max-time 60 http://10.6.0.1:8081/hello >tap.out'
	eventually ip addr add 10.6.0.1/24 dev viewtap 2>/dev/null
	ip link set viewtap up
	timeout 60 sh -c 'echo go >tapped'
	wait "${pids[-1]}"
	cat tap.out
}
mkfifo tapped
start python3 -m http.server 8081 --directory web >/dev/null 2>&1
check "another server" eventually bash -c 'echo >/dev/tcp/127.0.0.1/8081' 2>/dev/null
check_output "netstack: tap" "Hello, web." through_tap

# ---- how it is seen ----
start viewctl monitor >events
eventually pgrep -x viewctl >/dev/null
sleep 1
mkfifo go
cat >looked.py <<'END'
import socket
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("127.0.0.1", 7777)); l.listen()
c = socket.create_connection(("127.0.0.1", 7777)); a = l.accept()[0]
n = socket.socket()
open("ready", "w").close()
open("go").read()
c.send(b"x"); print(a.recv(9), end=" ")
c.shutdown(socket.SHUT_WR); print(a.recv(9), end=" ")
for f in (lambda: n.connect(("127.0.0.1", 7777)), lambda: n.bind(("127.0.0.1", 0)), socket.socket):
    try: f(); print(0, end=" ")
    except OSError as e: print(e.errno, end=" ")
END
LD_LIBRARY_PATH=$plain start viewctl run --name looked -s 'inet@a=serve:firewall:nobody/*' --stack a -- \
	python3 looked.py >out
looked=$!
check "seen: it runs" eventually test -e ready
seen()
{
	viewctl sockets --json looked | python3 -c '
import json, sys
for s in json.load(sys.stdin)["sockets"]:
    s["server"] = s["server"].split("@")[0]
    if s["state"] == sys.argv[1]: print(*[s[c] for c in sys.argv[2:]])' "$@"
}
check_output "seen: listening" "looked inet stream tcp 127.0.0.1:7777 None a firewall True" \
	seen listening view family type proto local peer stack server backed
check_output "seen: connected" 2 bash -c "$(declare -f seen)"'; seen connected local peer |
	grep -cE "^127.0.0.1:[0-9]+ 127.0.0.1:[0-9]+$"'
check_output "seen: new" "1" bash -c "$(declare -f seen)"'; seen new ino | wc -l'
check_output "seen: processes" "$looked" seen listening pids
check "seen: the socket's inode is that of /proc" bash -c "$(declare -f seen)"'
	ls -l /proc/'"$looked"'/fd | grep -qF "socket:[$(seen listening ino)]"'
check "seen: events of new sockets" eventually grep -q '^socket-new .*view looked\|^socket-new' events
# The server dies: what has a backing goes on, what is asked fails.
pkill -KILL -x viewos-firewall
timeout 60 sh -c 'echo go >go'
wait $looked
check_output "server's death: data flow on, requests fail" "b'x' b'' 100 100 100 " cat out
check "seen: events of gone sockets" eventually grep -q '^socket-gone' events
check_output "seen: none is left" "" viewctl sockets -n

start viewctl run -s "inet46=netns:$far" -- python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 7778)); time.sleep(100000)'
shown() { nsenter -t "$far" -n ss -Htlnp 'sport = :7778' | grep -q 'users:(("python3",pid='; }
check "seen: ss in the namespace shows a redirected socket" eventually shown
check_output "seen: ss here does not" "" ss -Htln 'sport = :7778'

kill "${pids[@]}" 2>/dev/null
pkill -x microsocks
wait 2>/dev/null
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The socket servers, with real proxies, a real switch, and real programs.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

export PATH=$VIEWOS_TOP/build/selftests/doc:$PATH
# The example has no checkers built in, so its library must have none.
plain=$VIEWOS_TOP/build/userspace/lib
cd /tmp || exit 1

# listening PORT: something listens there.
listening() { ! (echo >"/dev/tcp/127.0.0.1/$1") 2>&1 | grep -q .; }
pids=()
start() { "$@" & pids+=($!); }

# A web server on the machine's loopback.
mkdir -p web
echo "Hello, web." >web/hello
head -c 3000000 /dev/urandom >web/large
git init -q repo && git -C repo -c user.email=a@b -c user.name=n commit -q --allow-empty -m one
git clone -q --bare repo web/repo.git && git -C web/repo.git update-server-info
start python3 -m http.server 8080 --bind 127.0.0.1 --directory web >web.log 2>&1
check "a web server" eventually listening 8080

# ---- firewall ----
firewall()
{
	local patterns=$1
	shift
	LD_LIBRARY_PATH=$plain viewctl run --socket "inet46=serve:firewall:$patterns" -- "$@"
}
check_output "firewall: passes" "Hello, web." firewall 'nobody/*' \
	curl -sS http://127.0.0.1:8080/hello
check_status "firewall: an address is denied" 7 '' firewall '*/connect/127.0.0.1:8080' \
	curl -sS http://127.0.0.1:8080/hello
check_output "firewall: other addresses are not" "Hello, web." firewall '*/connect/127.0.0.1:8081' \
	curl -sS http://127.0.0.1:8080/hello
check_status "firewall: a program is denied" 7 '' firewall 'curl/*' curl -sS http://127.0.0.1:8080/hello
check_output "firewall: other programs are not" "b'Hello, web.\n'" firewall 'curl/*' python3 -c \
	'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8080/hello").read())'
check_output "firewall: bind" "13" firewall '*/bind/*:1234' python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0))
try: socket.socket().bind(("127.0.0.1", 1234))
except OSError as e: print(e.errno)'
check_output "firewall: datagrams" "13 13" firewall '*/send/*:53 */connect/*:53' python3 -c '
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto(b"x", ("127.0.0.1", 54))
try: s.sendto(b"x", ("127.0.0.1", 53))
except OSError as e: print(e.errno, end=" ")
try: s.connect(("127.0.0.1", 53))
except OSError as e: print(e.errno)'
check_output "firewall: a mapped address is the same" "13" firewall '*/connect/127.0.0.1:8080' \
	python3 -c '
import socket
try: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", 8080))
except OSError as e: print(e.errno)'
check_output "firewall: a static program" "Hello, web." firewall 'curl/*' \
	busybox wget -qO- http://127.0.0.1:8080/hello

# ---- netstack ----
netstack() { local what=$1; shift; viewctl run --socket "any=serve:netstack$what" -- "$@"; }
check_output "netstack: loopback" "b'x'" netstack '' python3 -c '
import socket
l = socket.socket(); l.bind(("127.0.0.1", 8080)); l.listen()
c = socket.create_connection(("127.0.0.1", 8080)); a = l.accept()[0]
c.send(b"x"); print(a.recv(9))'
check_status "netstack: not the machine's" 7 '' netstack '' curl -sS http://127.0.0.1:8080/hello
check_output "netstack: one stack for two rules" "b'x'" \
	viewctl run --socket inet46=serve:netstack -- python3 -c '
import socket
l = socket.socket(socket.AF_INET6); l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
l.bind(("::", 8080)); l.listen()
c = socket.create_connection(("127.0.0.1", 8080)); a = l.accept()[0]
c.send(b"x"); print(a.recv(9))'
check_output "netstack: slirp reaches the machine's web server" "Hello, web." netstack :slirp:// \
	curl -sS --max-time 100 http://10.0.2.2:8080/hello
check "netstack: slirp, much data" netstack :slirp:// sh -c \
	'curl -sS --max-time 200 http://10.0.2.2:8080/large | cmp - web/large'
check_output "netstack: slirp, as an ordinary user" "Hello, web." su tester -s /bin/bash -c \
	"PATH=$PATH viewctl run --socket any=serve:netstack:slirp:// -- curl -sS --max-time 100 http://10.0.2.2:8080/hello"
# It ends with its standard input.
start sh -c 'sleep 3600 | exec vde_switch -s /tmp/switch >/dev/null 2>&1'
check "netstack: a switch" eventually test -S /tmp/switch/ctl
start viewctl run --socket 'any=serve:netstack,ip=10.9.0.1/24:vde:///tmp/switch' -- \
	python3 -m http.server 80 --bind 10.9.0.1 --directory web >/dev/null 2>&1
switched()
{
	netstack ',ip=10.9.0.2/24:vde:///tmp/switch' curl -sSf --max-time 30 -o fetched \
		http://10.9.0.1/large
}
check "netstack: two views on a switch" eventually switched
check "netstack: what came is right" cmp fetched web/large
# addresses -4|-6 OPTIONS: what the interface has got, when a command runs. Without ip6=auto it may
# have heard of a router, too.
addresses()
{
	viewctl run --socket "any=serve:netstack$2:slirp://" -- ip -o "$1" addr show dev vde0 |
		sed -nE 's/.* inet6? ([^ ]*) (.* )?scope (global|site).*/\1/p' | sort
}
check_output "netstack: DHCP" "10.0.2.15/24" addresses -4 ,ip=dhcp
check_output "netstack: DHCP, and a way out" "Hello, web." netstack ,ip=dhcp:slirp:// \
	curl -sS --max-time 100 http://10.0.2.2:8080/hello
check_output "netstack: DHCP, as an ordinary user" "Hello, web." su tester -s /bin/bash -c \
	"PATH=$PATH viewctl run --socket any=serve:netstack,ip=dhcp:slirp:// -- curl -sS --max-time 100 http://10.0.2.2:8080/hello"
check "netstack: IPv6 by a router" sh -c 'grep -E "^f[de].*::?.*/64$"' < <(addresses -6 ,ip6=auto)
check_output "netstack: IPv6 by a router, and a gateway" "yes" netstack ,ip=dhcp,ip6=auto:slirp:// \
	sh -c 'ip -6 route show default | grep -q "via fe80::" && echo yes'
check_status "netstack: nobody answers DHCP" 125 'timed out' netstack ,ip=dhcp:vde:///tmp/switch true
check_status "netstack: no router there" 125 'timed out' netstack ,ip6=auto:vde:///tmp/switch true
check_status "netstack: DHCP from no network" 125 'no network to ask' netstack ,ip=dhcp true
check_status "netstack: DHCP has the gateway" 125 'beside ip=dhcp' \
	netstack ,ip=dhcp,gw=10.0.2.2:slirp:// true
# The client ends with its stack, and with its server.
check "netstack: no client is left" eventually sh -c '! pgrep -x udhcpc && ! pgrep -f "[b]usybox udhcpc"'
check_status "netstack: no such switch" 125 '' netstack :vde:///tmp/nowhere true
check_status "netstack: no URL" 125 'not a URL' netstack :nowhere true
check_status "netstack: a bad address" 125 'is not an address' netstack ,ip=10.0.0.1:slirp:// true
check_status "netstack: a bad option" 125 'unknown' netstack ,x=1 true

# ---- proxy ----
# The proxies know a name that the view does not.
cp /etc/hosts hosts
echo "127.0.0.1 web.test" >>hosts
elsewhere() { exec unshare -m sh -c 'mount --bind /tmp/hosts /etc/hosts; exec "$@"' sh "$@"; }
printf 'Port 3128\nListen 127.0.0.1\nLogFile "/tmp/tinyproxy.log"\nLogLevel Connect\nMaxClients 50\nAllow 127.0.0.1\n' >tinyproxy.conf
cp tinyproxy.conf login.conf
sed -i 's/3128/3129/; s/tinyproxy.log/login.log/' login.conf
echo 'BasicAuth me secret' >>login.conf
start elsewhere microsocks -i 127.0.0.1 -p 1080 >socks.log 2>&1
start elsewhere microsocks -i 127.0.0.1 -p 1081 -u me -P 'se:cr@t' >/dev/null 2>&1
start elsewhere tinyproxy -d -c /tmp/tinyproxy.conf >/dev/null 2>&1
start elsewhere tinyproxy -d -c /tmp/login.conf >/dev/null 2>&1
for port in 1080 1081 3128 3129; do
	check "a proxy on port $port" eventually listening $port
done

# proxy SOURCE COMMAND...: nothing but the proxy and local sockets.
proxy()
{
	local source=$1
	shift
	viewctl run --socket "inet46=serve:proxy$options:$source" --socket any=deny \
		--socket unix=native -- "$@"
}
options=
for source in socks5://127.0.0.1:1080 http://127.0.0.1:3128 \
		'socks5://me:se%3Acr%40t@127.0.0.1:1081' http://me:secret@127.0.0.1:3129; do
	check_output "proxy: $source: curl by address" "Hello, web." proxy "$source" \
		curl -sS --max-time 100 http://127.0.0.1:8080/hello
	check_output "proxy: $source: curl by name" "Hello, web." proxy "$source" \
		curl -sS --max-time 100 http://web.test:8080/hello
	check "proxy: $source: much data" proxy "$source" sh -c \
		'curl -sS --max-time 100 http://web.test:8080/large | cmp - web/large'
done
check "proxy: SOCKS was told the name" eventually grep -q 'web.test' socks.log
check "proxy: HTTP was told the name" eventually grep -q 'web.test' tinyproxy.log
socks() { proxy socks5://127.0.0.1:1080 "$@"; }
check_output "proxy: python3 by name" "b'Hello, web.\n'" socks python3 -c \
	'import urllib.request; print(urllib.request.urlopen("http://web.test:8080/hello").read())'
check "proxy: git" socks git clone -q http://web.test:8080/repo.git cloned
check_output "proxy: a static program" "Hello, web." socks \
	busybox wget -qO- http://127.0.0.1:8080/hello
check_output "proxy: names of the peer" "('127.0.0.1', 8080)" socks python3 -c '
import socket; print(socket.create_connection(("127.0.0.1", 8080)).getpeername())'
check_output "proxy: IPv6 sockets" "b'HTTP'" socks python3 -c '
import socket
s = socket.socket(socket.AF_INET6); s.connect(("::ffff:127.0.0.1", 8080))
s.send(b"GET /hello HTTP/1.0\r\n\r\n"); print(s.recv(4))'
check_output "proxy: not blocking, epoll" "115 0 True" socks python3 -c '
import select, socket
s = socket.socket(); s.setblocking(False)
print(s.connect_ex(("127.0.0.1", 8080)), end=" ")
p = select.epoll(); p.register(s, select.EPOLLOUT | select.EPOLLET)
events = p.poll(60)
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), bool(events and events[0][1] & select.EPOLLOUT))'
check_output "proxy: options from before the connect hold" "1 7" socks python3 -c '
import socket
s = socket.socket(); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 7)
s.connect(("127.0.0.1", 8080))
print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT))'
check_output "proxy: refused, and again" "111 111" socks python3 -c '
import socket
s = socket.socket()
print(s.connect_ex(("127.0.0.1", 9)), s.connect_ex(("127.0.0.1", 9)))'
check_output "proxy: no proxy is there" "111" proxy socks5://127.0.0.1:9 python3 -c '
import socket; print(socket.socket().connect_ex(("127.0.0.1", 8080)))'
check_output "proxy: bad password" "13" proxy socks5://me:no@127.0.0.1:1081 python3 -c '
import socket; print(socket.socket().connect_ex(("127.0.0.1", 8080)))'
check_output "proxy: no port of its own" "0 95 95" socks python3 -c '
import socket
def no(f, *a):
    try: f(*a); return 0
    except OSError as e: return e.errno
s = socket.socket()
print(no(s.bind, ("127.0.0.1", 0)), no(s.bind, ("127.0.0.1", 1234)), no(s.listen))'
check_output "proxy: nothing else" "13 13 13 13" socks python3 -c '
import socket
def no(f, *a):
    try: f(*a); return 0
    except OSError as e: return e.errno
u = socket.socket(type=socket.SOCK_DGRAM)
print(no(u.sendto, b"x", ("127.0.0.1", 54)), no(u.connect, ("127.0.0.1", 54)),
    no(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1), no(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, 0))'
# A proxy that is not there cannot have been asked.
proxy socks5://127.0.0.1:9 python3 -c '
import socket
s = socket.socket()
try: s.sendto(b"GET /around HTTP/1.0\r\n\r\n", socket.MSG_FASTOPEN, ("127.0.0.1", 8080)); s.recv(100)
except OSError: pass'
check "proxy: no way around by fast open" sh -c '! grep /around web.log'
check_output "proxy: AAAA has no answer" "0" socks python3 -c '
import socket
q = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3web\4test\0\0\x1c\0\1"
s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(q, ("192.0.2.1", 53))
a, peer = s.recvfrom(512)
assert peer == ("192.0.2.1", 53) and a[:2] == q[:2] and a[3] & 15 == 0
print(a[7])'
options=,udp=allow
check_output "proxy: datagrams, if allowed" "b'one' b'two'" socks python3 -c '
import socket
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 5354))
c = socket.socket(type=socket.SOCK_DGRAM); c.sendto(b"one", ("127.0.0.1", 5354)); c.connect(("127.0.0.1", 5354)); c.send(b"two")
print(s.recv(9), s.recv(9))'
options=
check_status "proxy: bad source" 125 'unknown kind' proxy gopher://x:1 true
check_status "proxy: no port" 125 'no port' proxy socks5://127.0.0.1 true
options=,udp=maybe
check_status "proxy: bad option" 125 'not allow or deny' socks true

kill "${pids[@]}" 2>/dev/null
finish

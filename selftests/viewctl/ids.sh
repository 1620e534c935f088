#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --ids: owners, modes and devices that are so in a view alone.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/home/tester/ids
export LC_ALL=C
umask 022
rm -rf $base
mkdir -p $base
chown tester: $base
cd $base || exit 1

# as_user WORDS, as the shell takes them
as_user() { su tester -s /bin/bash -c "umask 022; cd $base; $1"; }
# fresh SCRIPT: in a view of its own; kept SCRIPT: in one that keeps its ids in the file list.
fresh() { as_user "viewctl run --ids -- bash -ec '$1'"; }
kept() { as_user "viewctl run --ids=list -- bash -ec '$1'"; }
outside() { as_user "$1"; }


owner=$VIEWOS_TOP/build/selftests/viewctl/owner
list_of() { find "$1" -printf '%P %y %m %U %G %l\n' | sort; }
export -f list_of

check_output "who one is" "0 0 0 0 0" fresh 'echo $(id -u) $(id -g) $(id -ru) $(id -G) $EUID'
check_output "one's own files are root's" "0 0 700 directory" fresh \
	'mkdir -m 700 d; stat -c "%u %g %a %F" d; rmdir d'
check_output "others' are theirs" "$(stat -c '%u %g %a' /etc/passwd /etc/shadow /proc)" \
	fresh 'stat -c "%u %g %a" /etc/passwd /etc/shadow /proc'

check_output "chown" "12:34 12:34 12:34 12 34" fresh '
	touch f; chown 12:34 f; echo $(stat -c %u:%g f) $(busybox stat -c %u:%g f) \
		$(python3 -c "import os; s = os.stat(\"f\"); print(s.st_uid, s.st_gid, sep=\":\")") \
		$(find . -name f -uid 12 -gid 34 -printf "%U %G"); ls -ln f | grep -q " 12 34 "'
check_output "chown: not so outside" "1000:1000" outside 'stat -c %u:%g f; rm f'
check_output "chown: by each call" "12:34 104755 0,0" fresh "touch f; $owner f 12 34 4755; rm f"
if [ -x "${owner}32" ]; then
	check_output "chown: by each call of 32 bits" "12:34 102751 0,0" fresh \
		"touch f; ${owner}32 f 12 34 2751; rm f"
	check_output "chown: what 32 bits cannot tell" "70000:70001 65534:65534" fresh '
		touch f; chown 70000:70001 f
		echo $(stat -c %u:%g f) $('"${owner}32"' f | sed -n "s/^lstat, the call: \([0-9:]*\).*/\1/p"); rm f'
else
	skip "chown: by each call of 32 bits" "not built"
fi
check_output "chown: by busybox" "3:4 5:4" fresh '
	busybox touch f; busybox chown 3:4 f; echo -n "$(busybox stat -c %u:%g f) "
	busybox chown 5 f; busybox stat -c %u:%g f; rm f'
check_output "chown: a link, and what it leads to" "1:1 2:2" fresh '
	touch f; ln -s f l; chown -h 1:1 l; chown 2:2 l; stat -c %u:%g l f | xargs; rm f l'
check_output "chown: to oneself again" "0:0" fresh \
	'touch f; chown 12:34 f; chown 0:0 f; stat -c %u:%g f; rm f'
as_user 'mkdir -p d; touch d/a d/b'
check_output "in a layer with a hidden name" $'b\n0:0 3:4' as_user '
	viewctl run --ids --cow d --hide d/a -- bash -ec "ls d; touch d/n; chown 3:4 d/n
		stat -c %u:%g d/b d/n | xargs"'
check_output "in a directory with a hidden name" $'0:0 755\nb\n0:0 3:4' as_user '
	viewctl run --ids --hide d/a -- bash -ec "stat -c \"%u:%g %a\" d; ls d; touch d/n; chown 3:4 d/n
		stat -c %u:%g d/b d/n | xargs; rm d/n"'
check_output "a view in it, with such a layer" "b" fresh 'viewctl run --cow d --hide d/a -- ls d'
as_user 'rm -r d'
check_output "chown -R" "12 12 12" fresh '
	mkdir -p d/e; touch d/e/f; chown -R 12 d; stat -c %u d d/e d/e/f | xargs; rm -r d'
check_output "python" "[(1, 2), (3, 4), (5, 6), (5, 6)]" fresh 'python3 -c "
import os
open(\"f\", \"w\").close()
d, f = os.open(\".\", os.O_RDONLY), os.open(\"f\", os.O_RDONLY)
def own(s): return (s.st_uid, s.st_gid)
all = []
os.chown(\"f\", 1, 2); all.append(own(os.stat(\"f\")))
os.chown(\"f\", 3, 4, dir_fd=d); all.append(own(os.stat(\"f\", dir_fd=d)))
os.fchown(f, 5, 6); all.append(own(os.fstat(f)))
all += [own(e.stat()) for e in os.scandir(\".\") if e.name == \"f\"]
print(all); os.unlink(\"f\")"'
check_status "chown: no such file" 1 "No such file" fresh 'chown 12 nothing'
check_status "chown: no such descriptor" 0 "^9$" fresh 'python3 -c "
import os
try: os.fchown(999, 1, 1)
except OSError as e: print(e.errno)"'
check_status "chown: where nothing can be written" 1 "Read-only" fresh 'chown 12 /usr/bin/env'
check_output "stat: no room for it" "14" fresh 'python3 -c "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(4, b\"/etc/passwd\", ctypes.c_void_p(8)); print(ctypes.get_errno())"'
check_output "by the caller's own /proc/self, and its root" "7:8 9:8" fresh '
	mkdir -p r/d; touch r/d/f; exec 5<r/d/f; chown 7:8 /proc/self/fd/5
	echo -n "$(stat -c %u:%g r/d/f) "; cp /bin/busybox r
	chroot r /busybox chown 9 /d/f; stat -c %u:%g r/d/f; rm -r r'
check_output "in a pid namespace" "7:8" as_user \
	'viewctl run --pid --ids -- bash -ec "exec 5<>f; chown 7:8 /proc/self/fd/5; stat -c %u:%g f"; rm f'
check_output "on a file system of a server" "12:34 5,6" as_user \
	'viewctl run -m mem::/mnt --ids -- bash -ec "cd /mnt; touch f; chown 12:34 f; mknod d c 5 6
	echo \$(stat -c %u:%g f) \$(stat -c %Hr,%Lr d)"'

check_output "chmod: setuid" "4755 6711 755" fresh '
	touch f; chmod 4755 f; a=$(stat -c %a f); chmod 6711 f; b=$(stat -c %a f); chmod 755 f
	echo $a $b $(stat -c %a f)'
check_output "chmod: setuid, not so outside" "711" outside \
	'viewctl run --ids -- chmod 6711 f; stat -c %a f; rm f'
check_output "chmod: chown takes it off" "755 2644 6755" fresh '
	touch f; chmod 6755 f; chown 3 f; a=$(stat -c %a f); chmod 2644 f; chown 4 f; b=$(stat -c %a f)
	mkdir d; chmod 6755 d; chown 4 d; echo $a $b $(stat -c %a d); rm f; rmdir d'
check_output "chmod: of what was given away" "12 600 12 640" fresh '
	touch f; chown 12 f; chmod 600 f; echo -n "$(stat -c "%u %a" f) "; chmod 640 f
	stat -c "%u %a" f; rm f'
check_output "chmod: nothing, and still it can be read" "0 text" fresh '
	echo text >f; chmod 0 f; chown 12 f; echo $(stat -c %a f) $(cat f); rm f'
check_output "setfacl, behind its back" "12 664" fresh '
	touch f; chown 12 f; setfacl -m g::rw f; stat -c "%u %a" f; rm f'

check_output "mknod" "character special file 1,3 640 block special file 8,300 644" fresh '
	mknod -m 640 c c 1 3; mknod b b 8 300; stat -c "%F %Hr,%Lr %a" c b | xargs'
check_output "mknod: of old, and by statx" "0:0 20640 1,3" fresh "rm -f c; mknod -m 640 c c 1 3; $owner c"
check_output "mknod: not so outside" "regular empty file" outside 'stat -c %F c; rm -f b c'
check_status "mknod: it is there" 1 "File exists" fresh 'touch f; mknod f c 1 3'
check_output "mknod: what needs no help" "fifo 0 regular empty file" fresh '
	rm -f f; mkfifo p; python3 -c "import os; os.mknod(\"r\")"; stat -c "%F %u" p | tr "\n" " "
	stat -c %F r; rm p r'
check_output "mknod: the umask" "600" fresh 'umask 077; mknod c c 1 3; stat -c %a c; rm c'
# Inodes are used again at once on ext4, and by number never on tmpfs: so by many.
check_output "an inode that is used again" "" fresh 'python3 -c "
import os, stat
for i in range(300):
    os.mknod(\"d\", stat.S_IFCHR | 0o600, os.makedev(1, 3)); os.chown(\"d\", 12, 34)
    os.chmod(\"d\", 0o6777); os.unlink(\"d\"); open(\"d\", \"w\").close()
    s = os.stat(\"d\"); os.unlink(\"d\")
    if (s.st_mode, s.st_uid, s.st_gid) != (0o100644, 0, 0): print(oct(s.st_mode), s.st_uid)"'
check_output "rename and link" "12 2 character" fresh '
	mknod c c 1 3; chown 12 c; ln c l; mv c m; stat -c "%u %h %F" m | cut -d" " -f-3; rm m l'

check_output "install" "5:6 4755 7:0 711" fresh '
	install -o 5 -g 6 -m 4755 /bin/true i; echo -n "$(stat -c "%u:%g %a" i) "
	install -d -o 7 -m 711 d; stat -c "%u:%g %a" d; rm -r i d'

tree='mkdir -p t/dev t/bin t/home/u; mknod t/dev/null c 1 3; chmod 666 t/dev/null; mknod t/dev/sda b 8 0
	cp /bin/true t/bin/su; chmod 4755 t/bin/su; touch t/home/u/f; chown -R 1234:5678 t/home/u
	ln -s bin/su t/link; chown -h 42:43 t/link; ln t/bin/su t/bin/su2; chmod 1777 t/home'
packed='drwxr-xr-x 0/0 t/
drwxr-xr-x 0/0 t/bin/
-rwsr-xr-x 0/0 t/bin/su
hrwsr-xr-x 0/0 t/bin/su2 link to t/bin/su
drwxr-xr-x 0/0 t/dev/
crw-rw-rw- 0/0 t/dev/null
brw-r--r-- 0/0 t/dev/sda
drwxrwxrwt 0/0 t/home/
drwxr-xr-x 1234/5678 t/home/u/
-rw-r--r-- 1234/5678 t/home/u/f
lrwxrwxrwx 42/43 t/link -> bin/su'
check_output "tar: pack" "$packed" outside "viewctl run --ids -- bash -ec '$tree; tar --sort=name -cf t.tar t
	list_of t >t.list'; rm -rf t; tar --numeric-owner -tvf t.tar |
	sed -E 's/^(\S+ \S+) .* [0-9]+-[0-9]+-[0-9]+ [0-9:]+ /\1 /'"
check "tar: unpack" fresh 'tar -xpf t.tar; list_of t >t.new; diff t.list t.new; rm -r t'
# It gives no links away.
check "tar: by busybox" fresh 'busybox tar -xpf t.tar; list_of t | sed "/^link/d" >t.new
	sed "/^link/d" t.list | diff - t.new; rm -r t'
check "cp -a" fresh 'tar -xpf t.tar; cp -a t c; list_of c >t.new; diff t.list t.new; rm -r t c'
check_output "dpkg-deb" "root/root ./ root/root ./DEBIAN/ root/root ./usr/ 3/4 ./usr/f" fresh '
	mkdir -p p/DEBIAN p/usr; touch p/usr/f
	printf "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: me\nDescription: p\n" >p/DEBIAN/control
	chown 3:4 p/usr/f
	dpkg-deb --build p p.deb >/dev/null; dpkg-deb --fsys-tarfile p.deb | tar -tv --numeric-owner |
	sed -E "s/^\S+ (\S+) .* (\S+)$/\1 \2/; s,^0/0,root/root," >l; echo "root/root ./DEBIAN/" >>l
	sort -k2 l | xargs; rm -r p p.deb l'
# As debootstrap(8) makes one: unpacked outside of it, then configured in it.
cat >strap <<'END'
mkdir -p base/DEBIAN base/bin base/dev page/DEBIAN page/srv
cp /bin/busybox base/bin
ln -s busybox base/bin/sh
printf 'Package: base\nVersion: 1\nArchitecture: all\nMaintainer: me\nDescription: x\n' >base/DEBIAN/control
sed 's/base/page/' base/DEBIAN/control >page/DEBIAN/control
printf '#!/bin/sh\nbusybox chown 34:34 /srv/page; busybox mknod /dev/zero c 1 5\n' >page/DEBIAN/postinst
chmod 755 page/DEBIAN/postinst
echo hello >page/srv/page
chown 33:33 page/srv/page
dpkg-deb --build base base.deb >/dev/null
dpkg-deb --build page page.deb >/dev/null
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
touch root/var/lib/dpkg/status
dpkg-deb -x base.deb root
mknod -m 666 root/dev/null c 1 3
dpkg --root="$PWD/root" --log="$PWD/log" --force-bad-path --unpack page.deb >/dev/null
stat -c %u:%g root/srv/page
dpkg --root="$PWD/root" --log="$PWD/log" --force-bad-path --configure page >/dev/null
dpkg --root="$PWD/root" -s page | grep ^Status
chroot root /bin/busybox stat -c '%u:%g %F %t,%T %n' /srv/page /dev/null /dev/zero /bin/busybox
tar -C root -c ./dev ./srv | tar -tv --numeric-owner | awk '{ print $1, $2, $NF }' | sort
END
check_output "a root directory of packages" "33:33
Status: install ok installed
34:34 regular file 0,0 /srv/page
0:0 character special file 1,3 /dev/null
0:0 character special file 1,5 /dev/zero
0:0 regular file 0,0 /bin/busybox
-rw-r--r-- 34/34 ./srv/page
crw-r--r-- 0/0 ./dev/zero
crw-rw-rw- 0/0 ./dev/null
drwxr-xr-x 0/0 ./dev/
drwxr-xr-x 0/0 ./srv/" as_user 'mkdir strapped; cd strapped; viewctl run --ids -- bash -e ../strap; rm -r ../strapped'
check_output "many at once" "400" fresh '
	mkdir m; cd m
	for i in {1..4}; do python3 -c "
import os
for j in range(100):
    open(\"$i.%d\" % j, \"w\").close(); os.chown(\"$i.%d\" % j, $i, j)" & done; wait
	find . -type f -printf "%f %U.%G\n" | awk "\$1 == \$2" | wc -l; cd ..; rm -r m'

check_output "kept: what was done" "0" kept 'touch f; chown 12:34 f; mknod -m 600 d b 8 17; mkdir s; chmod 2775 s
	touch u; chmod 4755 u; chown 0 s; echo $?'
check "kept: in the file" grep -Eqx 'dev=[0-9a-f]+,ino=[0-9]+,mode=100644,uid=12,gid=34,nlink=1,rdev=0' list
check_output "kept: is there again" "12:34 8,17 60600 104755" kept 'echo $(stat -c %u:%g f) $(stat -c %Hr,%Lr d) \
	$(printf "%o %o" 0x$(stat -c %f d) 0x$(stat -c %f u))'
check_output "kept: fakeroot reads it" "12:34 block special file 4755" outside \
	'fakeroot -i list stat -c %u:%g f | xargs echo -n; echo -n " "
	fakeroot -i list bash -c "stat -c %F d; stat -c %a u" | xargs'
check_output "kept: what fakeroot has written" "55:66 character special file" outside '
	fakeroot -s other -- bash -c "chown 55:66 f; mknod x c 1 3"
	viewctl run --ids=other -- stat -c "%u:%g" f | xargs echo -n; echo -n " "
	viewctl run --ids=other -- stat -c "%F" x'
check_output "kept: another one has the inode" $'5\n0' outside '
	touch n; viewctl run --ids=again -- chown 5 n; viewctl run --ids=again -- stat -c %u n
	sed -i "s/^born=[0-9]*/born=1/" again; viewctl run --ids=again -- stat -c %u n; rm n'
check_status "kept: the status of the command" 7 "^$" kept 'exit 7'
check_status "kept: nothing of it is lost by a signal" 143 "^$" kept 'chown 77 f; kill $$; sleep 60'
check_output "kept: nor by those that go on" "77 78" kept 'stat -c %u f | xargs echo -n; echo -n " "
	(sleep 0.3; chown 78 f; stat -c %u f) & exit 0'
check_output "kept: and the file has it" "78" kept 'stat -c %u f'
check_output "two views: neither sees the other's" $'1\n0\n2\n0' outside '
	rm -f f; touch f
	viewctl create one --ids >/dev/null; viewctl create two --ids >/dev/null
	a() { viewctl enter $1 -- bash -c "cd '$base'; $2"; }
	a one "chown 1 f; stat -c %u f"; a two "stat -c %u f"; a two "chown 2 f; stat -c %u f"
	viewctl run --ids -- stat -c %u f; viewctl destroy one; viewctl destroy two'

check_output "a view that stays keeps it when it ends" "5" outside '
	viewctl create stays --ids=stays.list >/dev/null
	viewctl enter stays -- chown 5 '$base'/f; viewctl destroy stays
	viewctl run --ids=stays.list -- stat -c %u f'
check_status "one file is for one view at a time" 125 "stays.list.*another view keeps its ids there" outside '
	viewctl create stays --ids=stays.list >/dev/null; viewctl run --ids=stays.list -- true
	s=$?; viewctl destroy stays; exit $s'

good='dev=1a,ino=4,mode=100644,uid=3,gid=4,nlink=1,rdev=0'
# malformed NAME LINE TEXT
malformed()
{
	printf '%b' "$3" >bad
	chown tester: bad
	check_status "hostile: $1" 125 "viewos-ids: '$base/bad': line $2: " outside \
		'viewctl run --ids=bad -- true'
	check_output "hostile: $1: is left as it is" "$(printf '%b' "$3" | od -c)" od -c bad
}
malformed "no such thing" 1 'garbage\n'
malformed "in the second line" 2 "$good\\n\\n$good\\n"
malformed "a number is missing" 1 'dev=1a,ino=,mode=100644,uid=3,gid=4,nlink=1,rdev=0\n'
malformed "a sign" 1 'dev=1a,ino=-4,mode=100644,uid=3,gid=4,nlink=1,rdev=0\n'
malformed "a user that nobody is" 1 'dev=1a,ino=4,mode=100644,uid=4294967295,gid=4,nlink=1,rdev=0\n'
malformed "too large a number" 1 'dev=1a,ino=99999999999999999999,mode=100644,uid=3,gid=4,nlink=1,rdev=0\n'
malformed "a mode of no file" 1 'dev=1a,ino=4,mode=644,uid=3,gid=4,nlink=1,rdev=0\n'
malformed "more than there is" 1 "$good,more=1\\n"
malformed "zero bytes" 1 "dev=1a\\0\\n"
malformed "born before it is told of" 1 'born=1.000000002,dated=1,generation=1,dev=1a,ino=4\n'
malformed "born in no second" 2 "$good\\nborn=1.1000000000,dated=1,generation=1,dev=1a,ino=4\\n"
rm bad
check_output "an empty file is fine" "0" outside ': >empty; viewctl run --ids=empty -- stat -c %u f'
check_output "so is one without a last newline" "3" outside \
	'stat -c "dev=%D,ino=%i,mode=%f,uid=3,gid=4,nlink=1,rdev=0" f | sed "s/mode=81a4/mode=100644/" |
	tr -d "\n" >last; viewctl run --ids=last -- stat -c %u f'
check_status "no such directory" 125 "viewctl: --ids: 'no/list': No such file" outside \
	'viewctl run --ids=no/list -- true'
check_status "a directory" 125 "viewctl: --ids: '/tmp': Is a directory" outside 'viewctl run --ids=/tmp -- true'
check_status "no file" 125 "dev/null': not a regular file" outside 'viewctl run --ids=/dev/null -- true'
check_status "create: likewise" 1 "viewctl: --ids: 'no/list': No such file" outside \
	'viewctl create --ids=no/list never'

check_output "a server that dies leaves errors, and no lies" "failed" fresh '
	pid=$(pgrep -n -x viewos-ids); stat -c %u f >/dev/null; kill -9 $pid
	stat -c %u f >/dev/null 2>&1 || echo failed'
check_output "by root, too" "12:34 8,1" bash -c 'viewctl run --ids -- bash -c "touch r; chown 12:34 r
	mknod b b 8 1; echo \$(stat -c %u:%g r) \$(stat -c %Hr,%Lr b)"'
check_output "by root: not so outside" $'0:0 regular empty file\n0:0 regular empty file' \
	stat -c '%u:%g %F' r b
none_left() { ! pgrep -x viewos-ids >/dev/null; }
check "servers end with their views" eventually none_left
finish

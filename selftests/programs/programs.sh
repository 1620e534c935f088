#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Real programs in a view, on and from viewfs.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

mkdir -p /mnt/fs /mnt/arc /tmp/out
viewctl create prog -m mem::/mnt/fs || exit 1
in_view() { viewctl enter --chdir /mnt/fs prog -- "$@"; }
script() { in_view bash -ec "$1"; }

# A small tree of text and binaries to work with.
mkdir -p /tmp/tree/src /tmp/tree/bin
cp "$VIEWOS_TOP"/kmod/*.[ch] /tmp/tree/src/
cp /usr/bin/env /usr/bin/sort /tmp/tree/bin/
ln -s src/main.c /tmp/tree/link
tar -C /tmp -cf /tmp/tree.tar tree
tar -C /tmp -czf /tmp/tree.tar.gz tree
(cd /tmp && python3 -m zipfile -c /tmp/tree.zip tree)

check "tar unpacks" in_view tar -xf /tmp/tree.tar
check "the tree is the same" in_view diff -r /tmp/tree /mnt/fs/tree
check "tar packs" script 'tar -cf back.tar tree; tar -df back.tar'
check_output "bash script" "3" script \
	'printf "#!/bin/bash\nexpr 1 + 2\n" >sum; chmod +x sum; ./sum'
check "an ELF program" script './tree/bin/sort </etc/passwd >/dev/null'
check_output "python3" "5050" script \
	'echo "print(sum(range(101)))" >sum.py; python3 sum.py'
check "python3: mmap, sqlite, tempfile, shutil" script 'cat >t.py <<-"PY"
	import mmap, os, shutil, sqlite3, tempfile
	with tempfile.NamedTemporaryFile(dir=".") as f:
	    f.write(b"x" * 10000); f.flush()
	    m = mmap.mmap(f.fileno(), 0); m[5000] = 65; m.flush()
	    f.seek(5000); assert f.read(1) == b"A"
	db = sqlite3.connect("db"); db.execute("create table t (a)")
	db.executemany("insert into t values (?)", [(i,) for i in range(1000)]); db.commit(); db.close()
	assert sqlite3.connect("db").execute("select sum(a) from t").fetchone()[0] == 499500
	shutil.copytree("tree", "copy", symlinks=True); shutil.rmtree("copy")
	assert os.getcwd() == "/mnt/fs"
	PY
	python3 t.py'
check "git" script 'mkdir repo; cd repo; git init -q .; git config user.email a@b; git config user.name n;
	cp -r ../tree/src .; git add .; git commit -qm one; git gc -q; git fsck; git clone -q . ../clone;
	diff -r src ../clone/src'
check_status "strace" 0 'openat.*tree.*= 3' script 'strace -e openat cat tree/src/main.c 2>&1 >/dev/null'
check_status "gdb" 0 'exited normally' script \
	'gdb -batch -nx -ex run --args ./tree/bin/env true 2>&1'
check "curl" script 'python3 -m http.server 8642 --bind 127.0.0.1 >/dev/null 2>&1 & p=$!;
	curl -sf --retry 100 --retry-connrefused --retry-delay 1 http://127.0.0.1:8642/tree/src/main.c >fetched; kill $p; cmp fetched tree/src/main.c'
check "find and xargs" script 'test "$(find tree -type f | wc -l)" = "$(find /tmp/tree -type f | wc -l)"'
check_output "links and .. and pwd" "/mnt/fs/tree" script 'cd tree/src; cd ..; pwd -P'
check "a shared library from it" script \
	'cp "$(ldd /bin/ls | grep -o "/.*libc.so.6")" lib.so; LD_PRELOAD=./lib.so /bin/true'
check "a core pattern of holes" script 'truncate -s 1G sparse; test "$(du -k sparse | cut -f1)" -lt 100'
check "setfacl and getfacl" script 'mkdir acl; cd acl; echo x >f; chmod 600 f
	allowed() { su tester -c "$1"; }
	refused() { if su tester -c "$1" 2>/dev/null; then exit 1; fi; }
	setfacl -m u:tester:r,g:daemon:rw f; setfacl -d -m u:tester:rwx .
	getfacl -cp f | grep -qx user:tester:r--; test "$(stat -c %a f)" = 660
	allowed "cat f" | grep -qx x; refused "echo y >>f"
	chmod g-rw f; refused "cat f"; chmod g+r f; allowed "cat f" >/dev/null
	umask 077; mkdir sub; echo z >sub/g
	getfacl -cp sub/g | grep -q "^user:tester:rwx.*#effective:rw-$"
	allowed "echo y >>sub/g; touch sub/own"
	cp -a f copy; cmp <(getfacl -cp copy) <(getfacl -cp f)
	tar --acls -cf t.tar f sub; mkdir out; tar --acls -C out -xf t.tar
	cmp <(getfacl -cp out/f) <(getfacl -cp f); cmp <(getfacl -cp out/sub) <(getfacl -cp sub)
	setfacl -b f; test "$(getfacl -cp f | grep -c tester)" = 0; refused "cat f"'
check "flock(1)" script 'flock lock true'
check_output "unviewed shell saw nothing" "" ls -A /mnt/fs

# Archives.
for kind in tar tar.gz zip; do
	check "archive: $kind" viewctl run -m archive:/tmp/tree.$kind:/mnt/arc -- \
		diff -r --no-dereference /tmp/tree/src /mnt/arc/tree/src
done
check "archive: programs run" viewctl run -m archive:/tmp/tree.tar:/mnt/arc -- /mnt/arc/tree/bin/env true
check_status "archive: read-only" 1 'Read-only' viewctl run -m archive:/tmp/tree.tar:/mnt/arc -- \
	touch /mnt/arc/new
check_output "archive: as an ordinary user" "main.c" su tester -s /bin/bash -c \
	'viewctl run -m archive:/tmp/tree.tar:/mnt/arc -- sh -c "basename \$(readlink /mnt/arc/tree/link)"'

# One server of root's for all: it opens what the user may, not what root may.
viewos-archive --public --name for-all || exit 1
install -m 640 /tmp/tree.tar /tmp/secret.tar
public() { su tester -s /bin/bash -c "viewctl run -m for-all:/tmp/$1:/mnt/arc -- ls /mnt/arc"; }
check_output "archive: from root's server" "tree" public tree.tar
check_status "archive: what the user may not read" 125 'Permission denied' public secret.tar
check_output "archive: the server can read it" "tree" \
	viewctl run -m for-all:/tmp/secret.tar:/mnt/arc -- ls /mnt/arc
check_output "archive: and then the user's again" "tree" public tree.tar
pkill -f viewos-archive.*for-all

viewctl destroy --kill prog
finish

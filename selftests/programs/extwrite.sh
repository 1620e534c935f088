#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewos-ext: images that programs write, as e2fsck and the kernel's own ext4 see them afterwards,
# and one on a partition of a disk of viewos-dev. Scripts are given as strings.
# shellcheck disable=SC2016,SC2317
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/extwrite
export LC_ALL=C PATH=$PATH:/sbin:/usr/sbin
rm -rf $base
mkdir -p $base/tree/dir $base/kernel
cd $base || exit 1
(
	cd tree || exit 1
	cp /bin/bash program
	seq 1000 >dir/numbers
	ln -s dir/numbers fast
	ln -s "dir/$(printf 'x%.0s' {1..200})" slow
	ln dir/numbers hard
	mkfifo fifo
	chmod 2755 dir
	touch -d '2001-02-03 04:05:06.789012345' dir/numbers
) || exit 1
tar cf tree.tar -C tree .

# all DIRECTORY: what stat(2) says of all that is in it.
all()
{
	(cd "$1" && find . -path ./lost+found -prune -o ! -name . ! -type d \
		-printf '%p %y %m %U %G %n %s %T@ %l\n' -o ! -name . -printf '%p %y %m %U %G %n\n' | sort)
	(cd "$1" && find . -path ./lost+found -prune -o -type f -print0 | sort -z | xargs -0 cksum)
	(cd "$1" && find . -type c -o -type b | sort | xargs -r stat -c '%n %t %T')
}

# in_view IMAGE[,OPTIONS] SCRIPT: in a view in which it is mounted.
in_view()
{
	local what=$1
	{ declare -f all; echo "base=$base; cd /mnt"; echo "$2"; } >script
	viewctl run -m "ext${what#"${what%%,*}"}:$base/${what%%,*}:/mnt" -- bash -e "$base/script"
}

# ended IMAGE: its server is done with it, and e2fsck(8) with that.
ended()
{
	flock -w 60 "$1" true && e2fsck -fn "$1"
}

# same IMAGE: the kernel's own ext4 reads what was there before the end.
same()
{
	mount -o loop,ro "$1" kernel || return 1
	all kernel | diff - "$1.all"
	local status=$?
	umount kernel
	return "$status"
}

work='
tar xpf $base/tree.tar
diff -r $base/tree/dir dir
./program -c "echo more >>hard"
cp -a dir copy; mv copy dir/inner; rmdir_me=dir/inner; mv $rmdir_me moved; rm moved/numbers; rmdir moved
mkdir -p deep/er/still; echo 1 >deep/er/still/one; mv deep/er other
mkdir many; cd many; for n in {1..500}; do : >name-of-some-length-$n; done; rm *7; cd ..
mknod null c 1 3; mknod large b 259 70000
python3 - <<END
import ctypes, errno, fcntl, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def rename(a, b, flags):
    if libc.renameat2(-100, a, -100, b, flags):
        return errno.errorcode[ctypes.get_errno()]
assert rename(b"null", b"large", 1) == "EEXIST"
assert rename(b"fast", b"slow", 2) is None
assert os.readlink("fast").startswith("dir/xxx")
with open("mapped", "w+b") as file:
    file.truncate(1000000)
    map = mmap.mmap(file.fileno(), 0)
    map[500000:500005] = b"words"
    map.flush()
    map.close()
    assert os.pread(file.fileno(), 5, 500000) == b"words"
    assert os.lseek(file.fileno(), 0, os.SEEK_DATA) == 499712 // 4096 * 4096
    assert os.lseek(file.fileno(), 500000, os.SEEK_HOLE) < 510000
fd = os.open("gone", os.O_RDWR | os.O_CREAT)
os.unlink("gone")
os.write(fd, b"x" * 100000)
assert os.fstat(fd).st_nlink == 0 and len(os.pread(fd, 200000, 0)) == 100000
os.close(fd)
fd = os.open(".", os.O_TMPFILE | os.O_RDWR)
os.write(fd, b"named later")
assert libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"later", 0x400) == 0
os.utime("later", ns=(4102444800123456789, 4102444800123456789))
os.setxattr("later", "user.note", b"some text")
os.setxattr("later", "user.long", b"y" * 600)
os.removexattr("later", "user.long")
os.chown("later", 100000, 200000)
END
'

check_kind()
{
	local image=$1
	check "$image: filled" in_view "$image,write" "$work
		all /mnt >$base/$image.all; sync -f /mnt"
	check "$image: e2fsck" ended "$image"
	check "$image: the kernel reads the same" same "$image"
	mount -o loop "$image" kernel && rm -rf kernel/many/*1 && : >kernel/by-the-kernel
	umount kernel
	check "$image: again, after the kernel" in_view "$image,write" '
		test -e by-the-kernel; rm by-the-kernel; ls many/*2 >/dev/null; rm -r many dir other
		head -c 3000000 /dev/urandom >random; cksum <random >random.sum; truncate -s 1000 program'
	check "$image: e2fsck again" ended "$image"
}

while read -r name command; do
	truncate -s 24M "$name"
	# The command is several words.
	# shellcheck disable=SC2086
	check "$name: made" $command -q -F "$name" </dev/null
	check_kind "$name" </dev/null
done <<-E
	two mkfs.ext2 -b 1024 -I 256
	four mkfs.ext4 -b 4096 -O metadata_csum,64bit
	inline mkfs.ext4 -b 1024 -O inline_data
E

# ---- other programs ----
check "an access list is handed down, and follows the mode" in_view four '
	mkdir acl; setfacl -d -m u:1234:rwx acl; umask 077; : >acl/file; mkdir acl/dir
	getfacl -n acl/file | grep -q user:1234:rwx; getfacl -n acl/dir | grep -q default:user:1234:rwx
	chmod 640 acl/file; getfacl -n acl/file | grep -q mask::r--'
check "fallocate" in_view four 'head -c 100000 /dev/zero | tr "\0" x >file
	fallocate -p -o 5000 -l 50000 file; test $(tr -d "\0" <file | wc -c) = 50000
	fallocate -l 1M file; test $(stat -c %s file) = 1048576
	fallocate -n -l 2M file; test $(stat -c %s file) = 1048576; fallocate -z -o 60000 -l 10 file
	test $(tr -d "\0" <file | wc -c) = 49990'
check "git" in_view four 'git init -q repo; cd repo; git config user.name a; git config user.email a@b
	cp /etc/passwd .; git add .; git commit -qm one; echo >>passwd; git commit -qam two
	git fsck --strict; git gc -q; test $(git log --oneline | wc -l) = 2'
check_output "sqlite" "(1000,)" in_view four 'python3 -c "
import sqlite3
with sqlite3.connect(\"base\") as base:
    base.execute(\"create table t(n)\")
    base.executemany(\"insert into t values(?)\", [(n,) for n in range(1000)])
print(sqlite3.connect(\"base\").execute(\"select count(*) from t\").fetchone())"'
check_status "no more space" 1 'No space left' in_view four 'cat /dev/zero >zeros'
check "e2fsck: of all that" ended four
check "and what is removed is room again" in_view four 'rm zeros; head -c 5M /dev/zero >zeros; rm zeros'
check "a directory for all" in_view four 'mkdir -m 777 open; chown tester: open'
check "e2fsck: then" ended four

# ---- what may not be written ----
chmod 755 $base
chmod 644 four
as_tester() { su tester -s /bin/bash -c "viewctl run -m $1:/mnt -- $2"; }
check_status "readonly" 1 'Read-only' in_view four,readonly 'touch new'
check_status "a file that may not be written is only read" 1 'Read-only' \
	as_tester ext:$base/four 'touch /mnt/open/new'
check_status "but not with write" 125 'Permission denied' as_tester ext,write:$base/four true
check_status "write and readonly" 125 'goes with none' in_view four,write,readonly true
cp --sparse=always four quota && tune2fs -O quota quota >/dev/null 2>&1
check_status "quotas" 125 'only read here' in_view quota,write true
check_status "quotas, read" 1 'Read-only' in_view quota 'touch new'
check_status "by two" 125 'locked' flock -s four viewctl run -m "ext:$base/four:/mnt" -- true
loop=$(losetup -f --show four) && mount "$loop" kernel
check_status "a disk that is mounted" 125 'mounted' viewctl run -m "ext:$loop:/mnt" -- true
umount kernel
losetup -d "$loop"

# ---- a server that dies ----
# dies NAME COMMAND: after this command it is killed.
dies()
{
	check_status "killed after $1" 0 'not connected' in_view four "
		mkdir $1; head -c 1M /dev/zero | tr '\0' k >$1/file
		$2; pkill -KILL -x viewos-ext; sleep 1; cat $1/file 2>&1 || true"
	check_status "it is known not to be unmounted" 125 'was not unmounted' in_view four,write true
	e2fsck -fy four >e2fsck.log 2>&1
	check "after e2fsck nothing is wrong" e2fsck -fn four
	check_output "and what was synced is there" "1048576" in_view four,write \
		"tr -dc k <$1/file | wc -c"
}

dies fsync "sync fsync/file"
dies syncfs "sync -f ."

# ---- a partition of a disk that is served, as an ordinary user ----
mkdir disk fs
truncate -s 24M parted
chown tester: . parted disk fs
cat >nested <<-E
	cd $base/disk
	printf 'label: gpt\n,4M\n,\n' | sfdisk -q disk
	mke2fs -qt ext4 -E root_owner=\$(id -u):\$(id -g) disk2
	viewctl mount -t ext -o write disk2 ../fs
	tar xpf ../tree.tar -C ../fs --exclude=./fifo
	diff -r ../tree/dir ../fs/dir
	viewctl umount ../fs
	flock -w 60 disk2 true
	e2fsck -fn disk2
	viewctl mount -t ext disk2 ../fs
	diff -r ../tree/dir ../fs/dir
	viewctl umount ../fs
E
check "on a partition of a disk of viewos-dev" su tester -s /bin/bash -c \
	"export PATH=$PATH; viewctl run -m dev:$base/parted:$base/disk -- bash -ex $base/nested"
check "the disk is let go" flock -w 60 parted true
loop=$(losetup -P -f --show parted)
check "e2fsck: of the partition" e2fsck -fn "${loop}p2"
mount -o ro "${loop}p2" kernel
check "the kernel reads it" diff -r tree/dir kernel/dir
umount kernel
losetup -d "$loop"
check "no server is left" eventually test_empty viewctl servers --noheadings
cd / && rm -rf $base
finish

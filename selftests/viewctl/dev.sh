#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewos-dev: a disk, its partitions and a few other devices, used by the programs that use
# such, by an ordinary user in a view. Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/devices
export LC_ALL=C
rm -rf $base
mkdir -p $base/dev $base/fs
cd $base || exit 1
printf 'label: dos\n,4M,83\n,,83\n' >table.dos
printf 'label: gpt\n,4M\n,2M\n,\n' >table.gpt
printf 'label: dos\n,4M\n,,E\n,2M\n,\n' >table.logical
truncate -s 16M image
truncate -s 100 tiny
chown -R tester: .
path=$PATH:/usr/sbin:/sbin

as_tester() { su tester -s /bin/bash -c "export PATH=$path LC_ALL=C; cd $base; $1"; }
# on OPTIONS SOURCE SCRIPT: the script, in a view of the tester's, whose devices are in $base/dev.
on()
{
	echo "cd $base/dev; $3" >"$base/script"
	as_tester "viewctl run -m dev$1:$2:$base/dev -- bash -e $base/script"
}
quiet='2>/dev/null >/dev/null'

# What can go wrong.
check_status "an unknown option" 125 "viewos-dev: .*colour" on ,colour=red none true
check_status "a sector of no size" 125 "viewos-dev: sector=513: is not 512" on ,sector=513 none true
check_status "a name that is none" 125 "viewos-dev: name=null: is no name" on ,name=null none true
check_status "a number that is none" 125 "viewos-dev: major=5000: is not" on ,major=5000 none true
check_status "a disk of nothing" 125 "viewos-dev: size=: neither" on ,size=100 none true
check_status "no such image" 125 "viewos-dev: $base/none: No such file" on "" $base/none true
check_status "an image that is none" 125 "viewos-dev: $base: (neither|Is a dir)" on "" $base true
check_status "an image of less than a sector" 125 "viewos-dev: $base/tiny: neither" on "" $base/tiny true
check_status "somebody else's image" 125 "viewos-dev: .*shadow: Permission denied" on "" /etc/shadow true

# What they are.
check_output "types" "b c c c c" on "" none 'echo $(find disk full null random zero -printf "%y ")'
check_output "numbers" "78:0 1:3 1:5 1:7 1:8" on "" none \
	'echo $(stat -c %t:%T disk null zero full random)'
check "test(1) says so" on "" none 'test -b disk; test -c null; test ! -c disk; test ! -f null'
check_output "options of the disk" "brw-r----- 7:0 hd" on ,name=hd,major=7,mode=640 none \
	'stat -c "%A %t:%T %n" hd'
check_status "the directory is not for writing" 1 "Operation not permitted|Permission denied" \
	on "" none 'touch new'
check_status "nothing is removed from it" 1 "Operation not permitted" on "" none 'rm -f null'
check_output "modes and times are set" "600 1000" on "" none \
	'chmod 600 disk; touch -d @1000 disk; stat -c "%a %Y" disk'

# Those that take and give anything.
check_output "null gives nothing and takes all" 0 on "" none \
	'head -c 1000000 /dev/zero >null; echo more >>null; wc -c <null'
check_output "zero" "1000000 0" on "" none \
	'head -c 1000000 zero >../zeros; stat -c %s ../zeros | tr "\n" " "; tr -d "\0" <../zeros | wc -c'
check_status "full is full" 1 "No space left" on "" none 'echo more >full'
check "random is never the same" on "" none \
	'test "$(head -c 300 random | sha256sum)" != "$(head -c 300 random | sha256sum)"'
check_output "select, poll and epoll" "1 1 1" on "" none 'python3 -c "
import os, select
fd = os.open(\"zero\", os.O_RDWR)
poll = select.poll()
poll.register(fd, select.POLLIN)
epoll = select.epoll()
epoll.register(fd, select.EPOLLIN)
print(len(select.select([fd], [], [], 5)[0]), len(poll.poll(5000)), len(epoll.poll(5)))"'
check_status "no terminal, and no memory" 0 "False 19" on "" none 'python3 -c "
import mmap, os
fd = os.open(\"zero\", os.O_RDWR)
try:
    mmap.mmap(fd, 4096)
except OSError as error:
    print(os.isatty(fd), error.errno)"'

# A disk.
check_output "its size" "33554432 65536 512 4096" on ,size=32M none \
	'echo $(blockdev --getsize64 --getsz --getss --getbsz disk)'
check_output "sectors of another size" "4096 4096" on ,sector=4096 none \
	'echo $(blockdev --getss --getpbsz disk)'
check_output "its end" "16777216 ENOSPC" on "" none 'python3 -c "
import errno, os
fd = os.open(\"disk\", os.O_RDWR)
end = os.lseek(fd, 0, os.SEEK_END)
assert os.read(fd, 1) == b\"\"
try:
    os.write(fd, b\"x\")
except OSError as error:
    print(end, errno.errorcode[error.errno])"'
check "dd writes and reads" on "" none 'head -c 5000000 random >../data
	dd if=../data of=disk bs=7777 seek=3 conv=notrunc,fsync status=none
	dd if=disk bs=7777 skip=3 count=5000000 iflag=count_bytes status=none | cmp - ../data'
check "dd past the cache" on "" none 'dd if=/dev/zero of=disk bs=1M count=16 oflag=direct status=none
	test "$(tr -d "\0" <disk | wc -c)" = 0'
check_status "dd beyond the end" 1 "No space left" on "" none 'dd if=/dev/zero of=disk bs=1M'
check "blkdiscard" on "" none 'head -c 1000000 random >disk; blkdiscard -f disk
	cmp -n 1000000 disk /dev/zero; head -c 1000000 random >disk; blkdiscard -fz disk
	cmp -n 1000000 disk /dev/zero; blockdev --flushbufs disk'
check_status "blkdiscard of half a sector" 1 "not aligned|Invalid argument" on "" none 'blkdiscard -f -o 100 disk'
check_status "one at a time, of those who want it so" 1 "Device or resource busy" on "" none 'python3 -c "
import os
one = os.open(\"disk\", os.O_RDWR | os.O_EXCL)
os.open(\"disk\", os.O_RDONLY)
os.open(\"disk\", os.O_RDWR | os.O_EXCL)"'
check_status "not to be written" 1 "Read-only file system" on ,readonly none 'blockdev --getro disk; dd if=/dev/zero of=disk count=1'
check_output "not to be written, for a while" "1 0" on "" none \
	'blockdev --setro disk; a=$(blockdev --getro disk); ! dd if=/dev/zero of=disk count=1 2>/dev/null
	blockdev --setrw disk; dd if=/dev/zero of=disk count=1 status=none; echo $a $(blockdev --getro disk)'

# Partitions.
parts='sfdisk -q disk <../table'
check_output "a table of the old kind" "disk disk1 disk2" on "" none "$parts.dos; echo disk*"
check_output "a GUID table" "disk disk1 disk2 disk3" on "" none "$parts.gpt; echo disk*"
check_output "logical partitions" "disk1:8192 disk2:2 disk5:4096 disk6:" on "" none "$parts.logical
	echo \$(for d in disk[1-9]; do echo \$d:\$(blockdev --getsz \$d); done) | sed 's/\(disk6:\).*/\1/'"
check_output "names behind a digit" "hd0 hd0p1 hd0p2" on ,name=hd0 none \
	'sfdisk -q hd0 <../table.dos; echo hd0*'
check_output "where they are" "8192 2048 4194304" on "" none "$parts.dos
	echo \$(blockdev --getsz disk1) \$(sfdisk -J disk | sed -n 's/.*\"start\": *\([0-9]*\).*/\1/p' | head -n 1) \
		\$(blockdev --getsize64 disk1)"
check "they are parts of the disk" on "" none "$parts.dos; head -c 4M random >../data
	cp ../data disk1; dd if=disk bs=512 skip=2048 count=8192 status=none | cmp - ../data
	dd if=disk2 bs=512 count=10 status=none | cmp -n 5120 - /dev/zero"
check_status "and end where they do" 1 "No space left" on "" none "$parts.dos; cat zero >disk1"
check_status "none changes while it is open" 0 "Device or resource busy" on "" none "$parts.dos
	exec 3<disk1; blockdev --rereadpt disk 2>&1 || exec 3<&-; blockdev --rereadpt disk"
check_output "they go with the table" "disk" on "" none "$parts.dos
	dd if=/dev/zero of=disk count=1 status=none; test -b disk1; blockdev --rereadpt disk; echo disk*"
check_status "a table that lies" 0 "^disk disk1$" on "" none 'printf "%s\n" "label: dos" "2048,4194304,83" |
	sfdisk -q --force ../big >/dev/null 2>&1 || true
	truncate -s 8G ../big; printf "%s\n" "label: dos" "2048,8388608,83" | sfdisk -q ../big
	dd if=../big of=disk count=1 status=none; rm ../big; blockdev --rereadpt disk; echo disk*
	test "$(blockdev --getsz disk1)" = $((32768 - 2048))'

# File systems on them.
check_output "ext4: made, filled, checked, read" "hello" on "" none "$parts.dos
	mke2fs -qt ext4 disk2; echo hello >../hello
	debugfs -w -R \"write ../hello hello\" disk2 $quiet; e2fsck -fn disk2 $quiet
	debugfs -R \"cat hello\" disk2 2>/dev/null"
check_status "ext4: what is wrong is found" 0 "^repaired" on "" none "$parts.dos
	mke2fs -qt ext4 disk2; dd if=/dev/zero of=disk2 bs=4096 seek=20 count=20 conv=notrunc status=none
	e2fsck -fn disk2 $quiet && echo nothing; e2fsck -fy disk2 $quiet || true
	e2fsck -fn disk2 $quiet && echo repaired"
check "vfat: made and checked" on "" none "$parts.dos; mkfs.vfat disk1 $quiet; fsck.vfat -n disk1 $quiet"
check_output "swap space, by its label" "mine" on "" none "$parts.dos; mkswap -qL mine disk1 2>/dev/null
	blkid -p -s LABEL -o value disk1"
if command -v squashfuse >/dev/null; then
	check_output "a file system on a partition is mounted, by a server" "packed" on "" none "$parts.dos
		mkdir -p ../tree; echo packed >../tree/file
		mksquashfs ../tree ../packed -quiet -no-progress -noappend >/dev/null
		dd if=../packed of=disk1 status=none; viewctl mount -t squashfuse disk1 ../fs; cat ../fs/file"
else
	skip "a file system on a partition is mounted, by a server" "no squashfuse"
fi
check_output "a disk on a partition" "inner inner1 inner2 in" on "" none "$parts.gpt
	viewctl mount -t dev -o name=inner disk3 ../fs
	sfdisk -q ../fs/inner <../table.dos; echo in | dd of=../fs/inner2 conv=fsync status=none
	cd ../fs; echo inner* \$(head -c 2 inner2)"

# An image: what is written stays.
check "a table and a file system are written to an image" on "" $base/image \
	'sfdisk -q disk <../table.gpt; mke2fs -qt ext2 disk3; echo kept | dd of=disk2 status=none'
check_output "they are there again, and in the image" "kept kept" on ,readonly $base/image \
	'e2fsck -fn disk3 >/dev/null 2>&1; echo $(head -c 4 disk2) $(grep -ao kept ../image)'
check_status "an image is written by one mount" 125 "viewos-dev: $base/image: is in use" on "" $base/image \
	"viewctl run -m dev:$base/image:$base/fs -- true"
check_output "and read by many" "disk3" on ,readonly $base/image \
	"viewctl run -m dev,readonly:$base/image:$base/fs -- bash -c \"cd $base/fs; echo disk3\""
check "an image that is no multiple of a sector" as_tester "truncate -s 1000000 odd
	viewctl run -m dev:$base/odd:$base/dev -- bash -c 'test \$(blockdev --getsize64 dev/disk) = 999936'"

# All that ends with the server does.
check_status "the server dies" 0 "not connected" on "" none 'exec 3<disk
	pkill -KILL -u tester -x viewos-dev; head -c 1 <&3 2>&1 || true'
check "as root" bash -ec "viewctl mount -t dev none $base/dev; test -b $base/dev/disk
	sfdisk -q $base/dev/disk <table.dos; test -b $base/dev/disk2; viewctl umount $base/dev"
check "no server is left" eventually test_empty viewctl servers --noheadings
cd / && rm -rf $base
finish

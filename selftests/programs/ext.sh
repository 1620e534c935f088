#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewos-ext: images of several kinds, their refusal, and images that lie.
# Scripts are given as strings.
# shellcheck disable=SC2016,SC2317
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/ext
export LC_ALL=C PATH=$PATH:/sbin:/usr/sbin
rm -rf $base
mkdir -p $base/src/dir/deep $base/src/many $base/kernel
cd $base || exit 1

# ---- a tree with everything ----
(
	cd src || exit 1
	cp /bin/bash program
	echo small >small
	: >empty
	head -c 200000 /dev/urandom >dir/data
	ln -s small fast
	ln -s "dir/$(printf 'x%.0s' {1..200})" slow
	ln small dir/hard
	mkfifo fifo
	mknod null c 1 3
	mknod large b 259 70000
	truncate -s 3G sparse
	echo middle | dd of=sparse bs=1 seek=2500000000 conv=notrunc status=none
	(cd many && seq -f 'a-name-that-is-longer-%g' 2000 | xargs touch)
	chown 1234:567 dir/deep
	chown 100000:200000 empty
	chmod 4711 program
	chmod 1777 dir
	touch -d '2001-02-03 04:05:06.789012345' small
	touch -d '2100-02-03 04:05:06.5' empty
	setfacl -m u:1234:rw small
) || exit 1

# all DIRECTORY: what stat(2) says of all that is in it.
all()
{
	(cd "$1" && find . -path ./lost+found -prune -o ! -name . \
		-printf '%p %y %m %U %G %n %s %T@ %l\n' | sort)
	(cd "$1" && find . -type c -o -type b | sort | xargs stat -c '%n %t %T')
	(cd "$1" && find . -path ./lost+found -prune -o -print0 | sort -z | xargs -0 stat -c '%n %w')
}

# with IMAGE[,OPTIONS] COMMAND...: in a view in which it is mounted, to be read.
with()
{
	local what=$1
	shift
	viewctl run -m "ext${what#"${what%%,*}"},readonly:$base/${what%%,*}:/mnt" --chdir /mnt -- "$@"
}
script() { with "$1" bash -ec "$2"; }

# fill IMAGE: the kernel's own ext4 writes it.
fill()
{
	mount -o loop,user_xattr,acl "$1" kernel || return 1
	cp -a --sparse=always src/. kernel/ && rm -f kernel/many/*1 && touch -r src/dir kernel/many
	# Not where the tree is from: a tmpfs may have no such attributes.
	setfattr -n user.note -v 'some text' kernel/small || return 1
	setfattr -n user.long -v "$(printf 'y%.0s' {1..700})" kernel/small || return 1
	all kernel >"$1.all"
	umount kernel
}

make_image()
{
	local image=$1 size=$2
	shift 2
	truncate -s "$size" "$image" && "$@" -q -F "$image" && fill "$image"
}

check_image()
{
	all_there "$1"
	check "$1: contents" script "$1" "cd $base/src; for f in program small empty dir/data fast dir/hard; do
		cmp \$f /mnt/\$f; done"
	check "$1: a program runs" script "$1" './program -c true'
	check "$1: beyond 2 GiB, and holes" script "$1" \
		'tail -c +2500000001 sparse | head -c 6 | grep middle
		head -c 1000000 sparse | cmp -n 1000000 - /dev/zero; test $(stat -c %b sparse) -lt 1000'
	check_output "$1: an attribute" "some text" with "$1" \
		getfattr --only-values --absolute-names -n user.note small
	check_output "$1: a long attribute" "700" script "$1" 'getfattr --only-values -n user.long small | wc -c'
	check_output "$1: an access list" "user:1234:rw-" script "$1" 'getfacl -n small 2>/dev/null | grep 1234'
	check_output "$1: a large directory" "1800" script "$1" 'ls many | wc -l'
	check_output "$1: a name in it" "many/a-name-that-is-longer-1000" with "$1" \
		ls many/a-name-that-is-longer-1000
	check_status "$1: no such name in it" 2 'No such file' with "$1" ls many/a-name-that-is-longer-1001
	check_output "$1: space" "$(dumpe2fs -h "$1" 2>/dev/null |
		sed -n 's/^\(Block count\|Free blocks\|Free inodes\|Block size\): *//p' | xargs)" \
		script "$1" 'stat -f -c "%b %f %d %S" . | { read b f d s; echo $b $f $d $s; }'
	check_status "$1: nothing is written" 1 'Read-only' with "$1" touch new
	check "$1: nothing was written" e2fsck -fn "$1"
}

all_there()
{
	local now
	now=$(with "$1" bash -c "$(declare -f all); all /mnt")
	if [ "$now" != "$(cat "$1.all")" ]; then
		diff "$1.all" - <<<"$now" | head -n 20 | sed 's/^/# /'
		result 1 "$1: all is there"
	else
		result 0 "$1: all is there"
	fi
}

while read -r name size command; do
	# The command is several words.
	# shellcheck disable=SC2086
	if ! make_image "$name" "$size" $command </dev/null; then
		result 1 "$name: made"
		continue
	fi
	check_image "$name" </dev/null
done <<-E
	two-1k 64M mkfs.ext2 -b 1024 -I 128
	four-1k 64M mkfs.ext4 -b 1024 -O metadata_csum,64bit
	four-4k 64M mkfs.ext4 -b 4096 -O metadata_csum,64bit
	four-inline 64M mkfs.ext4 -b 4096 -O inline_data
E

# ---- where it is ----
{ head -c 1048576 /dev/zero; cat four-4k; } >parted
check_output "offset" "small" with parted,offset=1M cat small
check_output "offset: in bytes" "small" with parted,offset=1048576 cat small
check_status "offset: none" 125 'no ext2, ext3 or ext4' with parted true
check_status "offset: behind the end" 125 'ends before' with parted,offset=1T true
loop=$(losetup -f --show four-4k)
check_output "a disk" "small" viewctl run -m "ext:$loop:/mnt" -- cat /mnt/small
losetup -d "$loop"
check_output "an owner" "77 88 711" script four-4k,uid=77,gid=88,umask=7000 'stat -c "%u %g %a" program'

# ---- refused ----
for image in no-such src four-4k.all; do
	check_status "refused: $image" 125 "$base/$image" with $image true
done
check_status "refused: an option" 125 'unknown, known are' with four-4k,nothing true
cp four-4k dirty
debugfs -w -R 'feature needs_recovery' dirty >/dev/null 2>&1
check_status "refused: a journal to be replayed" 125 'e2fsck' with dirty true
check_output "noload" "small" with dirty,noload cat small
cp four-4k future
debugfs -w -R 'ssv feature_incompat 0x80000042' future >/dev/null 2>&1
check_status "refused: an unknown feature" 125 'features' with future true
head -c 30000000 four-4k >short
check_status "refused: cut off" 125 'truncated' with short true
head -c 1500 four-4k >cut.img
check_status "refused: hardly anything" 125 "$base/cut.img" with cut.img true

# locked HOW COMMAND...: while another program has locked the image.
locked()
{
	local status=0 locker
	flock --no-fork "$1" four-4k sleep 60 &
	locker=$!
	shift
	sleep 1
	"$@" || status=$?
	kill "$locker"
	wait "$locker" 2>/dev/null
	return "$status"
}
check_status "refused: locked" 125 'locked' locked -x with four-4k true
check_output "not locked any more" "small" with four-4k cat small
check_output "another reader" "small" locked -s with four-4k cat small

# ---- as an ordinary user ----
as_tester() { su tester -s /bin/bash -c "viewctl run -m ext:$base/$1:/mnt -- $2"; }
chmod 644 four-1k
check_output "user" "small" as_tester four-1k 'cat /mnt/small'
chmod 600 four-1k
check_status "user: an image that is not theirs" 125 'Permission denied' as_tester four-1k true
viewos-ext --public --name ext-for-all || exit 1
server=$(pgrep -f 'viewos-ext.*ext-for-all')
public() { su tester -s /bin/bash -c "viewctl run -m ext-for-all:$base/$1:/mnt -- cat /mnt/small"; }
check_status "user: nor by root's server" 125 'Permission denied' public four-1k
chmod 644 four-1k
check_output "user: by root's server" "small" public four-1k

# ---- images that lie: any errno, but an end, and the server lives ----
patience=60
[ ! -e /sys/kernel/debug/kmemleak ] || patience=600
lies()
{
	local status=0
	timeout "$patience" viewctl run -m "ext-for-all:$base/lie:/mnt" -- bash -c '
		find /mnt -exec stat {} + ; find /mnt -type f -size -1M -exec cat {} +
		find /mnt -type l -exec readlink {} + ; getfattr -dR /mnt
		head -c 1M /mnt/small /mnt/dir/data /mnt/no-such; true' >/dev/null 2>&1 || status=$?
	[ "$status" != 124 ] && kill -0 "$server"
}
# lie IMAGE COMMAND: what debugfs does to a copy of it.
lie()
{
	cp --sparse=always "$1" lie && debugfs -w -R "$2" lie >/dev/null 2>&1
	check "lie: $1: $2" lies
}
# garbage IMAGE SEED: 8 times 64 bytes of it, where all that is not content is.
garbage()
{
	local at

	cp --sparse=always "$1" lie
	for at in {1..8}; do
		head -c 64 /dev/urandom | dd of=lie bs=1 conv=notrunc status=none \
			seek=$((2048 + ($2 * 7919 + at * 104729) % 800000))
	done
}
while read -r image command; do
	lie "$image" "$command" </dev/null
done <<-E
	two-1k sif small size 0x7fffffffffffffff
	two-1k sif dir size 0x7ffffffffffff000
	two-1k sif dir/data block[12] 0xfffffff0
	two-1k sif dir/data block[14] 20
	two-1k sif slow block[0] 0xffffffff
	four-4k sif small mode 0170777
	four-4k sif small links_count 0
	four-4k sif dir block[0] 0xfffffff0
	four-4k sif small extra_isize 0xffff
	four-4k sif small file_acl 0xfffffff0
	four-4k ssv log_block_size 30
	four-4k ssv inodes_per_group 0
	four-4k link <2> dir/loop
	four-4k link <99999999> dir/far
E
for image in two-1k four-4k; do
	garbage $image 1
	check "lie: $image: garbage" lies
done
kill "$server"
cd / && rm -rf $base
finish

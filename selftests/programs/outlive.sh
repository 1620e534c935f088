#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# recover= with servers that viewctl has started: of images that are only read, and of archives.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/outlive
export LC_ALL=C PATH=$PATH:/sbin:/usr/sbin
rm -rf $base
mkdir -p $base/tree/dir $base/mnt
cd $base || exit 1
for n in {1..50}; do
	seq "$n" "$((n * 20))" >"tree/dir/$n"
done
cp /bin/cat tree/program
tar cf tree.tar -C tree .
truncate -s 16M image
mke2fs -q -t ext4 -d tree image
(cd tree && find . -type f -print0 | sort -z | xargs -0 cksum) >sums

# in_view TYPE,OPTIONS:SOURCE SCRIPT: in a view in which that is mounted.
in_view()
{
	{ echo "base=$base; type=${1%%[,:]*}; cd $base"; declare -f server die; echo "$2"; } >script
	viewctl run -m "$1:$base/mnt" -- bash -e "$base/script"
}

# shellcheck disable=SC2154
server() { pgrep -x "viewos-$type"; }

# Kills the server, and waits for another one.
die()
{
	local before now
	before=$(server)
	kill -KILL "$before"
	for _ in {1..600}; do
		now=$(server) && [ "$now" != "$before" ] && return
		sleep 0.1
	done
	return 1
}

# What is read, while it dies, by who has had files and directories open before.
work='
exec 5<$base/mnt/dir/7 6<$base/mnt/program
read -r first <&5
test "$first" = 7
for i in 1 2 3; do
	echo 2 >/proc/sys/vm/drop_caches
	echo 3 >/proc/sys/vm/drop_caches
	(cd $base/mnt && find . -name lost+found -prune -o -type f -print0 | sort -z | xargs -0 cksum) \
		>sums.$i & p=$!
	die
	wait $p
	cmp sums sums.$i
done
cmp <(cat <&6) tree/program
cmp <(cat <&5) <(tail -n +2 tree/dir/7)
test $(viewctl sessions --noheadings | grep -c ready) = 1'

for what in ext,readonly:image archive:tree.tar; do
	type=${what%%[,:]*}
	check "$type: killed under load" in_view "${what/:/,recover=120:$base/}" "$work"
	check "$type: its server has gone" eventually test_empty viewctl servers --noheadings
	check "$type: and who started it" eventually bash -c "! pgrep -x viewos-$type"
	check_status "$type: without recover" 1 'not connected' \
		in_view "${what/:/:$base/}" 'kill -KILL $(server); sleep 1; cat $base/mnt/dir/1'
done

# ---- by an ordinary user, and by viewctl mount ----
chmod 755 $base
check "as a user" su tester -s /bin/bash -c "
	export PATH=$PATH
	cd; mkdir -p mnt
	viewctl run -- bash -ec 'viewctl mount -t archive -o recover=60 $base/tree.tar mnt
		type=archive; $(declare -f server die); die; cmp mnt/dir/9 $base/tree/dir/9
		viewctl umount mnt'"
check "nobody is left" eventually test_empty viewctl servers --noheadings

# ---- what is another one by then is not taken for it ----
check_status "an archive that was replaced" 1 'Stale file handle' \
	in_view archive,ttl=0,recover=120:$base/tree.tar '
	cd $base/mnt/dir
	rm -rf $base/other; mkdir -p $base/other/dir; echo other >$base/other/dir/1
	tar cf $base/other.tar -C $base/other . && mv $base/other.tar $base/tree.tar
	die
	# What is there now is found by its name.
	test "$(cat $base/mnt/dir/1)" = other
	cat 1'
cp image changed
check_status "an image that was written" 1 'Stale file handle' \
	in_view ext,readonly,ttl=0,recover=120:$base/changed '
	cd $base/mnt/dir
	mv $base/changed $base/gone; cp $base/image $base/changed
	debugfs -w -R "rm /dir/1" $base/changed
	die
	test ! -e $base/mnt/dir/1; cmp $base/mnt/dir/2 $base/tree/dir/2
	cat 2'
check_status "an archive that has gone" 1 'not connected' \
	in_view archive,ttl=0,recover=120:$base/tree.tar '
	cat $base/mnt/dir/1; rm $base/tree.tar; kill -KILL $(server); sleep 2; cat $base/mnt/dir/1'

# ---- refused ----
check_status "an image that is written" 125 'cannot be recovered' \
	in_view ext,write,recover=60:$base/image true
check "it is as it was" e2fsck -fn image
check_status "memory" 125 'cannot be recovered' in_view mem,recover=60:none true
check "no server is left" eventually test_empty viewctl servers --noheadings
cd / && rm -rf $base
finish

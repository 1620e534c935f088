#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# FUSE programs as they are installed: linked with libfuse3, and knowing nothing of viewos.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

examples=$VIEWOS_TOP/build/selftests/programs/examples
export PATH=$examples:$PATH
as_tester() { su tester -s /bin/bash -c "export PATH=$PATH; $*"; }
ended() { ! pgrep -x "$1" >/dev/null; }
have() { command -v "$1" >/dev/null; }

mkdir -p /mnt/fs /tmp/fuse-tree/sub /tmp/up /tmp/work
echo one >/tmp/fuse-tree/one
echo two >/tmp/fuse-tree/sub/two
ln -s sub/two /tmp/fuse-tree/link
head -c 3000000 /dev/urandom >/tmp/fuse-tree/big
chmod -R go+rX /tmp/fuse-tree

# What can go wrong.
mkdir -p /tmp/bin
printf '#!/bin/sh\necho "this is $0" >&2\nexit 3\n' >/tmp/bin/nofuse
printf '#!/bin/sh\nkill -SEGV $$\n' >/tmp/bin/crashes
printf '#!/bin/sh\nfor a; do printf "%%s|" "$a"; done >/tmp/arguments\n' >/tmp/bin/tells
chmod 755 /tmp/bin/*
PATH=/tmp/bin:$PATH
check_status "no such program" 1 "^viewctl: type 'no-such-fs': no such server, and no program viewos-no-such-fs or no-such-fs" \
	viewctl mount -t no-such-fs x /mnt/fs
check_status "the program's own complaint" 1 "^this is /tmp/bin/nofuse" viewctl mount -t nofuse x /mnt/fs
check_status "an early end" 1 "^viewctl: nofuse: ended with status 3" viewctl mount -t nofuse x /mnt/fs
check_status "an early death" 1 "^viewctl: crashes: killed by signal 11" viewctl mount -t crashes x /mnt/fs
check_status "the mount's own complaint" 1 "^viewctl: '/mnt/fs': cannot mount '/tmp'" \
	viewctl mount -t nofuse /tmp /mnt/fs
check_status "a source like an option" 1 "^viewctl: '-x': would be an option" \
	viewctl mount -t tells -- -x /mnt/fs
check_status "it ends without serving" 1 "cannot mount" viewctl mount -t tells -o a=1,ro,b /tmp/fuse-tree /mnt/fs
check_output "its arguments" "-f|-o|a=1,b,ro|/tmp/fuse-tree|/dev/fd/3|" cat /tmp/arguments
check_status "it ends without serving: fuse.TYPE, no source" 1 "cannot mount" \
	viewctl mount -t fuse.tells none /mnt/fs
check_output "its arguments: no options, no source" "-f|/dev/fd/3|" cat /tmp/arguments
check_status "run: an early end" 125 "^viewctl: nofuse: ended with status 3" \
	viewctl run -m nofuse:x:/mnt/fs -- true
if have bindfs; then
	check_status "built on libfuse2" 1 "^viewctl: type 'bindfs': .*/bindfs is built on libfuse2" \
		viewctl mount -t bindfs /tmp/fuse-tree /mnt/fs
else
	skip "built on libfuse2" "no bindfs"
fi
check "no server is left of all that" eventually test_empty viewctl servers --noheadings

# same TYPE SOURCE OPTIONS: it shows what the directory has.
same() { viewctl run -m "$1${3:+,$3}:$2:/mnt/fs" -- diff -r --no-dereference /tmp/fuse-tree /mnt/fs; }
# writes TYPE SOURCE OPTIONS: what is done on it can be read there again.
writes()
{
	viewctl run -m "$1${3:+,$3}:$2:/mnt/fs" -- bash -ec 'cd /mnt/fs
		mkdir new; cp /mnt/fs/big new/copy; cmp new/copy big; mv new/copy new/moved
		echo more >>one; grep -q more one; sed -i /more/d one
		ln -s moved new/link; cmp new/link big; chmod 600 new/moved
		test "$(stat -c %a new/moved)" = 600; truncate -s 100 new/moved
		test "$(stat -c %s new/moved)" = 100; rm -r new; test ! -e new'
}

# squashfuse.
for program in squashfuse squashfuse_ll; do
	if have mksquashfs && have $program; then
		[ -e /tmp/fuse-tree.sqfs ] || mksquashfs /tmp/fuse-tree /tmp/fuse-tree.sqfs -quiet -no-progress -comp gzip
		chmod 644 /tmp/fuse-tree.sqfs
		check "$program" same $program /tmp/fuse-tree.sqfs
		check_status "$program: read-only" 1 "Read-only|Function not implemented" \
			viewctl run -m $program:/tmp/fuse-tree.sqfs:/mnt/fs -- touch /mnt/fs/new
		check "$program: as an ordinary user" as_tester "viewctl run -m $program:/tmp/fuse-tree.sqfs:/mnt/fs -- diff -r --no-dereference /tmp/fuse-tree /mnt/fs"
		check_status "$program: not an image" 1 "^viewctl: $program: ended with status" \
			viewctl mount -t $program /etc/passwd /mnt/fs
		check "$program has ended" eventually ended $program
	else
		skip "$program" "not installed"
	fi
done

# sshfs: through a pipe to the server's part of sftp, and through a real sshd.
if have sshfs && [ -x /usr/lib/openssh/sftp-server ]; then
	printf '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n' >/tmp/pipe
	chmod 755 /tmp/pipe
	pipe=ssh_command=/tmp/pipe
	check "sshfs: reads" same sshfs host:/tmp/fuse-tree $pipe
	check "sshfs: writes" writes sshfs host:/tmp/fuse-tree $pipe
	check "sshfs: as an ordinary user" as_tester \
		"viewctl run -m sshfs,$pipe:host:/tmp/fuse-tree:/mnt/fs -- diff -r --no-dereference /tmp/fuse-tree /mnt/fs"
	check_status "sshfs: no connection" 1 "^viewctl: sshfs: ended with status" \
		viewctl mount -t sshfs -o ssh_command=/bin/false host:/tmp/fuse-tree /mnt/fs
	check "sshfs: mounted for all" viewctl mount -t sshfs -o $pipe host:/tmp/fuse-tree /mnt/fs
	check "sshfs: it is there" cmp /tmp/fuse-tree/big /mnt/fs/big
	pkill -x sshfs
	check "sshfs: killed" eventually ended sshfs
	check_status "sshfs: what is left" 1 "Transport endpoint is not connected" cat /mnt/fs/sub/two
	check "sshfs: umount" umount /mnt/fs
	check "sshfs: mounted again" viewctl mount -t fuse.sshfs -o $pipe host:/tmp/fuse-tree /mnt/fs
	kill "$(ps -o ppid= -C sshfs)"
	check "sshfs: its keeper killed" eventually ended sshfs
	check "sshfs: umount again" umount /mnt/fs
	check "sshfs has ended" eventually ended sshfs
else
	skip "sshfs" "not installed"
fi
if have sshfs && [ -x /usr/sbin/sshd ]; then
	mkdir -p /run/sshd /root/.ssh
	chmod 700 /root/.ssh
	ssh-keygen -q -t ed25519 -N '' -f /tmp/hostkey
	ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
	cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
	printf '%s\n' "HostKey /tmp/hostkey" "Port 2222" "ListenAddress 127.0.0.1" "UsePAM no" \
		"PermitRootLogin yes" "StrictModes no" "PidFile /tmp/sshd.pid" \
		"Subsystem sftp internal-sftp" >/tmp/sshd_config
	/usr/sbin/sshd -f /tmp/sshd_config
	check "sshfs by sshd" writes sshfs root@127.0.0.1:/tmp/fuse-tree \
		"port=2222,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null"
	kill "$(cat /tmp/sshd.pid)"
else
	skip "sshfs by sshd" "not installed"
fi

# fuse-overlayfs.
if have fuse-overlayfs; then
	overlay=lowerdir=/tmp/fuse-tree,upperdir=/tmp/up,workdir=/tmp/work
	check "fuse-overlayfs: reads" same fuse-overlayfs none $overlay
	check "fuse-overlayfs: writes" writes fuse-overlayfs none $overlay
	check "fuse-overlayfs: copies up" viewctl run -m fuse-overlayfs,$overlay:none:/mnt/fs -- \
		bash -c 'rm /mnt/fs/one; echo new >/mnt/fs/sub/two'
	check_output "fuse-overlayfs: the upper directory" new cat /tmp/up/sub/two
	check_output "fuse-overlayfs: the lower one is as it was" two cat /tmp/fuse-tree/sub/two
	check_status "fuse-overlayfs: removed" 1 "No such file" \
		viewctl run -m fuse-overlayfs,$overlay:none:/mnt/fs -- cat /mnt/fs/one
	as_tester 'mkdir -p /tmp/tup /tmp/twork'
	check_output "fuse-overlayfs: as an ordinary user" text as_tester \
		"viewctl run -m fuse-overlayfs,lowerdir=/tmp/fuse-tree,upperdir=/tmp/tup,workdir=/tmp/twork:none:/mnt/fs -- sh -c 'umask 027; echo text >/mnt/fs/file; cat /mnt/fs/file'"
	check_output "fuse-overlayfs: the umask" 640 stat -c %a /tmp/tup/file
	check_status "fuse-overlayfs: over what it shows" 0 '^here$' viewctl run \
		-m fuse-overlayfs,lowerdir=/etc,upperdir=/tmp/tup,workdir=/tmp/twork::/etc -- \
		sh -c 'echo here >/etc/new; cat /etc/new'
	check "fuse-overlayfs has ended" eventually ended fuse-overlayfs
else
	skip "fuse-overlayfs" "not installed"
fi

# libfuse's own examples.
if [ -x "$examples/hello_ll" ]; then
	check_status "hello" 0 "^Hello World!" viewctl run -m hello:none:/mnt/fs -- cat /mnt/fs/hello
	check_status "hello_ll" 0 "^Hello World!" viewctl run -m hello_ll:none:/mnt/fs -- cat /mnt/fs/hello
	for program in passthrough passthrough_fh; do
		check "$program" viewctl run -m $program:none:/mnt/fs -- \
			diff -r --no-dereference /tmp/fuse-tree /mnt/fs/tmp/fuse-tree
	done
	for options in cache=auto cache=always cache=never writeback flock; do
		check "passthrough_ll: $options" writes passthrough_ll none source=/tmp/fuse-tree,$options
	done
	check "passthrough_ll: its locks are those of the files beneath" \
		viewctl run -m passthrough_ll,source=/tmp/fuse-tree,flock:none:/mnt/fs -- bash -ec '
			flock -n /mnt/fs/one flock -n -E 7 /tmp/fuse-tree/one true && exit 1
			[ $? = 7 ]; flock -n /tmp/fuse-tree/one true
			flock -n /tmp/fuse-tree/one flock -n -E 7 /mnt/fs/one true && exit 1
			[ $? = 7 ]; flock -n /mnt/fs/one flock -n /mnt/fs/sub/two true'
	check "passthrough_ll: as an ordinary user" as_tester \
		'viewctl run -m passthrough_ll,source=/tmp/fuse-tree:none:/mnt/fs -- diff -r --no-dereference /tmp/fuse-tree /mnt/fs'
	for program in notify_inval_inode notify_inval_entry notify_store_retrieve invalidate_path; do
		check "$program" viewctl run -m $program:none:/mnt/fs -- bash -c '
			set -e; cd /mnt/fs; first=$(cat *; ls); now=$first
			for i in {1..300}; do now=$(cat * 2>/dev/null; ls); [ "$now" = "$first" ] || exit 0; sleep 0.1; done
			exit 1'
		check "$program has ended" eventually ended $program
	done
	# Its 16 files have something to be read by turns.
	check "poll" viewctl run -m poll:none:/mnt/fs -- bash -ec '
		cd /mnt/fs; said=$(timeout 60 poll_client)
		[ "$(wc -l <<<"$said")" = 16 ]
		[ "$(grep -oE "[0-9A-F]:0[1-9]" <<<"$said" | sort -u | wc -l)" -ge 8 ]'
	check "ioctl" viewctl run -m ioctl:none:/mnt/fs -- bash -ec '
		cd /mnt/fs; [ "$(ioctl_client fioc)" = 0 ]
		ioctl_client fioc 5000; [ "$(ioctl_client fioc)" = 5000 ]; [ "$(wc -c <fioc)" = 5000 ]
		printf abc >>fioc; ioctl_client fioc 2; ! ioctl_client one 2>/dev/null'
else
	skip "libfuse's examples" "not installed"
fi
crashes()
{
	dmesg | grep -E "(hello|passthrough|notify_|invalidate_|poll|ioctl|squashfuse|sshfs|overlayfs)[^ ]*\[[0-9]+\]: segfault"
}
check "none has crashed" test_empty crashes
check "no server is left" eventually test_empty viewctl servers --noheadings
finish

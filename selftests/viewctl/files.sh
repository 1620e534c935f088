#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --bind, --cow: files that are others in a view than outside.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/files
export LC_ALL=C
rm -rf $base
mkdir -p $base/dir/sub/deep $base/dir/on $base/other/in $base/packed/x $base/kept
cd $base || exit 1
echo one >dir/one
echo two >dir/two
echo three >dir/sub/three
echo four >dir/sub/deep/four
echo other >other/file
echo hosts >other/hosts
echo data >packed/x/data
ln -s sub dir/link
ln -s nowhere dir/dangling
printf '#!/bin/sh\necho ran\n' >dir/program
chmod 755 dir/program
tar -cf a.tar -C packed .
mkdir -p other/a:b
echo colon >other/a:b/file
chmod 2751 dir/sub
chown -R tester: .
tree()
{
	cd $base && find . ! -path './kept*' -printf '%p %y %m %U %G %s %l\n' | sort
	find . -type f ! -path './kept*' ! -name a.tar -print0 | sort -z | xargs -0 cat
}
same() { [ "$(tree)" = "$before" ] || { diff <(echo "$before") <(tree); return 1; }; }
before=$(tree)

# viewctl by the user whose turn it is: root, or one who needs a user namespace.
# as_user WORDS, as the shell takes them
as_user()
{
	if [ "$user" = root ]; then
		eval "$1"
	else
		su tester -s /bin/bash -c "$1"
	fi
}
in_view() { as_user "viewctl run $1 -- bash -ec '$2'"; }

git_repository='
	export HOME=$(mktemp -d); git config --global safe.directory "*"; cd /tmp/files/dir
	git init -q -b main .; git config user.name t; git config user.email t@example.org
	git add .; git commit -qm one; git checkout -qb side; git rm -qr sub; echo new >new
	git add new; git commit -qm two; git checkout -q main; test -e sub/three; git fsck
	git status --porcelain'

for user in root tester; do
	# ---- bind ----
	check_output "$user: bind: a directory" "a:b file hosts in" \
		in_view "--bind $base/other:$base/dir" "echo \$(ls $base/dir)"
	check_output "$user: bind: a file" "hosts" \
		in_view "--bind $base/other/hosts:/etc/hosts" 'cat /etc/hosts'
	check_output "$user: bind: relative paths" "hosts" \
		in_view "--bind other/hosts:dir/one" "cat dir/one"
	check_output "$user: bind: links are followed" "other" \
		in_view "--bind other:dir/link" "cat dir/sub/file"
	check_output "$user: bind: a source with a colon" "colon" \
		in_view "--bind other/a:b:dir" "cat dir/file"
	check_output "$user: bind: two are exchanged" "other one" \
		in_view "--bind other:dir --bind dir:other" 'echo $(cat dir/file other/one)'
	check_output "$user: bind: one in another" "hosts other" \
		in_view "--bind other:dir --bind other/hosts:dir/file" 'echo $(cat dir/file other/file)'
	check "$user: bind: it can be written" in_view "--bind other:dir" "echo >dir/new; rm other/new"
	check_status "$user: bind: ro" 1 'Read-only' in_view "--bind other:dir,ro" "echo >dir/new"
	check "$user: bind: not beside it" in_view "--bind other:dir,ro" "echo >other/new; rm other/new"
	check_status "$user: bind: ro, in what is mounted in it" 1 'Read-only' in_view \
		"-m mem::$base/other/in" "viewctl run --bind other:dir,ro -- touch dir/in/new"
	check "$user: bind: and otherwise not" in_view \
		"-m mem::$base/other/in" "viewctl run --bind other:dir -- touch dir/in/new; rm other/in/new"
	check_output "$user: bind: the source on a mount" "data" \
		in_view "-m archive:$base/a.tar:/mnt --bind /mnt/x:dir" "cat dir/data"
	check_output "$user: bind: onto a mount" "a:b file hosts in" \
		in_view "-m archive:$base/a.tar:/mnt --bind other:/mnt/x" 'echo $(ls /mnt/x)'
	check_output "$user: bind: the current directory" "a:b file hosts in $base/dir" \
		as_user "cd dir && viewctl run --bind ../other:. -- bash -c 'echo \$(ls) \$(/bin/pwd)'"
	check_status "$user: bind: which has another name inside" 125 \
		"^viewctl: current directory '$base/dir/sub': No such file.*inside" \
		as_user "cd dir/sub && viewctl run --bind ../../other:.. -- true"
	check_output "$user: bind: unless one asks for another" "/" \
		as_user "cd dir/sub && viewctl run --bind ../../other:.. --chdir / -- pwd"
	check "$user: bind: nothing has changed outside" same

	# ---- cow ----
	check_output "$user: cow: files" "new changed" \
		in_view "--cow dir" 'cd dir; echo new >new; echo changed >one; echo $(cat new one)'
	check_output "$user: cow: what was removed" "dangling link new on one program sub" \
		in_view "--cow dir" 'cd dir; rm two; rm -r sub/deep; echo >new; echo $(ls); test ! -e sub/deep'
	check_output "$user: cow: attributes" "$(stat -c '%n %F %a' dir dir/*)" \
		in_view "--cow dir" 'stat -c "%n %F %a" dir dir/*'
	check_output "$user: cow: a program" "ran" in_view "--cow dir" "dir/program"
	check_output "$user: cow: the current directory" "one new" \
		as_user "cd dir && viewctl run --cow . -- bash -c 'echo new >new; echo \$(cat one new)'"
	check "$user: cow: git" in_view "--cow dir" "$git_repository"
	check "$user: cow: python3" in_view "--cow dir" 'python3 -c "
import os, shutil, sqlite3
os.chdir(\"dir\")
os.rename(\"one\", \"uno\"); os.link(\"uno\", \"ein\"); os.symlink(\"uno\", \"s\")
assert open(\"s\").read() == \"one\n\" and os.stat(\"uno\").st_nlink == 2
shutil.copytree(\"sub\", \"copy\"); shutil.rmtree(\"sub\")
db = sqlite3.connect(\"db\"); db.execute(\"create table t (x)\"); db.commit(); db.close()
os.truncate(\"two\", 1); os.utime(\"two\", (1, 2)); os.chmod(\"two\", 0o600)
st = os.stat(\"two\"); assert (st.st_size, st.st_mtime, st.st_mode & 0o777) == (1, 2, 0o600)
"'
	check "$user: cow: tar" in_view "--cow dir" "tar -xf a.tar -C dir; tar -cf - dir | tar -tf - | grep x/data"
	check_output "$user: cow: over a bind" "new other" \
		in_view "--bind other:dir --cow dir" 'echo new >dir/new; echo $(cat dir/new dir/file)'
	check_output "$user: cow: over a bind that is ro" "new" \
		in_view "--bind other:dir,ro --cow dir" 'echo new >dir/new; cat dir/new'
	check_output "$user: cow: over an archive" "new data" \
		in_view "-m archive:$base/a.tar:/mnt --cow /mnt" 'echo new >/mnt/new; echo $(cat /mnt/new /mnt/x/data)'
	check_output "$user: cow: a bind in it" "other" \
		in_view "--cow dir --bind other:dir/sub" 'cat dir/sub/file'
	check_output "$user: cow: one in another" "a b" \
		in_view "--cow dir --cow dir/sub" 'echo a >dir/a; echo b >dir/sub/b; echo $(cat dir/a dir/sub/b)'
	check "$user: cow: beside it nothing changes" in_view "--cow dir" 'echo >other/new; rm other/new'
	check_output "$user: cow: nested views" "outer inner" \
		in_view "--cow dir" 'echo outer >dir/one
			viewctl run --cow dir -- bash -c "echo inner >dir/two; cat dir/one dir/two" | xargs
			grep -qx two dir/two'
	check "$user: cow: nothing has changed outside" same

	# ---- create ----
	check "$user: create" as_user "viewctl create shaped --bind other:dir/sub --cow dir/on"
	check "$user: enter" as_user "viewctl enter shaped -- bash -ec 'cat dir/sub/file; echo x >dir/on/x'"
	check_output "$user: enter again" "x" as_user "viewctl enter shaped -- cat dir/on/x"
	check "$user: destroy" as_user "viewctl destroy shaped"
	check "$user: create: nothing has changed outside" same
done

# ---- cow, kept: on a file system that can have the layer ----
truncate -s 64M /tmp/disk
mkfs.ext4 -q /tmp/disk && mount -o loop /tmp/disk kept && chown tester: kept
for user in root tester; do
	as_user "mkdir kept/$user"
	check "$user: keep" in_view "--cow dir,keep=kept/$user" 'cd dir; echo new >new; echo changed >one; rm -r sub; mkdir sub'
	check_output "$user: keep: it is there again" "new changed" \
		in_view "--cow dir,keep=kept/$user" 'cd dir; cat new one | xargs; test -d sub; test -z "$(ls sub)"'
	check_output "$user: keep: where one can look at it" "new one sub two" \
		bash -c "touch kept/$user/upper/two; echo \$(ls kept/$user/upper)"
	check "$user: keep: nothing else has changed" same
done
umount kept && rm /tmp/disk

# ---- what is mounted in it ----
mount -t tmpfs in dir/on && echo in >dir/on/in && mkdir dir/on/deep && mount -t tmpfs deep dir/on/deep
before=$(tree)
user=root
check_output "cow: what is mounted in it is there" "in deep" \
	in_view "--cow dir" 'echo >dir/new; test $(stat -f -c %T dir/on/deep) = tmpfs; echo $(cat dir/on/in; ls dir/on | grep deep)'
user=tester
check_status "cow: but not for an ordinary user" 125 "^viewctl: --cow: '$base/dir': other file systems are mounted in it" \
	in_view "--cow dir" true
check "cow: a directory with nothing mounted in it" in_view "--cow dir/sub" 'echo >dir/sub/new'
umount dir/on/deep dir/on
before=$(tree)

# ---- the root directory ----
user=root
check_output "cow: the root directory" "lib is here" \
	in_view "--cow / --chdir /" 'mkdir /lib.new; echo is here >/lib.new/lib; cat /lib.new/lib | sed s/^/"lib "/'
check_output "cow: the root directory: what is mounted in it" "$(readlink /proc/self/ns/pid) one" \
	in_view "--cow /" 'echo $(readlink /proc/self/ns/pid) $(cat dir/one)'
check_status "cow: the root directory: its .." 0 '^same$' in_view "--cow /" '[ /.. -ef / ] && echo same'
check_output "cow: the root directory: nested" "new" \
	in_view "--cow /" 'echo new >/new; viewctl run --cow / -- bash -c "cat /new; echo newer >/new"; [ $(cat /new) = new ]'
check "cow: the root directory: create" viewctl create rooted --cow /
check_output "cow: the root directory: enter" "x" \
	bash -c 'viewctl enter rooted -- bash -c "echo x >/x"; viewctl enter rooted -- cat /x'
check "cow: the root directory: destroy" viewctl destroy rooted
check "cow: the root directory: nothing is left outside" [ ! -e /lib.new ] && [ ! -e /new ] && [ ! -e /x ]
user=tester
check_status "cow: the root directory: not for an ordinary user" 125 "^viewctl: --cow: '/': other file systems" \
	in_view "--cow /" true

# ---- errors ----
user=root
mounts=$(sed 's/ .*//' /proc/self/mountinfo | wc -l)
while IFS='|' read -r status options why; do
	check_status "wrong: $options" "$status" "^viewctl: $why" in_view "$options" true
done <<-WRONG
	2|--bind dir|--bind: 'dir': expected SOURCE:TARGET
	2|--bind :dir|--bind: ':dir': expected SOURCE:TARGET
	2|--bind dir:|--bind: 'dir:': expected SOURCE:TARGET
	2|--cow ,keep=kept|--cow: ',keep=kept': expected DIR
	2|--cow dir,keep=|--cow: 'dir,keep=': expected DIR
	125|--bind no:dir|--bind: 'no': No such file
	125|--bind other:no|--bind: '.*/other' on '.*/no': No such file
	125|--bind other:dir/one/no|--bind: 'dir/one/no': Not a directory
	125|--bind other:dir/one|--bind: '.*/dir/one': only one of it and '.*/other' is a directory
	125|--bind other/file:dir|--bind: '.*/dir': only one of it and '.*/other/file' is a directory
	125|--bind other:dir --bind kept:dir/sub/..|--bind: '.*/dir': given before, for --bind
	125|--cow dir --bind kept:dir|--bind: '.*/dir': given before, for --cow
	125|--cow dir --cow dir|--cow: '.*/dir': given before, for --cow
	125|--bind other:dir/sub --bind kept:dir|--bind: '.*/dir': covers '.*/dir/sub' of --bind, which was
	125|--cow no|--cow: '.*/no': No such file
	125|--cow dir/one|--cow: '.*/dir/one': Not a directory
	125|--cow dir,keep=no|--cow: 'no': No such file
	125|--cow dir,keep=dir/one|--cow: '.*/dir/one': is in '.*/dir' itself
	125|--cow dir,keep=dir/on|--cow: '.*/dir/on': is in '.*/dir' itself
	125|--cow dir,keep=other/file|--cow: '.*/other/file': Not a directory
WRONG
check_output "wrong: nothing is mounted outside" "$mounts" bash -c "sed 's/ .*//' /proc/self/mountinfo | wc -l"
check "wrong: nothing has changed outside" same
check_status "help" 0 '--cow DIR' viewctl help run
cd / && rm -rf $base
finish

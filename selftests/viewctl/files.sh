#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --bind, --hide, --patch, --cow: files that are others in a view than outside.
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

# A layer in memory can have a directory where one was removed if tmpfs has attributes of users.
touch xattrs
removed=one again=1
setfattr -n user.test -v 1 xattrs 2>/dev/null && removed=sub again=0
rm xattrs
before=$(tree)

git_repository='
	export HOME=$(mktemp -d); git config --global safe.directory "*"; cd /tmp/files/dir
	git init -q -b main .; git config user.name t; git config user.email t@example.org
	git add .; git commit -qm one; git checkout -qb side; git rm -qr -- '"$removed"'; echo new >new
	git add new; git commit -qm two; git checkout -q main; test -e '"$removed"'; git fsck
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

	# ---- hide ----
	check_status "$user: hide: a file" 1 'dir/one: No such file' in_view "--hide dir/one" 'cat dir/one'
	check_output "$user: hide: it is not listed" "dangling link on program sub two" \
		in_view "--hide dir/one" 'echo $(ls dir)'
	check_output "$user: hide: others are there" "two three" \
		in_view "--hide dir/one" 'echo $(cat dir/two dir/sub/three)'
	check_output "$user: hide: a directory, and a link" "dangling on one program two" \
		in_view "--hide $base/dir/sub/ --hide dir/link" 'echo $(ls dir)'
	check_output "$user: hide: a link, and not what it leads to" "three" \
		in_view "--hide dir/link" 'test ! -L dir/link; cat dir/sub/three'
	check_output "$user: hide: through a link" "deep" in_view "--hide dir/link/three" 'ls dir/sub'
	check_status "$user: hide: it cannot be made" 1 'not permitted' \
		in_view "--hide dir/one" 'mkdir dir/one'
	check "$user: hide: others can" in_view "--hide dir/one" 'echo new >dir/new; rm dir/new'
	check_output "$user: hide: three in one directory, and beneath it" "dangling link program sub two three" \
		in_view "--hide dir/one --hide dir/on --hide dir/sub/deep" 'echo $(ls dir dir/sub | grep -v :)'
	check_output "$user: hide: first beneath it" "dangling link on program sub two three" \
		in_view "--hide dir/sub/deep --hide dir/one" 'echo $(ls dir dir/sub | grep -v :)'
	check "$user: hide: python3" in_view "--hide dir/one" 'python3 -c "
import os
assert sorted(os.listdir(\"dir\")) == [\"dangling\", \"link\", \"on\", \"program\", \"sub\", \"two\"]
try: os.stat(\"dir/one\"); assert False
except FileNotFoundError: pass
fd = os.open(\"dir\", os.O_PATH)
try: os.open(\"one\", os.O_RDONLY, dir_fd=fd); assert False
except FileNotFoundError: pass"'
	check_output "$user: hide: tar" "dir/ dir/dangling dir/link dir/program dir/sub/ dir/sub/three dir/two" \
		in_view "--hide dir/one --hide dir/on --hide dir/sub/deep" \
		'echo $(tar -c --exclude=.git dir | tar -t | sort)'
	check "$user: hide: in a directory of the system" \
		in_view "--hide /etc/passwd" 'test ! -e /etc/passwd; test -e /etc/group'
	check_status "$user: hide: the current directory" 125 "current directory '$base/dir/sub': No such file" \
		as_user "cd dir/sub && viewctl run --hide ../sub -- true"
	check_output "$user: hide: in a bind" "a:b hosts in" \
		in_view "--bind other:dir --hide dir/file" 'echo $(ls dir); test -e other/file'
	check_status "$user: hide: in a bind that is ro" 1 'Read-only' \
		in_view "--bind other:dir,ro --hide dir/file" 'test ! -e dir/file; touch dir/new'
	check_status "$user: hide: in a bind that is ro, beneath" 1 'Read-only' \
		in_view "--bind other:dir,ro --hide dir/file" 'touch dir/in/new'
	check_output "$user: hide: in the source of one" "file" \
		in_view "--hide other/file --bind other:dir" 'test ! -e other/file; ls dir | grep file'
	check_output "$user: hide: nested views" "two" in_view "--hide dir/one" \
		'viewctl run --hide dir/sub -- bash -c "ls dir | grep -v -e one -e sub | grep two; test ! -e dir/one"'
	check_output "$user: hide: in a layer" "dangling link new on program sub two" \
		in_view "--cow dir --hide dir/one --hide dir/sub/deep" \
		'echo >dir/new; test ! -e dir/one; test ! -e dir/sub/deep; test -e dir/sub/three; echo $(ls dir)'
	check_output "$user: hide: in a layer that is given later" "new" \
		in_view "--hide dir/one --hide dir/sub/three --cow dir" \
		'test ! -e dir/one; test ! -e dir/sub/three; echo new >dir/one; cat dir/one'
	check_output "$user: hide: attributes on the way to it" "$(stat -c '%a %F' dir/sub)" \
		in_view "--cow dir --hide dir/sub/three" 'stat -c "%a %F" dir/sub'
	check "$user: hide: nothing has changed outside" same

	# ---- bind, where there is nothing ----
	check_output "$user: ghost: a directory" "a:b file hosts in" in_view "--bind other:dir/new" 'echo $(ls dir/new)'
	check_output "$user: ghost: a file" "hosts" in_view "--bind other/hosts:dir/new" 'cat dir/new'
	check_output "$user: ghost: it is listed" "new" in_view "--bind other:dir/new" 'ls dir | grep new'
	check_output "$user: ghost: others are there" "one three" \
		in_view "--bind other:dir/new" 'echo $(cat dir/one dir/sub/three)'
	check_output "$user: ghost: directories on the way" "b other" \
		in_view "--bind other:dir/a/b" 'echo $(ls dir/a) $(cat dir/a/b/file)'
	check_output "$user: ghost: in the root directory" "other" in_view "--bind other:/viewos-new" 'cat /viewos-new/file'
	check "$user: ghost: it can be written" in_view "--bind other:dir/new" 'echo >dir/new/x; rm other/x'
	check_status "$user: ghost: ro" 1 'Read-only' in_view "--bind other:dir/new,ro" 'touch dir/new/in/x'
	check_status "$user: ghost: ro, a file" 1 'Read-only' in_view "--bind other/hosts:dir/new,ro" 'echo >dir/new'
	check_output "$user: ghost: two" "hosts file" in_view \
		"--bind other/hosts:dir/n --bind other:dir/sub/m" 'echo $(cat dir/n; ls dir/sub/m | grep file)'
	check_output "$user: ghost: one in another" "hosts" \
		in_view "--bind other:dir/n --bind other/hosts:dir/n/m" 'cat dir/n/m; test ! -e other/m'
	check_output "$user: ghost: a name hidden in it" "a:b hosts in" \
		in_view "--bind other:dir/n --hide dir/n/file" 'echo $(ls dir/n)'
	check_output "$user: ghost: a name hidden beside it" "dangling link n on program sub two" \
		in_view "--hide dir/one --bind other:dir/n" 'echo $(ls dir)'
	check_output "$user: ghost: in a bind" "hosts" in_view "--bind other:dir --bind other/hosts:dir/n" 'cat dir/n; test ! -e other/n'
	check_output "$user: ghost: in a layer" "hosts other" \
		in_view "--cow dir --bind other/hosts:dir/n --bind other:dir/sub/a/b" 'echo $(cat dir/n dir/sub/a/b/file)'
	check_output "$user: ghost: a layer over it" "new" \
		in_view "--bind other:dir/n --cow dir/n" 'echo new >dir/n/file; cat dir/n/file'
	check_output "$user: ghost: nested views" "other hosts" in_view "--bind other:dir/n" \
		'viewctl run --bind other/hosts:dir/m -- cat dir/n/file dir/m | xargs'
	check "$user: ghost: nothing has changed outside" same

	# ---- patch ----
	check_output "$user: patch: options" "dangling link on program sub two 600 other" \
		in_view "--patch dir:hide=one,mode=two=600,bind=sub/new=$base/other" \
		'echo $(ls dir; stat -c %a dir/two; cat dir/sub/new/file)'
	check_output "$user: patch: without" "one" in_view "--patch dir" 'cat dir/one'
	check_status "$user: patch: ro" 1 'Read-only' in_view "--patch dir:ro=." 'touch dir/sub/new'
	check_output "$user: patch: hide another" "dangling link on program sub" \
		in_view "--patch dir:hide=one --hide dir/two" 'echo $(ls dir)'
	check_output "$user: patch: of a bind" "a:b hosts in" \
		in_view "--bind other:dir --patch dir:hide=file" 'echo $(ls dir)'
	check_output "$user: patch: a bind in it" "dangling link on one program sub two other" \
		in_view "--bind other:dir/sub --patch dir:mode=one=600" 'echo $(ls dir) $(cat dir/sub/file)'
	check_output "$user: patch: the root directory" "one" \
		in_view "--patch /:hide=opt,hide=etc/passwd --chdir /" 'test ! -e /opt; test ! -e /etc/passwd; test / -ef /..; cat /tmp/files/dir/one'
	check_output "$user: hide: in the root directory" "one" \
		in_view "--hide /opt" 'test ! -e /opt; test -e /proc/self; cat dir/one'
	check_output "$user: hide: in the root directory: nested" "one" \
		in_view "--hide /opt" 'viewctl run --hide /srv -- bash -c "test ! -e /opt; test ! -e /srv; cat dir/one"'
	check "$user: patch: nothing has changed outside" same

	# ---- cow ----
	check_output "$user: cow: files" "new changed" \
		in_view "--cow dir" 'cd dir; echo new >new; echo changed >one; echo $(cat new one)'
	check_output "$user: cow: what was removed" "dangling link new on one program sub" \
		in_view "--cow dir" 'cd dir; rm two sub/three; echo >new; echo $(ls); test ! -e sub/three'
	check_output "$user: cow: attributes" "$(stat -c '%n %F %a' dir dir/*)" \
		in_view "--cow dir" 'stat -c "%n %F %a" dir dir/*'
	check_output "$user: cow: a program" "ran" in_view "--cow dir" "dir/program"
	check_output "$user: cow: the current directory" "one new" \
		as_user "cd dir && viewctl run --cow . -- bash -c 'echo new >new; echo \$(cat one new)'"
	check "$user: cow: git" in_view "--cow dir" "$git_repository"
	status=0
	[ "$user" = root ] || status=$again
	check_status "$user: cow: a directory where one was removed" "$status" '' \
		in_view "--cow dir" 'rm -r dir/sub; mkdir dir/sub; test -z "$(ls dir/sub)"'
	# Nor can one be removed that had something in it.
	check_status "$user: cow: a directory with what is in it" "$status" '' \
		in_view "--cow dir" 'rm -r dir/sub; test ! -e dir/sub'
	rmtree='shutil.rmtree("sub")'
	[ "$status" = 0 ] || rmtree=
	check "$user: cow: python3" in_view "--cow dir" 'python3 -c "
import os, shutil, sqlite3
os.chdir(\"dir\")
os.rename(\"one\", \"uno\"); os.link(\"uno\", \"ein\"); os.symlink(\"uno\", \"s\")
assert open(\"s\").read() == \"one\n\" and os.stat(\"uno\").st_nlink == 2
shutil.copytree(\"sub\", \"copy\"); '"${rmtree//\"/\\\"}"'
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
	check "$user: keep: and not what was hidden" in_view "--cow dir,keep=kept/$user --hide dir/program" \
		'test ! -e dir/program; echo newer >dir/newer'
	check_output "$user: keep: which is there again without" "newer ran" \
		in_view "--cow dir,keep=kept/$user" 'echo $(cat dir/newer; dir/program)'
	check_status "$user: keep: what is in the layer cannot be hidden" 125 \
		"^viewctl: --hide: '$base/dir/one': the layer that is kept in '.*' has it" \
		in_view "--cow dir,keep=kept/$user --hide dir/one" true
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
for user in root tester; do
	check_output "$user: hide: what is mounted beside it is there" "in deep" \
		in_view "--hide dir/one" 'test ! -e dir/one; test $(stat -f -c %T dir/on/deep) = tmpfs; echo $(cat dir/on/in; ls dir/on | grep deep)'
	check_output "$user: hide: in what is mounted" "deep" in_view "--hide dir/on/in" 'ls dir/on'
	check_output "$user: hide: what is mounted" "dangling link one program sub two" \
		in_view "--hide dir/on" 'echo $(ls dir)'
done
user=root
check_output "hide: in what is mounted, in a layer" "deep" in_view "--cow dir --hide dir/on/in" 'ls dir/on'
check_output "hide: in what is mounted, in a layer given later" "deep" \
	in_view "--hide dir/on/in --cow dir" 'ls dir/on'
check_output "hide: in what is mounted, beside another" "deep" in_view "--hide dir/one --hide dir/on/in" 'ls dir/on'
check_output "hide: in what is mounted, by an option" "deep" in_view "--patch dir:hide=./on//in" 'ls dir/on'
check_output "hide: what is mounted, by an option" "dangling link one program sub two" \
	in_view "--patch dir:hide=on/" 'echo $(ls dir)'
check_output "hide: what is mounted, in a layer" "dangling link one program sub two" \
	in_view "--cow dir --hide dir/on" 'echo $(ls dir)'
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

# ---- a server that has died ----
viewctl create dead --hide dir/one || result 1 "death: create"
check_output "death: before" "three" viewctl enter --chdir $base dead -- cat dir/sub/three
pkill -x viewos-patch
check "death: it has gone" eventually test_empty pgrep -x viewos-patch
check_status "death: what was hidden does not appear" 1 'not connected' \
	viewctl enter --chdir / dead -- cat $base/dir/one
check_status "death: beside it all is there" 0 '^other$' viewctl enter --chdir / dead -- cat $base/other/file
check "death: destroy" viewctl destroy dead

# ---- errors ----
user=root
mounts=$(sed 's/ .*//' /proc/self/mountinfo | wc -l)
touch dir/a,b
before=$(tree)
while IFS='|' read -r status options why; do
	check_status "wrong: $options" "$status" "viewctl: $why" in_view "$options" true
done <<-WRONG
	2|--bind dir|--bind: 'dir': expected SOURCE:TARGET
	2|--bind :dir|--bind: ':dir': expected SOURCE:TARGET
	2|--bind dir:|--bind: 'dir:': expected SOURCE:TARGET
	2|--cow ,keep=kept|--cow: ',keep=kept': expected DIR
	2|--cow dir,keep=|--cow: 'dir,keep=': expected DIR
	125|--bind no:dir|--bind: 'no': No such file
	125|--bind other:dir/dangling|--bind: '.*/dir/dangling': a symbolic link to what is not there
	125|-m mem::/mnt --bind other:/mnt/no|--bind: '.*/other' on '/mnt/no': No such file
	125|-m mem::/mnt --bind /mnt/no:dir|--bind: '/mnt/no': No such file
	125|-m archive:a.tar:/mnt --bind /mnt/x:dir/no|--bind: '.*/dir/no': is not there, and '/mnt/x' is on
	125|--bind other:dir/a=b|--bind: '.*/dir/a=b': a '=' in a name
	125|--bind dir/a,b:dir/no|--bind: '.*/dir/no': a ',' in a name
	2|--patch :hide=a|--patch: ':hide=a': expected DIR
	125|--patch dir:hid=a|'.*/dir': cannot mount '.*/dir' of server 'patch@
	125|--patch dir/one|--patch: '.*/dir/one': Not a directory
	125|--patch no|--patch: '.*/no': No such file
	125|--patch dir --patch dir|--patch: '.*/dir': given before, for --patch
	125|--hide dir/one --patch dir|--patch: '.*/dir': is in '.*/dir', which is changed for --hide
	125|--patch dir:hide=one --patch dir/sub|--patch: '.*/dir/sub': is in '.*/dir', which is changed for --patch
	125|--cow dir --patch dir/sub|--patch: '.*/dir/sub': is in '.*/dir', which is changed for --cow
	125|--patch dir --cow dir/sub|--cow: '.*/dir/sub': names in it are changed for --patch already
	125|--bind other:dir/no --cow dir|--cow: '.*/dir': names in it are changed for --bind already
	125|--bind other:dir/one/no|--bind: 'dir/one/no': Not a directory
	125|--bind other:dir/one|--bind: '.*/dir/one': only one of it and '.*/other' is a directory
	125|--bind other/file:dir|--bind: '.*/dir': only one of it and '.*/other/file' is a directory
	125|--bind other:dir --bind kept:dir/sub/..|--bind: '.*/dir': given before, for --bind
	125|--cow dir --bind kept:dir|--bind: '.*/dir': given before, for --cow
	125|--cow dir --cow dir|--cow: '.*/dir': given before, for --cow
	125|--bind other:dir/sub --bind kept:dir|--bind: '.*/dir': covers '.*/dir/sub' of --bind, which was
	2|--hide .|--hide: '.': expected the path of a name
	2|--hide dir/..|--hide: 'dir/..': expected the path of a name
	2|--hide /|--hide: '/': expected the path of a name
	2|--hide ""|--hide: '': expected the path of a name
	125|--hide no|--hide: '.*/no': No such file
	125|--hide no/no|--hide: '.*/no/no': No such file
	125|--hide dir/one/no|--hide: 'dir/one/no': Not a directory
	125|--hide dir/one --hide dir/one|--hide: '.*/dir/one': also given for --hide
	125|--hide dir/sub --hide dir/sub/three|--hide: '.*/dir/sub': is to be hidden, but '.*/three' of --hide
	125|--hide dir/sub/three --hide dir/sub|--hide: '.*/dir/sub': is to be hidden, but '.*/three' of --hide
	125|--hide dir/sub --bind other:dir/sub/deep|--hide: '.*/dir/sub': is to be hidden, but '.*/deep' of --bind
	125|--cow dir/sub --hide dir/sub|--hide: '.*/dir/sub': also given for --cow
	125|-m archive:a.tar:/mnt --hide /mnt/x|--hide: '/mnt/x': is on a file system of --mount
	125|--hide dir/a,b|--hide: '.*/dir/a,b': a ',' in a name
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
check "no server is left" eventually test_empty pgrep -x viewos-patch
cd / && rm -rf $base
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewos-patch: names hidden, replaced, added, read-only, shown otherwise; hostile options.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/tmp/patch
export LC_ALL=C
rm -rf $base
mkdir -p $base/dir/sub/deep $base/dir/closed $base/other/in
cd $base || exit 1
echo one >dir/one
echo two >dir/two
echo three >dir/sub/three
echo four >dir/sub/deep/four
echo other >other/in/file
echo secret >dir/secret
ln -s one dir/link
printf '#!/bin/sh\necho ran\n' >dir/program
chmod 755 dir/program
chmod 600 dir/secret

# patched OPTIONS COMMAND...: in a view in which the directory is patched.
patched()
{
	local options=$1
	shift
	viewctl run -m "patch${options:+,}$options:$base/dir:$base/dir" --chdir $base/dir -- "$@"
}
script() { patched "$1" bash -ec "$2"; }

# ---- nothing is changed ----
check_output "plain: names" "$(ls -a dir)" patched "" ls -a
check_output "plain: what they are" "$(stat -c '%n %F %a %s %i' dir/*)" \
	script "" 'stat -c "dir/%n %F %a %s %i" *'
check_output "plain: trees" "$(cd dir && find . | sort)" script "" 'find . | sort'
check_output "plain: a link" "one" script "" 'cat link'
check_output "plain: a program" "ran" script "" './program'
check_output "plain: the file's own file system" "$(stat -f -c %T dir/one)" \
	script "" 'exec <one; stat -f -c %T -L /proc/self/fd/0'
check_output "plain: up and down" "$base/dir/sub/deep $base/dir" \
	script "" 'cd sub/deep; echo -n "$(/bin/pwd) "; cd ../..; /bin/pwd'

# ---- hide ----
check_status "hide: a file" 1 'No such file' patched hide=one cat one
check_output "hide: not listed" "$(find dir -mindepth 1 -maxdepth 1 ! -name one -printf '%f\n' | sort)" \
	patched hide=one ls
check_output "hide: others are there" "two" patched hide=one cat two
check_status "hide: deep" 2 'No such file' patched hide=sub/deep ls sub/deep
check_output "hide: beside it" "three" patched hide=sub/deep cat sub/three
check_output "hide: deep, not listed" "three" patched hide=sub/deep ls sub
check_status "hide: cannot be made" 1 'not permitted' patched hide=one mkdir one
check_output "hide: it is there outside" "one" cat dir/one
check "hide: what is not there" patched hide=no/such ls

# ---- bind ----
check_output "bind: a file by a file" "two" patched bind=one=$base/dir/two cat one
check_output "bind: a directory by a directory" "file" patched bind=sub=$base/other/in ls sub
check_output "bind: a directory by a file" "two" patched bind=sub=$base/dir/two cat sub
check_output "bind: a new name" "file" patched bind=new=$base/other/in ls new
check_output "bind: a new name is listed" "new" script bind=new=$base/other/in 'ls | grep new'
check_output "bind: where nothing is" "other" patched bind=a/b/c=$base/other/in cat a/b/c/file
check_output "bind: ghosts are listed" ". .. b" script bind=a/b/c=$base/other/in 'echo $(ls -a a)'
check_output "bind: and walked" "$base/dir/a/b" \
	script bind=a/b/c=$base/other/in 'cd a/b/c/../..; cd b; /bin/pwd'
check_status "bind: nothing is made in a ghost" 1 'Read-only' patched bind=a/b=$base/other/in mkdir a/c
check "bind: what was bound can be written" script bind=new=$base/other/in 'echo new >new/written'
check_output "bind: and is" "new" cat other/in/written
check_output "bind: patched itself" "" patched bind=new=$base/other/in,hide=new/file,hide=new/written ls new

# ---- ro ----
check_status "ro: a directory" 1 'Read-only' patched ro=sub touch sub/new
check_status "ro: beneath" 1 'Read-only' patched ro=sub touch sub/deep/four
check_status "ro: a file" 1 'Read-only' script ro=one 'echo new >>one'
check_status "ro: attributes" 1 'Read-only' patched ro=one chmod 600 one
check_status "ro: with a name hidden in it" 1 'Read-only' patched ro=sub,hide=sub/three rm -r sub/deep
check_status "ro: all" 1 'Read-only' script ro=. 'echo new >new'
check_status "ro: all, beneath" 1 'Read-only' script ro=. 'echo new >sub/deep/new'
check "ro: not beside" script ro=one 'echo two >two'
check_output "ro: nothing has changed" "one three" script "" 'echo $(cat one sub/three)'

# ---- changes ----
check "change: files" script hide=one 'echo new >new; echo more >>new; cat new; test "$(cat new)" = "new
more"; mv new newer; rm newer; test ! -e newer'
check "change: a file that was read" script hide=one 'echo x >x; cat x; cat x; mv x y; cat y; rm y'
check "change: directories" script hide=one 'mkdir d; mv d e; test ! -e d; rmdir e; test ! -e e'
check "change: another file in its place" \
	script hide=one 'echo a >a; echo b >b; cat a b; mv b a; test "$(cat a)" = b; rm a'
check_status "change: a directory in use" 1 'busy' script hide=one \
	'mkdir d; echo x >d/x; trap "rm d/x" EXIT; rmdir d'
rmdir dir/d
check "change: links" script hide=one 'ln -s two l; test "$(cat l)" = two; rm l'
check_output "change: nothing is left of it" "$(find . | sort)" script "" "cd $base; find . | sort"
script hide=one 'for i in $(seq 600); do [ ! -e outside ] || exit 0; sleep 0.1; done; exit 1' &
sleep 2
touch dir/outside
wait $!
result $? "change: from outside"
rm dir/outside

# ---- walk ----
mount -t tmpfs in dir/sub/deep && echo in >dir/sub/deep/in
check_output "walk: what is mounted is not seen" "four" script "" 'ls sub/deep'
check_output "walk: but with it" "three in" script walk=sub 'echo $(cat sub/three sub/deep/in)'
umount dir/sub/deep

# ---- mode and owner ----
check_output "show: a mode" "640 one" script mode=one=640 'stat -c "%a %n" one'
check_output "show: an owner" "1234 5678 one" script uid=one=1234,gid=one=5678 'stat -c "%u %g %n" one'
check_output "show: a directory" "700 3 sub three" \
	script mode=sub=700,uid=sub=3 'echo $(stat -c "%a %u %n" sub; ls sub | grep three)'
check_output "show: it is read" "one" patched mode=one=640 cat one
check_output "show: it is written" "written" script mode=two=600 'echo written >two; cat two'
check_output "show: and was" "written" cat dir/two
check_output "show: it changes" "600 7" script mode=one=644,uid=one=3 \
	'chmod 600 one; chown 7 one; stat -c "%a %u" one'
check_output "show: only there" "$(stat -c '%a %u' dir/one)" stat -c '%a %u' dir/one
check_status "show: the kernel heeds it" 1 'Permission denied' script mode=one=600,uid=one=0 \
	'setpriv --reuid 65534 --clear-groups cat one'
check_output "show: both ways" "secret" script mode=secret=644 \
	'setpriv --reuid 65534 --clear-groups cat secret'

# ---- a whole root ----
check_output "root: names" "$(find / -mindepth 1 -maxdepth 1 ! -name tmp ! -name mnt -printf '%f\n' | sort)" \
	viewctl run -m patch,hide=tmp,hide=mnt:/:/mnt -- ls -A /mnt
check_output "root: what is mounted in it" "one" viewctl run -m patch,hide=etc:/:/mnt -- cat /mnt$base/dir/one

# ---- hostile options ----
while read -r options why; do
	check_status "bad: $options" 125 "$why" patched "$options" true
done <<-E
	hide viewos-patch
	hide= viewos-patch.*beneath
	hide=.. viewos-patch.*beneath
	hide=a/../../b viewos-patch.*beneath
	hide=/ viewos-patch.*beneath
	nothing=a no.such.option
	bind=a behind
	bind=a=b beginning.with
	bind=a=/no/such No.such.file
	hide=link/a symbolic.link
	hide=one/a Not.a.directory
	mode=one=8 octal
	mode=one=17777 octal
	mode=one=-1 octal
	mode=one= octal
	uid=one=x number
	gid=one=4294967295 number
	uid=one=-1 number
	uid=one= number
	hide=$(printf 'a%.0s' {1..256}) too.long
E
check_status "bad: no directory" 125 'Not a directory' viewctl run -m patch:$base/dir/one:/mnt -- true
check_status "bad: not there" 125 'No such file' viewctl run -m patch:/no/such:/mnt -- true
check "many" patched "$(printf 'hide=%s,' {1..20})hide=last" ls

# ---- as an ordinary user ----
chown -R tester: dir other
as_tester()
{
	su tester -s /bin/bash -c \
		"viewctl run -m patch,$1:$base/dir:$base/dir --chdir $base/dir -- bash -ec '$2'"
}
check_output "user: hide" "two" as_tester hide=one 'test ! -e one; cat sub/../link 2>/dev/null || echo two'
check_output "user: a directory, and beneath" "three four" \
	as_tester hide=one 'echo $(cat sub/three sub/deep/four)'
mount -t tmpfs in dir/sub/deep && echo in >dir/sub/deep/in && chown tester: dir/sub/deep
check_status "user: a directory in which something is mounted" 1 'Input/output error' \
	as_tester hide=one 'cat sub/three'
check_output "user: but not if it is walked" "three in" \
	as_tester hide=one,walk=sub 'echo $(cat sub/three sub/deep/in)'
umount dir/sub/deep
check "user: changes" as_tester hide=one 'echo x >x; mv x y; cat y; rm y'
chown root dir/one
chmod 600 dir/one
check_status "user: what may not be read" 1 'Permission denied' as_tester hide=two 'cat one'
check_output "user: is seen" "600" as_tester hide=two 'stat -c %a one'

# ---- death ----
mkdir at
viewctl create dead -m patch,hide=one:$base/dir:$base/at || exit 1
inside() { viewctl enter dead -- "$@"; }
check_output "death: before" "three" inside cat $base/at/sub/three
mkfifo go
inside bash -c 'cd /tmp/patch/at/sub; echo >/tmp/patch/ready; read -r <"/tmp/patch/go"; cat three' >after 2>&1 &
client=$!
eventually test -e ready
pkill -x viewos-patch
check "death: it has gone" eventually test_empty pgrep -x viewos-patch
echo >go
wait $client
result $? "death: who has crossed goes on"
check_output "death: and reads" "three" cat after
check_status "death: no more" 1 'not connected' inside cat $base/at/program
viewctl destroy --kill dead
cd / && rm -rf $base
finish

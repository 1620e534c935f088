#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --user: as whom one appears in a user namespace of the view's own.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=/home/tester/user
export LC_ALL=C
umask 022
rm -rf $base
mkdir -p $base
chown tester: $base
cd $base || exit 1

# as_user WORDS, as the shell takes them
as_user() { su tester -s /bin/bash -c "umask 022; cd $base; $1"; }
# seen WHO SCRIPT
seen() { as_user "viewctl run --user $1 -- bash -ec '$2'"; }
map='awk "{ print \$1, \$2, \$3 }" /proc/self/uid_map /proc/self/gid_map'
who='echo $(id -u):$(id -g) $(id -ru):$(id -rg)'

check_output "root" "0:0 0:0" seen root "$who"
check_output "root: the other ids" $'0 1000 1\n1 100000 65536\n0 1000 1\n1 100000 65536' seen root "$map"
check_output "root: gives files away, and gets them back" "12:34 0:0" seen root '
	touch f; chown 12:34 f; echo -n "$(stat -c %u:%g f) "; chown 0:0 f; stat -c %u:%g f'
check_output "root: and outside they are given away" "100011:100033" as_user '
	viewctl run --user root -- chown 12:34 f; stat -c %u:%g f
	viewctl run --user root -- rm f'
check_output "root: becomes another, with groups" "5:6 6 7" seen root 'python3 -c "
import os
os.setgroups([6, 7]); os.setgid(6); os.setuid(5)
print(os.getuid(), os.getgid(), sep=\":\", end=\" \"); print(*os.getgroups())"'
check_output "root: tar" "3/4" seen root '
	touch f; chown 3:4 f; tar -cf t f; rm f; tar -xpf t; chown 3:4 f; tar -tv --numeric-owner -f t |
	cut -d" " -f2; rm f t'
check_output "by numbers" "12:34 12:34" seen 12:34 "$who"
check_output "by numbers: the other ids" \
	$'12 1000 1\n0 100000 12\n13 100012 65524\n34 1000 1\n0 100000 34\n35 100034 65502' \
	seen 12:34 "$map"
check_output "by numbers: whose files are" "12:34" seen 12:34 'stat -c %u:%g .'
check_output "by numbers: can mount" "ok" seen 12:34 'mount -t tmpfs none /mnt && echo ok'
check_output "by name" "$(id -u daemon):$(id -g daemon)" seen daemon 'echo $(id -u):$(id -g)'
check_output "far from the others" "100000:70000 65536" seen 100000:70000 \
	'echo $(id -u):$(id -g) $(awk "{ all += \$3 } END { print all - 1 }" /proc/self/uid_map)'
check_output "oneself" "1000:1000" seen tester 'echo $(id -u):$(id -g)'
check_output "with other namespaces" "0 1" as_user \
	'viewctl run --user root --pid --ipc -- bash -c "echo \$(id -u) \$(pgrep -o viewctl)"'
check_output "in a view that stays" "7:8 7:8" as_user '
	viewctl create stays --user 7:8 >/dev/null
	viewctl enter stays -- bash -c "echo \$(id -u):\$(id -g) \$(stat -c %u:%g '$base')"
	viewctl destroy stays'
check_output "in a view in a view" "0:0 3:4" as_user '
	viewctl run --user root -- bash -c "echo -n \"\$(id -u):\$(id -g) \"
		viewctl run --user 3:4 -- bash -c \"echo \\\$(id -u):\\\$(id -g)\""'
check_output "the last one given holds" "0" as_user 'viewctl run --user 12:34 -r -- id -u'
check_output "with --ids" "12 5 12" as_user 'touch f
	viewctl run --user 12:34 --ids -- bash -c "chown 5 f; touch g; echo \$(id -u) \$(stat -c %u f g)"; rm f g'

# Where there are no ranges there is the own id alone.
sed -i '/^tester:/d' /etc/subuid /etc/subgid 2>/dev/null || {
	grep -v ^tester: /etc/subuid >/tmp/subuid; cat /tmp/subuid >/etc/subuid
	grep -v ^tester: /etc/subgid >/tmp/subgid; cat /tmp/subgid >/etc/subgid; }
check_output "no ranges" "0:0 0:0" seen root "$who"
check_output "no ranges: no other ids" $'0 1000 1\n0 1000 1' seen root "$map"
check_output "no ranges: others are given files in the view alone" $'12:34\n1000:1000' as_user '
	viewctl run --user root -- bash -c "touch f; chown 12:34 f; stat -c %u:%g f"; stat -c %u:%g f; rm f'
check_output "no ranges: and one becomes them" "12 34 34 56" seen root 'setpriv --reuid 12 --regid 34 \
	--groups 34,56 -- bash -c "echo \$(id -u) \$(id -g) \$(id -G)"'
check_output "no ranges: as somebody else" "12:34 12:34 5" seen 12:34 '
	touch f; echo -n "$(id -u):$(id -g) $(stat -c %u:%g f) "; chown 5 f; stat -c %u f; rm f'
check_output "no ranges: kept, if it is to be" "12:34" as_user '
	viewctl run --user root --ids=list -- bash -c "touch f; chown 12:34 f"
	viewctl run --user root --ids=list -- stat -c %u:%g f; rm f list'
check_status "no ranges: root alone does without" 1 "Invalid argument" as_user \
	'viewctl run --map-root -- bash -c "touch f; chown 12 f"'
# Only of users, so groups are one's own.
echo tester:200000:10 >>/etc/subuid
check_output "few, and of users alone" $'0 1000 1\n1 200000 10\n0 1000 1' seen root "$map"
echo tester:300000:10 >>/etc/subuid
check_output "several ranges" $'4 1000 1\n0 200000 4\n5 200004 6\n11 300000 10\n4 1000 1' seen 4:4 "$map"
printf 'tester:100000:65536\n' | tee /etc/subgid >/etc/subuid

as_user 'mkdir -p d; touch d/a d/b; tar -cf t.tar d'
check_output "files of a server that is outside" $'0:0 0:0\n12:34\n1000:1000' as_user '
	viewctl run --user root -m mem::d -- bash -ec "touch d/f; stat -c %u:%g d d/f | xargs
		chown 12:34 d/f; stat -c %u:%g d/f"
	viewctl run -m mem::d -- bash -ec "touch d/f; stat -c %u:%g d/f"'
check_output "of an archive" "0:0 0:0" as_user '
	viewctl run --user root -m archive:t.tar:d -- stat -c %u:%g d d/d/a | xargs'
check_output "of a directory with a hidden name" "0:0 0:0 b n" as_user '
	viewctl run --user root --hide d/a -- bash -ec "touch d/n; stat -c %u:%g d d/n; ls d; rm d/n" | xargs'
check_output "as somebody else" "4:4 4:4" as_user '
	viewctl run --user 4:4 -m mem::d -- bash -ec "touch d/f; stat -c %u:%g d d/f | xargs"'
as_user 'rm -r d t.tar'
check_status "hostile: no such user" 2 "viewctl.* --user: 'nobody-at-all': there is no such user" seen nobody-at-all true
check_status "hostile: a user without a group" 2 "'12': expected root, UID:GID or the name" seen 12 true
check_status "hostile: numbers that are none" 2 "'1x:2': expected root, UID:GID" seen 1x:2 true
check_status "hostile: more" 2 "'1:2:3': expected" seen 1:2:3 true
check_status "hostile: negative" 2 "'-1:0': (there is no such user|expected)" seen -1:0 true
check_status "hostile: too large" 2 "'4294967295:0': expected" seen 4294967295:0 true
check_status "hostile: nothing" 2 "'': " seen "''" true
check_status "hostile: without a user namespace" 125 "--user: takes a user namespace" as_user \
	'viewctl run --user root --user-ns no -- true'
check_status "newuidmap is not there" 125 "newuidmap: No such file.*uidmap" as_user \
	'PATH='"$(dirname "$(command -v viewctl)")"':/nowhere viewctl run --user root -- /bin/true'
# With no_new_privs it has none.
check_status "newuidmap has no privilege" 125 "newuidmap.*have not made the maps" as_user \
	'setpriv --no-new-privs viewctl run --user root -- true'

check_output "by root: nothing is to be done" "0:0 $(readlink /proc/self/ns/user)" bash -c '
	viewctl run --user root -- bash -c "echo \$(id -u):\$(id -g) \$(readlink /proc/self/ns/user)"'
check_output "by root: as somebody else" "12:34 12:34" bash -c \
	'viewctl run --user 12:34 -- bash -c "echo \$(id -u):\$(id -g) \$(stat -c %u:%g /etc/passwd)"'
finish

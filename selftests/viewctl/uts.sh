#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# viewctl --uts: what programs say of the system in a view, nesting, listing, errors.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

as_tester() { su tester -s /bin/bash -c "$*"; }
here=$(uname -a)
release=$(uname -r)

check_output "uname" "Unix host 99-test #1, today pdp11" viewctl run \
	--uts 'nodename=host,release=99-test,sysname=Unix' --uts 'version=#1\, today,machine=pdp11' -- \
	uname -snrvm
check_output "hostname, and bash's own" "host host" viewctl run --uts nodename=host -- \
	bash -c 'echo $(hostname) $HOSTNAME'
check_output "domainname" "dom" viewctl run --uts domainname=dom -- cat /proc/sys/kernel/domainname
check_output "python3" "Unix host 99-test pdp11" viewctl run \
	--uts nodename=host,release=99-test,sysname=Unix,machine=pdp11 -- python3 -c \
	'import platform; print(platform.system(), platform.node(), platform.release(), platform.machine())'
check_output "a static program" "99-test" viewctl run --uts release=99-test -- busybox uname -r
check_output "/proc" "Unix host 99-test" viewctl run --uts nodename=host,release=99-test,sysname=Unix -- \
	bash -c 'cd /proc/sys/kernel; echo $(cat ostype hostname osrelease)'
check_output "a 32-bit personality sees its own machine" "99-test i686" viewctl run \
	--uts release=99-test,machine=pdp11 -- setarch i686 uname -mr
check_output "what is not named is as outside" "$release" viewctl run --uts nodename=host -- uname -r
check_output "the host name can be changed inside" "later" viewctl run --uts nodename=host -- \
	bash -c 'hostname later; hostname'
check_output "a backslash that is none" 'a\b' viewctl run --uts 'nodename=a\b' -- uname -n
check_output "a backslash that is one" 'a\b' viewctl run --uts 'nodename=a\\b' -- uname -n
check_output "the last one counts" "b" viewctl run --uts nodename=a --uts nodename=b -- uname -n
check_output "empty" "" viewctl run --uts nodename= -- uname -n
check_output "nested: as the parent's" "host 99-test" viewctl run --uts release=99-test,nodename=host -- \
	viewctl run -- uname -rn
check_output "nested: the parent's, changed" "host 98" viewctl run --uts release=99-test,nodename=host -- \
	viewctl run --uts release=98 -- uname -rn
check_output "nested: and not outside of it" "98 99-test" viewctl run --uts release=99-test -- \
	bash -c 'echo $(viewctl run --uts release=98 -- uname -r) $(uname -r)'
check_output "an ordinary user" "99-test" as_tester viewctl run --uts release=99-test -- uname -r
check_output "an ordinary user, as root" "99-test 0" as_tester \
	"viewctl run -r --uts release=99-test -- bash -c 'echo \$(uname -r) \$(id -u)'"
check_output "an ordinary user, nested" "98" as_tester \
	"viewctl run --uts release=99-test -- viewctl run --uts release=98 -- uname -r"
check_status "without a user namespace it takes privilege" 125 "unshare: " as_tester \
	viewctl run --user-ns no --uts release=9 -- true

check "create" viewctl create named --uts nodename=host,release=99-test
check_output "enter" "host 99-test" viewctl enter named -- uname -nr
check_output "show" "release: 99-test" bash -c 'viewctl show named | grep ^release'
check_output "show as JSON" "host 99-test" bash -c 'viewctl show --json named | python3 -c "
import json, sys
v = json.load(sys.stdin)[\"view\"]; print(v[\"nodename\"], v[\"release\"])"'
check_output "ls" "named host" viewctl ls -n -r -o NAME,NODENAME
viewctl enter named -- hostname other
check_output "show is what it is now" "nodename: other" bash -c 'viewctl show named | grep ^nodename'
check "create without" viewctl create plain
check_status "show of one that has none" 1 '^$' bash -c 'viewctl show plain | grep ^nodename || { echo; exit 1; }'
check "destroy" viewctl destroy named plain

check_status "wrong: a key" 2 "^viewctl: --uts: 'nodname': expected nodename" \
	viewctl run --uts nodname=a -- true
check_status "wrong: no value" 2 "^viewctl: --uts: 'release': expected release=VALUE" \
	viewctl run --uts release -- true
check_status "wrong: an empty one" 2 "^viewctl: --uts: 'release=': expected a value" \
	viewctl run --uts release= -- true
check_status "wrong: nothing" 2 "^viewctl: --uts: '': expected" viewctl run --uts "" -- true
check_status "wrong: too long" 2 "longer than 64 bytes" \
	viewctl run --uts "nodename=$(printf %065d 0)" -- true
check_output "right: just as long" "$(printf %064d 0)" \
	viewctl run --uts "nodename=$(printf %064d 0)" -- uname -n
check_status "wrong: control characters" 2 "'nodename': its value has a control character" \
	viewctl run --uts $'nodename=a\nb' -- true
check_status "help" 0 '--uts KEY=VALUE' viewctl help run
check_output "out here nothing has changed" "$here" uname -a
finish

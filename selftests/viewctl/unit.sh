#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The unit viewos@.service, and the example of viewctl.conf(5) that it may have for a view.
. "$VIEWOS_TOP/selftests/ktap.sh"

base=$(mktemp -d)
chmod 755 "$base"
trap 'rm -rf "$base"' EXIT
mkdir -p "$base/etc/viewos" "$base/units"
bin=$(dirname "$(command -v viewctl)")
unit=$base/units/viewos@.service
sed -e "s|@BINDIR@|$bin|" -e "s|@SYSCONFDIR@|$base/etc|" \
	"$VIEWOS_TOP/userspace/systemd/viewos@.service.in" >"$unit"
example=$VIEWOS_TOP/Documentation/examples/web.conf

# do_as KEY: runs the lines of the unit that have this key, as systemd does: by their words, where
# a minus lets a failure pass. Its processes are of one session, as they would be of one group.
do_as()
{
	local line
	local -a words

	while read -r line; do
		read -ra words <<<"${line//%i/web}"
		case ${words[0]} in
		-*) "${words[0]#-}" "${words[@]:1}" 2>/dev/null ;;
		*) "${words[@]}" || return ;;
		esac
	done < <(sed -n "s/^$1=//p" "$unit")
	return 0
}

if command -v systemd-analyze >/dev/null; then
	cp "$unit" "$base/units/viewos@web.service"
	check_output "systemd takes it" "" systemd-analyze verify --man=no "$base/units/viewos@web.service"
else
	skip "systemd takes it" "systemd-analyze is not installed (Debian: systemd)"
fi
check_output "nothing is left to be filled in" "" bash -c "! grep -n '@[A-Z]*@' $unit"
check_status "start: without a file" 1 "web.conf: No such file" do_as ExecStart
cp "$example" "$base/etc/viewos/web.conf"
# The command keeps the output, which is not to be waited for here.
check "start" bash -c "$(declare -f do_as); unit=$unit; do_as ExecStart >$base/said 2>&1 ||
	{ cat $base/said; exit 1; }"
check_output "it is there" "web" viewctl ls -n -r -o NAME
check "its command runs" eventually bash -c 'viewctl ps -n -r -o COMM web | grep -q "^python3"'
check_output "its names" "web 6.1.0-web" viewctl enter web -- uname -nr
check "its files" viewctl enter web -- bash -c \
	'[ ! -e /etc/shadow ] && [ -d /srv ] && grep -q " /mnt viewfs " /proc/self/mounts'
check_output "reload: nothing to do" "" do_as ExecReload
sed -i 's/+1h30m/+2d/' "$base/etc/viewos/web.conf"
check_output "reload: another date" "-Realtime=+1h30m
+Realtime=+2d" do_as ExecReload
check "stop" do_as ExecStop
# systemd waits for the processes, and kills what is left, before it goes on.
check "stop: the command has ended" eventually bash -c \
	'! viewctl ps -n -r -o COMM web | grep -q "^python3"'
check "stop: afterwards" do_as ExecStopPost
check "the view is gone" eventually test_empty viewctl ls -n
check "stop: when there is nothing" bash -c "$(declare -f do_as); unit=$unit; do_as ExecStop; do_as ExecStopPost"

# The manual shows what is tested here.
check_output "the example is that of the manual" "" diff <(grep -v '^# A view for' "$example") \
	<(sed -n '/^A web server/,/^\.Ed/p' "$VIEWOS_TOP/Documentation/man/viewctl.conf.5" | grep -v -e '^A web' -e '^\.')
finish

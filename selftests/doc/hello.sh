#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The example of Documentation/servers.rst, tried as it is told there.
. "$VIEWOS_TOP/selftests/ktap.sh"

# /mnt itself would hide the checkout.
mkdir -p /mnt/fs
export PATH=$VIEWOS_TOP/build/selftests/doc:$PATH
# The example has no checkers built in, so its library must have none.
export LD_LIBRARY_PATH=$VIEWOS_TOP/build/userspace/lib
hello() { viewctl run -m hello::/mnt/fs -- "$@"; }

check_output "its file" "Hello, view." hello cat /mnt/fs/hello
check_output "its directory" "hello" hello ls /mnt/fs
check_output "its attributes" "444 13 regular file" hello stat -c '%a %s %F' /mnt/fs/hello
check_output "a part of it" "view." hello tail -c 6 /mnt/fs/hello
check_output "a program in a view beneath" "Hello, view." hello viewctl run -- cat /mnt/fs/hello
check_status "no other file" 1 'No such file' hello cat /mnt/fs/other
check_status "nothing to be written" 1 '' hello sh -c 'echo x >/mnt/fs/hello || exit 1'
check_output "as an ordinary user" "Hello, view." su tester -s /bin/bash -c \
	"PATH=$PATH viewctl run -m hello::/mnt/fs -- cat /mnt/fs/hello"
check_status "not in the unviewed system" 2 'No such file' ls /mnt/fs/hello
check "a view that stays" viewctl create example -m hello::/mnt/fs
check_output "is entered" "Hello, view." viewctl enter example -- cat /mnt/fs/hello
check "and ended" viewctl destroy --kill example
finish

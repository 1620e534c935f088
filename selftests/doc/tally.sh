#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The example of Documentation/servers.rst with a system call of its own.
. "$VIEWOS_TOP/selftests/ktap.sh"

export PATH=$VIEWOS_TOP/build/selftests/doc:$PATH
# The example has no checkers built in, so its library must have none.
export LD_LIBRARY_PATH=$VIEWOS_TOP/build/userspace/lib
list=/sys/kernel/tracing/available_filter_functions
if [ -r $list ] && ! grep -qx x64_sys_call $list; then
	skip "a system call of its own" "the kernel's x64_sys_call() cannot be redirected"
	finish
fi
tallied() { viewctl run --syscall 400/x86-64,222/i386=serve:tally -- "$@"; }

cat >/tmp/tally.py <<'END'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def tally(name, add, old=None):
    ret = libc.syscall(ctypes.c_long(400), name, ctypes.c_long(add), old)
    return errno.errorcode[ctypes.get_errno()] if ret < 0 else ret
exec(sys.argv[1])
END
py() { python3 /tmp/tally.py "$@"; }

check_output "the kernel does not know it" ENOSYS py 'print(tally(b"x", 1))'
check_output "the view does" "1 3 2" tallied python3 /tmp/tally.py \
	'print(tally(b"x", 1), tally(b"x", 2), tally(b"y", 2))'
check_output "what it writes" "5 12 17" tallied python3 /tmp/tally.py '
old = ctypes.c_long(-1)
tally(b"x", 5)
new = tally(b"x", 12, ctypes.byref(old))
print(old.value, 12, new)'
check_output "its errors" "EINVAL EFAULT EFAULT EOVERFLOW ENAMETOOLONG 0" tallied python3 /tmp/tally.py '
print(tally(None, 1), tally(16, 1), tally(b"x", 1, 16), tally(b"x", -1), tally(b"x" * 5000, 1),
      tally(b"x", 0))'
check_output "beside it" ENOSYS tallied python3 /tmp/tally.py 'print(
    errno.errorcode[ctypes.get_errno()] if libc.syscall(401) < 0 else 0)'
check "a view that stays" viewctl create counted --syscall 400/x86-64=serve:tally
check_output "one program" 1 viewctl enter counted -- python3 /tmp/tally.py 'print(tally(b"n", 1))'
check_output "and another" 2 viewctl enter counted -- python3 /tmp/tally.py 'print(tally(b"n", 1))'
check_output "many at once" 402 bash -c 'for i in 1 2 3 4; do
	viewctl enter counted -- python3 /tmp/tally.py "for i in range(100): tally(b\"n\", 1)" &
	done; wait; viewctl enter counted -- python3 /tmp/tally.py "print(tally(b\"n\", 0))"'
check_output "outside there is none" ENOSYS py 'print(tally(b"n", 1))'
server=$(pgrep -x viewos-tally)
kill -KILL "$server"
gone() { ! kill -0 "$server" 2>/dev/null; }
check "its server is killed" eventually gone
check_output "and it fails" EIO viewctl enter counted -- python3 /tmp/tally.py 'print(tally(b"n", 1))'
check "ended" viewctl destroy counted
check_output "as an ordinary user" 1 su tester -s /bin/bash -c \
	"PATH=$PATH viewctl run --syscall 400/x86-64=serve:tally -- python3 /tmp/tally.py 'print(tally(b\"x\", 1))'"
rm /tmp/tally.py
finish

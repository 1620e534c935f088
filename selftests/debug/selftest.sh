#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests the debug lane itself: each fault of the broken module must fail a run, none must not.
. "$(dirname "$0")/../vm/lib.sh"

dir=$BUILD/kmod/broken
vm=${VIEWOS_VM:-$BUILD/vm/debug}
"$TOP/selftests/vm/build.sh" debug
mkdir -p "$dir"
cp -u "$TOP"/selftests/debug/broken/* "$dir/"
make -s -C "$BUILD/kernels/debug/headers" M="$dir" UBSAN_SANITIZE=y modules >"$dir/build.log" 2>&1 ||
	die "the broken module does not build" "$(tail -n 5 "$dir/build.log")"

failed=0
number=0
# try KIND PATTERN: a run with this fault fails, and its log says why.
try()
{
	local kind=$1 pattern=$2 status=0

	number=$((number + 1))
	"$TOP/selftests/vm/run.sh" --kernel debug --memory 384 -- \
		"insmod /mnt/viewos/build/kmod/broken/broken.ko kind=$kind" >/dev/null 2>&1 || status=$?
	if [ "$kind" = none ]; then
		status=$((!status))
	elif ! grep -qE "$pattern" "$vm/console.log"; then
		status=0
	fi
	if [ $status != 0 ]; then
		echo "ok $number the lane notices: $kind"
	else
		echo "not ok $number the lane does not notice: $kind, see $vm/console.log"
		failed=$((failed + 1))
	fi
}

try none ''
try kasan 'KASAN: slab-use-after-free|KASAN: use-after-free'
try lockdep 'possible circular locking dependency'
try rcu 'suspicious RCU usage'
try atomic 'sleeping function called from invalid context|scheduling while atomic'
try refcount 'refcount_t: addition on 0'
try list 'list_del corruption'
try ubsan 'UBSAN: shift-out-of-bounds'
try kmemleak 'kmemleak: suspected leaks'
echo "$((number - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]

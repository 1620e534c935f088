#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shows viewos at work in a VM; with --shell, leaves the user at a prompt there.
. "$(dirname "$0")/lib.sh"

series=${KERNEL:-6.1}
"$TOP/selftests/vm/build.sh" "$series"
say "Booting Linux $(cat "$BUILD/kernels/$series/release") in QEMU (some seconds)"
if [ "${1:-}" = --shell ]; then
	exec "$TOP/selftests/vm/run.sh" --kernel "$series" --shell
fi
"$TOP/selftests/vm/run.sh" --kernel "$series" -- /mnt/viewos/selftests/vm/guest-demo.sh ||
	die "the demonstration failed" "Its console is in build/vm/$series/console.log"

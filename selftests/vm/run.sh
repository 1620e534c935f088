#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boots a VM, loads the module, runs a command.
#
#   run.sh [--kernel SERIES] [--memory MB] [--smp N] [--icount|--one-thread] [--timeout S] [--no-module] -- COMMAND...
#   run.sh [--kernel SERIES] --shell
#
# The guest's root is the host's, read-only, with its own /dev, /proc, /sys, /tmp,
# /run, /root, /home, /mnt and /var/tmp; the checkout is at /mnt/viewos. The command's output
# comes through a port of its own; what is to stay it writes to /mnt/share, which is
# build/vm/SERIES/share; the console is in build/vm/SERIES/console.log (or
# in $VIEWOS_VM, to have two runs at a time). The run fails if the
# command does, if the module cannot be removed afterwards, or if the kernel
# complains.
. "$(dirname "$0")/lib.sh"

series=6.1
memory=
smp=2
icount=
thread=multi
shell=
module=1
timeout=1200
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) series=$2; shift 2 ;;
	--memory) memory=$2; shift 2 ;;
	--smp) smp=$2; shift 2 ;;
	--timeout) timeout=$2; shift 2 ;;
	--icount) icount=1; shift ;;
	--one-thread) thread=single; shift ;;
	--shell) shell=1; shift ;;
	--no-module) module=; shift ;;
	--) shift; break ;;
	*) die "'$1': unknown option" ;;
	esac
done

# A scan for leaks takes the longer the more memory there is.
[ -n "$memory" ] || { [ "$series" = debug ] && memory=768 || memory=1536; }

kernel=$BUILD/kernels/$series
[ -e "$kernel/release" ] || "$TOP/selftests/vm/kernel.sh" "$series"
release=$(cat "$kernel/release")
vm=${VIEWOS_VM:-$BUILD/vm/$series}
mkdir -p "$vm"
exec 9>"$vm/../.$(basename "$vm").lock"
flock -n 9 || die "another VM runs in $vm" "Set VIEWOS_VM to another folder to run beside it."
rm -rf "$vm"
mkdir -p "$vm/root/bin" "$vm/root/modules" "$vm/share"
touch "$vm/root/modules/order"

# Modules of the guest's kernel that its root and the tests need, in order.
guest_modules()
{
	local name

	for name in virtio_pci 9pnet_virtio 9p fuse overlay ext4 loop tun binfmt_misc; do
		/sbin/modprobe -d "$kernel/modules" -S "$release" -D "$name" 2>/dev/null |
			awk '$1 == "insmod" { print $2 }' || true
	done | awk '!seen[$0]++'
}

write_initramfs()
{
	local path

	cp /bin/busybox "$vm/root/bin/busybox"
	cp "$TOP/selftests/vm/guest-init" "$vm/root/init"
	chmod +x "$vm/root/init"
	guest_modules | while read -r path; do
		case $path in
		*.xz) xz -dc "$path" >"$vm/root/modules/$(basename "$path" .xz)" ;;
		*) cp "$path" "$vm/root/modules/" ;;
		esac
		basename "$path" .xz >>"$vm/root/modules/order"
	done
	if [ -n "$module" ]; then
		cp "$BUILD/kmod/$series/kmod/viewos.ko" "$vm/root/modules/"
		strip --strip-debug "$vm/root/modules/viewos.ko"
	fi
	{
		printf 'TOP=%q\nMODULE=%q\nSHELL_WANTED=%q\n' "$TOP" "$module" "$shell"
		printf 'BUILT=%q\nSANITIZED=%q\n' "$BUILD/kmod/$series" "${SANITIZE:-}"
		printf 'COMMAND=%q\n' "$*"
	} >"$vm/root/config"
	(cd "$vm/root" && find . | cpio -o -H newc --quiet) >"$vm/initramfs"
}

write_initramfs "$@"

# A /dev/kvm without hardware behind it hangs stock kernels. The emulator translates code for the
# address where it runs: where that is another in each process it does it in each anew, which
# takes almost half of the time of tests that start many programs.
cmdline=norandmaps
accel=(-accel "tcg,thread=$thread" -cpu max -smp "$smp")
if [ -n "$icount" ]; then
	accel=(-accel tcg -icount "shift=0,sleep=off" -cpu "max,-erms,-fsrm" -smp 1)
elif grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
	accel=(-accel kvm -cpu host -smp "$smp")
	cmdline=
fi

loglevel=5
if [ -n "$shell" ]; then
	console=(-serial mon:stdio -serial null)
	loglevel=3
else
	# The third port is for the logs of the single tests.
	console=(-serial "file:$vm/console.log" -serial stdio -serial "file:$vm/logs.raw")
fi

touch "$vm/output" "$vm/console.log"
qemu=(timeout --foreground "$timeout" qemu-system-x86_64 "${accel[@]}" -M pc -m "$memory"
	-no-user-config -nodefaults -display none "${console[@]}" -no-reboot
	-kernel "$kernel/vmlinux" -initrd "$vm/initramfs"
	-fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
	-device "virtio-9p-pci,fsdev=host,mount_tag=host"
	-fsdev "local,id=top,path=$TOP,security_model=none,readonly=on,multidevs=remap"
	-device "virtio-9p-pci,fsdev=top,mount_tag=top"
	-fsdev "local,id=share,path=$vm/share,security_model=none,multidevs=remap"
	-device "virtio-9p-pci,fsdev=share,mount_tag=share"
	-append "console=ttyS0 panic=-1 oops=panic softlockup_panic=1 loglevel=$loglevel $cmdline ${VIEWOS_CMDLINE:-}")
# For who wants to look on: see Documentation/testing.rst.
[ -z "${VIEWOS_GDB:-}" ] || qemu+=(-gdb "tcp:127.0.0.1:$VIEWOS_GDB")

if [ -n "$shell" ]; then
	"${qemu[@]}"
	exit
fi

# The guest ends its output with a line of its own, which we keep from the user.
status=0
"${qemu[@]}" </dev/null 9>&- 2>"$vm/qemu.log" | sed -u 's/\r$//' | tee "$vm/output" |
	sed -u '/^viewos-vm: /d' || status=$?
verdict=$(sed -n 's/^viewos-vm: status //p' "$vm/output" | tail -n 1)

mkdir -p "$vm/logs"
sed 's/\r$//' "$vm/logs.raw" 2>/dev/null | awk -v dir="$vm/logs" '
	/^viewos-vm: log / { file = dir "/" $3 ".log"; next }
	file { print >file }' || true

# during LINE: which test ran when the console had come to this line, if it was one.
during()
{
	local test

	test=$(head -n "$1" "$vm/said" | sed -n 's/^.*viewos-vm: test //p' | tail -n 1)
	[ -z "$test" ] || say "That was during $test"
}

# A complaint of the kernel is a failure, whatever the command says.
sed -i 's/\r$//' "$vm/console.log"
sed -n '/^viewos-vm: dmesg$/,/^viewos-vm: end$/p' "$vm/console.log" | sed '1d;$d' >"$vm/dmesg.log"
complaints='WARNING:|BUG:|kernel BUG at|Oops|general protection|KASAN|UBSAN|INFO: task .* blocked|suspicious RCU|refcount_t:|rcu: INFO|Call Trace:|kmemleak: suspected|kmemleak: [0-9]+ new|possible .* detected|DEBUG_LOCKS_WARN_ON|ODEBUG:|list_(add|del) corruption|unchecked MSR|sleeping function'
# That memory was short it may say, with a trace; tests see to it that it is.
sed -E '/vmalloc error: size|page allocation failure: order/,/<\/TASK>/d' "$vm/console.log" >"$vm/said"
if grep -nE "$complaints" "$vm/said" >"$vm/complaints"; then
	say "The kernel complained ($vm/console.log):"
	head -n 60 "$vm/complaints" >&2
	grep -nE -m1 -A40 "$complaints" "$vm/said" >&2 || true
	during "$(sed 's/:.*//;q' "$vm/complaints")"
	[ "$verdict" != 0 ] || verdict=1
fi
if [ -z "$verdict" ]; then
	case $status in
	124) say "The VM was stopped after $timeout s; the end of its console:" ;;
	*) say "The VM stopped before the command ended ($status); the end of its console:" ;;
	esac
	tail -n 40 "$vm/console.log" "$vm/qemu.log" >&2
	during "$(wc -l <"$vm/said")"
	exit 1
fi
exit "$verdict"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Installs what a build and the tests need: deps.sh build|vm|stress|static ...
. "$(dirname "$0")/lib.sh"

for what; do
	case $what in
	build)
		need gcc make pkg-config libc6-dev libfuse3-dev libarchive-dev libext2fs-dev comerr-dev \
			libnl-3-dev libnl-genl-3-dev libsmartcols-dev libmount-dev libvdeplug-dev \
			libseccomp-dev libsubid-dev libblkid-dev
		;;
	vm)
		# gcc-12, libelf, bc and pahole are for Kbuild; the rest runs in the guest.
		need gcc-12 libelf1 bc pahole kmod xz-utils zstd cpio python3 libssl3 \
			qemu-system-x86 busybox-static gcc-multilib libc6-dev-i386 \
			liburing-dev bash tar zip git curl gdb strace attr acl fuse3 \
			libvdeplug-slirp vde-switch microsocks tinyproxy-bin \
			openssh-server openssh-client iproute2 procps slirp4netns proxychains4 \
			sshfs squashfuse squashfs-tools fuse-overlayfs bindfs uidmap fakeroot \
			fdisk e2fsprogs dosfstools proot faketime zsh
		# Not installed: that would have the machine itself run other machines' programs.
		[ -e "$BUILD/qemu-user/usr" ] || fetch "$BUILD/qemu-user" qemu-user-static
		;;
	stress)
		need stress-ng
		;;
	static)
		need sparse mandoc shellcheck codespell cppcheck
		;;
	*)
		die "'$what': unknown, known are build, vm, stress and static"
		;;
	esac
done

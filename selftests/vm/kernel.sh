#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Gets one of Debian's kernels, not to install it: kernel.sh 6.1|6.12, or that of Debian's
# testing: kernel.sh newest; or makes the one with the kernel's own checkers: kernel.sh debug
#
# Makes build/kernels/SERIES with vmlinux (ELF, which boots fastest), modules/,
# headers (for Kbuild), and release (a file: what uname -r says there). What runs to build a
# module may need another C library and compiler than ours: then headers are in chroot/.
. "$(dirname "$0")/lib.sh"

series=${1:?which kernel, 6.1, 6.12, newest or debug?}
dir=$BUILD/kernels/$series
[ "$series" != debug ] || exec "$TOP/selftests/debug/kernel.sh"

# The newest package of the series, of the plain flavour.
newest()
{
	apt-cache search --names-only "^linux-image-${series//./\\.}\.[0-9.]+(-[0-9]+|\+deb[0-9]+)-amd64$" |
		awk '{ print $1 }' | sort -V | tail -n 1
}

# The compressed payload of a bzImage is an ELF file behind a known magic.
extract_vmlinux()
{
	python3 - "$1" "$2" <<-'PYTHON'
		import lzma, subprocess, sys
		data = open(sys.argv[1], "rb").read()

		def xz(part):
		    return lzma.LZMADecompressor().decompress(part)

		def zstd(part):
		    return subprocess.run(["zstd", "-dcq"], input=part, capture_output=True).stdout

		for magic, unpack in ((b"\xfd7zXZ\0", xz), (b"\x28\xb5\x2f\xfd", zstd)):
		    at = data.find(magic)
		    while at >= 0:
		        try:
		            elf = unpack(data[at:])
		        except lzma.LZMAError:
		            elf = b""
		        if elf.startswith(b"\x7fELF"):
		            open(sys.argv[2], "wb").write(elf)
		            sys.exit(0)
		        at = data.find(magic, at + 1)
		sys.exit("no kernel found in " + sys.argv[1])
	PYTHON
}

# Headers refer to /usr/src and /usr/lib, where they are not.
relocate_headers()
{
	local root=$1 release=$2 tree part
	local common=$root/usr/src/linux-headers-${release%-amd64}-common

	for tree in "$root/usr/src/linux-headers-$release" "$common"; do
		for part in scripts tools; do
			ln -sfn "$(echo "$root"/usr/lib/linux-kbuild-*/)$part" "$tree/$part"
		done
	done
	echo "include $common/Makefile" >"$root/usr/src/linux-headers-$release/Makefile"
}

# Debian's testing, as far as a module's build needs it, and its kernel.
testing_unpack()
{
	local root=$1 mirror log=$BUILD/testing.log options=()

	need mmdebstrap
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(URI)' 'Created-By: Packages' |
		sed -n 's|/dists/.*||p' | grep -v -e security -e updates | head -n 1)
	[ -n "$mirror" ] || die "apt has no source of packages by network" "See sources.list(5)."
	mkdir -p "$dir"
	until as_root mmdebstrap --variant=extract --mode=root "${options[@]}" --include="linux-image-amd64,\
linux-headers-amd64,make,dash,bash,coreutils,sed,grep,mawk,findutils,diffutils,gcc,kmod" \
			testing "$root" "$mirror" >"$log" 2>&1; do
		as_root rm -rf "$root"
		if [ ${#options[@]} != 0 ] || ! grep -q 'is expired' "$log"; then
			die "cannot get the kernel of Debian's testing" "$(tail -n 5 "$log")"
		fi
		# A mirror that is not updated any more: signed, but old.
		options=(--aptopt='Acquire::Check-Valid-Until "false"')
	done
	as_root chown -R "$(id -u):$(id -g)" "$root"
	ln -sf mawk "$root/usr/bin/awk"
}

modules_move()
{
	local moved

	mkdir -p "$dir/modules/lib/modules"
	moved=$(echo "$1"/lib/modules/* "$1"/usr/lib/modules/* | tr ' ' '\n' | grep -v '\*' | head -n 1)
	mv "$moved" "$dir/modules/lib/modules/$release"
	/sbin/depmod -b "$dir/modules" "$release"
}

[ ! -e "$dir/release" ] || exit 0
if [ "$series" = newest ]; then
	say "Getting the kernel of Debian's testing (about 300 MB)"
	rm -rf "$dir"
	testing_unpack "$dir/chroot"
	release=$(basename "$dir"/chroot/usr/lib/modules/*)
	extract_vmlinux "$dir/chroot/usr/lib/modules/$release/vmlinuz" "$dir/vmlinux"
	ln -sfn "/usr/src/linux-headers-$release" "$dir/headers"
	modules_move "$dir/chroot"
	echo "$release" >"$dir/release"
	exit 0
fi

image=$(newest)
if [ -z "$image" ]; then
	apt_update
	image=$(newest)
fi
[ -n "$image" ] || die "apt knows no linux-image-$series for amd64" \
	"The default sources of Debian 12, with its security suite, have it."
release=${image#linux-image-}
base=${release%-amd64}
case $series in
6.1) kbuild=linux-kbuild-6.1 ;;
*) kbuild=linux-kbuild-$base ;;
esac

say "Getting Linux $release (about 120 MB)"
rm -rf "$dir"
fetch "$dir/root" "$image" "linux-headers-$release" "linux-headers-$base-common" "$kbuild"
extract_vmlinux "$dir/root/boot/vmlinuz-$release" "$dir/vmlinux"
relocate_headers "$dir/root" "$release"
ln -sfn "root/usr/src/linux-headers-$release" "$dir/headers"
modules_move "$dir/root"
echo "$release" >"$dir/release"

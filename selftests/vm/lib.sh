# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts of the rig share. Source it.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/build
# shellcheck disable=SC2034
KERNELS=${KERNELS:-6.1 6.12}

# Progress, for a person.
say()
{
	printf '\033[1m==>\033[0m %s\n' "$*" >&2
}

# die WHAT [WHAT TO DO]
die()
{
	printf '%s: %s\n' "$(basename "$0")" "$1" >&2
	[ $# -lt 2 ] || printf '%s\n' "$2" >&2
	exit 1
}

# seed_of NUMBER|random: a number to begin with.
seed_of()
{
	if [ "$1" = random ]; then
		od -An -N4 -tu4 /dev/urandom | tr -d ' '
	elif [[ $1 =~ ^[0-9]+$ ]]; then
		echo "$1"
	else
		die "SEED='$1': no seed" "It is a number, or 'random', which is also the default."
	fi
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root, and there is no sudo" "As root, run: $*"
	fi
}

# Once per machine and run: package lists that are there at all.
apt_update()
{
	[ -e "$BUILD/.apt-updated" ] && return
	say "Reading package lists"
	as_root apt-get update -qq >&2 || die "apt-get update failed" "Is there a network?"
	mkdir -p "$BUILD"
	touch "$BUILD/.apt-updated"
}

# need PACKAGE...: installs what is missing.
need()
{
	local package missing=()

	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	apt_update
	say "Installing ${missing[*]}"
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" \
		>"$BUILD/apt.log" 2>&1 ||
		die "cannot install ${missing[*]}" "$(tail -n 5 "$BUILD/apt.log")"
}

# kbuild SERIES DIR [MAKE ARGUMENTS...]: builds the modules of DIR for a kernel of the rig.
kbuild()
{
	local kernel=$BUILD/kernels/$1 dir=$2 headers root make
	shift 2

	headers=$(readlink "$kernel/headers" || echo "$kernel/headers")
	make=(make M="$dir" -j"$(nproc)" "$@" modules)
	if [ ! -e "$kernel/chroot" ]; then
		"${make[@]}" -C "$kernel/headers"
		return
	fi
	# Its compiler and its C library, with our sources in the same place.
	root=$kernel/chroot
	mkdir -p "$root/$dir" "$root/dev" "$root/proc"
	touch "$root/dev/null"
	# shellcheck disable=SC2016
	unshare --mount $([ "$(id -u)" = 0 ] || echo --map-root-user) sh -ec '
		mount --bind "$2" "$1/$2"
		mount --bind /dev/null "$1/dev/null"
		mount --rbind /proc "$1/proc"
		root=$1
		shift 2
		exec chroot "$root" "$@"' sh "$root" "$dir" "${make[@]}" -C "$headers"
}

download()
(
	cd "$BUILD/packages"
	compgen -G "$1_*.deb" >/dev/null || apt-get download -q "$1" >/dev/null 2>&1
)

# fetch DIR PACKAGE...: unpacks packages below DIR without installing them.
fetch()
{
	local dir=$1 package
	shift

	mkdir -p "$dir" "$BUILD/packages"
	for package; do
		# A failure may just mean that the package lists are old.
		download "$package" || { apt_update && download "$package"; } ||
			die "cannot download $package" "Try: apt-get update; apt-get download $package"
		# shellcheck disable=SC2012
		dpkg-deb -x "$(ls -t "$BUILD/packages/${package}"_*.deb | head -n 1)" "$dir"
	done
}

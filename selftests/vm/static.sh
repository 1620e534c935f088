#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Checks the sources without running them: warnings, sparse, checkpatch, shellcheck, mandoc.
. "$(dirname "$0")/lib.sh"

cd "$TOP"
failed=0

# check NAME COMMAND...: says how it went, and shows the output of a failure.
check()
{
	local name=$1 log
	shift

	log=$BUILD/static/${name// /-}.log
	if "$@" >"$log" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name, the whole output is in $log"
		tail -n 30 "$log" | sed 's/^/    /'
		failed=1
	fi
}

# Everything is compiled anew, so that each warning is seen.
module_warnings()
{
	local sparse=

	selftests/vm/kernel.sh "$1"
	rm -rf "$BUILD/static/$1"
	mkdir -p "$BUILD/static/$1"
	cp -a --parents Kbuild kmod uapi "$BUILD/static/$1/"
	find "$BUILD/static/$1" \( -name '*.o' -o -name '*.ko' -o -name '.*.cmd' \) -delete
	# Where sparse knows the compiler.
	[ -e "$BUILD/kernels/$1/chroot" ] || sparse="C=2 CF=-D__CHECK_ENDIAN__"
	# shellcheck disable=SC2086
	kbuild "$1" "$BUILD/static/$1" W=1 $sparse >"$BUILD/static/$1.log" 2>&1 ||
		{ cat "$BUILD/static/$1.log"; return 1; }
	! grep -E "$1/(kmod|uapi)/.*(warning|error):" "$BUILD/static/$1.log"
}

style()
{
	local files

	local common=FILE_PATH_CHANGES,SPDX_LICENSE_TAG status=0

	selftests/vm/kselftest.sh
	# ENOSYS is what the FUSE protocol says for an operation that a server does not have.
	mapfile -t files < <(find kmod uapi -name '*.[ch]' ! -name '*.mod.c' \
		! -name compat.h ! -name trace.h)
	# FUNCTION_ARGUMENTS are in macros of compat.h where they differ between kernels.
	checkpatch "$common,ENOSYS,FUNCTION_ARGUMENTS" "${files[@]}" || status=1
	# The one file that looks at versions, and renames things by macros.
	checkpatch "$common,LINUX_VERSION_CODE,CONSTANT_COMPARISON,NEW_TYPEDEFS,COMPLEX_MACRO" \
		kmod/compat.h || status=1
	# Tracepoints have a layout of their own.
	checkpatch "$common,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE" kmod/trace.h || status=1
	# C has no kernel types, macros and attributes; the rest is of no concern there.
	mapfile -t files < <(find userspace selftests Documentation -name '*.[ch]')
	checkpatch "$common,ENOSYS,PREFER_KERNEL_TYPES,ARRAY_SIZE,BIT_MACRO,CAMELCASE,\
PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_FALLTHROUGH,COMPLEX_MACRO,MACRO_ARG_REUSE,VOLATILE,\
MULTIPLE_ASSIGNMENTS,STATIC_CONST_CHAR_ARRAY,EMBEDDED_FUNCTION_NAME,SYMBOLIC_PERMS,\
SPLIT_STRING,CONSTANT_CONVERSION,MULTISTATEMENT_MACRO_USE_DO_WHILE,TRAILING_SEMICOLON" \
		"${files[@]}" || status=1
	return "$status"
}

checkpatch()
{
	perl "$BUILD/kselftest/checkpatch.pl" --no-tree --strict --quiet --terse --show-types \
		--ignore "$1" --file "${@:2}"
}

documented()
{
	local tool

	tool=$(echo "$BUILD"/kernels/6.1/root/usr/lib/linux-kbuild-*/scripts/kernel-doc)
	perl "$tool" -none -Werror kmod/*.[ch] kmod/*/*.[ch] uapi/linux/*.h
}

userspace()
{
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--suppress=identicalInnerCondition --suppress=missingIncludeSystem -j"$(nproc)" \
		-D_GNU_SOURCE -I userspace/lib -I uapi userspace
}

scripts()
{
	local files

	mapfile -t files < <(grep -rlE '^#!/bin/(ba)?sh' selftests userspace .ci)
	# Functions that are called by name, which it does not see, it takes for dead.
	shellcheck -x -P SCRIPTDIR -e SC2317 "${files[@]}"
}

manuals()
{
	local pages

	mapfile -t pages < <(compgen -G 'Documentation/man/*.[0-9]')
	[ ${#pages[@]} = 0 ] || mandoc -Tlint -Wwarning "${pages[@]}"
}

mkdir -p "$BUILD/static"
for series in $KERNELS; do
	check "module $series" module_warnings "$series"
done
"$TOP/selftests/vm/kernel.sh" 6.1
check checkpatch style
check kernel-doc documented
check cppcheck userspace
check shellcheck scripts
check mandoc manuals
check "netlink spec" selftests/doc/spec.sh
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Says which part of each file of the module the last check-debug went through; or, all together, the
# runs whose build/vm/*/share/coverage are named.
. "$(dirname "$0")/../vm/lib.sh"

[ $# -gt 0 ] || set -- "$BUILD"/vm/debug{,-programs-1,-programs-2,-module}/share/coverage
dir=$BUILD/coverage
rm -rf "$dir"
mkdir -p "$dir"
for data; do
	[ -d "$data" ] || die "$data: no such folder" "A run on the debug kernel makes it."
	if [ ! -e "$dir/objects" ]; then
		cp -r "$data" "$dir/objects"
		continue
	fi
	# Counts of another build of the module do not add up.
	if ! gcov-tool merge "$data" "$dir/objects" -o "$dir/merged" >"$dir/log" 2>&1 ||
			grep -q mismatch "$dir/log"; then
		die "$data: not of the same build of the module as those before" "See $dir/log"
	fi
	rm -rf "$dir/objects"
	mv "$dir/merged" "$dir/objects"
done
cd "$dir/objects"
find . -name '*.gcda' | while read -r file; do
	cp "$BUILD/kmod/debug/${file%.gcda}.gcno" "$(dirname "$file")/"
done

# gcov says of each file "File 'NAME'" and "Lines executed:95.00% of 300".
(cd "$dir" && find objects -name '*.gcda' -exec gcov --branch-probabilities --preserve-paths {} +) \
	2>"$dir/log" | awk -F "'" '
	/^File/ { name = $2; sub(".*/kmod/debug/", "", name) }
	/^Lines executed/ && name ~ /^kmod\/.*\.c$/ {
		split($0, part, /[:%]| of /)
		lines = part[4]
		run = int(part[2] * lines / 100 + 0.5)
		printf "%-28s %5d of %5d lines  %5.1f%%\n", name, run, lines, part[2]
		all += lines
		all_run += run
		name = ""
	}
	END { if (all) printf "~%-27s %5d of %5d lines  %5.1f%%\n", "all", all_run, all, 100 * all_run / all }' |
	sort | sed 's/^~/ /; s/^ all/all /'
echo "Line by line: $dir/*.gcov"

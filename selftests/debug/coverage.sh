#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Says which part of each file of the module the last run on the debug kernel went through.
. "$(dirname "$0")/../vm/lib.sh"

data=${1:-$BUILD/vm/debug/share/coverage}
[ -d "$data" ] || die "$data: no such folder" "A run on the debug kernel makes it."
dir=$BUILD/coverage
rm -rf "$dir"
mkdir -p "$dir"
cp -r "$data" "$dir/objects"
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

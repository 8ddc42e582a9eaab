#!/bin/sh
# exports.sh LIBRARY HEADER SYMBOLS: the shared library exports exactly the functions its public header declares, and all that
# an earlier version had. SYMBOLS has a line "name version" each: a name never leaves it, a new one is added with the
# version that brings it.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
grep -oE '\bifmap_[a-z0-9_]+\(' "$2" | tr -d '(' | sort -u >"$tmp/declared"
nm -D --defined-only "$1" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$tmp/exported"
awk '!/^#/ { print $1 }' "$3" | sort -u >"$tmp/promised"
[ -s "$tmp/exported" ] || { echo "exports.sh: $1 exports nothing" >&2; exit 1; }
failed=0
diff "$tmp/declared" "$tmp/exported" >"$tmp/diff" || {
	echo "declared (<) but not exported, or exported (>) but not declared:" >&2
	cat "$tmp/diff" >&2
	failed=1
}
gone=$(comm -23 "$tmp/promised" "$tmp/exported")
[ -z "$gone" ] || { echo "the library's interface broke, these are gone:" $gone >&2; failed=1; }
new=$(comm -13 "$tmp/promised" "$tmp/exported")
[ -z "$new" ] || { echo "not in $3 yet:" $new >&2; failed=1; }
exit $failed

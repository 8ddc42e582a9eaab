#!/bin/sh
# exports.sh LIBRARY HEADER: the shared library exports exactly the functions its public header declares.
set -eu
wanted=$(grep -oE '\bifmap_[a-z0-9_]+\(' "$2" | tr -d '(' | sort -u)
got=$(nm -D --defined-only "$1" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u)
[ -n "$got" ] || { echo "exports.sh: $1 exports nothing" >&2; exit 1; }
if [ "$wanted" != "$got" ]; then
	echo "declared (<) but not exported, or exported (>) but not declared:" >&2
	printf '%s\n' "$wanted" >"${TMPDIR:-/tmp}/wanted.$$"
	printf '%s\n' "$got" | diff "${TMPDIR:-/tmp}/wanted.$$" - >&2 || true
	rm -f "${TMPDIR:-/tmp}/wanted.$$"
	exit 1
fi

#!/bin/bash
# test-completion.sh FILE: what the completion offers at some places of a command line.
set -u
source "$1" || exit 1
failed=0
offers() { # WORDS... -- EXPECTED
	COMP_WORDS=()
	while [ "$1" != -- ]; do
		COMP_WORDS+=("$1")
		shift
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
	_drover
	[ "${COMPREPLY[*]}" = "$2" ] || {
		echo "${COMP_WORDS[*]}: offers '${COMPREPLY[*]}', should offer '$2'" >&2
		failed=1
	}
}
offers drover mov -- move
offers drover va -- vapp
offers drover map d -- "delete dump"
offers drover map t -- top
offers drover map search --d -- "--depth= --dot"
offers drover vapp re -- remove
offers drover move shop --t -- "--timeout= --to="
offers drover vapp export shop --ou -- --output=
offers drover label hi -- history
offers drover label history f -- forget
offers drover label history forget B --rea -- --reason=
offers drover plan shop --ass -- --assume=
offers drover fence B --conf -- "--config= --confirm-powered-off"
offers drover hosts --dry -- ""
offers drover nothing --js -- ""
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What bash and zsh offer behind viewctl: its verbs, its options as help has them, views, words.
# Scripts are given as strings.
# shellcheck disable=SC2016
. "$VIEWOS_TOP/selftests/ktap.sh"

base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
cd "$base" || exit
touch view.conf
verbs=$(viewctl help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
rule_verbs=$(viewctl help rule | sed -n 's/^  rule \([a-z]\{1,\}\) .*/rule \1/p')

# help_options VERB: as help has them, a line each.
help_options()
{
	# shellcheck disable=SC2086
	viewctl help $1 | sed -n 's/^  \(-[A-Za-z], \|    \)\(--[a-z-]*\).*/\2/p' | sort -u
}

# in_bash WORD...: what is offered for the last one.
in_bash()
{
	bash -c '. "$VIEWOS_TOP/userspace/completion/viewctl"
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_viewctl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort -u
}

# A shell of zsh at a terminal of its own, in which each thing that is offered is written down.
cat >ask.zsh <<'END'
zmodload zsh/zpty
out=$1 dir=$2
shift 2
zpty z env -i PATH=$PATH LD_LIBRARY_PATH=$LD_LIBRARY_PATH TERM=dumb zsh -f -i
zpty -w z "PROMPT= RPROMPT= out=${(q)out}"
# Of what zsh has for other programs only the names are read: there is a thousand of them.
zpty -w z "all=(\$fpath) fpath=(${(q)dir} \${(M)fpath:#*/Completion} \${(M)fpath:#*/Base})"
zpty -w z 'autoload -Uz compinit; compinit -u -D; setopt no_beep no_auto_menu no_list_beep interactive_comments; bindkey -e'
zpty -w z 'fpath=($fpath[1] $all); autoload -Uz ${^all}/_*(N:t)'
zpty -w z 'compadd() {
	local -a hits
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A hits "$@"
	(( $#hits )) && print -rl -- $hits >>$out
	builtin compadd "$@"
}'
asked=0
for line; do
	print -r -- "= $line" >>$out
	# The line is completed, becomes a comment, and then a command says that it is done. A key
	# to clear the line could be the terminal's own, while the shell is at work.
	zpty -w z "$line"$'\t\x01#'
	zpty -w z "print -r -- '. $((++asked))' >>\$out"
	for (( i = 0; i < 600; i++ )); do
		grep -q -x ". $asked" $out && continue 2
		zpty -r -t z said
		sleep 0.1
	done
	# Something is wrong with the shell, and it will not be right for the others.
	print -r -- "$line: no answer, but: $said"
	exit 1
done
zpty -d z
END

# in_zsh_all LINE...: asks for all of them, so that the shell is started once.
in_zsh_all()
{
	zsh -f ask.zsh "$base/offered" "$VIEWOS_TOP/userspace/completion" "$@"
}

# in_zsh LINE: what was offered for it.
in_zsh()
{
	awk -v "line== $1" '/^= / { on = $0 == line; next } /^\. / { on = 0 } on' offered | sort -u
}

check_output "bash: verbs" "$(sort <<<"$verbs
help")" in_bash viewctl ""
check_output "bash: verbs of rule" "${rule_verbs//rule /}" in_bash viewctl rule ""
while read -r verb; do
	# shellcheck disable=SC2086
	check_output "bash: options of $verb" "$(help_options "$verb")" in_bash viewctl $verb --
done <<<"$(grep -v -x rule <<<"$verbs")
$rule_verbs"
check_output "bash: a file of a view" "view.conf" bash -c "$(declare -f in_bash)
	in_bash viewctl run --config view"
check_output "bash: --config of show has no value" "$(viewctl ls -n -r -o NAME)" in_bash viewctl show --config ""
check_output "bash: inherit" "leave nest share" bash -c "$(declare -f in_bash); in_bash viewctl run --inherit '' | xargs"

if ! command -v zsh >/dev/null; then
	skip "zsh" "zsh is not installed (Debian: zsh)"
	finish
fi
viewctl create shown >/dev/null
viewctl rule add shown inet=deny >/dev/null
lines=("viewctl " "viewctl rule " "viewctl run --inherit " "viewctl apply " "viewctl show " "viewctl run --config "
	"viewctl show --config " "viewctl rule add " "viewctl run --user-ns ")
while read -r verb; do
	lines+=("viewctl $verb --")
done <<<"$(grep -v -x rule <<<"$verbs")
$rule_verbs"
check "zsh is asked" in_zsh_all "${lines[@]}"
check_output "zsh: verbs" "$(sort <<<"$verbs
help")" in_zsh "viewctl "
check_output "zsh: verbs of rule" "${rule_verbs//rule /}" in_zsh "viewctl rule "
while read -r verb; do
	check_output "zsh: options of $verb" "$(help_options "$verb")" in_zsh "viewctl $verb --"
done <<<"$(grep -v -x rule <<<"$verbs")
$rule_verbs"
check_output "zsh: inherit" "leave nest share" bash -c "$(declare -f in_zsh); in_zsh 'viewctl run --inherit ' | xargs"
check_output "zsh: when" "auto no yes" bash -c "$(declare -f in_zsh); in_zsh 'viewctl run --user-ns ' | xargs"
for line in "viewctl apply " "viewctl run --config "; do
	check "zsh: ${line}a file" bash -c "$(declare -f in_zsh); in_zsh '$line' | grep -q -x view.conf"
done
for line in "viewctl show " "viewctl show --config " "viewctl rule add "; do
	check_output "zsh: ${line}a view" "shown" in_zsh "$line"
done
check "destroy" viewctl destroy shown
finish

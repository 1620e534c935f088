#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The YNL spec of the netlink family agrees with the headers: names, values and order.
# It needs no module: selftests/doc/spec.sh runs on any machine.
: "${VIEWOS_TOP:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$VIEWOS_TOP/selftests/ktap.sh"

spec=$VIEWOS_TOP/Documentation/netlink/specs/viewos.yaml
netlink=$VIEWOS_TOP/uapi/linux/viewos_netlink.h
control=$VIEWOS_TOP/uapi/linux/viewos.h

# of_header ENUM FILE: "NAME VALUE" of its entries, without those that are no messages.
of_header()
{
	awk -v name="$1" '
		$0 == "enum " name " {" { on = 1; value = 0; next }
		/^};/ { on = 0 }
		on && match($0, /[A-Z_0-9]+/) {
			entry = substr($0, RSTART, RLENGTH)
			if ($0 ~ /=/) { value = $0; sub(/.*= */, "", value); value += 0 }
			if (entry !~ /^__|_UNSPEC$/) print entry, value
			value++
		}' "$2"
}

# of_spec SECTION INDENT PREFIX [DEFINITION]: likewise, of the "name:"s at that indent.
of_spec()
{
	awk -v section="$1" -v indent="$2" -v prefix="$3" -v definition="${4:-}" '
		function flush() { if (name != "") { print prefix name, value; value++ } name = "" }
		/^[a-z]/ { flush(); on = $1 == section ":"; value = 0; next }
		!on { next }
		{ match($0, /^ */); depth = RLENGTH }
		definition != "" && depth == 4 && $1 == "name:" { flush(); inside = $2 == definition; value = 0 }
		definition != "" && !inside { next }
		depth == indent && $1 == "name:" { flush(); name = toupper($2); gsub(/-/, "_", name) }
		depth == indent && $1 == "value:" { value = $2 + 0 }
		END { flush() }' "$spec"
}

# same NAME ONE OTHER: two lists that are equal, and not empty.
same()
{
	local status=0

	if [ -z "$2" ] || [ "$2" != "$3" ]; then
		diff <(echo "$2") <(echo "$3") | sed 's/^/# /'
		status=1
	fi
	result $status "$1"
}

# define MACRO FILE: its value, without quotes.
define()
{
	awk -v name="$1" '$1 == "#define" && $2 == name { gsub(/"/, "", $3); print $3 }' "$2"
}

# scalar KEY: of the spec's top level.
scalar()
{
	awk -v key="$1:" '$1 == key && /^[a-z]/ { print $2 }' "$spec"
}

same "commands" "$(of_header viewos_cmd "$netlink")" "$(of_spec operations 6 VIEWOS_CMD_)"
same "attributes" "$(of_header viewos_attr "$netlink")" "$(of_spec attribute-sets 8 VIEWOS_A_)"
same "session states" "$(of_header viewos_session_state "$netlink")" \
	"$(of_spec definitions 8 VIEWOS_SESSION_ session-state)"
same "inheritance" "$(of_header viewos_inherit "$control")" \
	"$(of_spec definitions 8 VIEWOS_INHERIT_ inherit)"
same "classes" "$(of_header viewos_class "$control")" \
	"$(of_spec definitions 8 VIEWOS_CLASS_ class)"
same "verdicts" "$(of_header viewos_verdict "$control")" \
	"$(of_spec definitions 8 VIEWOS_VERDICT_ verdict)"
same "socket states" "$(of_header viewos_socket_state "$netlink")" \
	"$(of_spec definitions 8 VIEWOS_SOCKET_ socket-state)"
same "stuck seconds" "$(define VIEWOS_STUCK_SECONDS "$netlink")" \
	"$(of_spec definitions 4 "" stuck-seconds | cut -d ' ' -f 2)"
same "length of a name" "$(define VIEWOS_NAME_LEN "$control")" \
	"$(of_spec definitions 4 "" name-len | cut -d ' ' -f 2)"
same "family" "$(define VIEWOS_GENL_NAME "$netlink")" "$(scalar name)"
same "version" "$(define VIEWOS_GENL_VERSION "$netlink")" "$(scalar version)"
same "multicast group" "$(define VIEWOS_GENL_MCGRP_EVENTS "$netlink")" \
	"$(of_spec mcast-groups 6 "" | cut -d ' ' -f 1 | tr '[:upper:]' '[:lower:]')"

# Attributes that messages are said to have are attributes.
used=$(sed -n '/^operations:/,/^mcast/s/^ *- \([a-z-]*\)$/\1/p' "$spec" | tr 'a-z-' 'A-Z_' | sort -u)
same "attributes of messages" "$used" "$(comm -12 <(echo "$used") \
	<(of_spec attribute-sets 8 "" | cut -d ' ' -f 1 | sort))"

# It is YAML, where something can tell.
if python3 -c 'import yaml' 2>/dev/null; then
	check "YAML" python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' "$spec"
else
	skip "YAML" "python3 has no yaml"
fi
finish

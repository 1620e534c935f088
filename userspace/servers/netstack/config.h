/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: what a source and its options ask for. */
#ifndef NETSTACK_CONFIG_H
#define NETSTACK_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>

#include "../../lib/viewos.h"

/* Most bytes of a packet's payload, and a sane least. */
#define CONFIG_MTU_MAX	9000
#define CONFIG_MTU_MIN	576

/*
 * A stack to be made. url is where it is plugged in, empty for nowhere. An address of zero, or
 * a prefix length of zero for an address of IPv6, is one that was not asked for. With dhcp and
 * auto6 the network gives them.
 */
struct config {
	char url[VIEWOS_SOURCE_LEN];
	struct in_addr ip;
	unsigned int prefix;
	struct in_addr gateway;
	struct in6_addr ip6;
	unsigned int prefix6;
	struct in6_addr gateway6;
	unsigned int mtu;
	bool dhcp;
	bool auto6;
};

/* Reads source and options; complains on stderr. Returns 0 or a negative errno. */
int config_parse(const struct viewos_accepted *accepted, struct config *config);

#endif

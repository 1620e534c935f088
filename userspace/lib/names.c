// SPDX-License-Identifier: GPL-2.0
/* libviewos: names of address families, socket types and protocols */
#include <asm/byteorder.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "names.h"
#include "viewos.h"

/* The largest numbers that the kernel's own fields hold. */
#define FAMILY_NUMBER_MAX	255
#define TYPE_NUMBER_MAX		10

/* Tables end with an entry without a name; of several names the first is the one shown. */
struct name {
	const char *name;
	int number;
};

static const struct name families[] = {
	{ "unix", 1 }, { "local", 1 }, { "inet", 2 }, { "ax25", 3 }, { "ipx", 4 },
	{ "appletalk", 5 }, { "netrom", 6 }, { "bridge", 7 }, { "atmpvc", 8 }, { "x25", 9 },
	{ "inet6", 10 }, { "rose", 11 }, { "decnet", 12 }, { "netbeui", 13 },
	{ "security", 14 }, { "key", 15 }, { "netlink", 16 }, { "route", 16 },
	{ "packet", 17 }, { "ash", 18 }, { "econet", 19 }, { "atmsvc", 20 }, { "rds", 21 },
	{ "sna", 22 }, { "irda", 23 }, { "pppox", 24 }, { "wanpipe", 25 }, { "llc", 26 },
	{ "ib", 27 }, { "mpls", 28 }, { "can", 29 }, { "tipc", 30 }, { "bluetooth", 31 },
	{ "iucv", 32 }, { "rxrpc", 33 }, { "isdn", 34 }, { "phonet", 35 },
	{ "ieee802154", 36 }, { "caif", 37 }, { "alg", 38 }, { "nfc", 39 }, { "vsock", 40 },
	{ "kcm", 41 }, { "qipcrtr", 42 }, { "smc", 43 }, { "xdp", 44 }, { "mctp", 45 },
	{ 0 },
};

static const struct name types[] = {
	{ "stream", 1 }, { "dgram", 2 }, { "raw", 3 }, { "rdm", 4 }, { "seqpacket", 5 },
	{ "dccp", 6 }, { "packet", 10 },
	{ 0 },
};

static const struct name inet_protocols[] = {
	{ "icmp", 1 }, { "igmp", 2 }, { "ipip", 4 }, { "tcp", 6 }, { "egp", 8 }, { "pup", 12 },
	{ "udp", 17 }, { "idp", 22 }, { "tp", 29 }, { "dccp", 33 }, { "ipv6", 41 },
	{ "rsvp", 46 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 }, { "icmpv6", 58 },
	{ "mtp", 92 }, { "beetph", 94 }, { "encap", 98 }, { "pim", 103 }, { "comp", 108 },
	{ "l2tp", 115 }, { "sctp", 132 }, { "udplite", 136 }, { "mpls", 137 },
	{ "ethernet", 143 }, { "raw", 255 }, { "smc", 256 }, { "mptcp", 262 },
	{ 0 },
};

static const struct name netlink_protocols[] = {
	{ "route", NETLINK_ROUTE }, { "usersock", NETLINK_USERSOCK },
	{ "firewall", NETLINK_FIREWALL }, { "sock_diag", NETLINK_SOCK_DIAG },
	{ "nflog", NETLINK_NFLOG }, { "xfrm", NETLINK_XFRM }, { "selinux", NETLINK_SELINUX },
	{ "iscsi", NETLINK_ISCSI }, { "audit", NETLINK_AUDIT },
	{ "fib_lookup", NETLINK_FIB_LOOKUP }, { "connector", NETLINK_CONNECTOR },
	{ "netfilter", NETLINK_NETFILTER }, { "ip6_fw", NETLINK_IP6_FW },
	{ "dnrtmsg", NETLINK_DNRTMSG }, { "uevent", NETLINK_KOBJECT_UEVENT },
	{ "generic", NETLINK_GENERIC }, { "scsitransport", NETLINK_SCSITRANSPORT },
	{ "ecryptfs", NETLINK_ECRYPTFS }, { "rdma", NETLINK_RDMA },
	{ "crypto", NETLINK_CRYPTO }, { "smc", NETLINK_SMC },
	{ 0 },
};

/* Programs give these in network byte order. */
static const struct name packet_protocols[] = {
	{ "none", 0 }, { "all", __constant_htons(ETH_P_ALL) }, { "ip", __constant_htons(ETH_P_IP) },
	{ "arp", __constant_htons(ETH_P_ARP) }, { "ipv6", __constant_htons(ETH_P_IPV6) },
	{ "vlan", __constant_htons(ETH_P_8021Q) }, { "lldp", __constant_htons(ETH_P_LLDP) },
	{ 0 },
};

static const struct name bluetooth_protocols[] = {
	{ "l2cap", 0 }, { "hci", 1 }, { "sco", 2 }, { "rfcomm", 3 }, { "bnep", 4 },
	{ "cmtp", 5 }, { "hidp", 6 }, { "avdtp", 7 }, { "iso", 8 },
	{ 0 },
};

static const struct name can_protocols[] = {
	{ "raw", 1 }, { "bcm", 2 }, { "tp16", 3 }, { "tp20", 4 }, { "mcnet", 5 },
	{ "isotp", 6 }, { "j1939", 7 },
	{ 0 },
};

/* The protocols of other families have no names, or are always 0. */
static const struct {
	int family;
	const struct name *names;
} protocols[] = {
	{ AF_INET, inet_protocols },
	{ AF_INET6, inet_protocols },
	{ AF_NETLINK, netlink_protocols },
	{ AF_PACKET, packet_protocols },
	{ AF_BLUETOOTH, bluetooth_protocols },
	{ AF_CAN, can_protocols },
};

static const struct name *protocol_names(int family)
{
	static const struct name none[] = { { 0 } };
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].family == family)
			return protocols[i].names;
	return none;
}

static const char *name_find(const struct name *names, int number)
{
	if (number == VIEWOS_RULE_ANY)
		return "any";
	for (; names->name; names++)
		if (names->number == number)
			return names->name;
	return NULL;
}

static bool is_any(const char *text)
{
	return !strcmp(text, "any") || !strcmp(text, "*");
}

static bool number_parse(const struct name *names, const char *text, int max, int *number)
{
	char *end;
	long value;

	if (is_any(text)) {
		*number = VIEWOS_RULE_ANY;
		return true;
	}
	for (; names->name; names++)
		if (!strcmp(names->name, text)) {
			*number = names->number;
			return true;
		}
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtol(text, &end, 0);
	if (errno || *end || value > max)
		return false;
	*number = value;
	return true;
}

const char *viewos_family_name(int family)
{
	return name_find(families, family);
}

const char *viewos_type_name(int type)
{
	return name_find(types, type);
}

const char *viewos_protocol_name(int family, int protocol)
{
	return name_find(protocol_names(family), protocol);
}

bool viewos_family_parse(const char *text, int *family)
{
	return number_parse(families, text, FAMILY_NUMBER_MAX, family);
}

bool viewos_type_parse(const char *text, int *type)
{
	return number_parse(types, text, TYPE_NUMBER_MAX, type) && *type;
}

bool viewos_protocol_parse(int family, const char *text, int *protocol)
{
	return number_parse(protocol_names(family), text, INT_MAX, protocol);
}

bool viewos_protocol_has_names(int family)
{
	return protocol_names(family)->name;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: addresses of the interface, in the namespace that the caller is in. */
#ifndef NETSTACK_ADDRESS_H
#define NETSTACK_ADDRESS_H

#include <arpa/inet.h>
#include <stdbool.h>

/* These return 0, or -1 with errno. */
int address_set(struct in_addr address, struct in_addr mask);
int address_clear(void);
int address_gateway(struct in_addr gateway);

/* The address of IPv4, or 0. */
in_addr_t address_get(void);

/* Is there one of IPv6 that a router's advertisement has given, and that can be used? */
bool address_automatic6(void);

#endif

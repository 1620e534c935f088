/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: addresses that the network gives, by DHCP and by IPv6's autoconfiguration. */
#ifndef NETSTACK_KEEPER_H
#define NETSTACK_KEEPER_H

#include "config.h"

/*
 * The life of the process that keeps them, which is in the namespace, until the other end of the
 * channel is shut. It sends one struct report: the addresses are there, or why they are not.
 */
_Noreturn void keeper_run(int channel, const struct config *config);

/*
 * The DHCP client runs this program to have done what it was told. Returns whether this is such
 * a run, with its exit status.
 */
bool keeper_lease(char **argv, int *status);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: the cable between a stack's interface and a network of VDE. */
#ifndef NETSTACK_PLUG_H
#define NETSTACK_PLUG_H

struct plug;

/*
 * Plugs the interface whose other end is tap, which stays the caller's, into the network of a
 * URL, and passes packets until plug_close(). Complains on stderr. Returns 0 or a negative
 * errno. When the network goes, the cable is dead, and nothing else is.
 */
int plug_open(const char *url, int tap, struct plug **plug);

/* NULL is allowed. */
void plug_close(struct plug *plug);

#endif

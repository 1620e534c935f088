/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: the network namespace that is the stack. */
#ifndef NETSTACK_SPACE_H
#define NETSTACK_SPACE_H

#include "config.h"

/* Name of the interface that is plugged in. */
#define SPACE_INTERFACE	"vde0"

/* netns is its fd; tap that of the interface's other end, or -1 without one. */
struct space {
	int netns;
	int tap;
};

/*
 * Makes the namespace, in a user namespace of its own if the caller may not else, and configures
 * it. Complains on stderr. Returns 0 or a negative errno.
 */
int space_create(const struct config *config, struct space *space);
void space_close(struct space *space);

#endif

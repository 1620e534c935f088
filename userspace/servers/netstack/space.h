/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-netstack: the network namespace that is the stack. */
#ifndef NETSTACK_SPACE_H
#define NETSTACK_SPACE_H

#include <sys/types.h>

#include "config.h"

/* Name of the interface that is plugged in. */
#define SPACE_INTERFACE	"vde0"

/*
 * netns is its fd; tap that of the interface's other end, or -1 without one. keeper is the process
 * that keeps addresses which the network gives, or 0, and channel is to it, or -1.
 */
struct space {
	int netns;
	int tap;
	pid_t keeper;
	int channel;
};

/* What a child of ours has to say: all is well, or what failed. */
struct report {
	int error;
	char what[60];
};

/*
 * Makes the namespace, in a user namespace of its own if the caller may not else, and configures
 * it. Complains on stderr. Returns 0 or a negative errno.
 */
int space_create(const struct config *config, struct space *space);

/*
 * Waits for the addresses that the network is to give, once the interface is plugged in. Complains
 * on stderr. Returns 0 or a negative errno, -ETIMEDOUT if they do not come.
 */
int space_settle(struct space *space);
void space_close(struct space *space);

#endif

// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: the cable between a stack's interface and a network of VDE. */
#include <errno.h>
#include <libvdeplug.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "plug.h"

/* Packets passed one way before the other way has its turn. */
#define TURN	64

/*
 * conn and tap are used by the thread alone, once it runs. stop is an eventfd that ends it.
 */
struct plug {
	VDECONN *conn;
	int tap;
	int stop;
	pthread_t thread;
	char packet[VDE_ETHBUFSIZE];
};

/* From the interface to the network; what that does not take is lost, as on any. */
static void pass_out(struct plug *plug)
{
	ssize_t len;
	int turn;

	for (turn = 0; turn < TURN; turn++) {
		len = read(plug->tap, plug->packet, sizeof(plug->packet));
		if (len <= 0)
			break;
		vde_send(plug->conn, plug->packet, len, 0);
	}
}

/* From the network to the interface; false when the network is gone. */
static bool pass_in(struct plug *plug)
{
	ssize_t len = vde_recv(plug->conn, plug->packet, sizeof(plug->packet), 0);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
	/* One byte is a word of the plug's own, as zero may be. */
	if (len > 1 && write(plug->tap, plug->packet, len) < 0 && errno == EBADFD)
		return false;
	return true;
}

static void *plug_run(void *arg)
{
	struct plug *plug = arg;
	struct pollfd fds[] = {
		{ .fd = plug->tap, .events = POLLIN },
		{ .fd = vde_datafd(plug->conn), .events = POLLIN },
		{ .fd = vde_ctlfd(plug->conn), .events = POLLIN },
		{ .fd = plug->stop, .events = POLLIN },
	};
	char byte;

	while (!fds[3].revents) {
		if (poll(fds, 4, -1) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		if (fds[0].revents & POLLIN)
			pass_out(plug);
		if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
			break;
		if (fds[1].revents && !pass_in(plug))
			break;
		/* Silent until it is closed. */
		if (fds[2].fd >= 0 && fds[2].revents &&
		    (fds[2].revents & (POLLERR | POLLHUP | POLLNVAL) ||
		     read(fds[2].fd, &byte, 1) <= 0))
			break;
	}
	if (!fds[3].revents)
		fprintf(stderr, "viewos-netstack: the network is gone\n");
	return NULL;
}

int plug_open(const char *url, int tap, struct plug **result)
{
	struct plug *plug = calloc(1, sizeof(*plug));
	char description[] = "viewos-netstack";
	int ret;

	if (!plug)
		return -ENOMEM;
	plug->tap = tap;
	plug->stop = eventfd(0, EFD_CLOEXEC);
	if (plug->stop < 0) {
		ret = -errno;
		goto err_free;
	}
	errno = 0;
	plug->conn = vde_open((char *)url, description, NULL);
	if (!plug->conn) {
		ret = errno ? -errno : -ENXIO;
		fprintf(stderr, "viewos-netstack: \"%s\": %s\n", url, strerror(-ret));
		goto err_close;
	}
	ret = -pthread_create(&plug->thread, NULL, plug_run, plug);
	if (ret)
		goto err_conn;
	*result = plug;
	return 0;

err_conn:
	vde_close(plug->conn);
err_close:
	close(plug->stop);
err_free:
	free(plug);
	return ret;
}

void plug_close(struct plug *plug)
{
	if (!plug)
		return;
	eventfd_write(plug->stop, 1);
	pthread_join(plug->thread, NULL);
	vde_close(plug->conn);
	close(plug->stop);
	free(plug);
}

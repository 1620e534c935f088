// SPDX-License-Identifier: GPL-2.0
/* The server's answers for sockets. */

#include "fuzz.h"

#include <linux/viewos_socket.h>
#include <netinet/in.h>

#define EVENTS (POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLRDHUP)

/* The last that was handed over; the fd is the kernel's as soon as the answer is written. */
static int backing = -1;
/* The last that was made. */
static uint64_t last_id;
static uint32_t seq;

void sock_reset(void)
{
	if (backing >= 0)
		close(backing);
	backing = -1;
	last_id = 0;
	seq = 0;
}

static int backing_make(const struct viewos_sock_in *in)
{
	if (backing >= 0)
		close(backing);
	backing = socket(in->family, in->type | SOCK_CLOEXEC, in->protocol);
	return backing;
}

/* An address, as far as the answer has room for it. */
static void put_name(struct viewos_sock_out *out, char *rest)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_port = htons(7000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memcpy(rest, &name, sizeof(name));
	out->name_len = sizeof(name);
}

static void fill(struct stream *stream, uint32_t op, const struct viewos_sock_in *in,
		 struct viewos_sock_out *out, char *rest)
{
	uint8_t how = take(stream);

	if (how & 1) {
		out->flags |= VIEWOS_SOCK_OUT_EVENTS;
		out->events = take_number(stream) & EVENTS;
		out->seq = ++seq;
	}
	switch (op) {
	case VIEWOS_SOCK_CREATE:
	case VIEWOS_SOCK_ACCEPT:
		last_id = op == VIEWOS_SOCK_ACCEPT ? in->new_id : last_id;
		out->ask = how & 4 ? VIEWOS_SOCK_ASK_ALL & take_number(stream) : 0;
		if (!(how & 2))
			break;
		out->flags |= VIEWOS_SOCK_OUT_FD;
		out->fd = backing_make(in);
		break;
	case VIEWOS_SOCK_CONNECT:
		if (how & 2)
			out->flags |= VIEWOS_SOCK_OUT_INPROGRESS;
		else if (how & 4)
			out->flags |= VIEWOS_SOCK_OUT_CONTINUE;
		break;
	case VIEWOS_SOCK_GETNAME:
		put_name(out, rest);
		break;
	case VIEWOS_SOCK_SENDMSG:
		out->value = in->data_len;
		break;
	case VIEWOS_SOCK_RECVMSG:
		out->data_len = in->room < 4096 ? in->room : 4096 - 16 * how;
		out->value = out->data_len;
		memset(rest, 0, out->data_len);
		break;
	case VIEWOS_SOCK_GETSOCKOPT:
		out->data_len = in->room < 4 ? in->room : 4;
		memset(rest, 0, 4);
		break;
	case VIEWOS_SOCK_IOCTL:
		out->data_len = in->data_len;
		memset(rest, 0, in->data_len);
		break;
	default:
		if (how & 2)
			out->flags |= VIEWOS_SOCK_OUT_CONTINUE;
	}
}

bool sock_answer(struct stream *stream, const struct fuse_in_header *header, char *data,
		 size_t *len)
{
	const struct viewos_sock_in *in = (const void *)(header + 1);
	struct viewos_sock_out *out = (void *)data;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	*len = sizeof(*out);
	if (header->opcode == VIEWOS_SOCK_RELEASE)
		return false;
	if (header->opcode == VIEWOS_SOCK_INIT) {
		out->value = VIEWOS_SOCK_MAJOR;
		return true;
	}
	if (header->opcode == VIEWOS_SOCK_CREATE)
		last_id = header->nodeid;
	fill(stream, header->opcode, in, out, data + sizeof(*out));
	*len += out->name_len + out->control_len + out->data_len;
	return true;
}

void sock_notify(struct stream *stream, int session)
{
	struct {
		struct fuse_out_header header;
		struct viewos_sock_event event;
	} notice = {
		.header = { .len = sizeof(notice), .error = VIEWOS_SOCK_NOTIFY_EVENT },
		.event = { .id = last_id, .fd = -1, .seq = ++seq },
	};
	uint8_t how = take(stream);

	notice.event.events = take_number(stream) & EVENTS;
	if (how & 1)
		notice.event.error = take_number(stream);
	if (how & 2)
		notice.event.id = take_number(stream);
	if (how & 4) {
		notice.event.flags = VIEWOS_SOCK_OUT_FD;
		notice.event.fd = how & 8 ? backing : (int)take_number(stream);
	}
	if (how > 240)
		notice.header.len = take_below(stream, sizeof(notice));
	count(&stats->hostile);
	if (write(session, &notice, notice.header.len) < 0)
		return;
}

// SPDX-License-Identifier: GPL-2.0
/* What clients do with rules, and with the sockets that these give them. */

#include "state.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/un.h>

static const int families[] = { AF_INET, AF_INET, AF_INET, AF_INET6, AF_UNIX };
static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, 0, 99 };

/* The number of a rule that was made. */
static uint64_t last_rule;

int rule_for(int view, const char *server, const char *source)
{
	struct viewos_rule_add add = {
		.size = sizeof(add), .class = VIEWOS_CLASS_SOCKET,
		.verdict = VIEWOS_VERDICT_SERVE, .family = AF_INET, .type = VIEWOS_RULE_ANY,
		.protocol = VIEWOS_RULE_ANY, .netns_fd = -1, .source = (uintptr_t)source,
	};

	strncpy(add.target, server, sizeof(add.target) - 1);
	return result(ioctl(view, VIEWOS_IOC_RULE_ADD, &add));
}

static int32_t some_match(struct state *state, const int *known, uint32_t nr)
{
	uint8_t what = take(state->stream);

	if (what < 100)
		return known[what % nr];
	return what < 200 ? VIEWOS_RULE_ANY : (int32_t)take_number(state->stream);
}

static void do_rule_add(struct state *state)
{
	int view = some_fd(state), own = -1;
	struct viewos_rule_add add = {
		.size = sizeof(add), .class = VIEWOS_CLASS_SOCKET,
		.verdict = take_below(state->stream, 5), .netns_fd = -1,
		.error = take_number(state->stream),
	};
	const char *name = some_name(state);

	add.family = some_match(state, families, ARRAY_SIZE(families));
	add.type = some_match(state, types, ARRAY_SIZE(types));
	add.protocol = some_match(state, (int[]){ 0, IPPROTO_TCP, IPPROTO_UDP }, 3);
	if (add.verdict != VIEWOS_VERDICT_DENY && add.error < 240)
		add.error = 0;
	if (add.verdict == VIEWOS_VERDICT_REDIRECT && take_below(state->stream, 2))
		own = add.netns_fd = open("/proc/self/ns/net", O_RDONLY);
	else if (add.verdict >= VIEWOS_VERDICT_REDIRECT)
		strncpy(add.target, name, sizeof(add.target) - 1);
	if (take_below(state->stream, 4) == 3)
		strncpy(add.stack, some_name(state), sizeof(add.stack) - 1);
	if (take_below(state->stream, 4) == 3)
		add.source = take_below(state->stream, 2) ? (uintptr_t)"source" : -8;
	add.flags = take_below(state->stream, 64) == 63;
	if (!ioctl(view, VIEWOS_IOC_RULE_ADD, &add))
		last_rule = add.id;
	if (own >= 0)
		close(own);
}

static void do_rule_del(struct state *state)
{
	struct viewos_rule_del del = { .size = sizeof(del) };
	int view = some_fd(state);

	del.id = take_below(state->stream, 4) ? last_rule : take_number(state->stream);
	ioctl(view, VIEWOS_IOC_RULE_DEL, &del);
}

static void do_next(struct state *state)
{
	int fd = some_fd(state);
	struct fuse_out_header header = {
		.len = take_number(state->stream), .error = -(int)take(state->stream),
		.unique = take_number(state->stream),
	};
	struct viewos_session_next next = {
		.size = sizeof(next), .flags = VIEWOS_NEXT_NONBLOCK,
		.buffer = (uintptr_t)buffer, .buffer_len = BUFFER,
	};

	if (take_below(state->stream, 2)) {
		next.reply = (uintptr_t)&header;
		next.reply_len = take_below(state->stream, sizeof(header) + 1);
	}
	ioctl(fd, VIEWOS_IOC_SESSION_NEXT, &next);
}

static int some_type(struct state *state)
{
	/* Mostly without blocking; whoever blocks is killed when all are idle. */
	return types[take_below(state->stream, ARRAY_SIZE(types))] |
	       (take_below(state->stream, 4) ? SOCK_NONBLOCK : 0);
}

static void do_socket(struct state *state)
{
	int family = families[take_below(state->stream, ARRAY_SIZE(families))];

	keep_file(state, socket(family, some_type(state), 0));
}

static void do_socketpair(struct state *state)
{
	int pair[2];

	if (socketpair(AF_UNIX, some_type(state) | SOCK_NONBLOCK, 0, pair))
		return;
	keep_file(state, pair[0]);
	keep_file(state, pair[1]);
}

static void do_stack_socket(struct state *state)
{
	struct viewos_socket arg = {
		.size = sizeof(arg), .family = families[take_below(state->stream, 5)],
		.type = some_type(state),
	};

	strncpy(arg.stack, some_name(state), sizeof(arg.stack) - 1);
	keep_file(state, result(ioctl(state->client->control, VIEWOS_IOC_SOCKET, &arg)));
}

/* Puts an address there, and returns its length, or another. */
static socklen_t some_address(struct state *state, struct sockaddr_storage *address)
{
	uint8_t what = take(state->stream);
	struct sockaddr_in *in = (void *)address;
	socklen_t len = sizeof(*in);

	memset(address, 0, sizeof(*address));
	in->sin_family = AF_INET;
	in->sin_port = htons(7000 + what % 4);
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (what > 230) {
		in->sin_family = take(state->stream);
		len = take_number(state->stream) % (sizeof(*address) + 64);
	}
	return len;
}

static void do_bind(struct state *state)
{
	struct sockaddr_storage address;
	int fd = some_file(state);

	bind(fd, (void *)&address, some_address(state, &address));
}

static void do_connect(struct state *state)
{
	struct sockaddr_storage address;
	int fd = some_file(state);

	connect(fd, (void *)&address, some_address(state, &address));
}

static void do_listen(struct state *state)
{
	listen(some_file(state), take(state->stream));
}

static void do_accept_sock(struct state *state)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	keep_file(state, accept4(some_file(state), (void *)&address, &len,
				 take_below(state->stream, 4) ? SOCK_NONBLOCK : 0));
}

static void do_names(struct state *state)
{
	struct sockaddr_storage address;
	socklen_t len = take(state->stream);
	int fd = some_file(state);

	if (take_below(state->stream, 2))
		getpeername(fd, (void *)&address, &len);
	else
		getsockname(fd, (void *)&address, &len);
}

static int some_flags(struct state *state)
{
	static const int flags[] = { 0, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_WAITALL,
				     MSG_MORE, MSG_ERRQUEUE, MSG_NOSIGNAL, -1 };

	return flags[take_below(state->stream, ARRAY_SIZE(flags))];
}

static void do_sendmsg(struct state *state)
{
	static char control[CMSG_SPACE(64)];
	struct sockaddr_storage address;
	int fd = some_file(state);
	struct iovec iov = { buffer, take_number(state->stream) % BUFFER };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint8_t how = take(state->stream);

	if (how & 1) {
		message.msg_namelen = some_address(state, &address);
		message.msg_name = &address;
	}
	if (how & 2) {
		struct cmsghdr *head = (void *)control;

		head->cmsg_len = take(state->stream);
		head->cmsg_level = take_below(state->stream, 3);
		head->cmsg_type = take_below(state->stream, 4);
		memcpy(CMSG_DATA(head), &state->files[how % SLOTS], sizeof(int));
		message.msg_control = control;
		message.msg_controllen = take(state->stream) % sizeof(control);
	}
	sendmsg(fd, &message, some_flags(state) | MSG_NOSIGNAL);
}

static void do_recvmsg(struct state *state)
{
	static char control[256];
	struct sockaddr_storage address;
	int fd = some_file(state);
	struct iovec iov = { buffer, take_number(state->stream) % BUFFER };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &address,
		.msg_namelen = take(state->stream), .msg_control = control,
		.msg_controllen = take(state->stream),
	};

	recvmsg(fd, &message, some_flags(state));
}

static void do_option(struct state *state)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6 };
	int fd = some_file(state);
	int level = levels[take_below(state->stream, ARRAY_SIZE(levels))];
	int name = take_below(state->stream, 80);
	socklen_t len = take_number(state->stream) % BUFFER;

	if (take_below(state->stream, 2))
		getsockopt(fd, level, name, buffer, &len);
	else
		setsockopt(fd, level, name, buffer, len);
}

static void do_shutdown(struct state *state)
{
	shutdown(some_file(state), take_below(state->stream, 4));
}

static void do_sock_ioctl(struct state *state)
{
	static const unsigned long commands[] = {
		SIOCINQ, SIOCOUTQ, SIOCATMARK, SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR,
		SIOCGIFNAME, SIOCGIFINDEX, SIOCGSTAMP, FIONBIO, FIOASYNC,
	};
	int fd = some_file(state);
	unsigned long command = commands[take_below(state->stream, ARRAY_SIZE(commands))];
	uint8_t how = take(state->stream);

	memset(buffer, how, sizeof(struct ifreq));
	ioctl(fd, command, how > 240 ? (void *)-8L : buffer);
	/* Whatever it made of it: what comes next is not to wait. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void do_sendfile(struct state *state)
{
	int to = some_file(state), from = some_file(state);

	if (sendfile(to, from, NULL, take_number(state->stream) % BUFFER) < 0)
		return;
}

static void do_splice(struct state *state)
{
	int from = some_file(state), to = some_file(state), tube[2];
	ssize_t len;

	if (pipe2(tube, O_NONBLOCK))
		return;
	len = splice(from, NULL, tube[1], NULL, 4096, SPLICE_F_NONBLOCK);
	if (len > 0 && splice(tube[0], NULL, to, NULL, len, SPLICE_F_NONBLOCK) < 0)
		errno = 0;
	close(tube[0]);
	close(tube[1]);
}

static void do_wait(struct state *state)
{
	struct pollfd fds[] = {
		{ some_file(state), POLLIN | POLLOUT | POLLRDHUP }, { some_file(state), POLLIN } };

	poll(fds, 2, take_below(state->stream, 8));
}

const call_fn sock_calls[] = {
	do_socket, do_bind, do_connect, do_listen, do_accept_sock, do_sendmsg, do_recvmsg,
	do_sendmsg, do_recvmsg, do_option, do_shutdown, do_names, do_sock_ioctl, do_sendfile,
	do_splice, do_wait, do_socketpair, do_stack_socket, do_rule_add, do_rule_del, do_next,
	NULL
};

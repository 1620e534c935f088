// SPDX-License-Identifier: GPL-2.0
/* What clients do with views, servers, sessions and mounts, by each of the interfaces. */

#include "state.h"

static void do_control(struct state *state)
{
	keep(state, control_open());
}

static void do_view_create(struct state *state)
{
	int parent = take_below(state->stream, 3) ? -1 : some_fd(state);
	uint32_t inherit = take_below(state->stream, 5);

	keep(state, view_create_in(state->client->control, parent, some_name(state), inherit));
}

static void do_view_open(struct state *state)
{
	uint64_t id = take_number(state->stream);
	const char *name = some_name(state);

	keep(state, view_open(state->client->control, id, name, take_below(state->stream, 3)));
}

static void do_view_enter(struct state *state)
{
	view_enter(some_fd(state));
}

static void do_view_info(struct state *state)
{
	struct viewos_view_info info;

	view_info(some_fd(state), &info);
}

static void do_view_set(struct state *state)
{
	int fd = some_fd(state);

	view_set(fd, take_below(state->stream, 5));
}

static void do_view_destroy(struct state *state)
{
	int fd = some_fd(state);

	view_destroy(fd, take_below(state->stream, 3));
}

static void do_ioctl(struct state *state)
{
	static const unsigned long commands[] = {
		VIEWOS_IOC_VERSION, VIEWOS_IOC_VIEW_CREATE, VIEWOS_IOC_VIEW_OPEN,
		VIEWOS_IOC_SERVER_CREATE, VIEWOS_IOC_VIEW_ENTER, VIEWOS_IOC_VIEW_INFO,
		VIEWOS_IOC_VIEW_SET, VIEWOS_IOC_VIEW_DESTROY, VIEWOS_IOC_SERVER_ACCEPT,
		VIEWOS_IOC_SESSION_REFUSE, VIEWOS_IOC_RULE_ADD, VIEWOS_IOC_RULE_DEL,
		VIEWOS_IOC_SOCKET, VIEWOS_IOC_SESSION_NEXT, FS_IOC_GETFLAGS,
		FS_IOC_FSGETXATTR, FIONREAD, FIOQSIZE, VIEWOS_IOC_VIEW_UTS,
		VIEWOS_IOC_VIEW_CLOCK, VIEWOS_IOC_VIEW_KILL,
		VIEWOS_IOC_VIEW_ATTACH,
	};
	int fd = some_fd(state);
	unsigned long command = commands[take_below(state->stream, ARRAY_SIZE(commands))];
	uint32_t size = take_number(state->stream), i;
	uint8_t how = take(state->stream);

	/* A session fd that would block is read by others. */
	if (command == VIEWOS_IOC_SERVER_ACCEPT || command == VIEWOS_IOC_SESSION_NEXT)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	memset(buffer, 0, 4096);
	memcpy(buffer, &size, sizeof(size));
	for (i = how % 16; i; i--)
		buffer[take(state->stream)] = take(state->stream);
	ioctl(fd, command, how > 240 ? (void *)-8L : buffer);
}

static void do_server_create(struct state *state)
{
	keep(state, server_create(state->client->control));
}

static void do_server_add(struct state *state)
{
	int fd = some_fd(state);
	const char *name = some_name(state);

	server_add(fd, name, take_below(state->stream, 2));
}

static void do_server_del(struct state *state)
{
	/* Mostly, the name of the one that serves us stays. */
	const char *name = some_name(state);

	if (name != state->client->name || take(state->stream) > 192)
		server_del(name);
}

static void do_accept(struct state *state)
{
	struct viewos_server_accept accept = {
		.flags = VIEWOS_ACCEPT_NONBLOCK,
		.source = take_below(state->stream, 2) ? (uintptr_t)buffer : 0,
		.options = take_below(state->stream, 2) ? (uintptr_t)buffer : -8,
	};

	keep(state, server_accept(some_fd(state), &accept));
}

static void do_session_read(struct state *state)
{
	int fd = some_fd(state);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (read(fd, buffer, take_number(state->stream) % BUFFER) < 0)
		return;
}

static void do_session_write(struct state *state)
{
	int fd = some_fd(state);
	struct fuse_out_header header = {
		.len = take_number(state->stream),
		.error = take_number(state->stream),
		.unique = take_number(state->stream),
	};
	size_t len = take_number(state->stream) % 4096;

	memcpy(buffer, &header, sizeof(header));
	if (write(fd, buffer, len) < 0)
		return;
}

static void do_poll(struct state *state)
{
	struct pollfd fds[] = { { some_fd(state), POLLIN | POLLOUT }, { some_fd(state), POLLIN } };

	poll(fds, 2, 0);
}

static void do_netlink(struct state *state)
{
	static const uint16_t flags[] = {
		0, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP | NLM_F_ACK, 0xffff };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_message message;
	uint32_t i, n, len;
	int fd, family = nl_family();
	uint8_t command;

	command = take_below(state->stream, VIEWOS_CMD_MAX + 3);
	nl_begin(&message, family, command, flags[take_below(state->stream, ARRAY_SIZE(flags))]);
	for (n = take_below(state->stream, 5); n; n--) {
		uint16_t type = take_below(state->stream, VIEWOS_A_MAX + 3);

		len = take(state->stream) % 80;
		for (i = 0; i < len; i++)
			buffer[i] = take(state->stream);
		if (type == VIEWOS_A_SERVER_FD && len >= 4)
			memcpy(buffer, &state->fds[(uint8_t)buffer[0] % SLOTS], 4);
		if (type == VIEWOS_A_SERVER_NAME)
			len = strlen(strcpy(buffer, some_name(state))) + 1;
		nl_put(&message, type, buffer, len);
	}
	message.header.nlmsg_len += (int8_t)take(state->stream) % 4;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return;
	if (sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) > 0)
		for (i = 0; i < 4 && recv(fd, buffer, BUFFER, MSG_DONTWAIT) > 0; i++)
			;
	close(fd);
}

/* As viewctl does it. */
static void do_list(struct state *state)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_message message;
	uint8_t command = 1 + take_below(state->stream, 5);
	uint8_t how = take(state->stream);
	uint64_t id = take_number(state->stream);
	int fd, turns;

	nl_begin(&message, nl_family(), command, how & 1 ? NLM_F_DUMP : NLM_F_ACK);
	if (how & 2)
		nl_put(&message, VIEWOS_A_VIEW_ID, &id, sizeof(id));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return;
	if (sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) > 0)
		for (turns = 0; turns < 8; turns++)
			if (recv(fd, buffer, BUFFER, MSG_DONTWAIT) < 0)
				break;
	close(fd);
}

/* Hears of events, which others cause. */
static void do_listen(struct state *state)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);
	/* The groups of the families are numbered one after the other. */
	int group = take_below(state->stream, 16);

	if (fd < 0)
		return;
	if (!bind(fd, (void *)&address, sizeof(address)))
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	keep(state, fd);
}

/* Mounts */

static void options(char *text, size_t size, const struct client *client, uint8_t how)
{
	static const char *const more[] = {
		"", "server_access", "timeout=1", "default_permissions", "timeout=99999999999",
		"data=x", "unknown", "timeout=", "server=", "data=\\,",
	};

	snprintf(text, size, "%s%s,%s", how > 250 ? "" : "server=", client->name,
		 how < 128 ? "" : how < 168 ? "recover=1" : more[how % ARRAY_SIZE(more)]);
}

void client_mount(struct client *client, uint8_t how)
{
	char text[256];

	options(text, sizeof(text), client, how);
	mount("fuzz", client->dir, "viewfs", how % 5 ? 0 : MS_NOATIME, text);
}

static void do_mount(struct state *state)
{
	/* Each takes a server's answers; a few will do. */
	if (take(state->stream) > 160)
		client_mount(state->client, take(state->stream));
}

static void do_fsopen(struct state *state)
{
	int fd = result(syscall(SYS_fsopen, "viewfs", 1));
	uint32_t n;

	for (n = take_below(state->stream, 4); fd >= 0 && n; n--) {
		static const char *const keys[] = { "server", "source", "data", "timeout", "x" };
		const char *key = keys[take_below(state->stream, ARRAY_SIZE(keys))];

		syscall(SYS_fsconfig, fd, take_below(state->stream, 3), key,
			take_below(state->stream, 2) ? some_path(state) : some_name(state), 0);
	}
	if (fd >= 0 && take_below(state->stream, 4) == 3 &&
	    !syscall(SYS_fsconfig, fd, 6, NULL, NULL, 0))
		keep(state, result(syscall(SYS_fsmount, fd, 1, 0)));
	keep(state, fd);
}

static void do_umount(struct state *state)
{
	static const int flags[] = { 0, MNT_DETACH, MNT_FORCE, MNT_EXPIRE };

	umount2(state->client->dir, flags[take_below(state->stream, ARRAY_SIZE(flags))]);
}

static void do_remount(struct state *state)
{
	mount(NULL, state->client->dir, NULL, MS_REMOUNT | (take(state->stream) & 0x3f),
	      take_below(state->stream, 2) ? "timeout=2" : "");
}

const call_fn view_calls[] = {
	do_view_create, do_view_enter, do_control, do_view_open, do_view_info, do_view_set,
	do_view_destroy, do_ioctl, do_server_create, do_server_add, do_server_del, do_accept,
	do_session_read, do_session_write, do_poll, do_netlink, do_list, do_listen, do_mount,
	do_fsopen, do_umount, do_remount, NULL
};

// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: registration, dumps, events, hostile messages. */

#include "../dump.h"
#include "../fake_server.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static int count_string(uint8_t cmd, uint16_t attr, const char *string)
{
	return dump_count(cmd, 0, attr, string, strlen(string) + 1);
}

TEST(register_and_unregister)
{
	int control = control_open();
	int server = server_create(control);
	int other = server_create(control);

	ASSERT_LE(0, server);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, server_add(server, "netlink-a", false));
	EXPECT_EQ(1, count_string(VIEWOS_CMD_SERVER_GET, VIEWOS_A_SERVER_NAME, "netlink-a"));
	EXPECT_EQ(-EEXIST, server_add(other, "netlink-a", false));
	EXPECT_EQ(-EBUSY, server_add(server, "netlink-b", false));
	EXPECT_EQ(0, server_del("netlink-a"));
	EXPECT_EQ(-ENOENT, server_del("netlink-a"));
	EXPECT_EQ(0, server_add(other, "netlink-a", false));
	close(other);
	EXPECT_EQ(0, count_string(VIEWOS_CMD_SERVER_GET, VIEWOS_A_SERVER_NAME, "netlink-a"));
	close(server);
	close(control);
}

TEST(register_refused)
{
	int control = control_open();
	int server = server_create(control);
	int view = view_create(control, "");
	int null = open("/dev/null", O_RDWR);
	char longest[VIEWOS_NAME_LEN + 1];

	EXPECT_EQ(-EBADF, server_add(9999, "netlink-x", false));
	EXPECT_EQ(-EBADF, server_add(-1, "netlink-x", false));
	EXPECT_EQ(-EINVAL, server_add(null, "netlink-x", false));
	EXPECT_EQ(-EINVAL, server_add(view, "netlink-x", false));
	EXPECT_EQ(-EINVAL, server_add(server, "", false));
	EXPECT_EQ(-EINVAL, server_add(server, "9lives", false));
	EXPECT_EQ(-EINVAL, server_add(server, "a/b", false));
	memset(longest, 'a', VIEWOS_NAME_LEN);
	longest[VIEWOS_NAME_LEN] = 0;
	EXPECT_EQ(-EINVAL, server_add(server, longest, false));
	longest[VIEWOS_NAME_LEN - 1] = 0;
	EXPECT_EQ(0, server_add(server, longest, false));
	/* Another user: not the creator, and no right to a public name. */
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?: -server_add(server, "netlink-y", false)));
	EXPECT_EQ(EPERM, IN_CHILD(({
		become_nobody() ?: -server_add(server_create(control), "netlink-y", true); })));
	EXPECT_EQ(0, IN_CHILD(({
		become_nobody() ?: -server_add(server_create(control), "netlink-y", false); })));
	close(null);
	close(view);
	close(server);
	close(control);
}

TEST(hostile_messages)
{
	struct nl_message message;
	int family = nl_family();
	uint32_t small = 1;
	char answer[8192];
	int32_t fd = 0;

	ASSERT_LT(0, family);
	/* A command that is none. */
	nl_begin(&message, family, 200, NLM_F_ACK);
	EXPECT_EQ(-EOPNOTSUPP, nl_talk(&message, answer, sizeof(answer)));
	/* An event is no request. */
	nl_begin(&message, family, VIEWOS_CMD_VIEW_NEW_NTF, NLM_F_ACK);
	EXPECT_EQ(-EOPNOTSUPP, nl_talk(&message, answer, sizeof(answer)));
	/* Nothing that is needed is there. */
	nl_begin(&message, family, VIEWOS_CMD_SERVER_ADD, NLM_F_ACK);
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	nl_put(&message, VIEWOS_A_SERVER_NAME, "x", 2);
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	nl_begin(&message, family, VIEWOS_CMD_SERVER_DEL, NLM_F_ACK);
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	nl_begin(&message, family, VIEWOS_CMD_VIEW_GET, NLM_F_ACK);
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	/* A name without an end, a number of the wrong size. */
	nl_begin(&message, family, VIEWOS_CMD_SERVER_DEL, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_SERVER_NAME, "abc", 3);
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	nl_begin(&message, family, VIEWOS_CMD_VIEW_GET, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_VIEW_ID, &small, sizeof(small));
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	/* Attributes that do not belong there, or to nothing at all. */
	nl_begin(&message, family, VIEWOS_CMD_SERVER_DEL, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_SERVER_NAME, "x", 2);
	nl_put(&message, VIEWOS_A_SERVER_FD, &fd, sizeof(fd));
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
	nl_begin(&message, family, VIEWOS_CMD_SERVER_DEL, NLM_F_ACK);
	nl_put(&message, VIEWOS_A_SERVER_NAME, "x", 2);
	nl_put(&message, 999, &fd, sizeof(fd));
	EXPECT_EQ(-EINVAL, nl_talk(&message, answer, sizeof(answer)));
}

TEST(view_get)
{
	int control = control_open();
	int view = view_create(control, "netlink-view");
	struct viewos_view_info info;
	struct nl_message message;
	uint64_t id = UINT64_MAX;
	char answer[8192];

	ASSERT_LE(0, view);
	ASSERT_EQ(0, view_info(view, &info));
	EXPECT_EQ(1, count_string(VIEWOS_CMD_VIEW_GET, VIEWOS_A_VIEW_NAME, "netlink-view"));
	nl_begin(&message, nl_family(), VIEWOS_CMD_VIEW_GET, 0);
	nl_put(&message, VIEWOS_A_VIEW_ID, &info.id, sizeof(info.id));
	EXPECT_LT(0, nl_talk(&message, answer, sizeof(answer)));
	nl_begin(&message, nl_family(), VIEWOS_CMD_VIEW_GET, 0);
	nl_put(&message, VIEWOS_A_VIEW_ID, &id, sizeof(id));
	EXPECT_EQ(-ENOENT, nl_talk(&message, answer, sizeof(answer)));
	/* Others do not see it. */
	EXPECT_EQ(0, IN_CHILD(become_nobody() ?:
			      count_string(VIEWOS_CMD_VIEW_GET, VIEWOS_A_VIEW_NAME,
					   "netlink-view")));
	nl_begin(&message, nl_family(), VIEWOS_CMD_VIEW_GET, 0);
	nl_put(&message, VIEWOS_A_VIEW_ID, &info.id, sizeof(info.id));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?:
				  -nl_talk(&message, answer, sizeof(answer))));
	close(view);
	close(control);
}

TEST(task_get)
{
	int control = control_open();
	int view = view_create(control, "");
	struct viewos_view_info info;
	uint32_t tid;
	pid_t pid;

	ASSERT_LE(0, view);
	ASSERT_EQ(0, view_info(view, &info));
	pid = fork();
	if (!pid) {
		view_enter(view);
		pause();
	}
	tid = pid;
	ASSERT_TRUE(view_has_tasks(view, 1));
	EXPECT_EQ(1, dump_count(VIEWOS_CMD_TASK_GET, info.id, VIEWOS_A_TASK_TID, &tid, 4));
	EXPECT_EQ(1, dump_count(VIEWOS_CMD_TASK_GET, 0, VIEWOS_A_TASK_PID, &tid, 4));
	EXPECT_EQ(0, dump_count(VIEWOS_CMD_TASK_GET, UINT64_MAX, VIEWOS_A_TASK_TID, &tid, 4));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, dump_count(VIEWOS_CMD_TASK_GET, info.id, VIEWOS_A_TASK_TID, &tid, 4));
	close(view);
	close(control);
}

/* More than one message buffer of views and of tasks. */
TEST(long_dumps)
{
	int control = control_open();
	int view = view_create(control, "");
	static int fds[300];
	struct viewos_view_info info;
	pid_t pid;

	ASSERT_LE(0, view);
	ASSERT_EQ(0, view_info(view, &info));
	for (size_t i = 0; i < 300; i++)
		ASSERT_LE(0, fds[i] = view_create_in(control, view, "", VIEWOS_INHERIT_SHARE));
	EXPECT_EQ(300, dump_count(VIEWOS_CMD_VIEW_GET, 0, VIEWOS_A_VIEW_PARENT, &info.id, 8));
	for (size_t i = 0; i < 300; i++)
		close(fds[i]);
	pid = fork();
	if (!pid) {
		view_enter(view);
		for (size_t i = 1; i < 200; i++)
			if (fork() == 0)
				break;
		pause();
	}
	ASSERT_TRUE(view_has_tasks(view, 200));
	EXPECT_EQ(200, dump_count(VIEWOS_CMD_TASK_GET, info.id, VIEWOS_A_VIEW_ID, &info.id, 8));
	EXPECT_EQ(0, view_destroy(view, VIEWOS_VIEW_DESTROY_KILL));
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(view_has_tasks(view, 0));
	close(view);
	close(control);
}

TEST(session_get)
{
	pid_t server;

	ASSERT_EQ(0, own_mounts());
	server = fake_start("netlink-session", "/mnt");
	ASSERT_LT(0, server);
	ASSERT_EQ(0, viewfs_mount("netlink-session", "/mnt", ""));
	EXPECT_EQ(1, count_string(VIEWOS_CMD_SESSION_GET, VIEWOS_A_SERVER_NAME, "netlink-session"));
	EXPECT_EQ(1, count_string(VIEWOS_CMD_MOUNT_GET, VIEWOS_A_SERVER_NAME, "netlink-session"));
	EXPECT_EQ(0, umount("/mnt"));
	EXPECT_EQ(0, child_status(server));
	EXPECT_EQ(0, count_string(VIEWOS_CMD_SESSION_GET, VIEWOS_A_SERVER_NAME, "netlink-session"));
}

/* The number of the multicast group. */
static int event_group(void)
{
	struct nl_message message;
	char answer[8192];
	struct nlattr *attr, *group, *part;
	int len, id = 0;

	nl_begin(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	nl_put(&message, CTRL_ATTR_FAMILY_NAME, VIEWOS_GENL_NAME, sizeof(VIEWOS_GENL_NAME));
	len = nl_talk(&message, answer, sizeof(answer));
	for (attr = (void *)answer + NLMSG_LENGTH(GENL_HDRLEN); (char *)attr < answer + len;
	     attr = (void *)attr + NLA_ALIGN(attr->nla_len)) {
		if ((attr->nla_type & NLA_TYPE_MASK) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		group = (void *)attr + NLA_HDRLEN;
		for (part = (void *)group + NLA_HDRLEN;
		     (char *)part < (char *)group + group->nla_len;
		     part = (void *)part + NLA_ALIGN(part->nla_len))
			if (part->nla_type == CTRL_ATTR_MCAST_GRP_ID)
				id = *(uint32_t *)((void *)part + NLA_HDRLEN);
	}
	return id;
}

/* Waits for an event; returns whether it came within a minute, which a slow machine may take. */
static bool event_comes(int fd, uint8_t cmd)
{
	struct timeval minute = { .tv_sec = 60 };
	char buffer[8192];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
	while (recv(fd, buffer, sizeof(buffer), 0) > 0)
		if (((struct genlmsghdr *)NLMSG_DATA((struct nlmsghdr *)buffer))->cmd == cmd)
			return true;
	return false;
}

/* A socket to which events come, or -errno. */
static int event_socket(void)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int group = event_group();

	if (fd < 0 || bind(fd, (void *)&local, sizeof(local)) ||
	    setsockopt(fd, SOL_NETLINK, 1 /* NETLINK_ADD_MEMBERSHIP */, &group, sizeof(group)))
		return -errno;
	return fd;
}

TEST(events)
{
	int control = control_open();
	int fd = event_socket();
	int view, server;

	ASSERT_LE(0, fd);
	view = view_create(control, "event-view");
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_VIEW_NEW_NTF));
	EXPECT_EQ(0, IN_CHILD(view_enter(view)));
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_TASK_ENTER_NTF));
	close(view);
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_VIEW_GONE_NTF));
	server = server_create(control);
	EXPECT_EQ(0, server_add(server, "event-server", false));
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_SERVER_NEW_NTF));
	close(server);
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_SERVER_GONE_NTF));
	close(control);
	close(fd);
}

/* A request that a server has read and does not answer. */
TEST(stuck_event)
{
	int fd = event_socket();
	pid_t server, pid;
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, own_mounts());
	server = fake_start("netlink-stuck", "/mnt");
	ASSERT_LT(0, server);
	ASSERT_EQ(0, viewfs_mount("netlink-stuck", "/mnt", ""));
	pid = fork();
	if (!pid)
		_exit(stat("/mnt/deaf", &st));
	EXPECT_TRUE(event_comes(fd, VIEWOS_CMD_SERVER_STUCK_NTF));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	waitpid(pid, NULL, 0);
	close(fd);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* The channel: connecting, waiting, killing, interrupting, dying, misbehaving. */

#include "../fake_server.h"

#include <sys/mman.h>

#define SERVER "channel-test"

FIXTURE(channel)
{
	char dir[32];
	char path[64];
	pid_t server;
};

FIXTURE_VARIANT(channel)
{
	bool together;
};

FIXTURE_VARIANT_ADD(channel, read_write) { .together = false };
FIXTURE_VARIANT_ADD(channel, one_call) { .together = true };

FIXTURE_SETUP(channel)
{
	fake_together = variant->together;
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/channel.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->server = fake_start(SERVER, self->dir);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
}

FIXTURE_TEARDOWN(channel)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

static int stat_name(const char *dir, const char *name)
{
	struct stat st;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return result(stat(path, &st));
}

static int open_name(const char *dir, const char *name, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return result(open(path, flags | O_CLOEXEC));
}

/* Starts a process that looks a name up; its exit status is the errno. */
static pid_t stat_in_child(const char *dir, const char *name)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-stat_name(dir, name));
	sleep_ms(200);
	return pid;
}

/* The child's status, or -ETIME if it has none in time. */
static int status_within(pid_t pid, unsigned int ms)
{
	int status;

	for (; ms; ms--) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		sleep_ms(1);
	}
	return -ETIME;
}

TEST_F(channel, answers)
{
	char data[4096];
	int fd;

	EXPECT_EQ(0, stat_name(self->dir, "file"));
	EXPECT_EQ(0, stat_name(self->dir, "dir"));
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "nothing"));
	fd = open_name(self->dir, "file", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(4096, read(fd, data, sizeof(data)));
	EXPECT_EQ('x', data[0]);
	EXPECT_EQ('x', data[4095]);
	EXPECT_EQ(0, read(fd, data, sizeof(data)));
	close(fd);
}

TEST_F(channel, waiting_caller_is_killed)
{
	pid_t pid = stat_in_child(self->dir, "deaf");

	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_within(pid, 5000));
	/* The session goes on. */
	EXPECT_EQ(0, stat_name(self->dir, "file"));
}

static void ignore_signal(int signal)
{
}

TEST_F(channel, signal_interrupts_the_server)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = stat_in_child(self->dir, "stall");
	ASSERT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(EINTR, status_within(pid, 5000));
}

TEST_F(channel, deaf_server_survives_a_signal_then_kill)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = stat_in_child(self->dir, "deaf");
	ASSERT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(-ETIME, status_within(pid, 300));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_within(pid, 5000));
}

TEST_F(channel, server_dies_with_requests_pending)
{
	pid_t pids[8];
	char name[16];
	size_t i;

	for (i = 0; i < 8; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(-stat_name(self->dir, "deaf"));
	}
	snprintf(name, sizeof(name), "%s", "deaf");
	sleep_ms(300);
	ASSERT_EQ(0, kill(self->server, SIGKILL));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(ENOTCONN, status_within(pids[i], 5000));
	EXPECT_EQ(-ENOTCONN, stat_name(self->dir, "file"));
	/* The mount can be taken away all the same. */
	EXPECT_EQ(0, umount(self->dir));
}

TEST_F(channel, server_dies_in_the_middle)
{
	EXPECT_EQ(-ENOTCONN, stat_name(self->dir, "die"));
}

TEST_F(channel, own_mount_is_EDEADLK)
{
	EXPECT_EQ(-EDEADLK, stat_name(self->dir, "self"));
}

TEST_F(channel, malformed_replies_are_EIO)
{
	EXPECT_EQ(-EIO, stat_name(self->dir, "short"));
	EXPECT_EQ(-EIO, stat_name(self->dir, "long"));
	EXPECT_EQ(-EIO, stat_name(self->dir, "badmode"));
	EXPECT_EQ(-EIO, stat_name(self->dir, "badnode"));
	EXPECT_EQ(0, stat_name(self->dir, "file"));
}

TEST_F(channel, bogus_writes_are_refused)
{
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "bogus"));
}

TEST_F(channel, late_reply_is_given_back)
{
	pid_t pid = stat_in_child(self->dir, "late");

	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, status_within(pid, 5000));
	/* Answered only when the node of the late reply has been forgotten. */
	EXPECT_EQ(-ENOENT, stat_name(self->dir, "late-now"));
}

TEST_F(channel, reader_of_a_stuck_page_is_killed)
{
	char byte;
	pid_t pid = fork();

	if (!pid) {
		int fd = open_name(self->dir, "slowREAD", O_RDONLY);

		_exit(read(fd, &byte, 1) == 1);
	}
	sleep_ms(300);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_within(pid, 5000));
	kill(self->server, SIGKILL);
}

TEST_F(channel, faulter_on_a_stuck_page_is_killed)
{
	pid_t pid = fork();

	if (!pid) {
		int fd = open_name(self->dir, "slowREAD", O_RDONLY);
		volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

		_exit(map[0]);
	}
	sleep_ms(300);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_within(pid, 5000));
	kill(self->server, SIGKILL);
}

TEST_F(channel, forced_umount_ends_the_session)
{
	pid_t pid = stat_in_child(self->dir, "deaf");

	umount2(self->dir, MNT_FORCE);
	EXPECT_EQ(ENOTCONN, status_within(pid, 5000));
	umount2(self->dir, MNT_DETACH);
	EXPECT_EQ(0, status_within(self->server, 5000));
}

TEST_F(channel, umount_ends_the_server)
{
	ASSERT_EQ(0, umount(self->dir));
	EXPECT_EQ(0, status_within(self->server, 5000));
}

TEST_F(channel, busy_module_stays)
{
	EXPECT_EQ(-EAGAIN, result(syscall(SYS_delete_module, "viewos", O_NONBLOCK)));
}

TEST(timeout_option)
{
	char dir[] = "/tmp/channel.XXXXXX";
	pid_t server;

	ASSERT_EQ(0, own_mounts());
	ASSERT_NE(NULL, mkdtemp(dir));
	server = fake_start(SERVER, dir);
	ASSERT_LT(0, server);
	ASSERT_EQ(0, viewfs_mount(SERVER, dir, "timeout=1"));
	EXPECT_EQ(-ETIMEDOUT, stat_name(dir, "deaf"));
	EXPECT_EQ(0, stat_name(dir, "file"));
	umount2(dir, MNT_DETACH);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	rmdir(dir);
}

TEST(mount_options_refused)
{
	ASSERT_EQ(0, own_mounts());
	EXPECT_EQ(-EINVAL, result(mount("x", "/mnt", "viewfs", 0, "")));
	EXPECT_EQ(-ENOENT, viewfs_mount("no-such-server", "/mnt", ""));
	EXPECT_EQ(-EINVAL, viewfs_mount("no-such-server", "/mnt", "timeout=-1"));
	EXPECT_EQ(-EINVAL, viewfs_mount("no-such-server", "/mnt", "timeout=99999999"));
	EXPECT_EQ(-EINVAL, viewfs_mount("no-such-server", "/mnt", "nonsense=1"));
}

static int mount_with(int control, int refuse)
{
	struct viewos_server_accept accept = { };
	pid_t pid = fork();
	int err, i;

	if (!pid) {
		int server = server_create(control);
		struct viewos_session_refuse refusal = { sizeof(refusal), refuse };

		if (server_add(server, SERVER "-refuse", false))
			_exit(1);
		if (refuse) {
			int session = server_accept(server, &accept);

			_exit(ioctl(session, VIEWOS_IOC_SESSION_REFUSE, &refusal) != 0);
		}
		/* Until one waits to be accepted. */
		_exit(poll(&(struct pollfd){ server, POLLIN }, 1, -1) != 1);
	}
	/* Until it has its name. */
	for (i = 0; i < 6000; i++) {
		err = viewfs_mount(SERVER "-refuse", "/mnt", "");
		if (err != -ENOENT)
			break;
		sleep_ms(10);
	}
	return waitpid(pid, NULL, 0) == pid ? err : -ECHILD;
}

TEST(refused_by_the_server)
{
	int control = control_open();

	ASSERT_EQ(0, own_mounts());
	EXPECT_EQ(-EMEDIUMTYPE, mount_with(control, EMEDIUMTYPE));
	/* It goes without accepting. */
	EXPECT_EQ(-ENOTCONN, mount_with(control, 0));
}

TEST(mounter_is_killed)
{
	int server = server_create(control_open());
	pid_t pid;

	ASSERT_LE(0, server);
	ASSERT_EQ(0, own_mounts());
	ASSERT_EQ(0, server_add(server, SERVER "-never", false));
	pid = fork();
	if (!pid)
		_exit(viewfs_mount(SERVER "-never", "/mnt", ""));
	sleep_ms(200);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, status_within(pid, 5000));
	close(server);
}

TEST(accept_tells_who_and_what)
{
	struct viewos_server_accept accept = { };
	static char source[VIEWOS_SOURCE_LEN], options[VIEWOS_SOURCE_LEN];
	int server = server_create(control_open());
	int session;
	pid_t pid;

	ASSERT_LE(0, server);
	ASSERT_EQ(0, own_mounts());
	ASSERT_EQ(0, server_add(server, SERVER "-who", false));
	pid = fork();
	if (!pid)
		_exit(viewfs_mount(SERVER "-who", "/mnt", "data=size=1M") != -ENOTCONN);
	accept.source = (uintptr_t)source;
	accept.options = (uintptr_t)options;
	session = server_accept(server, &accept);
	ASSERT_LE(0, session);
	EXPECT_STREQ("test", source);
	EXPECT_STREQ("size=1M", options);
	EXPECT_EQ(VIEWOS_CLASS_PATH, accept.class);
	EXPECT_EQ(getuid(), accept.uid);
	EXPECT_EQ(pid, accept.pid);
	EXPECT_EQ(VIEWOS_VIEW_ROOT, accept.view_id);
	EXPECT_EQ(FD_CLOEXEC, fcntl(session, F_GETFD));
	close(session);
	EXPECT_EQ(0, child_status(pid));
	close(server);
}

/* A view's mount is for the view and what is beneath it, root or not. */
TEST(outside_of_the_view_is_EACCES)
{
	int control = control_open();
	int view = view_create(control, "");
	char dir[] = "/tmp/channel.XXXXXX";
	char path[128];
	int ready[2];
	char byte = 0;
	pid_t server, pid;

	ASSERT_LE(0, view);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_NE(NULL, mkdtemp(dir));
	server = fake_start(SERVER, dir);
	ASSERT_LT(0, server);
	pid = fork();
	if (!pid) {
		int bad = own_mounts() || view_enter(view) || viewfs_mount(SERVER, dir, "") ||
			  stat_name(dir, "file");

		/* A view beneath is inside. */
		bad |= IN_CHILD(view_enter(view_create(control, "")) || stat_name(dir, "dir"));
		byte = bad;
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(0, byte);
	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, dir);
	EXPECT_EQ(-EACCES, stat_name(path, "file"));
	EXPECT_EQ(-EACCES, open_name(path, "", O_RDONLY | O_DIRECTORY));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	rmdir(dir);
}

TEST_HARNESS_MAIN

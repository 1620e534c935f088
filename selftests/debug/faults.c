// SPDX-License-Identifier: GPL-2.0
/*
 * Every entry point with its Nth allocation, or copy from or to user space, failing: N = 1,
 * 2, 3, ... until one passes with no failure injected.
 *
 * What fails, fails with an errno of its own; nobody slips out of a view; and afterwards
 * the same works. Leaks are for kmemleak to find. Needs CONFIG_FAULT_INJECTION.
 */

#include "../mem_server.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#define DIR "/mnt/faults"
#define MAX_FAULTS 3000
#define NO_RSEQ "glibc.pthread.rseq=0"

/**
 * struct step - something done again and again
 * @name: for messages
 * @run: does it, with failures: 0 or more, or -errno
 * @again: makes it possible once more, whether it failed or not; may be NULL
 */
struct step {
	const char *name;
	int (*run)(void);
	void (*again)(void);
};

static int control, parent, view = -1, made = -1, server = -1, session = -1;
static uint64_t home;
static pid_t child;
static char page[65536];

static int fail_nth = -1;

static bool fail_at(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fail_nth, text, len, 0) == len;
}

/* Whether the failure has not come; no more will. */
static bool fail_left(void)
{
	char text[16] = "";
	bool left = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && atoi(text) > 0;

	return fail_at(0) && left;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror(path);
		close(fd);
	}
}

/* The file tells of its opener: each task opens its own. */
static bool fail_init(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		write_file(path, "0");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		write_file(path, "N");
	}
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fail_nth >= 0;
}

/* Also ENOMEM: netlink's, fork's, open's, and what the page cache says. */
static bool usual(int err)
{
	return err == -ENOMEM || err == -EFAULT || err == -ENOBUFS || err == -EAGAIN ||
	       err == -ENFILE || err == -EIO;
}

static void walk(struct __test_metadata *_metadata, const struct step *step)
{
	unsigned int n, failed = 0;
	bool left = false;
	int ret = 0;

	for (n = 1; n < MAX_FAULTS && !left; n++) {
		ASSERT_TRUE(fail_at(n));
		ret = step->run();
		left = fail_left();
		EXPECT_EQ(home, view_self());
		if (!left && ret < 0) {
			failed++;
			EXPECT_TRUE(usual(ret)) {
				TH_LOG("%s, failure %u: %s", step->name, n, strerror(-ret));
			}
		}
		if (step->again)
			step->again();
	}
	EXPECT_LE(0, ret) {
		TH_LOG("%s, no failure: %s", step->name, strerror(-ret));
	}
	EXPECT_TRUE(left) {
		TH_LOG("%s: still failing after %u", step->name, MAX_FAULTS);
	}
	printf("# %s: %u failures injected, %u times it failed\n", step->name, n - 2, failed);
	fflush(stdout);
}

static void walk_all(struct __test_metadata *_metadata, const struct step *steps)
{
	for (; steps->name; steps++)
		walk(_metadata, steps);
}

static void close_made(void)
{
	if (made >= 0)
		close(made);
	made = -1;
}

/* Views */

static int run_open(void) { return made = control_open(); }

static int run_create(void)
{
	return made = view_create_in(control, view, "made", VIEWOS_INHERIT_NEST);
}

static int run_open_self(void) { return made = view_open(control, 0, "", VIEWOS_VIEW_OPEN_SELF); }
static int run_open_name(void) { return made = view_open(control, 0, "faults", 0); }

static int run_info(void)
{
	struct viewos_view_info info;

	return view_info(view, &info);
}

/* The child says whether it is where it has to be. */
static int forked(pid_t pid, bool nest)
{
	uint64_t id;

	if (pid < 0)
		return -errno;
	if (!pid) {
		id = view_self();
		_exit(id == UINT64_MAX || (id == home) == nest);
	}
	return child_status(pid) ? -EPROTO : 0;
}

static int run_fork(void) { return forked(fork(), false); }
static int run_fork_nest(void) { return forked(fork(), true); }

static int run_clone(void)
{
	return forked(syscall(SYS_clone, SIGCHLD | CLONE_FS, 0, 0, 0, 0), false);
}

static void again_nest(void) { view_set(view, VIEWOS_INHERIT_NEST); }
static void again_share(void) { view_set(view, VIEWOS_INHERIT_SHARE); }

/* Enters with failures. A task that moves on from one view to another needs no memory. */
static int enter(void)
{
	bool left;
	int ret;

	for (unsigned int n = 1; ; n++) {
		fail_at(n);
		ret = view_enter(view);
		left = fail_left();
		if (!ret || left)
			return ret;
		if (!usual(ret) || view_self() != 0)
			return -EPROTO;
	}
}

FIXTURE(faults) {
};

FIXTURE_SETUP(faults)
{
	if (!fail_init())
		SKIP(return, "no /proc/self/fail-nth: the kernel has no CONFIG_FAULT_INJECTION");
	/* Code that is not here yet would be read now, and SIGBUS if that fails. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	ASSERT_EQ(0, own_mounts());
	control = control_open();
	ASSERT_LE(0, control);
	parent = view_create(control, "outer");
	ASSERT_LE(0, parent);
	view = view_create_in(control, parent, "faults", VIEWOS_INHERIT_SHARE);
	ASSERT_LE(0, view);
	ASSERT_EQ(0, enter());
	home = view_self();
	ASSERT_NE(0, home);
}

FIXTURE_TEARDOWN(faults)
{
	close(view);
	close(parent);
	close(control);
	close(fail_nth);
}

TEST_F(faults, views)
{
	static const struct step steps[] = {
		{ "open the device", run_open, close_made },
		{ "create a view", run_create, close_made },
		{ "open one's own view", run_open_self, close_made },
		{ "open a view by name", run_open_name, close_made },
		{ "info of a view", run_info },
		{ "fork", run_fork },
		{ "clone with a shared directory", run_clone },
		{ },
	};
	static const struct step nest = {
		"fork into a view of its own", run_fork_nest, again_nest
	};

	walk_all(_metadata, steps);
	again_nest();
	walk(_metadata, &nest);
	again_share();
}

/* Servers and netlink */

static int run_server(void) { return made = server_create(control); }
static int run_server_add(void) { return server_add(server, "faults-new", false); }
static int run_server_del(void) { return server_del("faults-old"); }
static void again_server_add(void) { server_del("faults-new"); }

static void again_server_del(void)
{
	close_made();
	made = server_create(control);
	server_add(made, "faults-old", false);
}

static int dump(uint8_t cmd)
{
	struct nl_message message;
	static char answer[32768];
	int family = nl_family();

	if (family < 0)
		return family;
	nl_begin(&message, family, cmd, NLM_F_DUMP);
	return nl_talk(&message, answer, sizeof(answer));
}

static int run_views(void) { return dump(VIEWOS_CMD_VIEW_GET); }
static int run_tasks(void) { return dump(VIEWOS_CMD_TASK_GET); }
static int run_servers(void) { return dump(VIEWOS_CMD_SERVER_GET); }
static int run_sessions(void) { return dump(VIEWOS_CMD_SESSION_GET); }
static int run_mounts(void) { return dump(VIEWOS_CMD_MOUNT_GET); }

/* A mount waits for this to be accepted, and is refused. */
static void again_accept(void)
{
	struct pollfd poll_fd = { .events = POLLIN };

	if (session >= 0) {
		close(session);
		session = -1;
		waitpid(child, NULL, 0);
		child = 0;
	}
	if (!child) {
		child = fork();
		if (!child)
			_exit(viewfs_mount("faults-accept", "/mnt", "") != -EKEYREJECTED);
	}
	poll_fd.fd = server;
	poll(&poll_fd, 1, -1);
}

static int run_accept(void)
{
	struct viewos_server_accept accept = { };

	session = server_accept(server, &accept);
	return session;
}

static int run_accept_read(void)
{
	int ret = run_accept();

	return ret < 0 ? ret : result(read(session, page, sizeof(page)));
}

TEST_F(faults, servers)
{
	static const struct step steps[] = {
		{ "create a server", run_server, close_made },
		{ "register a server", run_server_add, again_server_add },
		{ "unregister a server", run_server_del, again_server_del },
		{ "list views", run_views },
		{ "list tasks", run_tasks },
		{ "list servers", run_servers },
		{ "list sessions", run_sessions },
		{ "list mounts", run_mounts },
		{ },
	};
	static const struct step accept[] = {
		{ "accept a session", run_accept, again_accept },
		{ "accept a session and read", run_accept_read, again_accept },
		{ },
	};

	server = server_create(control);
	ASSERT_LE(0, server);
	again_server_del();
	walk_all(_metadata, steps);
	close_made();
	server_del("faults-old");

	ASSERT_EQ(0, server_add(server, "faults-accept", false));
	again_accept();
	walk_all(_metadata, accept);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	close(server);
}

/* Files of a real server */

static int run_mount(void) { return viewfs_mount("faults-mem", "/mnt/again", "timeout=60"); }

static void again_mount(void)
{
	while (!umount("/mnt/again"))
		;
}

static int run_stat(void)
{
	struct stat st;

	return result(stat(DIR "/dir/file", &st));
}

static int run_missing(void)
{
	struct stat st;

	return stat(DIR "/dir/none", &st) && errno != ENOENT ? -errno : 0;
}

static int run_statfs(void)
{
	struct statfs st;

	return result(statfs(DIR, &st));
}

static int opened(int fd)
{
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int run_open_file(void) { return opened(open(DIR "/dir/file", O_RDWR)); }
static int run_truncate_open(void) { return opened(open(DIR "/dir/scrap", O_RDWR | O_TRUNC)); }
static int run_creat(void) { return opened(open(DIR "/new", O_RDWR | O_CREAT | O_EXCL, 0644)); }

static int run_read(void)
{
	int fd = open(DIR "/dir/file", O_RDONLY);
	int ret = fd < 0 ? -errno : result(read(fd, page, sizeof(page)));

	if (fd >= 0)
		close(fd);
	return ret;
}

static int run_read_direct(void)
{
	int fd = open(DIR "/dir/file", O_RDONLY | O_DIRECT);
	int ret = fd < 0 ? -errno : result(read(fd, page, sizeof(page)));

	if (fd >= 0)
		close(fd);
	return ret;
}

static int written(int fd)
{
	int ret = fd < 0 ? -errno : result(write(fd, page, sizeof(page)));

	if (ret > 0)
		ret = result(fsync(fd));
	if (fd >= 0)
		close(fd);
	return ret;
}

static int run_write(void) { return written(open(DIR "/dir/scrap", O_WRONLY | O_APPEND)); }
static int run_write_direct(void) { return written(open(DIR "/dir/scrap", O_WRONLY | O_DIRECT)); }

/* A fault is taken inside of write(2), which says EFAULT where a program would get SIGBUS. */
static int run_mmap(void)
{
	int fd = open(DIR "/dir/file", O_RDWR), null = open("/dev/null", O_WRONLY);
	char *map = fd < 0 ? MAP_FAILED :
		    mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int pipes[2], ret = map == MAP_FAILED ? -errno : 0;

	if (!ret)
		ret = result(pipe(pipes));
	if (!ret) {
		ret = result(write(pipes[1], map, 100));
		if (ret > 0)
			ret = result(read(pipes[0], map + 4096, 100));
		close(pipes[0]);
		close(pipes[1]);
	}
	if (map != MAP_FAILED) {
		if (ret > 0)
			ret = result(msync(map, 8192, MS_SYNC));
		/* This may need memory too. */
		while (munmap(map, 8192))
			;
	}
	if (fd >= 0)
		close(fd);
	close(null);
	return ret;
}

static int run_readdir(void)
{
	int fd = open(DIR "/dir", O_RDONLY | O_DIRECTORY);
	int ret = fd < 0 ? -errno : 1;

	while (ret > 0)
		ret = result(syscall(SYS_getdents64, fd, page, sizeof(page)));
	if (fd >= 0)
		close(fd);
	return ret;
}

static int run_readlink(void) { return result(readlink(DIR "/link", page, sizeof(page))); }
static int run_chmod(void) { return result(chmod(DIR "/dir/scrap", 0600)); }
static int run_truncate(void) { return result(truncate(DIR "/dir/scrap", 100)); }
static int run_utimes(void) { return result(utimensat(AT_FDCWD, DIR "/dir/scrap", NULL, 0)); }
static int run_mkdir(void) { return result(mkdir(DIR "/new", 0755)); }
static int run_mknod(void) { return result(mknod(DIR "/new", S_IFIFO | 0600, 0)); }
static int run_symlink(void) { return result(symlink("target", DIR "/new")); }
static int run_link(void) { return result(link(DIR "/dir/scrap", DIR "/new")); }
static int run_rename(void) { return result(rename(DIR "/old", DIR "/new")); }
static int run_unlink(void) { return result(unlink(DIR "/old")); }

static int run_setxattr(void)
{
	return result(setxattr(DIR "/dir/scrap", "user.a", "value", 5, 0));
}

static int run_getxattr(void) { return result(getxattr(DIR "/dir/file", "user.a", page, 100)); }
static int run_listxattr(void) { return result(listxattr(DIR "/dir/file", page, 100)); }
static int run_fallocate(void)
{
	int fd = open(DIR "/dir/scrap", O_WRONLY);
	int ret = fd < 0 ? -errno : result(fallocate(fd, 0, 0, 20000));

	if (fd >= 0)
		close(fd);
	return ret;
}

/* As new: nothing is in the caches, nothing that a step made is there. */
static void again_file(void)
{
	unlink(DIR "/new");
	rmdir(DIR "/new");
	opened(open(DIR "/old", O_RDWR | O_CREAT, 0644));
	if (truncate(DIR "/dir/scrap", 0))
		perror("truncate");
	write_file("/proc/sys/vm/drop_caches", "3");
}

TEST_F(faults, files)
{
	static const struct step steps[] = {
		{ "mount", run_mount, again_mount },
		{ "stat", run_stat, again_file },
		{ "stat of no file", run_missing, again_file },
		{ "statfs", run_statfs, again_file },
		{ "open", run_open_file, again_file },
		{ "open and truncate", run_truncate_open, again_file },
		{ "create", run_creat, again_file },
		{ "read", run_read, again_file },
		{ "read directly", run_read_direct, again_file },
		{ "write", run_write, again_file },
		{ "write directly", run_write_direct, again_file },
		{ "mmap", run_mmap, again_file },
		{ "readdir", run_readdir, again_file },
		{ "readlink", run_readlink, again_file },
		{ "chmod", run_chmod, again_file },
		{ "truncate", run_truncate, again_file },
		{ "utimensat", run_utimes, again_file },
		{ "fallocate", run_fallocate, again_file },
		{ "mkdir", run_mkdir, again_file },
		{ "mknod", run_mknod, again_file },
		{ "symlink", run_symlink, again_file },
		{ "link", run_link, again_file },
		{ "rename", run_rename, again_file },
		{ "unlink", run_unlink, again_file },
		{ "setxattr", run_setxattr, again_file },
		{ "getxattr", run_getxattr, again_file },
		{ "listxattr", run_listxattr, again_file },
		{ },
	};
	char name[64];
	int fd;

	mkdir(DIR, 0755);
	mkdir("/mnt/again", 0755);
	server = mem_start("faults-mem");
	ASSERT_EQ(0, mem_mount("faults-mem", DIR));
	ASSERT_EQ(0, mkdir(DIR "/dir", 0755));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), DIR "/dir/entry-%d", i);
		ASSERT_EQ(0, opened(open(name, O_RDWR | O_CREAT, 0644)));
	}
	fd = open(DIR "/dir/file", O_RDWR | O_CREAT, 0644);
	ASSERT_EQ(sizeof(page), write(fd, page, sizeof(page)));
	close(fd);
	ASSERT_EQ(0, setxattr(DIR "/dir/file", "user.a", "value", 5, 0));
	ASSERT_EQ(0, opened(open(DIR "/dir/scrap", O_RDWR | O_CREAT, 0644)));
	ASSERT_EQ(0, symlink("dir/file", DIR "/link"));
	again_file();
	walk_all(_metadata, steps);
	EXPECT_EQ(0, umount(DIR));
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

/*
 * A copy to the rseq area that fails, as a preempted task makes it, is SIGSEGV by the kernel's
 * own rule. So the C library is told, by starting again, to have none.
 */
static __attribute__((constructor)) void without_rseq(int argc, char **argv)
{
	const char *tunables = getenv("GLIBC_TUNABLES") ?: "";
	char *more;

	if (!__rseq_size)
		return;
	if (strstr(tunables, NO_RSEQ) ||
	    asprintf(&more, "%s%s" NO_RSEQ, tunables, *tunables ? ":" : "") < 0) {
		fputs("faults: the C library does not do without rseq\n", stderr);
		_exit(1);
	}
	setenv("GLIBC_TUNABLES", more, 1);
	execv("/proc/self/exe", argv);
	_exit(127);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* Every entry point of views, servers, listings and files, with failures. */

#include "../mem_server.h"
#include "faults.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#define DIR "/mnt/faults"

static int server = -1, session = -1;
static pid_t child;
static char page[65536];

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

TEST_HARNESS_MAIN

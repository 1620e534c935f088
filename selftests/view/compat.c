// SPDX-License-Identifier: GPL-2.0
/*
 * 32-bit system calls in a view: making tasks, the ioctls, files.
 *
 * They are made by int 0x80, which a 64-bit program can do, too, with memory below 4 GiB.
 */

#include "../mem_server.h"

#include <sys/mman.h>

#define SERVER "compat-test"

/* Numbers and structs of i386. */
enum {
	NR32_fork = 2, NR32_read = 3, NR32_write = 4, NR32_open = 5, NR32_close = 6,
	NR32_getpid = 20, NR32_ioctl = 54, NR32_readdir = 89, NR32_stat = 106, NR32_clone = 120,
	NR32__llseek = 140, NR32_getdents = 141, NR32_vfork = 190, NR32_ftruncate64 = 194,
	NR32_stat64 = 195, NR32_clone3 = 435,
};

#define O_LARGEFILE32	0100000

struct stat64_32 {
	uint32_t start[11];
	uint32_t size[2];
	uint32_t rest[11];
};

struct dirent_32 {
	uint32_t ino;
	uint32_t off;
	uint16_t reclen;
	char name[];
};

static int call32(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c), "S" (d), "D" (e)
		     : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

FIXTURE(compat)
{
	char *low;	/* memory that a 32-bit pointer reaches */
	char dir[32];
	pid_t server;
	uint64_t id;
	int view;
};

/* The test itself enters: the harness gave it a process of its own. */
FIXTURE_SETUP(compat)
{
	struct viewos_view_info info;

	self->server = -1;
	if (IN_CHILD(call32(NR32_getpid, 0, 0, 0, 0, 0) != getpid()))
		SKIP(return, "the kernel takes no 32-bit system calls");
	self->low = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, self->low);
	strcpy(self->dir, "/tmp/compat.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, own_mounts());
	self->server = mem_start(SERVER);
	self->view = view_create(control_open(), "");
	ASSERT_LE(0, self->view);
	ASSERT_EQ(0, view_info(self->view, &info));
	self->id = info.id;
	ASSERT_EQ(0, view_enter(self->view));
	ASSERT_EQ(0, mem_mount(SERVER, self->dir));
}

FIXTURE_TEARDOWN(compat)
{
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
}

TEST_F(compat, tasks)
{
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} *args = (void *)self->low;
	int pid;

	pid = call32(NR32_fork, 0, 0, 0, 0, 0);
	if (!pid)
		_exit(view_self() != self->id || IN_CHILD(view_self() != self->id));
	EXPECT_EQ(0, child_status(pid));
	pid = call32(NR32_vfork, 0, 0, 0, 0, 0);
	if (!pid)
		_exit(view_self() != self->id);
	EXPECT_EQ(0, child_status(pid));
	pid = call32(NR32_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(view_self() != self->id);
	EXPECT_EQ(0, child_status(pid));
	args->exit_signal = SIGCHLD;
	pid = call32(NR32_clone3, (long)args, sizeof(*args), 0, 0, 0);
	if (!pid)
		_exit(view_self() != self->id);
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(view_has_tasks(self->view, 1));
}

static int ioctl32(int fd, uint32_t cmd, const void *arg)
{
	return call32(NR32_ioctl, fd, cmd, (long)arg, 0, 0);
}

TEST_F(compat, ioctls)
{
	struct viewos_version *version = (void *)self->low;
	struct viewos_view_create *create = (void *)self->low;
	struct viewos_view_open *open = (void *)self->low;
	struct viewos_view_info *info = (void *)self->low;
	struct viewos_view_set *set = (void *)self->low;
	struct viewos_view_enter *enter = (void *)self->low;
	struct viewos_view_destroy *destroy = (void *)self->low;
	struct viewos_server_create *server = (void *)self->low;
	struct viewos_server_accept *accept = (void *)self->low;
	int control = control_open();
	uint64_t id;
	int fd, view;

	*version = (struct viewos_version){ .size = sizeof(*version) };
	EXPECT_EQ(0, ioctl32(control, VIEWOS_IOC_VERSION, version));
	EXPECT_EQ(VIEWOS_ABI, version->abi);
	*create = (struct viewos_view_create){ .size = sizeof(*create), .parent_fd = -1,
					       .name = "compat" };
	view = ioctl32(control, VIEWOS_IOC_VIEW_CREATE, create);
	ASSERT_LE(0, view);
	id = create->id;
	*open = (struct viewos_view_open){ .size = sizeof(*open), .id = id };
	fd = ioctl32(control, VIEWOS_IOC_VIEW_OPEN, open);
	EXPECT_LE(0, fd);
	*set = (struct viewos_view_set){ .size = sizeof(*set), .inherit = VIEWOS_INHERIT_NEST };
	EXPECT_EQ(0, ioctl32(fd, VIEWOS_IOC_VIEW_SET, set));
	*info = (struct viewos_view_info){ .size = sizeof(*info) };
	EXPECT_EQ(0, ioctl32(fd, VIEWOS_IOC_VIEW_INFO, info));
	EXPECT_EQ(id, info->id);
	EXPECT_EQ(self->id, info->parent_id);
	EXPECT_EQ(VIEWOS_INHERIT_NEST, info->inherit);
	EXPECT_STREQ("compat", info->name);
	EXPECT_EQ(0, IN_CHILD(({
		*enter = (struct viewos_view_enter){ .size = sizeof(*enter) };
		ioctl32(fd, VIEWOS_IOC_VIEW_ENTER, enter) || view_self() != id;
	})));
	*destroy = (struct viewos_view_destroy){ .size = sizeof(*destroy) };
	EXPECT_EQ(0, ioctl32(fd, VIEWOS_IOC_VIEW_DESTROY, destroy));
	*server = (struct viewos_server_create){ .size = sizeof(*server),
						 .classes = 1 << VIEWOS_CLASS_PATH };
	fd = ioctl32(control, VIEWOS_IOC_SERVER_CREATE, server);
	EXPECT_LE(0, fd);
	*accept = (struct viewos_server_accept){ .size = sizeof(*accept),
						 .flags = VIEWOS_ACCEPT_NONBLOCK };
	EXPECT_EQ(-EAGAIN, ioctl32(fd, VIEWOS_IOC_SERVER_ACCEPT, accept));
	EXPECT_EQ(-ENOTTY, ioctl32(fd, VIEWOS_IOC_VIEW_INFO, accept));
	EXPECT_EQ(-EFAULT, ioctl32(control, VIEWOS_IOC_VERSION, (void *)-4096L));
}

TEST_F(compat, large_file)
{
	char *path = self->low, *text = path + 128, *back = text + 128;
	struct stat64_32 *st = (void *)(back + 128);
	uint64_t *offset = (void *)(st + 1);
	int fd;

	snprintf(path, 128, "%s/file", self->dir);
	strcpy(text, "beyond");
	fd = call32(NR32_open, (long)path, O_RDWR | O_CREAT | O_LARGEFILE32, 0644, 0, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, call32(NR32__llseek, fd, 1, 4096, (long)offset, SEEK_SET));
	EXPECT_EQ((1ULL << 32) + 4096, *offset);
	EXPECT_EQ(7, call32(NR32_write, fd, (long)text, 7, 0, 0));
	EXPECT_EQ(0, call32(NR32_stat64, (long)path, (long)st, 0, 0, 0));
	EXPECT_EQ(4096 + 7, st->size[0]);
	EXPECT_EQ(1, st->size[1]);
	EXPECT_EQ(-EOVERFLOW, call32(NR32_stat, (long)path, (long)st, 0, 0, 0));
	EXPECT_EQ(0, call32(NR32__llseek, fd, 1, 4096, (long)offset, SEEK_SET));
	EXPECT_EQ(7, call32(NR32_read, fd, (long)back, 128, 0, 0));
	EXPECT_STREQ("beyond", back);
	EXPECT_EQ(0, call32(NR32_close, fd, 0, 0, 0, 0));
	/* Who does not know of large files does not get one. */
	EXPECT_EQ(-EOVERFLOW, call32(NR32_open, (long)path, O_RDONLY, 0, 0, 0));
	fd = call32(NR32_open, (long)path, O_RDWR | O_LARGEFILE32, 0, 0, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, call32(NR32_ftruncate64, fd, 100, 0, 0, 0));
	EXPECT_EQ(0, call32(NR32_close, fd, 0, 0, 0, 0));
	fd = call32(NR32_open, (long)path, O_RDONLY, 0, 0, 0);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(compat, directory)
{
	char *path = self->low, *buffer = path + 128;
	bool seen[100] = { };
	int fd, len, at, i, names = 0;
	struct dirent_32 *entry;

	for (i = 0; i < 100; i++) {
		snprintf(path, 128, "%s/name-%d", self->dir, i);
		ASSERT_EQ(0, result(mknod(path, S_IFREG | 0644, 0)));
	}
	strcpy(path, self->dir);
	fd = call32(NR32_open, (long)path, O_RDONLY | O_DIRECTORY, 0, 0, 0);
	ASSERT_LE(0, fd);
	while ((len = call32(NR32_getdents, fd, (long)buffer, 512, 0, 0)) > 0)
		for (at = 0; at < len; at += entry->reclen) {
			entry = (void *)(buffer + at);
			ASSERT_LT(0, entry->reclen);
			if (sscanf(entry->name, "name-%d", &i) != 1 || i < 0 || i >= 100)
				continue;
			EXPECT_FALSE(seen[i]);
			seen[i] = true;
			names++;
		}
	EXPECT_EQ(0, len);
	EXPECT_EQ(100, names);
	/* From the beginning, one by one, by the oldest of the calls. */
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	for (names = 0; call32(NR32_readdir, fd, (long)buffer, 1, 0, 0) == 1; names++)
		;
	EXPECT_EQ(102, names);
	close(fd);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* A server is killed: what its mount's users get, and that the mount can go and come again. */

#include "../mem_server.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#define SERVER "death-test"

FIXTURE(death)
{
	char dir[32];
	pid_t server;
};

FIXTURE_SETUP(death)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/death.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->server = fake_start(SERVER, self->dir);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
}

FIXTURE_TEARDOWN(death)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

static int open_name(const char *dir, const char *name, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return result(open(path, flags | O_CLOEXEC));
}

static int stat_name(const char *dir, const char *name)
{
	struct stat st;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return result(stat(path, &st));
}

/* Kills the server, and returns when it is gone, which its users must not notice late. */
static void server_kill(pid_t *server)
{
	kill(*server, SIGKILL);
	waitpid(*server, NULL, 0);
}

/* Reads a directory until an error, which it returns; tells when it is in the middle. */
static int read_directory(const char *dir, const char *name, int ready)
{
	int fd = open_name(dir, name, O_RDONLY | O_DIRECTORY);
	char buffer[4096], byte = 0;
	int len, batches = 0;

	if (fd < 0)
		return fd;
	do {
		if (++batches == 20 && write(ready, &byte, 1) != 1)
			return -EPIPE;
		len = result(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
	} while (len > 0);
	return close(fd) ? -errno : len;
}

TEST_F(death, in_the_middle_of_a_directory)
{
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid)
		_exit(-read_directory(self->dir, "endless", ready[1]));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	server_kill(&self->server);
	EXPECT_EQ(ENOTCONN, status_soon(pid));
	EXPECT_EQ(-ENOTCONN, open_name(self->dir, "", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(0, umount(self->dir));
}

TEST_F(death, mount_in_use)
{
	char data[16], cwd[4096];
	volatile char *touched, *untouched;
	int file, other, dir;

	file = open_name(self->dir, "file", O_RDONLY);
	other = open_name(self->dir, "slowREAD", O_RDONLY);
	dir = open_name(self->dir, "dir", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, file);
	ASSERT_LE(0, other);
	ASSERT_LE(0, dir);
	touched = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	untouched = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
	ASSERT_NE(MAP_FAILED, (void *)touched);
	ASSERT_NE(MAP_FAILED, (void *)untouched);
	ASSERT_EQ('x', touched[0]);
	ASSERT_EQ(0, fchdir(dir));

	server_kill(&self->server);
	/* What is here already stays; what would have to be asked for is an error. */
	EXPECT_EQ('x', touched[4095]);
	EXPECT_EQ(128 + SIGBUS, IN_CHILD(untouched[0]));
	EXPECT_EQ(-ENOTCONN, result(pread(other, data, sizeof(data), 0)));
	EXPECT_EQ(-ENOTCONN, open_name(".", "file", O_RDONLY));
	EXPECT_EQ(-ENOTCONN, stat_name(".", "."));
	EXPECT_EQ(-ENOTCONN, result(syscall(SYS_getdents64, dir, cwd, sizeof(cwd))));
	EXPECT_NE(NULL, getcwd(cwd, sizeof(cwd)));
	EXPECT_EQ(-EBUSY, result(umount(self->dir)));
	EXPECT_EQ(0, umount2(self->dir, MNT_DETACH));
	EXPECT_EQ(-ENOTCONN, result(pread(other, data, sizeof(data), 0)));
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, close(file));
	EXPECT_EQ(0, close(other));
	EXPECT_EQ(0, close(dir));
}

/* One of many that wait, each in its own way; its exit status is the errno. */
static int wait_for_server(const char *dir, int way)
{
	struct statfs st;
	char byte, path[64];
	int fd;

	switch (way % 4) {
	case 0:
		return -stat_name(dir, "deaf");
	case 1:
		fd = open_name(dir, "slowREAD", O_RDONLY | O_DIRECT);
		return fd < 0 ? 1 : -result(read(fd, &byte, 1));
	case 2:
		fd = open_name(dir, "slowDIR", O_RDONLY | O_DIRECTORY);
		return fd < 0 ? 1 : -result(syscall(SYS_getdents64, fd, path, sizeof(path)));
	default:
		snprintf(path, sizeof(path), "%s/deaf", dir);
		return statfs(path, &st) ? errno : 0;
	}
}

TEST_F(death, many_callers_pending)
{
	pid_t pids[64];
	int i;

	for (i = 0; i < 64; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(wait_for_server(self->dir, i));
	}
	sleep_ms(1000);
	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, waitpid(pids[i], NULL, WNOHANG));
	server_kill(&self->server);
	for (i = 0; i < 64; i++) {
		EXPECT_EQ(ENOTCONN, status_soon(pids[i])) {
			TH_LOG("way %d", i % 4);
		}
	}
	EXPECT_EQ(0, umount(self->dir));
}

/* All of them in the fault of one page that never comes. */
TEST_F(death, many_faults_pending)
{
	volatile char *map;
	pid_t pids[16];
	int i, fd;

	fd = open_name(self->dir, "slowREAD", O_RDONLY);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	for (i = 0; i < 16; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(map[0]);
	}
	sleep_ms(500);
	server_kill(&self->server);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(128 + SIGBUS, status_soon(pids[i]));
	munmap((void *)map, 4096);
	close(fd);
	EXPECT_EQ(0, umount(self->dir));
}

TEST_F(death, another_server_at_the_same_place)
{
	int round;

	for (round = 0; round < 5; round++) {
		server_kill(&self->server);
		EXPECT_EQ(-ENOTCONN, stat_name(self->dir, "file"));
		/* In its place, or over it. */
		if (round % 2)
			ASSERT_EQ(0, umount(self->dir));
		self->server = fake_start(SERVER, self->dir);
		ASSERT_LT(0, self->server);
		ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
		EXPECT_EQ(0, stat_name(self->dir, "file"));
	}
	while (!umount(self->dir))
		;
	EXPECT_EQ(EINVAL, errno);
}

/* A program runs from the mount: it may go on with what it has, and can always be ended. */
TEST(running_program)
{
	char dir[] = "/tmp/death.XXXXXX", program[64], command[128];
	pid_t server, pid;
	int view;

	ASSERT_EQ(0, own_mounts());
	ASSERT_NE(NULL, mkdtemp(dir));
	server = mem_start(SERVER "-mem");
	ASSERT_EQ(0, mem_mount(SERVER "-mem", dir));
	view = view_create(control_open(), "");
	ASSERT_LE(0, view);
	snprintf(program, sizeof(program), "%s/sleep", dir);
	snprintf(command, sizeof(command), "cp /bin/sleep %s", program);
	ASSERT_EQ(0, system(command));
	pid = fork();
	if (!pid) {
		if (!view_enter(view))
			execl(program, program, "1000", NULL);
		_exit(1);
	}
	ASSERT_TRUE(view_has_tasks(view, 1));
	sleep_ms(500);
	ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
	server_kill(&server);
	EXPECT_EQ(ENOTCONN, IN_CHILD(execl(program, program, "0", NULL) ? errno : 0));
	EXPECT_EQ(-EBUSY, result(umount(dir)));
	kill(pid, SIGTERM);
	EXPECT_EQ(128 + SIGTERM, status_soon(pid));
	EXPECT_EQ(0, umount(dir));
	rmdir(dir);
}

/*
 * A file without a name, which a process leaves while the flusher has its pages in hand. The
 * process takes the processor from the flusher at some moment, so that what it drops is not
 * the last reference, and the flusher is left with that.
 */
static void leave_dirty(const char *dir, int partner, unsigned int delay_us)
{
	const struct sched_param param = { .sched_priority = 1 };
	const size_t size = 1 << 20;
	int fd = open_name(dir, "f", O_RDWR | O_CREAT);
	char path[64], byte = 0;
	cpu_set_t cpus;
	char *map;

	snprintf(path, sizeof(path), "%s/f", dir);
	if (fd < 0 || ftruncate(fd, size) || unlink(path))
		_exit(1);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		_exit(1);
	memset(map, 1, size);
	/* The server dies, and nothing can be sent any more. */
	if (write(partner, &byte, 1) != 1 || read(partner, &byte, 1) != 1)
		_exit(1);
	memset(map, 2, size);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_FIFO, &param) ||
	    write(partner, &byte, 1) != 1)
		_exit(1);
	usleep(delay_us);
	_exit(0);
}

TEST(flusher_has_the_last_reference)
{
	char dir[] = "/tmp/death.XXXXXX", all[4096] = "", byte = 0;
	pid_t server, user, syncer;
	int round, mask, pair[2];

	ASSERT_EQ(0, own_mounts());
	ASSERT_NE(NULL, mkdtemp(dir));
	/* All flushers on the processor where the process will be. */
	mask = open("/sys/devices/virtual/workqueue/writeback/cpumask", O_RDWR | O_CLOEXEC);
	if (mask < 0)
		SKIP(return, "the flushers' processor cannot be chosen");
	ASSERT_LT(0, read(mask, all, sizeof(all) - 1));
	ASSERT_EQ(1, pwrite(mask, "1", 1, 0));
	for (round = 0; round < 20; round++) {
		server = mem_start(SERVER "-mem");
		ASSERT_EQ(0, mem_mount(SERVER "-mem", dir));
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
		user = fork();
		if (!user)
			leave_dirty(dir, pair[1], 500 * round);
		ASSERT_EQ(1, read(pair[0], &byte, 1));
		server_kill(&server);
		ASSERT_EQ(1, write(pair[0], &byte, 1));
		syncer = fork();
		if (!syncer) {
			if (read(pair[0], &byte, 1) == 1)
				sync();
			_exit(0);
		}
		EXPECT_EQ(0, status_soon(user));
		ASSERT_EQ(0, status_soon(syncer)) {
			TH_LOG("the flusher hangs, in round %d", round);
		}
		close(pair[0]);
		close(pair[1]);
		ASSERT_EQ(0, umount(dir));
	}
	EXPECT_EQ(strlen(all), pwrite(mask, all, strlen(all), 0));
	close(mask);
	rmdir(dir);
}

TEST_HARNESS_MAIN

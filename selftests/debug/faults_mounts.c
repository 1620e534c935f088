// SPDX-License-Identifier: GPL-2.0
/* Mounts of other kinds: what is written back later, one that outlives its server, devices. */

#include "../mem_server.h"
#include "faults.h"

#include <linux/fs.h>
#include <linux/viewos_path.h>
#include <poll.h>

#define DIR "/mnt/faults"
#define SERVER "faults-recover"

static char page[65536];

/* What is written back */

static int written(int fd)
{
	int ret = result(write(fd, page, 5000));

	return ret < 0 ? ret : result(fsync(fd));
}

static int run_write(void) { return with_file(DIR "/file", O_WRONLY | O_TRUNC, written); }

/* The rest of the page has to be read first. */
static int written_part(int fd)
{
	int ret = result(pwrite(fd, page, 100, 9000));

	return ret < 0 ? ret : result(fsync(fd));
}

static int run_write_part(void) { return with_file(DIR "/file", O_RDWR, written_part); }

/* The fault is taken inside of read(2). */
static int written_mapped(int fd)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int pipes[2], ret;

	if (map == MAP_FAILED)
		return -errno;
	ret = result(pipe(pipes));
	if (!ret) {
		ret = result(write(pipes[1], page, 100));
		if (ret > 0)
			ret = result(read(pipes[0], map, 100));
		close(pipes[0]);
		close(pipes[1]);
	}
	if (ret > 0)
		ret = result(msync(map, 4096, MS_SYNC));
	while (munmap(map, 4096))
		;
	return ret;
}

static int run_write_mapped(void) { return with_file(DIR "/file", O_RDWR, written_mapped); }

static int cut(int fd)
{
	int ret = result(pwrite(fd, page, 5000, 0));

	return ret < 0 ? ret : result(ftruncate(fd, 10));
}

static int run_cut(void) { return with_file(DIR "/file", O_RDWR, cut); }

static int copied(int fd)
{
	int ret = result(pwrite(fd, page, 5000, 0));

	return ret < 0 ? ret : result(copy_file_range(fd, NULL, fd, &(loff_t){ 8192 }, 4096, 0));
}

static int run_copy(void) { return with_file(DIR "/file", O_RDWR, copied); }

static int filled(int fd)
{
	return write(fd, page, sizeof(page)) == sizeof(page) ? fsync(fd) : -1;
}

/* Errors that a step did not come to hear of are told to the next who asks. */
static void again_written(void)
{
	while (with_file(DIR "/file", O_WRONLY, filled))
		sleep_ms(1);
	drop_caches();
}

TEST_F(faults, written_back)
{
	static const struct step steps[] = {
		{ "write, and have it written back", run_write, again_written },
		{ "write a part of a page", run_write_part, again_written },
		{ "write by a mapping", run_write_mapped, again_written },
		{ "truncate what is not written back", run_cut, again_written },
		{ "copy what is not written back", run_copy, again_written },
		{ },
	};
	pid_t server = mem_start("faults-mem");

	mkdir(DIR, 0755);
	ASSERT_EQ(0, mem_mount_with("faults-mem", DIR, "data=writeback"));
	ASSERT_EQ(0, with_file(DIR "/file", O_WRONLY | O_CREAT, filled));
	drop_caches();
	walk_all(_metadata, steps);
	EXPECT_EQ(0, umount(DIR));
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

/* A mount that outlives its server: this process, as one server after the other. */

static struct fake_server fake = { .session = -1 };
static int server = -1;
/* INIT was not read well, or the answer was not: that ends a session, as it should. */
static bool spoilt;
/* Each time the next server could go on, but for that. */
static bool steady;

/* Reads one message, and answers: 0, or -errno of the reading, or that of the reply. */
static int serve_one(void)
{
	static char buffer[1 << 17] __attribute__((aligned(8)));
	const struct fuse_in_header *in = (const void *)buffer;
	struct fuse_init_out out = {
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
	};
	int ret = result(read(fake.session, buffer, sizeof(buffer)));

	if (ret < 0)
		return ret;
	if (in->opcode != FUSE_INIT) {
		fake_handle(&fake, in, in + 1);
		return 0;
	}
	((uint32_t *)(&out + 1))[-1] = VIEWOS_PATH_RECOVER;
	ret = fake_reply(&fake, in->unique, 0, &out, sizeof(out));
	return ret < 0 ? ret : 0;
}

/* A child that has none of our fds, and so is no server. */
static pid_t user_fork(void)
{
	pid_t pid = server_fork();

	if (!pid)
		close_range(3, ~0U, 0);
	return pid;
}

static int serve_until(pid_t pid)
{
	struct pollfd fd = { .fd = fake.session, .events = POLLIN };
	int i, status;

	for (i = 0; i < 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : EPROTO;
		/* A session that has ended can be polled at once. */
		if (fake.session < 0 || (poll(&fd, 1, 10) == 1 && serve_one()))
			sleep_ms(1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -ETIME;
}

static void die(void)
{
	close(fake.session);
	fake.session = -1;
	close(server);
	server = -1;
}

/* A server without a session. */
static int follow(void)
{
	server = server_create(control);
	return server < 0 ? server : server_add(server, SERVER, false);
}

/* The first session: that of a mount. */
static int mount_here(void)
{
	struct viewos_server_accept accept = { };
	pid_t pid = user_fork();

	if (!pid)
		_exit(-viewfs_mount(SERVER, DIR, "recover=60"));
	fake.session = server_accept(server, &accept);
	return fake.session < 0 ? fake.session : serve_until(pid);
}

static int take_over(void)
{
	struct viewos_server_accept accept = { .flags = VIEWOS_ACCEPT_NONBLOCK };
	int ret;

	fake.session = server_accept(server, &accept);
	if (fake.session < 0)
		return fake.session;
	ret = serve_one();
	spoilt = ret < 0;
	return ret;
}

static int run_recover(void)
{
	spoilt = false;
	die();
	return follow() ?: take_over();
}

static int user_stat(void)
{
	struct stat st;
	pid_t pid = user_fork();

	if (!pid)
		_exit(stat(DIR "/file", &st) ? errno : 0);
	return serve_until(pid);
}

/* Whatever has become of it, the next server has it, and it works. */
static void again_recover(void)
{
	bool over = spoilt;
	int ret;

	die();
	ret = follow() ?: take_over();
	if (ret == -EAGAIN && over)
		ret = user_stat() == ENOTCONN && !umount(DIR) ? mount_here() : -EPROTO;
	ret = ret ?: user_stat();
	if (ret && steady) {
		steady = false;
		printf("# failure %u: afterwards: %s\n", fault, strerror(abs(ret)));
	}
}

TEST_F(faults, recovered)
{
	static const struct step steps[] = {
		{ "go on with another server", run_recover, again_recover },
		{ },
	};

	mkdir(DIR, 0755);
	ASSERT_EQ(0, follow());
	ASSERT_EQ(0, mount_here());
	steady = true;
	walk_all(_metadata, steps);
	EXPECT_TRUE(steady);
	EXPECT_EQ(0, umount2(DIR, MNT_DETACH));
	die();
}

/* Devices; the last one, as their server stays in the view for a moment */

static int read_some(int fd) { return result(pread(fd, page, 5000, 512)); }
static int write_some(int fd) { return result(pwrite(fd, page, 5000, 512)); }
static int seek_end(int fd) { return result(lseek(fd, 0, SEEK_END)); }

static int asked(int fd)
{
	uint64_t size = 0;
	int ret = result(ioctl(fd, BLKGETSIZE64, &size));

	return ret ?: size == 1 << 20 ? 0 : -EPROTO;
}

static int polled(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	return result(poll(&one, 1, 0));
}

static int run_device_read(void) { return with_file(DIR "/disk", O_RDONLY, read_some); }
static int run_device_write(void) { return with_file(DIR "/disk", O_WRONLY, write_some); }
static int run_device_seek(void) { return with_file(DIR "/disk", O_RDONLY, seek_end); }
static int run_device_ioctl(void) { return with_file(DIR "/disk", O_RDONLY, asked); }
static int run_device_poll(void) { return with_file(DIR "/zero", O_RDONLY, polled); }

static int run_device_stat(void)
{
	struct stat st;

	return stat(DIR "/disk", &st) ? -errno : S_ISBLK(st.st_mode) ? 0 : -EPROTO;
}

TEST_F(faults, devices)
{
	static const struct step steps[] = {
		{ "look at a device", run_device_stat, drop_caches },
		{ "read it", run_device_read, drop_caches },
		{ "write it", run_device_write, drop_caches },
		{ "its end", run_device_seek, drop_caches },
		{ "its size", run_device_ioctl, drop_caches },
		{ "poll one", run_device_poll, drop_caches },
		{ },
	};

	mkdir(DIR, 0755);
	ASSERT_EQ(0, system("viewctl mount -t dev -o size=1M none " DIR));
	walk_all(_metadata, steps);
	EXPECT_EQ(0, umount(DIR));
}

TEST_HARNESS_MAIN

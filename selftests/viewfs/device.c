// SPDX-License-Identifier: GPL-2.0
/* Devices that a server serves: what they are to programs, and what to a server that lies. */

#include "device_server.h"
#include "../ring.h"

#include <dirent.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/un.h>
#include <termios.h>

#define SERVER "device-test"

/* As the kernel's include/uapi has it, which the C library's header hides. */
#define KERNEL_TERMIOS_SIZE	36

FIXTURE(device)
{
	char dir[32];
	volatile struct record *record;	/* the server writes to it */
	pid_t server;
	bool mounted;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/device.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->record = record_create();
	ASSERT_NE(NULL, self->record);
	self->server = server_start(SERVER, serve_devices, (void *)self->record);
	ASSERT_LT(0, self->server);
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_EQ(0, chdir("/"));
	if (self->mounted)
		EXPECT_EQ(0, umount2(self->dir, MNT_DETACH));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	rmdir(self->dir);
	munmap((void *)self->record, sizeof(struct record));
}

static int device_mount(struct _test_data_device *self)
{
	int err = viewfs_mount(SERVER, self->dir, "");

	self->mounted = !err;
	return err ?: result(chdir(self->dir));
}

TEST_F(device, is_offered)
{
	ASSERT_EQ(0, device_mount(self));
	EXPECT_TRUE(self->record->offered & VIEWOS_PATH_DEVICES);
}

TEST_F(device, type_and_number)
{
	struct stat st, open_st;
	struct statx stx;
	int fd;

	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, stat("chr", &st));
	EXPECT_EQ(S_IFCHR | 0666, st.st_mode);
	EXPECT_EQ(0x123, major(st.st_rdev));
	EXPECT_EQ(0x45, minor(st.st_rdev));
	EXPECT_EQ(0, st.st_size);
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &open_st));
	EXPECT_EQ(st.st_mode, open_st.st_mode);
	EXPECT_EQ(st.st_rdev, open_st.st_rdev);
	EXPECT_EQ(1, write(fd, "x", 1));
	ASSERT_EQ(0, fstat(fd, &open_st));
	EXPECT_EQ(0, open_st.st_size);
	close(fd);
	ASSERT_EQ(0, lstat("blk", &st));
	EXPECT_EQ(S_IFBLK | 0660, st.st_mode);
	ASSERT_EQ(0, statx(AT_FDCWD, "blk", 0, STATX_BASIC_STATS, &stx));
	EXPECT_EQ(S_IFBLK | 0660, stx.stx_mode);
	EXPECT_EQ(0x123, stx.stx_rdev_major);
	EXPECT_EQ(0x45 + NODE_BLK, stx.stx_rdev_minor);
}

TEST_F(device, the_largest_number)
{
	struct stat st;
	int fd;

	self->record->liar.rdev = UINT32_MAX;
	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, stat("liar", &st));
	EXPECT_EQ(0xfff, major(st.st_rdev));
	EXPECT_EQ(0xfffff, minor(st.st_rdev));
	fd = open("liar", O_RDWR);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(device, type_in_directories)
{
	struct dirent *entry;
	int seen = 0;
	DIR *dir;

	ASSERT_EQ(0, device_mount(self));
	dir = opendir(".");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, "chr"))
			seen |= entry->d_type == DT_CHR;
		if (!strcmp(entry->d_name, "blk"))
			seen |= (entry->d_type == DT_BLK) << 1;
	}
	closedir(dir);
	EXPECT_EQ(3, seen);
}

TEST_F(device, read_and_write)
{
	static char data[300000];
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(10, read(fd, data, 10));
	EXPECT_EQ('d', data[9]);
	EXPECT_EQ(10, self->record->read.size);
	EXPECT_EQ(7, read(fd, data, 7));
	EXPECT_EQ(10, self->record->read.offset);
	EXPECT_EQ(5, pread(fd, data, 5, 1ULL << 40));
	EXPECT_EQ(1ULL << 40, self->record->read.offset);
	EXPECT_EQ(17, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(17, self->record->write.offset);
	EXPECT_EQ(3, self->record->write.size);
	EXPECT_EQ(3, pwrite(fd, "abc", 3, 4095));
	EXPECT_EQ(4095, self->record->write.offset);
	EXPECT_EQ(20, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(-EFAULT, result(read(fd, (void *)-4096L, 5)));
	EXPECT_EQ(-EFAULT, result(write(fd, (void *)-4096L, 5)));
	close(fd);
	EXPECT_EQ(-EBADF, result(read(fd, data, 1)));
	fd = open("chr", O_RDONLY);
	EXPECT_EQ(-EBADF, result(write(fd, "x", 1)));
	close(fd);
}

TEST_F(device, how_many_requests)
{
	static char data[300000];
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	/* None for nothing. */
	EXPECT_EQ(0, read(fd, data, 0));
	EXPECT_EQ(0, write(fd, data, 0));
	EXPECT_EQ(0, self->record->asked[FUSE_READ] + self->record->asked[FUSE_WRITE]);
	/* As many as it takes, while each is filled. */
	EXPECT_EQ(sizeof(data), read(fd, data, sizeof(data)));
	EXPECT_EQ(3, self->record->asked[FUSE_READ]);
	EXPECT_EQ(sizeof(data), write(fd, data, sizeof(data)));
	EXPECT_LE(5, self->record->asked[FUSE_WRITE]);
	self->record->give = 100;
	EXPECT_EQ(100, read(fd, data, sizeof(data)));
	EXPECT_EQ(4, self->record->asked[FUSE_READ]);
	/* Nothing is kept. */
	EXPECT_EQ(5, pread(fd, data, 5, 0));
	EXPECT_EQ(5, pread(fd, data, 5, 0));
	EXPECT_EQ(6, self->record->asked[FUSE_READ]);
	close(fd);
}

TEST_F(device, a_stream)
{
	static char data[300000];
	int fd;

	self->record->open_flags = FOPEN_STREAM | FOPEN_NONSEEKABLE;
	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	/* One request for each call: the next might wait. */
	EXPECT_EQ(131072, read(fd, data, sizeof(data)));
	EXPECT_EQ(1, self->record->asked[FUSE_READ]);
	EXPECT_EQ(65536, write(fd, data, sizeof(data)));
	EXPECT_EQ(1, self->record->asked[FUSE_WRITE]);
	EXPECT_EQ(0, self->record->write.offset);
	EXPECT_EQ(5, read(fd, data, 5));
	EXPECT_EQ(0, self->record->read.offset);
	EXPECT_EQ(-ESPIPE, result(lseek(fd, 0, SEEK_CUR)));
	EXPECT_EQ(-ESPIPE, result(pread(fd, data, 5, 0)));
	EXPECT_EQ(-ESPIPE, result(pwrite(fd, data, 5, 0)));
	close(fd);
}

TEST_F(device, not_seekable)
{
	char data[8];
	int fd;

	self->record->open_flags = FOPEN_NONSEEKABLE;
	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ESPIPE, result(lseek(fd, 0, SEEK_SET)));
	EXPECT_EQ(-ESPIPE, result(pread(fd, data, 5, 0)));
	EXPECT_EQ(5, read(fd, data, 5));
	close(fd);
}

TEST_F(device, not_blocking)
{
	char data[8];
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("pipe", O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(self->record->open.flags & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, result(read(fd, data, 8)));
	EXPECT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(3, read(fd, data, 8));
	EXPECT_EQ(0, memcmp(data, "abc", 3));
	close(fd);
	/* The flag is that of the call, not that of the open. */
	fd = open("pipe", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, result(read(fd, data, 8)));
	close(fd);
}

static void *write_later(void *fd)
{
	sleep_ms(300);
	return (void *)(intptr_t)write(*(int *)fd, "late", 4);
}

/* Who waits in a read must not keep a write of the same open file waiting. */
TEST_F(device, read_waits_for_write_on_one_file)
{
	pthread_t thread;
	void *written;
	char data[8];
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("pipe", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_later, &fd));
	EXPECT_EQ(4, read(fd, data, 8));
	EXPECT_EQ(0, memcmp(data, "late", 4));
	ASSERT_EQ(0, pthread_join(thread, &written));
	EXPECT_EQ(4, (intptr_t)written);
	close(fd);
}

static void nothing(int signal)
{
}

TEST_F(device, signal_ends_a_read)
{
	struct sigaction action = { .sa_handler = nothing };
	char data[8];
	pid_t pid;
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("pipe", O_RDWR);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		sigaction(SIGALRM, &action, NULL);
		ualarm(300000, 0);
		_exit(result(read(fd, data, 8)) == -EINTR ? 0 : 1);
	}
	EXPECT_EQ(0, child_status(pid));
	close(fd);
}

TEST_F(device, where_a_block_device_ends)
{
	char data[16] = "sixteen bytes..";
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("blk", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(BLK_SIZE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(SEEK_END, self->record->lseek.whence);
	EXPECT_EQ(0, read(fd, data, 16));
	EXPECT_EQ(-ENOSPC, result(write(fd, data, 16)));
	EXPECT_EQ(BLK_SIZE - 4, lseek(fd, -4, SEEK_END));
	EXPECT_EQ(4, write(fd, data, 16));
	EXPECT_EQ(BLK_SIZE - 6, lseek(fd, -6, SEEK_CUR));
	EXPECT_EQ(6, read(fd, data, 16));
	EXPECT_EQ(0, memcmp(data + 2, "sixt", 4));
	EXPECT_EQ(-EINVAL, result(lseek(fd, -1, SEEK_SET)));
	EXPECT_EQ(-EINVAL, result(lseek(fd, 0, SEEK_HOLE)));
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(1, self->record->asked[FUSE_FSYNC]);
	close(fd);
}

TEST_F(device, flags_of_an_open)
{
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("blk", O_RDWR | O_EXCL | O_TRUNC | O_DIRECT);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(self->record->open.flags & O_EXCL);
	EXPECT_FALSE(self->record->open.flags & O_TRUNC);
	EXPECT_EQ(0, self->record->asked[FUSE_SETATTR]);
	close(fd);
	fd = open("chr", O_WRONLY | O_TRUNC | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	EXPECT_FALSE(self->record->open.flags & (O_TRUNC | O_CREAT));
	EXPECT_EQ(0, self->record->asked[FUSE_SETATTR]);
	close(fd);
	EXPECT_EQ(-EINVAL, result(open("chr", O_RDONLY | O_DIRECT)));
	EXPECT_EQ(-ENOTDIR, result(open("chr", O_RDONLY | O_DIRECTORY)));
	EXPECT_EQ(-EEXIST, result(open("chr", O_RDWR | O_CREAT | O_EXCL, 0600)));
	fd = open("chr", O_PATH);
	EXPECT_LE(0, fd);
	EXPECT_EQ(2, self->record->asked[FUSE_OPEN] - 1);
	close(fd);
}

TEST_F(device, what_devices_do_not_do)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "chr" };
	char *argv[] = { "chr", NULL };
	loff_t zero = 0, one = 1;
	int fd;

	self->record->chr.mode |= 0111;
	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, result(truncate("chr", 0)));
	EXPECT_EQ(-EINVAL, result(ftruncate(fd, 0)));
	EXPECT_EQ(0, self->record->asked[FUSE_SETATTR]);
	/* As of a pipe, which it is to the VFS. */
	EXPECT_EQ(-ESPIPE, result(fallocate(fd, 0, 0, 100)));
	EXPECT_EQ(ESPIPE, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(-EINVAL, result(copy_file_range(fd, &zero, fd, &one, 1, 0)));
	EXPECT_EQ(-EINVAL, result(fcntl(fd, F_SETLEASE, F_RDLCK)));
	EXPECT_EQ(-EACCES, result(execv("chr", argv)));
	EXPECT_EQ(-EBADF, result(fcntl(fd, F_SETPIPE_SZ, 4096)));
	EXPECT_EQ(-ECONNREFUSED, result(connect(socket(AF_UNIX, SOCK_STREAM, 0),
						(void *)&address, sizeof(address))));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
}

TEST_F(device, with_a_backing_file)
{
	char data[sizeof(BACKED_TEXT)] = "";
	struct stat st;
	char *map;
	int fd;

	self->record->own = VIEWOS_PATH_DEVICES | VIEWOS_PATH_TARGET;
	ASSERT_EQ(0, device_mount(self));
	fd = open("backed", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(sizeof(data), read(fd, data, sizeof(data)));
	EXPECT_STREQ(BACKED_TEXT, data);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_STREQ(BACKED_TEXT, map);
	EXPECT_EQ(3, pwrite(fd, "THE", 3, 0));
	EXPECT_EQ('T', map[0]);
	map[1] = 'X';
	EXPECT_EQ(3, pread(fd, data, 3, 0));
	EXPECT_EQ('X', data[1]);
	EXPECT_EQ(sizeof(data), lseek(fd, 0, SEEK_END));
	EXPECT_EQ(0, self->record->asked[FUSE_READ] + self->record->asked[FUSE_WRITE]);
	EXPECT_EQ(0, self->record->asked[FUSE_LSEEK]);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, munmap(map, 4096));
	EXPECT_EQ(7, result(ioctl(fd, FAKE_IOCTL_RESULT, 7)));
	close(fd);
}

TEST_F(device, ioctl_by_number)
{
	int value = 41, fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, result(ioctl(fd, FAKE_IOCTL_ADD, &value)));
	EXPECT_EQ(42, value);
	EXPECT_EQ(-EFAULT, result(ioctl(fd, FAKE_IOCTL_ADD, NULL)));
	EXPECT_EQ(-EPERM, result(ioctl(fd, FAKE_IOCTL_RESULT, -EPERM)));
	EXPECT_EQ(-ENOTTY, result(ioctl(fd, _IO('F', 99))));
	EXPECT_EQ(-EIO, result(ioctl(fd, FAKE_IOCTL_RETRY, &value)));
	EXPECT_EQ(-EIO, result(ioctl(fd, FAKE_IOCTL_LONG, &value)));
	/* A block device's are no character device's. */
	EXPECT_EQ(0, result(ioctl(fd, BLKSSZGET, &value)));
	EXPECT_EQ(0, self->record->ioctl.in_size + self->record->ioctl.out_size);
	close(fd);
}

/* Sets all to 0x22, calls, and tells how many bytes from the beginning on became 0x11. */
static int ioctl_copied(int fd, unsigned long cmd)
{
	unsigned char data[64];
	int copied = 0;

	memset(data, 0x22, sizeof(data));
	if (ioctl(fd, cmd, data))
		return -errno;
	while (data[copied] == 0x11)
		copied++;
	return data[copied] == 0x22 ? copied : -EPROTO;
}

TEST_F(device, ioctls_older_than_the_rule)
{
	static const struct {
		unsigned long cmd;
		int size;
	} block[] = {
		{ BLKROGET, 4 }, { BLKGETSIZE, sizeof(long) }, { BLKRAGET, sizeof(long) },
		{ BLKFRAGET, sizeof(long) }, { BLKSECTGET, 2 }, { BLKSSZGET, 4 },
		{ BLKBSZGET, 4 }, { BLKGETSIZE64, 8 }, { BLKIOMIN, 4 }, { BLKIOOPT, 4 },
		{ BLKALIGNOFF, 4 }, { BLKPBSZGET, 4 }, { BLKDISCARDZEROES, 4 },
		{ BLKROTATIONAL, 2 }, { HDIO_GETGEO, sizeof(struct hd_geometry) },
		{ BLKFLSBUF, 0 }, { BLKRRPART, 0 },
	}, terminal[] = {
		{ FIONREAD, 4 }, { TIOCOUTQ, 4 }, { TCGETS, KERNEL_TERMIOS_SIZE },
		{ TIOCGWINSZ, 8 },
	};
	uint64_t range[2] = { 0x1111222233334444, 0x5555666677778888 };
	int blk, chr, value = 4096;

	ASSERT_EQ(0, device_mount(self));
	blk = open("blk", O_RDWR);
	chr = open("chr", O_RDWR);
	ASSERT_LE(0, blk);
	ASSERT_LE(0, chr);
	for (int i = 0; i < sizeof(block) / sizeof(*block); i++) {
		EXPECT_EQ(block[i].size, ioctl_copied(blk, block[i].cmd))
			TH_LOG("command %lx", block[i].cmd);
		EXPECT_EQ(0, self->record->ioctl.in_size);
	}
	for (int i = 0; i < sizeof(terminal) / sizeof(*terminal); i++) {
		EXPECT_EQ(terminal[i].size, ioctl_copied(chr, terminal[i].cmd))
			TH_LOG("command %lx", terminal[i].cmd);
	}
	EXPECT_EQ(1, isatty(chr));
	EXPECT_EQ(0, ioctl(blk, BLKDISCARD, range));
	EXPECT_EQ(16, self->record->ioctl.in_size);
	EXPECT_EQ(range[0], self->record->range[0]);
	EXPECT_EQ(range[1], self->record->range[1]);
	EXPECT_EQ(0, ioctl(blk, BLKZEROOUT, range));
	EXPECT_EQ(16, self->record->ioctl.in_size);
	EXPECT_EQ(-EFAULT, result(ioctl(blk, BLKDISCARD, NULL)));
	EXPECT_EQ(0, ioctl(blk, BLKBSZSET, &value));
	EXPECT_EQ(4, self->record->ioctl.in_size);
	/* By value. */
	EXPECT_EQ(0, ioctl(blk, BLKRASET, 1234L));
	EXPECT_EQ(1234, self->record->ioctl.arg);
	close(blk);
	close(chr);
}

/* Programs of 32 bits have three commands of other numbers. */
TEST_F(device, ioctl_numbers_are_the_same)
{
	uint64_t size;
	int fd, value;

	ASSERT_EQ(0, device_mount(self));
	fd = open("blk", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ioctl(fd, BLKGETSIZE64, &size));
	EXPECT_EQ(0x1111111111111111, size);
	EXPECT_EQ(_IOC(_IOC_READ, 0x12, 114, 8), self->record->ioctl.cmd);
	EXPECT_EQ(sizeof(long) == 4 ? FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT : 0,
		  self->record->ioctl.flags);
	EXPECT_EQ(0, ioctl(fd, BLKBSZGET, &value));
	EXPECT_EQ(_IOC(_IOC_READ, 0x12, 112, 8), self->record->ioctl.cmd);
	EXPECT_EQ(0, ioctl(fd, BLKBSZSET, &value));
	EXPECT_EQ(_IOC(_IOC_WRITE, 0x12, 113, 8), self->record->ioctl.cmd);
	close(fd);
}

TEST_F(device, poll_and_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd pollfd = { .events = POLLIN };
	int epoll = epoll_create1(0), status;
	pid_t pid;

	ASSERT_EQ(0, device_mount(self));
	pollfd.fd = open("chr", O_RDONLY);
	ASSERT_LE(0, pollfd.fd);
	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, pollfd.fd, &event));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	pid = fork();
	if (!pid)
		_exit(poll(&pollfd, 1, -1) == 1 && pollfd.revents == POLLIN ? 0 : 1);
	sleep_ms(300);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, result(ioctl(pollfd.fd, FAKE_IOCTL_WAKE)));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 10000));
	close(pollfd.fd);
	close(epoll);
}

TEST_F(device, attributes_are_set)
{
	struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	struct stat st;
	pid_t pid;

	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, chmod("chr", 0600));
	EXPECT_EQ(S_IFCHR | 0600, self->record->setattr.mode);
	ASSERT_EQ(0, stat("chr", &st));
	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
	pid = fork();
	if (!pid) {
		if (become_nobody() || result(open("chr", O_RDONLY)) != -EACCES)
			_exit(1);
		_exit(result(chmod("chr", 0666)) == -EPERM ? 0 : 2);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, access("chr", R_OK | W_OK));
	EXPECT_EQ(-EACCES, result(access("chr", X_OK)));
	ASSERT_EQ(0, chown("chr", 65534, -1));
	EXPECT_EQ(65534, self->record->setattr.uid);
	pid = fork();
	if (!pid)
		_exit(become_nobody() || open("chr", O_RDONLY) < 0);
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(0, utimensat(AT_FDCWD, "chr", times, 0));
	ASSERT_EQ(0, stat("chr", &st));
	EXPECT_EQ(2000, st.st_mtime);
	EXPECT_TRUE(S_ISCHR(st.st_mode));
}

TEST_F(device, names)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, result(link("chr", "other")));
	EXPECT_EQ(0, result(rename("chr", "new")));
	EXPECT_EQ(-ENOENT, result(stat("chr", &st)));
	ASSERT_EQ(0, stat("new", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, result(unlink("new")));
	EXPECT_EQ(-ENOENT, result(stat("new", &st)));
	EXPECT_EQ(1, read(fd, &st, 1));
	close(fd);
	/* The server makes of a node what it wants. */
	EXPECT_EQ(0, result(mknod("made", S_IFCHR | 0666, makedev(1, 3))));
	EXPECT_EQ(-EIO, result(mknod("made2", S_IFBLK | 0666, makedev(1, 3))));
}

TEST_F(device, locks)
{
	struct flock lock = { .l_type = F_WRLCK };
	int one, two;

	ASSERT_EQ(0, device_mount(self));
	one = open("chr", O_RDWR);
	two = open("chr", O_RDWR);
	ASSERT_LE(0, two);
	EXPECT_EQ(0, flock(one, LOCK_EX | LOCK_NB));
	EXPECT_EQ(-EWOULDBLOCK, result(flock(two, LOCK_EX | LOCK_NB)));
	EXPECT_EQ(0, fcntl(one, F_OFD_SETLK, &lock));
	EXPECT_EQ(-EAGAIN, result(fcntl(two, F_OFD_SETLK, &lock)));
	close(one);
	EXPECT_EQ(0, flock(two, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, fcntl(two, F_OFD_SETLK, &lock));
	close(two);
}

TEST_F(device, pipes)
{
	static char data[8192];
	int pipes[2], fd;
	loff_t at = 512;

	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, pipe(pipes));
	fd = open("blk", O_RDWR);
	ASSERT_LE(0, fd);
	memset(data, 'p', sizeof(data));
	ASSERT_EQ(sizeof(data), write(pipes[1], data, sizeof(data)));
	EXPECT_EQ(sizeof(data), splice(pipes[0], NULL, fd, &at, sizeof(data), 0));
	EXPECT_EQ(512 + sizeof(data), at);
	memset(data, 0, sizeof(data));
	at = 508;
	EXPECT_EQ(4096, splice(fd, &at, pipes[1], NULL, 4096, 0));
	EXPECT_EQ(4096, read(pipes[0], data, 4096));
	EXPECT_EQ(0, memcmp(data, "\0\0\0\0pppp", 8));
	at = 508;
	EXPECT_EQ(100, sendfile(pipes[1], fd, (off_t *)&at, 100));
	EXPECT_EQ(608, at);
	/* Of a file to the device. */
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(100, sendfile(fd, open("/proc/self/exe", O_RDONLY), NULL, 100));
	EXPECT_EQ(4, pread(fd, data, 4, 0));
	EXPECT_EQ(0, memcmp(data, "\177ELF", 4));
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

/* Sends fd through a socket, and gives the one that comes out. */
static int fd_passed(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int sockets[2], got = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return -1;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (sendmsg(sockets[0], &message, 0) == 1 && recvmsg(sockets[1], &message, 0) == 1)
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	close(sockets[0]);
	close(sockets[1]);
	return got;
}

TEST_F(device, open_files_travel)
{
	char data[64], path[64];
	int fd, other;
	FILE *info;
	pid_t pid;

	ASSERT_EQ(0, device_mount(self));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	other = fd_passed(fd);
	ASSERT_LE(0, other);
	EXPECT_EQ(10, read(other, data, 10));
	pid = fork();
	if (!pid)
		_exit(read(fd, data, 10) != 10);
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(20, lseek(dup(fd), 0, SEEK_CUR));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	ASSERT_NE(NULL, info);
	ASSERT_NE(NULL, fgets(data, sizeof(data), info));
	EXPECT_STREQ("pos:\t20\n", data);
	fclose(info);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_LT(0, readlink(path, data, sizeof(data)));
	/* A file that is passed in a circle is looked for by the kernel. */
	EXPECT_LE(0, open(path, O_RDONLY));
}

TEST_F(device, io_uring)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ };
	struct pollfd pollfd = { .events = POLLIN };
	static char data[100];
	struct ring ring;
	int err;

	ASSERT_EQ(0, device_mount(self));
	err = ring_create(&ring, 0);
	if (err == -EPERM)
		SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
	ASSERT_EQ(0, err);
	sqe.fd = open("blk", O_RDWR);
	ASSERT_LE(0, sqe.fd);
	sqe.addr = (uintptr_t)data;
	sqe.len = sizeof(data);
	sqe.off = 4096;
	EXPECT_EQ(sizeof(data), ring_do(&ring, &sqe));
	EXPECT_EQ(4096, self->record->read.offset);
	sqe.opcode = IORING_OP_WRITE;
	EXPECT_EQ(sizeof(data), ring_do(&ring, &sqe));
	EXPECT_EQ(4096, self->record->write.offset);
	/* One that must wait. */
	sqe.opcode = IORING_OP_READ;
	sqe.fd = pollfd.fd = open("pipe", O_RDWR);
	sqe.off = 0;
	ASSERT_EQ(1, ring_submit(&ring, &sqe));
	sleep_ms(300);
	EXPECT_EQ(2, write(pollfd.fd, "ab", 2));
	EXPECT_EQ(0, result(ioctl(pollfd.fd, FAKE_IOCTL_WAKE)));
	EXPECT_EQ(2, ring_wait(&ring));
	close(ring.fd);
}

TEST_F(device, inotify)
{
	char events[4096] __attribute__((aligned(8)));
	int notify = inotify_init1(IN_NONBLOCK), fd, seen = 0;
	ssize_t len, at;

	ASSERT_EQ(0, device_mount(self));
	ASSERT_LE(0, inotify_add_watch(notify, "chr", IN_ALL_EVENTS));
	fd = open("chr", O_RDWR);
	EXPECT_EQ(1, read(fd, events, 1));
	EXPECT_EQ(1, write(fd, events, 1));
	close(fd);
	len = read(notify, events, sizeof(events));
	for (at = 0; at < len; at += sizeof(struct inotify_event))
		seen |= ((struct inotify_event *)(events + at))->mask;
	EXPECT_EQ(IN_OPEN | IN_ACCESS | IN_MODIFY | IN_CLOSE_WRITE, seen);
	close(notify);
}

TEST_F(device, the_server_dies)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct stat st;
	char byte;

	ASSERT_EQ(0, device_mount(self));
	pollfd.fd = open("chr", O_RDWR);
	ASSERT_LE(0, pollfd.fd);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(-ENOTCONN, result(read(pollfd.fd, &byte, 1)));
	EXPECT_EQ(-ENOTCONN, result(write(pollfd.fd, &byte, 1)));
	EXPECT_EQ(-ENOTCONN, result(ioctl(pollfd.fd, FAKE_IOCTL_RESULT, 0)));
	EXPECT_EQ(-ENOTCONN, result(lseek(pollfd.fd, 0, SEEK_END)));
	EXPECT_EQ(-ENOTCONN, result(fstat(pollfd.fd, &st)));
	EXPECT_EQ(1, poll(&pollfd, 1, 1000));
	EXPECT_TRUE(pollfd.revents & POLLERR);
	close(pollfd.fd);
}

/* Each of these makes it another node; and who has the old one open has nothing. */
TEST_F(device, a_node_becomes_another)
{
	const struct fuse_attr was = self->record->liar;
	struct fuse_attr changed[] = { was, was, was, was };
	struct stat st;
	char byte;
	int fd;

	changed[0].mode = S_IFBLK | VIEWOS_MODE_SERVED | 0666;
	changed[1].mode = S_IFCHR | 0666;
	changed[2].mode = S_IFREG | 0666;
	changed[3].rdev++;
	ASSERT_EQ(0, device_mount(self));
	for (int i = 0; i < 4; i++) {
		self->record->liar = was;
		fd = open("liar", O_RDWR);
		ASSERT_LE(0, fd);
		self->record->liar = changed[i];
		EXPECT_EQ(0, result(stat("liar", &st)));
		EXPECT_EQ(changed[i].mode & S_IFMT, st.st_mode & S_IFMT);
		EXPECT_EQ(-EIO, result(read(fd, &byte, 1)));
		EXPECT_EQ(-EIO, result(write(fd, &byte, 1)));
		EXPECT_EQ(-EIO, result(lseek(fd, 0, SEEK_SET)));
		EXPECT_EQ(-EIO, result(ioctl(fd, FAKE_IOCTL_RESULT, 0)));
		EXPECT_EQ(-EIO, result(fsync(fd)));
		EXPECT_EQ(-EIO, result(fstat(fd, &st)));
		close(fd);
		/* It is found out by the file, too. */
		self->record->liar = was;
		fd = open("liar", O_RDWR);
		ASSERT_LE(0, fd);
		self->record->liar = changed[i];
		EXPECT_EQ(-EIO, result(fstat(fd, &st)));
		close(fd);
	}
}

TEST_F(device, only_devices_are_served)
{
	static const uint32_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, 0 };
	struct stat st;

	self->record->create_served = 1;
	ASSERT_EQ(0, device_mount(self));
	for (int i = 0; i < sizeof(types) / sizeof(*types); i++) {
		self->record->liar.mode = types[i] | VIEWOS_MODE_SERVED | 0666;
		EXPECT_EQ(-EIO, result(stat("liar", &st))) TH_LOG("type %o", types[i]);
		EXPECT_EQ(-EIO, result(open("liar", O_RDONLY)));
	}
	EXPECT_EQ(-EIO, result(open("created", O_RDWR | O_CREAT | O_EXCL, 0600)));
	self->record->create_served = 0;
	EXPECT_LE(0, result(open("created", O_RDWR | O_CREAT | O_EXCL, 0600)));
}

/* Without the mark, and without the word at INIT, a device is the kernel's. */
TEST_F(device, others_are_the_kernels)
{
	struct stat st;
	char byte;
	int fd;

	self->record->own = 0;
	self->record->chr.rdev = 0x103;
	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, stat("chr", &st));
	EXPECT_EQ(makedev(1, 3), st.st_rdev);
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, &byte, 1));
	close(fd);
	fd = open("plain", O_RDWR);
	EXPECT_EQ(0, read(fd, &byte, 1));
	close(fd);
	EXPECT_EQ(0, self->record->asked[FUSE_READ] + self->record->asked[FUSE_OPEN]);
}

TEST_F(device, options_of_the_mount)
{
	struct stat st;
	char byte;
	int fd;

	ASSERT_EQ(0, device_mount(self));
	ASSERT_EQ(0, mount(NULL, self->dir, NULL,
			   MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL));
	/* The kernel's are not opened. What is the server's is, as no driver is reached. */
	ASSERT_EQ(0, stat("plain", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(-EACCES, result(open("plain", O_RDONLY)));
	fd = open("chr", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, read(fd, &byte, 1));
	EXPECT_EQ(1, write(fd, &byte, 1));
	close(fd);
	EXPECT_EQ(-EROFS, result(chmod("chr", 0600)));
}

TEST_HARNESS_MAIN

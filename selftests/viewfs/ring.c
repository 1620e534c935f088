// SPDX-License-Identifier: GPL-2.0
/*
 * What io_uring can do with files: viewfs, and others beside it. Each at once, by a worker, and by
 * a thread that polls.
 */

#include "kinds.h"
#include "../ring.h"

#include <linux/openat2.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/uio.h>

/* Linux 6.9; the headers may be older. */
#define IORING_OP_FTRUNCATE 55

FIXTURE_OF_KINDS(ring)

/* Whether it is one of the kinds. */
#define IS(kinds) (variant->kind & (kinds))

static const struct manner {
	uint32_t setup;
	uint8_t flags;
} manners[] = {
	{ 0, 0 },
	{ 0, IOSQE_ASYNC },
	{ IORING_SETUP_SQPOLL, 0 },
};

/* A ring, and how its operations are flagged. */
struct with {
	struct ring ring;
	uint8_t flags;
};

/* False after the last manner. Where the first was permitted the others cannot fail. */
static bool with_begin(struct with *with, const struct manner *manner)
{
	if (manner == manners + 3)
		return false;
	with->flags = manner->flags;
	if (ring_create(&with->ring, manner->setup))
		abort();
	return true;
}

#define for_each_manner(with)							\
	for (const struct manner *manner = manners; with_begin(with, manner); manner++)

/* Or is it forbidden (kernel.io_uring_disabled)? */
static bool permitted(void)
{
	struct ring ring;

	if (ring_create(&ring, 0) == -EPERM)
		return false;
	ring_destroy(&ring);
	return true;
}

static int doing(struct with *with, struct io_uring_sqe sqe)
{
	sqe.flags |= with->flags;
	return ring_do(&with->ring, &sqe);
}

/* What a ring had is given back some time after it was closed, and is no longer in use then. */
static bool settled(const char *dir)
{
	int i, err = -EBUSY;

	if (chdir("/"))
		return false;
	for (i = 0; i < 6000 && err == -EBUSY; i++) {
		err = result(umount2(dir, MNT_EXPIRE));
		if (err == -EBUSY)
			sleep_ms(10);
	}
	return err == -EAGAIN;
}

/* The operation of @op on @fd_, with what else it takes. */
#define DO(with, op, fd_, ...)							\
	doing(with, (struct io_uring_sqe){ .opcode = IORING_OP_##op, .fd = fd_,	\
					   ## __VA_ARGS__ })

#define PTR(pointer) ((uintptr_t)(pointer))

TEST_F(ring, names)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0600 };
	struct with with;
	struct statx st;
	char target[8] = "";
	int fd;

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		ASSERT_EQ(0, DO(&with, MKDIRAT, AT_FDCWD, .addr = PTR("d"), .len = 0755));
		EXPECT_EQ(-EEXIST, DO(&with, MKDIRAT, AT_FDCWD, .addr = PTR("d"), .len = 0755));
		fd = DO(&with, OPENAT2, AT_FDCWD, .addr = PTR("d/f"), .len = sizeof(how),
			.off = PTR(&how));
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, DO(&with, CLOSE, fd));
		EXPECT_EQ(0, DO(&with, SYMLINKAT, AT_FDCWD, .addr = PTR("f"), .addr2 = PTR("d/s")));
		EXPECT_EQ(1, readlink("d/s", target, sizeof(target)));
		EXPECT_EQ(0, DO(&with, LINKAT, AT_FDCWD, .addr = PTR("d/f"), .len = AT_FDCWD,
				.addr2 = PTR("d/g")));
		EXPECT_EQ(0, DO(&with, STATX, AT_FDCWD, .addr = PTR("d/g"),
				.len = STATX_BASIC_STATS, .off = PTR(&st)));
		EXPECT_EQ(2, st.stx_nlink);
		EXPECT_EQ(S_IFREG | 0600, st.stx_mode);
		EXPECT_EQ(-EEXIST, DO(&with, RENAMEAT, AT_FDCWD, .addr = PTR("d/f"),
				      .len = AT_FDCWD, .addr2 = PTR("d/g"),
				      .rename_flags = RENAME_NOREPLACE));
		EXPECT_EQ(0, DO(&with, RENAMEAT, AT_FDCWD, .addr = PTR("d/s"), .len = AT_FDCWD,
				.addr2 = PTR("d/t")));
		EXPECT_EQ(-ENOTEMPTY, DO(&with, UNLINKAT, AT_FDCWD, .addr = PTR("d"),
					 .unlink_flags = AT_REMOVEDIR));
		EXPECT_EQ(0, DO(&with, UNLINKAT, AT_FDCWD, .addr = PTR("d/f")));
		EXPECT_EQ(0, DO(&with, UNLINKAT, AT_FDCWD, .addr = PTR("d/g")));
		EXPECT_EQ(0, DO(&with, UNLINKAT, AT_FDCWD, .addr = PTR("d/t")));
		EXPECT_EQ(0, DO(&with, UNLINKAT, AT_FDCWD, .addr = PTR("d"),
				.unlink_flags = AT_REMOVEDIR));
		ring_destroy(&with.ring);
	}
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, contents)
{
	char left[] = "left ", right[] = "right", back[16] = "", more[4] = "";
	struct iovec parts[] = { { left, 5 }, { right, 5 } };
	struct iovec places[] = { { back, 8 }, { more, 2 } };
	struct with with;
	int fd;

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
		EXPECT_EQ(10, DO(&with, WRITEV, fd, .addr = PTR(parts), .len = 2));
		EXPECT_EQ(10, DO(&with, READV, fd, .addr = PTR(places), .len = 2));
		EXPECT_EQ(0, memcmp(back, "left rig", 8));
		EXPECT_EQ(0, memcmp(more, "ht", 2));
		EXPECT_EQ(0, DO(&with, READV, fd, .addr = PTR(places), .len = 2, .off = 10));
		/* At the file's position, and at its end. */
		EXPECT_EQ(10, lseek(fd, 10, SEEK_SET));
		EXPECT_EQ(5, DO(&with, WRITE, fd, .addr = PTR(right), .len = 5, .off = -1));
		EXPECT_EQ(15, lseek(fd, 0, SEEK_CUR));
		EXPECT_EQ(5, DO(&with, WRITE, fd, .addr = PTR(left), .len = 5,
				.rw_flags = RWF_APPEND));
		EXPECT_TRUE(has_text("f", "left rightrightleft "));
		EXPECT_EQ(-EFAULT, DO(&with, READ, fd, .addr = 8, .len = 4));
		EXPECT_EQ(-EBADF, DO(&with, READ, 999, .addr = PTR(back), .len = 4));
		close(fd);
		ring_destroy(&with.ring);
	}
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, registered)
{
	struct with with;
	struct iovec buffer;
	char *data = aligned_alloc(4096, 4096);
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	buffer = (struct iovec){ data, 4096 };
	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		ASSERT_EQ(0, syscall(SYS_io_uring_register, with.ring.fd, IORING_REGISTER_BUFFERS,
				     &buffer, 1));
		ASSERT_EQ(0, syscall(SYS_io_uring_register, with.ring.fd, IORING_REGISTER_FILES,
				     &fd, 1));
		memset(data, 'r', 4096);
		/* The first of the files, and the first of the buffers. */
		with.flags |= IOSQE_FIXED_FILE;
		EXPECT_EQ(4096, DO(&with, WRITE_FIXED, 0, .addr = PTR(data), .len = 4096));
		memset(data, 0, 4096);
		EXPECT_EQ(4096, DO(&with, READ_FIXED, 0, .addr = PTR(data), .len = 4096));
		EXPECT_EQ('r', data[0]);
		EXPECT_EQ('r', data[4095]);
		EXPECT_EQ(0, DO(&with, FSYNC, 0));
		ring_destroy(&with.ring);
	}
	close(fd);
	free(data);
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, space_and_sync)
{
	struct with with;
	struct stat st;
	int fd, err;

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
		EXPECT_EQ(0, DO(&with, FALLOCATE, fd, .addr = 8192));
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_EQ(8192, st.st_size);
		EXPECT_EQ(0, DO(&with, FALLOCATE, fd, .addr = 4096,
				.len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
		EXPECT_EQ(0, DO(&with, FADVISE, fd, .len = 4096,
				.fadvise_advice = POSIX_FADV_WILLNEED));
		EXPECT_EQ(0, DO(&with, SYNC_FILE_RANGE, fd, .len = 4096));
		EXPECT_EQ(0, DO(&with, FSYNC, fd, .fsync_flags = IORING_FSYNC_DATASYNC));
		err = DO(&with, FTRUNCATE, fd, .off = 100);
		EXPECT_TRUE(!err || err == -EINVAL);
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_EQ(err ? 8192 : 100, st.st_size);
		close(fd);
		ring_destroy(&with.ring);
	}
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, attributes)
{
	char value[8] = "";
	struct with with;
	int err, fd = open("f", O_RDWR | O_CREAT, 0644);

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		err = DO(&with, SETXATTR, 0, .addr = PTR("user.a"), .addr2 = PTR("one"),
			 .addr3 = PTR("f"), .len = 3);
		/* tmpfs has them since Linux 6.6. */
		if (IS(TMPFS) && err == -EOPNOTSUPP) {
			ring_destroy(&with.ring);
			continue;
		}
		EXPECT_EQ(0, err);
		EXPECT_EQ(-EEXIST, DO(&with, SETXATTR, 0, .addr = PTR("user.a"),
				      .addr2 = PTR("one"), .addr3 = PTR("f"), .len = 3,
				      .xattr_flags = XATTR_CREATE));
		EXPECT_EQ(3, DO(&with, GETXATTR, 0, .addr = PTR("user.a"), .addr2 = PTR(value),
				.addr3 = PTR("f"), .len = sizeof(value)));
		EXPECT_STREQ("one", value);
		EXPECT_EQ(0, DO(&with, FSETXATTR, fd, .addr = PTR("user.a"), .addr2 = PTR("two"),
				.len = 3));
		EXPECT_EQ(3, DO(&with, FGETXATTR, fd, .addr = PTR("user.a"), .addr2 = PTR(value),
				.len = sizeof(value)));
		EXPECT_STREQ("two", value);
		EXPECT_EQ(-ENODATA, DO(&with, FGETXATTR, fd, .addr = PTR("user.b"),
				       .addr2 = PTR(value), .len = sizeof(value)));
		EXPECT_EQ(0, removexattr("f", "user.a"));
		ring_destroy(&with.ring);
	}
	close(fd);
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, pipes)
{
	char back[16] = "";
	struct with with;
	int pipe_of[2], second[2], fd = open("f", O_RDWR | O_CREAT, 0644);

	ASSERT_EQ(4, write(fd, "text", 4));
	ASSERT_EQ(0, pipe(pipe_of));
	ASSERT_EQ(0, pipe(second));
	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		/* Out of the file, twice over, and into it again. */
		EXPECT_EQ(4, DO(&with, SPLICE, pipe_of[1], .splice_fd_in = fd, .len = 4,
				.splice_off_in = 0, .off = -1));
		EXPECT_EQ(4, DO(&with, TEE, second[1], .splice_fd_in = pipe_of[0], .len = 4));
		EXPECT_EQ(4, read(second[0], back, sizeof(back)));
		EXPECT_STREQ("text", back);
		EXPECT_EQ(4, DO(&with, SPLICE, fd, .splice_fd_in = pipe_of[0], .len = 4,
				.splice_off_in = -1, .off = 4));
		EXPECT_TRUE(has_text("f", "texttext"));
		ASSERT_EQ(0, ftruncate(fd, 4));
		ring_destroy(&with.ring);
	}
	close(fd);
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, mapped)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct with with;
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char *map;

	ASSERT_EQ(0, ftruncate(fd, page));
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		/* The mapped file's page is the buffer. */
		strcpy(map, "mapped");
		EXPECT_EQ(6, DO(&with, WRITE, fd, .addr = PTR(map), .len = 6, .off = 8));
		EXPECT_STREQ("mapped", map + 8);
		EXPECT_EQ(0, DO(&with, MADVISE, -1, .addr = PTR(map), .len = page,
				.fadvise_advice = MADV_WILLNEED));
		memset(map, 0, 16);
		ring_destroy(&with.ring);
	}
	munmap(map, page);
	close(fd);
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, linked)
{
	char text[] = "linked", back[8] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct io_uring_sqe write_it = { .opcode = IORING_OP_WRITE, .flags = IOSQE_IO_LINK,
					 .fd = fd, .addr = PTR(text), .len = 6 };
	struct io_uring_sqe read_it = { .opcode = IORING_OP_READ, .fd = fd, .addr = PTR(back),
					.len = 6 };
	struct io_uring_sqe fails = { .opcode = IORING_OP_READ, .flags = IOSQE_IO_LINK,
				      .fd = 999, .addr = PTR(back), .len = 6 };
	struct with with;

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		if (with.ring.setup & IORING_SETUP_SQPOLL) {
			/* It may come between the two, which then are not linked. */
			ring_destroy(&with.ring);
			continue;
		}
		write_it.flags = IOSQE_IO_LINK | with.flags;
		ring_queue(&with.ring, &write_it);
		ASSERT_EQ(2, ring_submit(&with.ring, &read_it));
		EXPECT_EQ(6, ring_wait(&with.ring));
		EXPECT_EQ(6, ring_wait(&with.ring));
		EXPECT_STREQ(text, back);
		ring_queue(&with.ring, &fails);
		ASSERT_EQ(2, ring_submit(&with.ring, &read_it));
		EXPECT_EQ(-EBADF, ring_wait(&with.ring));
		EXPECT_EQ(-ECANCELED, ring_wait(&with.ring));
		ASSERT_EQ(0, ftruncate(fd, 0));
		memset(back, 0, sizeof(back));
		ring_destroy(&with.ring);
	}
	close(fd);
	EXPECT_TRUE(settled(self->dir));
}

TEST_F(ring, readiness)
{
	struct with with;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	if (!permitted())
		SKIP(return, "io_uring is not permitted");
	for_each_manner(&with) {
		EXPECT_EQ(POLLIN | POLLOUT, (POLLIN | POLLOUT) &
			  DO(&with, POLL_ADD, fd, .poll32_events = POLLIN | POLLOUT));
		ring_destroy(&with.ring);
	}
	close(fd);
	EXPECT_TRUE(settled(self->dir));
}

TEST_HARNESS_MAIN

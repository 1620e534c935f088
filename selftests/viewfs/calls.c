// SPDX-License-Identifier: GPL-2.0
/* The less common system calls on files: viewfs, and others beside it. */

#include "kinds.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/epoll.h>
#include <sys/poll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

FIXTURE_OF_KINDS(calls)

/* Whether it is one of the kinds. */
#define IS(kinds) (variant->kind & (kinds))

static int openat2_of(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };

	return result(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

TEST_F(calls, openat2)
{
	int fd;

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, write_file("d/f", "x"));
	ASSERT_EQ(0, symlink("f", "d/s"));
	ASSERT_EQ(0, symlink("/d/f", "absolute"));
	fd = openat2_of("d/f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ELOOP, openat2_of("d/s", O_RDONLY, RESOLVE_NO_SYMLINKS));
	EXPECT_EQ(-EXDEV, openat2_of("../d", O_RDONLY, RESOLVE_BENEATH));
	EXPECT_EQ(-EXDEV, openat2_of("absolute", O_RDONLY, RESOLVE_BENEATH));
	fd = openat2_of("absolute", O_RDONLY, RESOLVE_IN_ROOT);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EXDEV, openat2_of("..", O_RDONLY, RESOLVE_NO_XDEV));
	EXPECT_EQ(-EINVAL, openat2_of("d/f", O_RDONLY, 1 << 30));
	/* What is known is had without a question. */
	fd = openat2_of("d/f", O_RDONLY | O_PATH, RESOLVE_CACHED);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(calls, statx)
{
	struct statx st;
	struct stat old;

	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, stat("f", &old));
	ASSERT_EQ(0, syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &st));
	EXPECT_EQ(STATX_BASIC_STATS, st.stx_mask & STATX_BASIC_STATS);
	EXPECT_EQ(4, st.stx_size);
	EXPECT_EQ(old.st_ino, st.stx_ino);
	EXPECT_EQ(S_IFREG | 0644, st.stx_mode);
	EXPECT_EQ(old.st_mtim.tv_nsec, st.stx_mtime.tv_nsec);
	ASSERT_EQ(0, syscall(SYS_statx, AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &st));
	EXPECT_EQ(4, st.stx_size);
	ASSERT_EQ(0, syscall(SYS_statx, AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_SIZE, &st));
	EXPECT_EQ(4, st.stx_size);
	ASSERT_EQ(0, syscall(SYS_statx, AT_FDCWD, ".", 0, STATX_BASIC_STATS, &st));
	EXPECT_NE(0, st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	EXPECT_EQ(-EINVAL, result(syscall(SYS_statx, AT_FDCWD, "f", AT_STATX_SYNC_TYPE,
					  STATX_SIZE, &st)));
}

TEST_F(calls, faccessat2_and_fchmodat2)
{
	int err;

	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, chmod("f", 0600));
	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, symlink("nowhere", "s"));
	EXPECT_EQ(0, faccessat(AT_FDCWD, "f", R_OK | W_OK, AT_EACCESS));
	EXPECT_EQ(-EACCES, result(faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS)));
	EXPECT_EQ(-ENOENT, result(faccessat(AT_FDCWD, "s", F_OK, 0)));
	EXPECT_EQ(0, faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
	EXPECT_EQ(EACCES, IN_CHILD(become_nobody() ?:
				   -result(faccessat(AT_FDCWD, "f", R_OK, 0))));
	/* By the real ids and by the effective ones. */
	EXPECT_EQ(EACCES, IN_CHILD(setresuid(65534, 0, 0) ?: -result(access("f", R_OK))));
	EXPECT_EQ(0, IN_CHILD(setresuid(65534, 0, 0) ?:
			      -result(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS))));
	/* Linux 6.6. Of a symbolic link it is refused everywhere. */
	err = result(syscall(SYS_fchmodat2, AT_FDCWD, "s", 0600, AT_SYMLINK_NOFOLLOW));
	EXPECT_TRUE(err == -ENOSYS || err == -EOPNOTSUPP);
	if (err != -ENOSYS)
		EXPECT_EQ(0, syscall(SYS_fchmodat2, AT_FDCWD, "f", 0640, AT_SYMLINK_NOFOLLOW));
}

TEST_F(calls, tmpfile)
{
	struct stat st;
	char path[64];
	int fd = result(open(".", O_TMPFILE | O_RDWR, 0600));

	/* libfuse 3.14 has no such operation, libviewos has. */
	if (IS(FUSE)) {
		ASSERT_EQ(-EOPNOTSUPP, fd);
		return;
	}
	ASSERT_LE(0, fd);
	ASSERT_EQ(4, write(fd, "text", 4));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(S_IFREG | 0600, st.st_mode);
	EXPECT_EQ(4, st.st_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(0, linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
	EXPECT_EQ(-EEXIST, result(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH)));
	EXPECT_EQ(0, linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	EXPECT_TRUE(has_text("f", "text"));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(2, st.st_nlink);
	close(fd);
	EXPECT_TRUE(has_text("g", "text"));
	/* Who wants it to stay without a name. */
	fd = open(".", O_TMPFILE | O_EXCL | O_WRONLY, 0666);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 0644, st.st_mode);
	EXPECT_EQ(-ENOENT, result(linkat(fd, "", AT_FDCWD, "h", AT_EMPTY_PATH)));
	close(fd);
	EXPECT_EQ(-EINVAL, result(open(".", O_TMPFILE | O_RDONLY, 0600)));
	EXPECT_EQ(-ENOTDIR, result(open("f", O_TMPFILE | O_RDWR, 0600)));
	ASSERT_EQ(0, mkdir("d", 0755));
	EXPECT_EQ(EACCES, IN_CHILD(become_nobody() ?:
				   -result(open("d", O_TMPFILE | O_RDWR, 0600))));
}

TEST_F(calls, o_direct)
{
	static _Alignas(4096) char out[8192], in[8192];
	int fd = result(open("f", O_RDWR | O_CREAT | O_DIRECT, 0644));

	/* Since Linux 6.6. */
	if (IS(TMPFS) && fd == -EINVAL)
		return;
	ASSERT_LE(0, fd);
	memset(out, 'd', sizeof(out));
	ASSERT_EQ(8192, pwrite(fd, out, 8192, 0));
	ASSERT_EQ(4096, pread(fd, in, 4096, 4096));
	EXPECT_EQ(0, memcmp(in, out, 4096));
	EXPECT_EQ(0, pread(fd, in, 4096, 8192));
	/* And what others write through the cache is seen. */
	ASSERT_EQ(0, write_file("f", "cached"));
	EXPECT_EQ(6, pread(fd, in, 4096, 0));
	EXPECT_EQ(0, memcmp(in, "cached", 6));
	close(fd);
}

TEST_F(calls, fallocate)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char buffer[4] = "xxxx";
	struct stat st;

	ASSERT_EQ(0, fallocate(fd, 0, 0, 10000));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(10000, st.st_size);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(10000, st.st_size);
	ASSERT_EQ(4, pwrite(fd, "text", 4, 5000));
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
	EXPECT_EQ(4, pread(fd, buffer, 4, 5000));
	EXPECT_EQ(0, memcmp(buffer, "\0\0\0\0", 4));
	/* A punched hole has the size kept, says fallocate(2). */
	EXPECT_EQ(-EOPNOTSUPP, result(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096)));
	EXPECT_EQ(-EINVAL, result(fallocate(fd, 0, -1, 10)));
	EXPECT_EQ(IS(EXT4) ? 0 : -EOPNOTSUPP,
		  result(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096)));
	close(fd);
	fd = open("f", O_RDONLY);
	EXPECT_EQ(-EBADF, result(fallocate(fd, 0, 0, 10)));
	close(fd);
}

TEST_F(calls, seek_data_and_hole)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	off_t data;

	ASSERT_EQ(4, pwrite(fd, "text", 4, 1 << 20));
	data = lseek(fd, 0, SEEK_DATA);
	EXPECT_LT(0, data);
	EXPECT_GE(1 << 20, data);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ((1 << 20) + 4, lseek(fd, 1 << 20, SEEK_HOLE));
	EXPECT_EQ(1 << 20, lseek(fd, 1 << 20, SEEK_DATA));
	EXPECT_EQ(-ENXIO, result(lseek(fd, (1 << 20) + 4, SEEK_DATA)));
	EXPECT_EQ(-ENXIO, result(lseek(fd, (1 << 20) + 4, SEEK_HOLE)));
	close(fd);
}

TEST_F(calls, copies_inside_the_kernel)
{
	int in, out, other, pipes[2], sockets[2];
	char buffer[16] = "";
	loff_t at = 2;
	off_t from = 1;

	ASSERT_EQ(0, write_file("in", "0123456789"));
	in = open("in", O_RDONLY);
	out = open("out", O_RDWR | O_CREAT, 0644);
	EXPECT_EQ(8, copy_file_range(in, &at, out, NULL, 100, 0));
	EXPECT_TRUE(has_text("out", "23456789"));
	EXPECT_EQ(10, at);
	EXPECT_EQ(-EINVAL, result(copy_file_range(in, NULL, out, NULL, 1, 1)));
	/* To another file system. */
	other = open("/dev/shm/calls", O_RDWR | O_CREAT, 0600);
	EXPECT_EQ(10, sendfile(other, in, NULL, 100));
	close(other);
	EXPECT_TRUE(has_text("/dev/shm/calls", "0123456789"));
	unlink("/dev/shm/calls");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	EXPECT_EQ(9, sendfile(sockets[0], in, &from, 100));
	EXPECT_EQ(10, from);
	EXPECT_EQ(9, read(sockets[1], buffer, sizeof(buffer)));
	EXPECT_EQ(0, memcmp(buffer, "123456789", 9));
	ASSERT_EQ(0, pipe(pipes));
	at = 5;
	EXPECT_EQ(5, splice(in, &at, pipes[1], NULL, 100, 0));
	ASSERT_EQ(0, ftruncate(out, 0));
	at = 0;
	EXPECT_EQ(5, splice(pipes[0], NULL, out, &at, 100, 0));
	EXPECT_TRUE(has_text("out", "56789"));
	close(in);
	close(out);
}

TEST_F(calls, vectored_and_flags)
{
	struct iovec parts[2] = { { "01234", 5 }, { "56789", 5 } };
	char a[3] = "", b[8] = "";
	struct iovec places[2] = { { a, 2 }, { b, 7 } };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ssize_t n;

	ASSERT_EQ(10, pwritev(fd, parts, 2, 0));
	ASSERT_EQ(9, preadv(fd, places, 2, 1));
	EXPECT_STREQ("12", a);
	EXPECT_EQ(0, memcmp(b, "3456789", 7));
	EXPECT_EQ(5, pwritev2(fd, parts, 1, 0, RWF_APPEND));
	EXPECT_TRUE(has_text("f", "012345678901234"));
	EXPECT_EQ(5, pwritev2(fd, parts, 1, 0, RWF_DSYNC));
	/* What is in the cache comes without waiting, where that is offered. */
	n = preadv2(fd, places, 1, 0, RWF_NOWAIT);
	EXPECT_TRUE(n == 2 || (n < 0 && errno == EOPNOTSUPP && IS(FUSE | VIEWFS | TMPFS)));
	EXPECT_EQ(-EOPNOTSUPP, result(pwritev2(fd, parts, 1, 0, 1 << 20)));
	close(fd);
}

TEST_F(calls, file_handles)
{
	struct {
		struct file_handle handle;
		unsigned char room[128];
	} named = { .handle.handle_bytes = 128 };
	int mount_id, fd, here, i;

	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, "f", &named.handle, &mount_id, 0));
	here = open(".", O_RDONLY | O_DIRECTORY);
	fd = open_by_handle_at(here, &named.handle, O_RDONLY);
	EXPECT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, unlink("f"));
	/* It is there until the last file is released, which need not be when it is closed. */
	for (i = 0; i < 1000; i++) {
		fd = result(open_by_handle_at(here, &named.handle, O_RDONLY));
		if (fd < 0)
			break;
		close(fd);
		sleep_ms(10);
	}
	EXPECT_EQ(-ESTALE, fd);
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("d/e", 0755));
	named.handle.handle_bytes = 128;
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, "d/e", &named.handle, &mount_id, 0));
	ASSERT_EQ(0, rename("d/e", "g"));
	fd = open_by_handle_at(here, &named.handle, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, faccessat(fd, "../d", F_OK, 0));
	close(fd);
	close(here);
}

static int become(uid_t uid)
{
	return setgroups(0, NULL) ?: setresgid(uid, uid, uid) ?: setresuid(uid, uid, uid);
}

TEST_F(calls, access_control_lists)
{
	/* Version 2; user::rw-, user:1234:r--, group::r--, mask::r--, other::--- */
	static const unsigned char acl[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xd2, 4, 0, 0,
		4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255
	};
	unsigned char got[64];
	struct stat st;

	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, chmod("f", 0600));
	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, setxattr("f", "system.posix_acl_access", acl, sizeof(acl), 0));
	EXPECT_EQ(0, IN_CHILD(become(1234) ?: !has_text("f", "text")));
	EXPECT_EQ(EACCES, IN_CHILD(become(1234) ?: -result(open("f", O_WRONLY))));
	EXPECT_EQ(EACCES, IN_CHILD(become(1235) ?: -result(open("f", O_RDONLY))));
	/* The group's bits are the mask. */
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
	ASSERT_EQ(0, chmod("f", 0600));
	EXPECT_EQ(EACCES, IN_CHILD(become(1234) ?: -result(open("f", O_RDONLY))));
	ASSERT_EQ(sizeof(acl), getxattr("f", "system.posix_acl_access", got, sizeof(got)));
	EXPECT_EQ(0, got[30]);
	EXPECT_EQ(0, got[38]);
	ASSERT_EQ(0, chmod("f", 0640));
	EXPECT_EQ(0, IN_CHILD(become(1234) ?: !has_text("f", "text")));
	ASSERT_EQ(0, removexattr("f", "system.posix_acl_access"));
	EXPECT_EQ(EACCES, IN_CHILD(become(1234) ?: -result(open("f", O_RDONLY))));
	EXPECT_EQ(-ENODATA, result(getxattr("f", "system.posix_acl_access", got, sizeof(got))));
	EXPECT_EQ(-EACCES, result(setxattr("f", "system.posix_acl_default", acl, sizeof(acl), 0)));
}

/* What a directory's default list says is what new files have, and the umask says nothing. */
TEST_F(calls, default_access_control_lists)
{
	/* user::rwx, user:1234:rwx, group::r-x, mask::rwx, other::r-x */
	static const unsigned char acl[] = {
		2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0, 0xd2, 4, 0, 0,
		4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255,
		32, 0, 5, 0, 255, 255, 255, 255
	};
	unsigned char got[64];
	struct stat st;
	int fd;

	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, setxattr("d", "system.posix_acl_default", acl, sizeof(acl), 0));
	umask(077);
	ASSERT_EQ(0, write_file("d/f", "text"));
	ASSERT_EQ(0, stat("d/f", &st));
	EXPECT_EQ(0644, st.st_mode & 07777);
	fd = open("d/g", O_CREAT | O_WRONLY, 0660);
	close(fd);
	ASSERT_EQ(0, stat("d/g", &st));
	EXPECT_EQ(0660, st.st_mode & 07777);
	EXPECT_EQ(0, IN_CHILD(become(1234) ?: write_file("d/g", "new")));
	EXPECT_EQ(EACCES, IN_CHILD(become(1234) ?: -result(open("d/f", O_WRONLY))));
	EXPECT_EQ(0, IN_CHILD(become(1234) ?: !has_text("d/f", "text")));
	ASSERT_EQ(0, mkdir("d/e", 0777));
	ASSERT_EQ(0, stat("d/e", &st));
	EXPECT_EQ(0775, st.st_mode & 07777);
	EXPECT_EQ(sizeof(acl), getxattr("d/e", "system.posix_acl_default", got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got, acl, sizeof(acl)));
	EXPECT_EQ(0, IN_CHILD(become(1234) ?: write_file("d/e/own", "x")));
	ASSERT_EQ(0, mknod("d/fifo", S_IFIFO | 0666, 0));
	ASSERT_EQ(0, stat("d/fifo", &st));
	EXPECT_EQ(0664, st.st_mode & 07777);
	ASSERT_EQ(0, symlink("f", "d/s"));
	/* Without one the mask is heeded. */
	ASSERT_EQ(0, removexattr("d", "system.posix_acl_default"));
	ASSERT_EQ(0, write_file("d/h", "x"));
	ASSERT_EQ(0, stat("d/h", &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	ASSERT_EQ(0, mkdir("d/i", 0777));
	ASSERT_EQ(0, stat("d/i", &st));
	EXPECT_EQ(0700, st.st_mode & 07777);
	EXPECT_EQ(-ENODATA, result(getxattr("d/i", "system.posix_acl_default", got, sizeof(got))));
}

TEST_F(calls, record_locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	struct flock other = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 1 };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	pid_t self_pid = getpid();
	int second;

	ASSERT_EQ(0, fcntl(fd, F_SETLK, &lock));
	EXPECT_EQ(0, IN_CHILD(({
		struct flock got = other;

		fcntl(open("f", O_RDWR), F_GETLK, &got) ||
			got.l_type != F_WRLCK || got.l_pid != self_pid || got.l_start != 10;
	})));
	/* A part of it is let go. */
	other.l_type = F_UNLCK;
	ASSERT_EQ(0, fcntl(fd, F_SETLK, &other));
	other.l_type = F_WRLCK;
	EXPECT_EQ(0, IN_CHILD(-result(fcntl(open("f", O_RDWR), F_SETLK, &other))));
	other.l_start = 11;
	EXPECT_EQ(EAGAIN, IN_CHILD(-result(fcntl(open("f", O_RDWR), F_SETLK, &other))));
	/* With any descriptor of the file that it closes, a process loses them. */
	close(open("f", O_RDONLY));
	EXPECT_EQ(0, IN_CHILD(-result(fcntl(open("f", O_RDWR), F_SETLK, &other))));
	/* Not those of an open file description, which stay with a child's copy. */
	other.l_start = 0;
	other.l_pid = 0;
	ASSERT_EQ(0, fcntl(fd, F_OFD_SETLK, &other));
	close(open("f", O_RDONLY));
	second = open("f", O_RDWR);
	EXPECT_EQ(-EAGAIN, result(fcntl(second, F_OFD_SETLK, &other)));
	EXPECT_EQ(0, IN_CHILD(-result(fcntl(fd, F_OFD_SETLK, &other))));
	close(fd);
	EXPECT_EQ(0, fcntl(second, F_OFD_SETLK, &other));
	close(second);
}

TEST_F(calls, leases)
{
	int fd = open("f", O_RDONLY | O_CREAT, 0644);

	EXPECT_EQ(0, fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_EQ(F_RDLCK, fcntl(fd, F_GETLEASE));
	signal(SIGIO, SIG_IGN);
	EXPECT_EQ(-EAGAIN, result(open("f", O_WRONLY | O_NONBLOCK)));
	EXPECT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	close(fd);
}

TEST_F(calls, poll_of_a_file)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_fd.revents);
	/* A server's file may be one to wait for. */
	EXPECT_EQ(IS(SERVED) ? 0 : -EPERM, result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)));
	close(epoll);
	close(fd);
}

TEST_F(calls, programs_by_descriptor)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	int fd;

	ASSERT_EQ(0, system("cp /bin/true ./true"));
	fd = open("true", O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(0, IN_CHILD(fexecve(fd, argv, envp)));
	close(fd);
	fd = open("true", O_PATH | O_CLOEXEC);
	ASSERT_EQ(0, unlink("true"));
	EXPECT_EQ(0, IN_CHILD(fexecve(fd, argv, envp)));
	close(fd);
	/* A script's interpreter opens it by the name of the descriptor. */
	ASSERT_EQ(0, write_file("script", "#!/bin/sh\nexit 7\n"));
	ASSERT_EQ(0, chmod("script", 0755));
	fd = open("script", O_RDONLY);
	EXPECT_EQ(7, IN_CHILD(fexecve(fd, argv, envp)));
	close(fd);
	ASSERT_EQ(0, chmod("script", 0644));
	EXPECT_EQ(-EACCES, result(execve("./script", argv, envp)));
}

/* Sends a descriptor to a child, which tells whether it can read and write by it. */
static int pass_to_child(int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -errno;
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	if (sendmsg(pair[0], &message, 0) != 1)
		return -errno;
	return IN_CHILD(({
		int got = -1;

		close(fd);
		if (recvmsg(pair[1], &message, 0) == 1)
			memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
		pread(got, &byte, 1, 0) != 1 || byte != 't' || pwrite(got, "T", 1, 0) != 1;
	}));
}

TEST_F(calls, descriptors_travel)
{
	char path[64], target[128] = "";
	int fd, again, pidfd;
	pid_t child;

	ASSERT_EQ(0, write_file("f", "text"));
	fd = open("f", O_RDWR);
	EXPECT_EQ(0, pass_to_child(fd));
	EXPECT_TRUE(has_text("f", "Text"));
	/* Opened anew, with its name gone. */
	ASSERT_EQ(0, unlink("f"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_NE(NULL, strstr(target, "/f (deleted)"));
	again = open(path, O_RDONLY);
	EXPECT_EQ(4, read(again, target, 4));
	EXPECT_EQ(0, memcmp(target, "Text", 4));
	close(again);
	/* Taken out of another process. */
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, child, 0);
	again = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	EXPECT_EQ(4, pread(again, target, 4, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(again);
	close(pidfd);
	close(fd);
}

TEST_F(calls, ranges_of_descriptors)
{
	int other, fd = open("f", O_RDWR | O_CREAT, 0644);
	struct stat st;

	ASSERT_LE(0, fd);
	other = open("f", O_RDWR);
	ASSERT_EQ(0, unlink("f"));
	for (int i = 100; i < 110; i++)
		ASSERT_EQ(i, dup3(fd, i, 0));
	ASSERT_EQ(4, write(105, "text", 4));
	ASSERT_EQ(0, flock(105, LOCK_EX));
	close(fd);
	EXPECT_EQ(0, close_range(105, 200, CLOSE_RANGE_CLOEXEC));
	EXPECT_EQ(0, fcntl(104, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(109, F_GETFD));
	EXPECT_EQ(0, close_range(101, 200, 0));
	EXPECT_EQ(-EBADF, result(fstat(105, &st)));
	/* One is left: the file is as it was, and locked. */
	EXPECT_EQ(4, lseek(100, 0, SEEK_CUR));
	EXPECT_EQ(-EWOULDBLOCK, result(flock(other, LOCK_EX | LOCK_NB)));
	/* In another table of descriptors. */
	EXPECT_EQ(0, IN_CHILD((close_range(3, ~0U, CLOSE_RANGE_UNSHARE) ||
			       fstat(100, &st) != -1)));
	EXPECT_EQ(0, fstat(100, &st));
	EXPECT_EQ(0, close_range(100, 100, 0));
	EXPECT_EQ(0, flock(other, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, fstat(other, &st));
	EXPECT_EQ(4, st.st_size);
	EXPECT_EQ(0, st.st_nlink);
	close(other);
}

TEST_F(calls, mappings)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	size_t page = sysconf(_SC_PAGESIZE);
	char *map, *other;

	ASSERT_EQ(0, ftruncate(fd, 3 * page));
	map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	/* Of two processes; and moved, and given back. */
	EXPECT_EQ(0, IN_CHILD((strcpy(map + page, "child"), 0)));
	EXPECT_STREQ("child", map + page);
	other = mremap(map, 3 * page, 4 * page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, other);
	map = other;
	EXPECT_EQ(0, madvise(map, 3 * page, MADV_DONTNEED));
	EXPECT_STREQ("child", map + page);
	/* Past the end there is nothing, nor where the end was before. */
	EXPECT_EQ(128 + SIGBUS, IN_CHILD((map[3 * page] = 1)));
	ASSERT_EQ(0, ftruncate(fd, page));
	EXPECT_EQ(128 + SIGBUS, IN_CHILD((map[page] = 1)));
	ASSERT_EQ(0, ftruncate(fd, 2 * page));
	EXPECT_EQ(0, map[page]);
	EXPECT_EQ(0, mprotect(map, page, PROT_READ));
	EXPECT_EQ(128 + SIGSEGV, IN_CHILD((map[0] = 1)));
	EXPECT_EQ(0, msync(map, page, MS_ASYNC));
	EXPECT_EQ(0, munmap(map, 4 * page));
	close(fd);
	fd = open("f", O_RDONLY);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

TEST_F(calls, ioctls_of_files)
{
	struct fiemap map = { .fm_length = ~0ULL };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	int flags, err, available;

	ASSERT_EQ(4, write(fd, "text", 4));
	err = result(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	/* tmpfs: since Linux 6.0. */
	EXPECT_TRUE(IS(SERVED) ? err == -ENOTTY : !err);
	EXPECT_EQ(IS(EXT4) ? 0 : -EOPNOTSUPP, result(ioctl(fd, FS_IOC_FIEMAP, &map)));
	ASSERT_EQ(1, lseek(fd, 1, SEEK_SET));
	ASSERT_EQ(0, ioctl(fd, FIONREAD, &available));
	EXPECT_EQ(3, available);
	EXPECT_EQ(-ENOTTY, result(ioctl(fd, 0x5401 /* TCGETS */, &flags)));
	close(fd);
}

TEST_F(calls, times)
{
	struct timespec omit[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
	struct timespec old[2] = { { 1000, 0 }, { 1000, 999999999 } };
	struct stat before, st;
	int fd;

	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_EQ(0, stat("f", &before));
	EXPECT_EQ(999999999, before.st_mtim.tv_nsec);
	EXPECT_LT(1000, before.st_ctim.tv_sec);
	ASSERT_EQ(0, utimensat(AT_FDCWD, "f", omit, 0));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(1000, st.st_atim.tv_sec);
	EXPECT_LT(1000, st.st_mtim.tv_sec);
	/* Writing is seen at once, by the descriptor and by the name. */
	ASSERT_EQ(0, utimensat(AT_FDCWD, "f", old, 0));
	fd = open("f", O_WRONLY | O_APPEND);
	ASSERT_EQ(1, write(fd, "!", 1));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_LT(1000, st.st_mtim.tv_sec);
	EXPECT_EQ(5, st.st_size);
	close(fd);
	/* What changes a directory. */
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, utimensat(AT_FDCWD, "d", old, 0));
	ASSERT_EQ(0, write_file("d/f", "x"));
	ASSERT_EQ(0, stat("d", &st));
	EXPECT_LT(1000, st.st_mtim.tv_sec);
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?: -result(utimensat(AT_FDCWD, "f", old, 0))));
}

TEST_F(calls, special_bits)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, chmod(".", 01777));
	/* Of another's things in a sticky directory nothing is removed. */
	ASSERT_EQ(0, write_file("root's", "x"));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?: -result(unlink("root's"))));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?: -result(rename("root's", "mine"))));
	EXPECT_EQ(0, IN_CHILD(become_nobody() ?: write_file("own", "x") ?: unlink("own")));
	/* A directory's group goes to what is made in it. */
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, chown("d", 0, 1234));
	ASSERT_EQ(0, chmod("d", 02777));
	ASSERT_EQ(0, mkdir("d/e", 0755));
	ASSERT_EQ(0, stat("d/e", &st));
	EXPECT_EQ(1234, st.st_gid);
	EXPECT_NE(0, st.st_mode & S_ISGID);
	/* Who writes to a program takes its owner's rights from it. */
	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, chmod("f", 06777));
	EXPECT_EQ(0, IN_CHILD(become_nobody() ?: write_file("f", "y")));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(0777, st.st_mode & 07777);
	/* The file mode creation mask. */
	umask(027);
	fd = open("masked", O_RDWR | O_CREAT, 0666);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
	close(fd);
}

TEST_F(calls, renames)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("e", 0755));
	ASSERT_EQ(0, write_file("e/f", "x"));
	ASSERT_EQ(0, write_file("g", "x"));
	EXPECT_EQ(-ENOTEMPTY, result(rename("d", "e")));
	EXPECT_EQ(-ENOTDIR, result(rename("d", "g")));
	EXPECT_EQ(0, rename("e", "d"));
	EXPECT_TRUE(has_text("d/f", "x"));
	/* What is replaced while it is open is there until it is closed. */
	ASSERT_EQ(0, write_file("old", "old"));
	ASSERT_EQ(0, write_file("new", "new"));
	fd = open("old", O_RDONLY);
	EXPECT_EQ(0, rename("new", "old"));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	close(fd);
	EXPECT_TRUE(has_text("old", "new"));
	/* Two names of one file: nothing happens. */
	ASSERT_EQ(0, link("g", "h"));
	EXPECT_EQ(0, rename("g", "h"));
	EXPECT_EQ(0, access("g", F_OK));
	/* What is moved leaves a mark of overlayfs's; so does what replaces another. */
	EXPECT_EQ(0, syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "i", RENAME_WHITEOUT));
	ASSERT_EQ(0, lstat("g", &st));
	EXPECT_EQ(S_IFCHR, st.st_mode & S_IFMT);
	EXPECT_EQ(0, st.st_rdev);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_TRUE(has_text("i", "x"));
	EXPECT_EQ(0, syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "k", RENAME_WHITEOUT));
	EXPECT_TRUE(has_text("k/f", "x"));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir("k")));
	ASSERT_EQ(0, write_file("over", "over"));
	EXPECT_EQ(0, syscall(SYS_renameat2, AT_FDCWD, "old", AT_FDCWD, "over", RENAME_WHITEOUT));
	EXPECT_TRUE(has_text("over", "new"));
	ASSERT_EQ(0, lstat("old", &st));
	EXPECT_EQ(S_IFCHR, st.st_mode & S_IFMT);
	EXPECT_EQ(0, rename("over", "old"));
	EXPECT_EQ(-EINVAL, result(syscall(SYS_renameat2, AT_FDCWD, "h", AT_FDCWD, "i", 1 << 10)));
	EXPECT_EQ(-EINVAL, result(syscall(SYS_renameat2, AT_FDCWD, "h", AT_FDCWD, "old",
					  RENAME_EXCHANGE | RENAME_NOREPLACE)));
}

TEST_F(calls, positions_in_a_directory)
{
	struct dirent *entry;
	char name[32], want[64];
	int seen = 0;
	long at;
	DIR *dir;

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, mknod(name, S_IFREG | 0600, 0));
	}
	dir = opendir(".");
	while (seen < 50 && readdir(dir))
		seen++;
	at = telldir(dir);
	entry = readdir(dir);
	ASSERT_NE(NULL, entry);
	strcpy(want, entry->d_name);
	while (readdir(dir))
		;
	seekdir(dir, at);
	EXPECT_STREQ(want, readdir(dir)->d_name);
	/* From the beginning what is new is there, and what is gone is not. */
	ASSERT_EQ(0, unlink("0"));
	ASSERT_EQ(0, mkdir("new", 0755));
	rewinddir(dir);
	for (seen = 0; (entry = readdir(dir));) {
		seen++;
		EXPECT_STRNE("0", entry->d_name);
	}
	EXPECT_EQ(100 + 2, seen);
	closedir(dir);
}

TEST_F(calls, core_dump_and_ptrace)
{
	char pattern[128] = "", magic[4] = "";
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	int fd, status;
	long word;
	pid_t pid;

	/* A debugger may write to the text of a program, of which it gets its own page. */
	ASSERT_EQ(0, system("cp /bin/true ./true"));
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execl("./true", "true", NULL);
		_exit(1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	snprintf(pattern, sizeof(pattern), "grep -m1 'r-xp.*/true$' /proc/%d/maps >maps", pid);
	ASSERT_EQ(0, system(pattern));
	fd = open("maps", O_RDONLY);
	ASSERT_LT(16, read(fd, pattern, sizeof(pattern) - 1));
	close(fd);
	word = strtoul(pattern, NULL, 16);
	EXPECT_EQ(0, ptrace(PTRACE_POKETEXT, pid, word, 0x1234));
	EXPECT_EQ(0x1234, ptrace(PTRACE_PEEKTEXT, pid, word, NULL));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, system("cmp -s /bin/true ./true"));

	fd = open("/proc/sys/kernel/core_pattern", O_RDWR);
	memset(pattern, 0, sizeof(pattern));
	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) < 0 || strcmp(pattern, "core\n"))
		SKIP(return, "kernel.core_pattern is not 'core'");
	close(fd);
	EXPECT_EQ(128 + SIGSEGV, IN_CHILD(setrlimit(RLIMIT_CORE, &limit) ?: raise(SIGSEGV)));
	fd = open("core", O_RDONLY);
	EXPECT_EQ(4, read(fd, magic, 4));
	EXPECT_EQ(0, memcmp(magic, "\177ELF", 4));
	close(fd);
}

TEST_HARNESS_MAIN

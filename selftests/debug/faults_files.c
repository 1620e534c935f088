// SPDX-License-Identifier: GPL-2.0
/* The less common calls on files, and files and directories that a server answers with. */

#include "../mem_server.h"
#include "faults.h"

#include <linux/stat.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#define DIR "/mnt/faults"

static char page[65536];

/* Files of viewos-mem */

static int nothing(int fd) { return 0; }
static int run_tmpfile(void) { return with_file(DIR, O_RDWR | O_TMPFILE, nothing); }

static int named(int fd)
{
	return result(linkat(fd, "", AT_FDCWD, DIR "/new", AT_EMPTY_PATH));
}

static int run_named(void) { return with_file(DIR, O_RDWR | O_TMPFILE, named); }
static int hole_of(int fd) { return result(lseek(fd, 0, SEEK_HOLE)); }
static int run_seek(void) { return with_file(DIR "/dir/file", O_RDONLY, hole_of); }

static int copied(int fd)
{
	int to = open(DIR "/dir/scrap", O_RDWR);
	int ret = to < 0 ? -errno : result(copy_file_range(fd, NULL, to, NULL, 5000, 0));

	if (to >= 0)
		close(to);
	return ret;
}

static int run_copy(void) { return with_file(DIR "/dir/file", O_RDONLY, copied); }

/* Where what is spliced waits. */
static int piped = -1;

static int take_piped(int fd) { return result(splice(piped, NULL, fd, NULL, 5000, 0)); }

static int spliced(int fd)
{
	int pipes[2], ret = result(pipe(pipes));

	if (ret < 0)
		return ret;
	ret = result(splice(fd, NULL, pipes[1], NULL, 5000, 0));
	if (ret > 0) {
		piped = pipes[0];
		ret = with_file(DIR "/dir/scrap", O_WRONLY, take_piped);
	}
	close(pipes[0]);
	close(pipes[1]);
	return ret;
}

static int run_splice(void) { return with_file(DIR "/dir/file", O_RDONLY, spliced); }

static int locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK };
	int ret = result(flock(fd, LOCK_EX));

	return ret ?: result(fcntl(fd, F_SETLK, &lock));
}

static int run_lock(void) { return with_file(DIR "/dir/file", O_RDWR, locked); }

static int polled(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd one = { .fd = fd, .events = POLLIN };
	int epoll = epoll_create1(0);
	int ret = epoll < 0 ? -errno : result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));

	if (!ret)
		ret = result(poll(&one, 1, 0));
	if (epoll >= 0)
		close(epoll);
	return ret;
}

static int run_poll(void) { return with_file(DIR "/dir/file", O_RDONLY, polled); }

static int asked(int fd)
{
	int flags;

	return ioctl(fd, _IOR('f', 1, long), &flags) && errno != ENOTTY ? -errno : 0;
}

static int run_ioctl(void) { return with_file(DIR "/dir/file", O_RDONLY, asked); }

static int synced(int fd)
{
	int ret = result(write(fd, page, 5000));

	return ret < 0 ? ret : result(syncfs(fd));
}

static int run_syncfs(void) { return with_file(DIR "/dir/scrap", O_WRONLY, synced); }

static int run_statx(void)
{
	struct statx st;

	return result(statx(AT_FDCWD, DIR "/dir/file", 0, STATX_BASIC_STATS | STATX_BTIME, &st));
}

static int run_exchange(void)
{
	return result(renameat2(AT_FDCWD, DIR "/old", AT_FDCWD, DIR "/dir/scrap",
				RENAME_EXCHANGE));
}

static int run_acl(void)
{
	return getxattr(DIR "/dir/file", "system.posix_acl_access", page, 100) < 0 &&
	       errno != ENODATA ? -errno : 0;
}

static int run_handle(void)
{
	struct {
		struct file_handle handle;
		char more[64];
	} handle = { .handle.handle_bytes = 64 };
	int mount_id, root, fd;
	int ret = result(name_to_handle_at(AT_FDCWD, DIR "/dir/file", &handle.handle, &mount_id,
					   0));

	if (ret < 0)
		return ret;
	root = open(DIR, O_RDONLY | O_DIRECTORY);
	if (root < 0)
		return -errno;
	fd = result(open_by_handle_at(root, &handle.handle, O_RDONLY));
	close(root);
	if (fd >= 0)
		close(fd);
	/* So it says of whatever kept it from finding the file. */
	return fd == -ESTALE ? -EIO : fd;
}

static int read_some(int fd) { return result(read(fd, page, 100)); }
static int write_some(int fd) { return result(pwrite(fd, page, 100, 0)); }
static int run_small(void) { return with_file(DIR "/dir/small", O_RDONLY, read_some); }

/* Lists it twice, the second time from what was kept. */
static int listed(int fd)
{
	int ret;

	do
		ret = result(syscall(SYS_getdents64, fd, page, sizeof(page)));
	while (ret > 0);
	if (ret < 0 || lseek(fd, 0, SEEK_SET))
		return ret ?: -errno;
	do
		ret = result(syscall(SYS_getdents64, fd, page, 1000));
	while (ret > 0);
	return ret;
}

static int run_list(void) { return with_file(DIR "/dir", O_RDONLY | O_DIRECTORY, listed); }

/* As new: nothing is in the caches, nothing that a step made is there. */
static void again_file(void)
{
	unlink(DIR "/new");
	with_file(DIR "/old", O_RDWR | O_CREAT, nothing);
	if (truncate(DIR "/dir/scrap", 0))
		perror("truncate");
	drop_caches();
}

TEST_F(faults, more_files)
{
	static const struct step steps[] = {
		{ "a file without a name", run_tmpfile, again_file },
		{ "which gets one", run_named, again_file },
		{ "look for a hole", run_seek, again_file },
		{ "copy_file_range", run_copy, again_file },
		{ "splice", run_splice, again_file },
		{ "lock", run_lock, again_file },
		{ "poll", run_poll, again_file },
		{ "ioctl", run_ioctl, again_file },
		{ "syncfs", run_syncfs, again_file },
		{ "statx", run_statx, again_file },
		{ "exchange", run_exchange, again_file },
		{ "access control list", run_acl, again_file },
		{ "file handle", run_handle, again_file },
		{ "a small file", run_small, again_file },
		{ "list again", run_list, again_file },
		{ },
	};
	pid_t server = mem_start("faults-mem");
	char name[64];
	int fd;

	mkdir(DIR, 0755);
	ASSERT_EQ(0, mem_mount("faults-mem", DIR));
	ASSERT_EQ(0, mkdir(DIR "/dir", 0755));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), DIR "/dir/entry-%d", i);
		ASSERT_EQ(0, with_file(name, O_RDWR | O_CREAT, nothing));
	}
	fd = open(DIR "/dir/file", O_RDWR | O_CREAT, 0644);
	ASSERT_EQ(sizeof(page), write(fd, page, sizeof(page)));
	close(fd);
	ASSERT_EQ(0, with_file(DIR "/dir/scrap", O_RDWR | O_CREAT, nothing));
	ASSERT_EQ(100, with_file(DIR "/dir/small", O_RDWR | O_CREAT, write_some));
	again_file();
	walk_all(_metadata, steps);
	EXPECT_EQ(0, umount(DIR));
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

/* A patched directory: names that are redirects, and such as the server answers for */

static int run_crossing(void)
{
	struct stat st;

	return result(stat(DIR "/beneath/deep/file", &st));
}

static int run_shown(void)
{
	struct stat st;

	return stat(DIR "/shown", &st) ? -errno : st.st_uid == 1234 ? 0 : -EPROTO;
}

static int run_read_shown(void) { return with_file(DIR "/shown", O_RDONLY, read_some); }
static int run_write_shown(void) { return with_file(DIR "/shown", O_RDWR, write_some); }
static int run_read_plain(void) { return with_file(DIR "/plain", O_RDONLY, read_some); }
static int run_list_patched(void) { return with_file(DIR, O_RDONLY | O_DIRECTORY, listed); }

/* The fault is taken inside of write(2). */
static int mapped(int fd)
{
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	int pipes[2], ret;

	if (map == MAP_FAILED)
		return -errno;
	ret = result(pipe(pipes));
	if (!ret) {
		ret = result(write(pipes[1], map, 100));
		close(pipes[0]);
		close(pipes[1]);
	}
	while (munmap(map, 4096))
		;
	return ret;
}

static int run_map_shown(void) { return with_file(DIR "/shown", O_RDWR, mapped); }

TEST_F(faults, patched)
{
	static const struct step steps[] = {
		{ "cross into a directory", run_crossing, drop_caches },
		{ "a file as another's", run_shown, drop_caches },
		{ "read it", run_read_shown, drop_caches },
		{ "write it", run_write_shown, drop_caches },
		{ "map it", run_map_shown, drop_caches },
		{ "read a file that is one outside", run_read_plain, drop_caches },
		{ "list", run_list_patched, drop_caches },
		{ },
	};

	mkdir(DIR, 0755);
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	ASSERT_EQ(0, system("cd " DIR " && mkdir -p beneath/deep && echo text >beneath/deep/file "
			    "&& echo text | tee shown plain >hidden"));
	ASSERT_EQ(0, system("viewctl mount -t patch -o hide=hidden,uid=shown=1234,mode=shown=666 "
			    DIR " " DIR));
	drop_caches();
	walk_all(_metadata, steps);
	EXPECT_EQ(0, umount(DIR));
	/* The server has it until it ends. */
	EXPECT_EQ(0, umount2(DIR, MNT_DETACH));
}

TEST_HARNESS_MAIN

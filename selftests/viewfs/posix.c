// SPDX-License-Identifier: GPL-2.0
/* What programs expect of a file system: viewfs, and others beside it. */

#include "kinds.h"

#include <dirent.h>
#include <linux/falloc.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

FIXTURE_OF_KINDS(posix)

TEST_F(posix, create_write_read)
{
	char name[NAME_MAX + 2] = "";
	struct stat st;

	ASSERT_EQ(0, write_file("f", "hello"));
	EXPECT_TRUE(has_text("f", "hello"));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(5, st.st_size);
	EXPECT_EQ(S_IFREG | 0644, st.st_mode);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(-EEXIST, result(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644)));
	EXPECT_EQ(-ENOENT, result(open("g", O_RDONLY)));
	memset(name, 'a', sizeof(name) - 1);
	EXPECT_EQ(-ENAMETOOLONG, result(open(name, O_RDONLY)));
}

TEST_F(posix, truncate_and_append)
{
	char zero[4] = "xxx";
	int fd;

	ASSERT_EQ(0, write_file("f", "hello world"));
	ASSERT_EQ(0, truncate("f", 5));
	EXPECT_TRUE(has_text("f", "hello"));
	fd = open("f", O_WRONLY | O_APPEND);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(2, write(fd, "!!", 2));
	close(fd);
	EXPECT_TRUE(has_text("f", "hello!!"));
	ASSERT_EQ(0, truncate("f", 0));
	ASSERT_EQ(0, truncate("f", 3));
	fd = open("f", O_RDONLY);
	EXPECT_EQ(3, read(fd, zero, 4));
	EXPECT_EQ(0, memcmp(zero, "\0\0\0", 3));
	close(fd);
	close(open("f", O_WRONLY | O_TRUNC));
	EXPECT_TRUE(has_text("f", ""));
}

/* Random writes, truncations and reads against a copy in memory. */
TEST_F(posix, random_io)
{
	enum { SIZE = 300000, ROUNDS = 600 };
	static unsigned char want[SIZE], got[SIZE];
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	size_t size = 0;
	unsigned int seed = 1;

	ASSERT_LE(0, fd);
	for (int i = 0; i < ROUNDS; i++) {
		size_t off = rand_r(&seed) % SIZE;
		size_t len = rand_r(&seed) % 20000;

		if (off + len > SIZE)
			len = SIZE - off;
		switch (rand_r(&seed) % 4) {
		case 0:
			ASSERT_EQ(0, ftruncate(fd, off));
			if (off > size)
				memset(want + size, 0, off - size);
			size = off;
			break;
		case 1:
			if (!len)
				break;
			if (off > size)
				memset(want + size, 0, off - size);
			memset(want + off, i, len);
			ASSERT_EQ(len, pwrite(fd, want + off, len, off));
			if (off + len > size)
				size = off + len;
			break;
		case 2: {
			unsigned char *map;

			if (off + len > size || !len)
				break;
			map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			ASSERT_NE(MAP_FAILED, map);
			memset(map + off, i, len);
			memset(want + off, i, len);
			munmap(map, size);
			break;
		}
		default: {
			ssize_t n = pread(fd, got, len, off);
			size_t there = off < size ? size - off : 0;

			ASSERT_EQ(len < there ? len : there, n);
			ASSERT_EQ(0, memcmp(got, want + off, n));
		}
		}
	}
	close(fd);
	fd = open("f", O_RDONLY);
	ASSERT_EQ(size, read(fd, got, SIZE));
	EXPECT_EQ(0, memcmp(got, want, size));
	close(fd);
}

TEST_F(posix, shared_mmap_and_write_agree)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char *map;
	char buffer[4];

	ASSERT_EQ(0, ftruncate(fd, 8192));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(3, pwrite(fd, "abc", 3, 4095));
	EXPECT_EQ(0, memcmp(map + 4095, "abc", 3));
	memcpy(map + 100, "xyz", 3);
	ASSERT_EQ(3, pread(fd, buffer, 3, 100));
	EXPECT_EQ(0, memcmp(buffer, "xyz", 3));
	ASSERT_EQ(0, msync(map, 8192, MS_SYNC));
	munmap(map, 8192);
	close(fd);
}

TEST_F(posix, private_mmap_stays_private)
{
	int fd;
	char *map;

	ASSERT_EQ(0, write_file("f", "hello"));
	fd = open("f", O_RDONLY);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'J';
	munmap(map, 4096);
	close(fd);
	EXPECT_TRUE(has_text("f", "hello"));
}

TEST_F(posix, directories)
{
	struct stat st;
	char cwd[256], want[256];

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("d/e", 0700));
	EXPECT_EQ(-EEXIST, result(mkdir("d", 0755)));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir("d")));
	ASSERT_EQ(0, stat("d", &st));
	EXPECT_EQ(3, st.st_nlink);
	ASSERT_EQ(0, chdir("d/e"));
	snprintf(want, sizeof(want), "%s/d/e", self->dir);
	EXPECT_STREQ(want, getcwd(cwd, sizeof(cwd)));
	ASSERT_EQ(0, chdir(".."));
	snprintf(want, sizeof(want), "%s/d", self->dir);
	EXPECT_STREQ(want, getcwd(cwd, sizeof(cwd)));
	ASSERT_EQ(0, chdir(".."));
	ASSERT_EQ(0, rmdir("d/e"));
	ASSERT_EQ(0, rmdir("d"));
	EXPECT_EQ(-ENOENT, result(stat("d", &st)));
}

TEST_F(posix, many_entries)
{
	struct dirent *entry;
	int seen = 0;
	char name[32];
	DIR *dir;

	ASSERT_EQ(0, mkdir("many", 0755));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/entry-%d", i);
		ASSERT_EQ(0, mknod(name, S_IFREG | 0600, 0));
	}
	dir = opendir("many");
	ASSERT_NE(NULL, dir);
	/* Removing while reading loses nothing and shows nothing twice. */
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		seen++;
		EXPECT_EQ(DT_REG, entry->d_type);
		snprintf(name, sizeof(name), "many/%.20s", entry->d_name);
		ASSERT_EQ(0, unlink(name));
	}
	closedir(dir);
	EXPECT_EQ(1000, seen);
	EXPECT_EQ(0, rmdir("many"));
}

TEST_F(posix, rename_and_flags)
{
	ASSERT_EQ(0, write_file("a", "A"));
	ASSERT_EQ(0, write_file("b", "B"));
	EXPECT_EQ(-EEXIST, result(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b",
					  RENAME_NOREPLACE)));
	EXPECT_EQ(0, syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	EXPECT_TRUE(has_text("a", "B"));
	EXPECT_TRUE(has_text("b", "A"));
	EXPECT_EQ(0, rename("a", "b"));
	EXPECT_TRUE(has_text("b", "B"));
	EXPECT_EQ(-ENOENT, result(access("a", F_OK)));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, mkdir("d/e", 0755));
	EXPECT_EQ(-EINVAL, result(rename("d", "d/e/f")));
	EXPECT_EQ(0, rename("d/e", "e"));
	EXPECT_EQ(-EISDIR, result(rename("b", "d")));
}

TEST_F(posix, links)
{
	struct stat st;
	char target[64] = "";

	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, link("f", "g"));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(2, st.st_nlink);
	ASSERT_EQ(0, unlink("f"));
	EXPECT_TRUE(has_text("g", "text"));
	ASSERT_EQ(0, stat("g", &st));
	EXPECT_EQ(1, st.st_nlink);
	ASSERT_EQ(0, symlink("g", "s"));
	EXPECT_EQ(1, readlink("s", target, sizeof(target)));
	EXPECT_STREQ("g", target);
	EXPECT_TRUE(has_text("s", "text"));
	ASSERT_EQ(0, symlink("loop", "loop"));
	EXPECT_EQ(-ELOOP, result(open("loop", O_RDONLY)));
}

TEST_F(posix, unlinked_but_open)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char buffer[8] = "";
	struct stat st;

	ASSERT_EQ(4, write(fd, "text", 4));
	ASSERT_EQ(0, unlink("f"));
	EXPECT_EQ(4, pread(fd, buffer, 8, 0));
	EXPECT_EQ(4, pwrite(fd, "more", 4, 4));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(8, st.st_size);
	close(fd);
}

TEST_F(posix, modes_owners_times)
{
	struct timespec times[2] = { { 1000000, 5 }, { 2000000, 7 } };
	struct stat st;

	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, chmod("f", 04750));
	ASSERT_EQ(0, chown("f", 12, 34));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(12, st.st_uid);
	EXPECT_EQ(34, st.st_gid);
	EXPECT_EQ(0750, st.st_mode & 07777);
	ASSERT_EQ(0, utimensat(AT_FDCWD, "f", times, 0));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(1000000, st.st_atim.tv_sec);
	EXPECT_EQ(2000000, st.st_mtim.tv_sec);
	EXPECT_EQ(7, st.st_mtim.tv_nsec);
	ASSERT_EQ(0, chmod("f", 0600));
	ASSERT_EQ(0, chmod(".", 0755));
	EXPECT_EQ(EACCES, IN_CHILD(become_nobody() ?: -result(open("f", O_RDONLY))));
	EXPECT_EQ(EACCES, IN_CHILD(become_nobody() ?:
				   -result(open("new", O_CREAT | O_RDWR, 0600))));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?: -result(chmod("f", 0777))));
}

TEST_F(posix, xattrs)
{
	char value[16] = "";

	ASSERT_EQ(0, write_file("f", "x"));
	/* tmpfs has had them since Linux 6.6. */
	if (variant->kind == TMPFS && setxattr("f", "user.key", "value", 5, 0)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		return;
	}
	ASSERT_EQ(0, setxattr("f", "user.key", "value", 5, 0));
	EXPECT_EQ(5, getxattr("f", "user.key", value, sizeof(value)));
	EXPECT_STREQ("value", value);
	EXPECT_EQ(5, getxattr("f", "user.key", NULL, 0));
	EXPECT_EQ(-ERANGE, result(getxattr("f", "user.key", value, 2)));
	EXPECT_EQ(-ENODATA, result(getxattr("f", "user.other", value, 16)));
	EXPECT_EQ(-EEXIST, result(setxattr("f", "user.key", "v", 1, XATTR_CREATE)));
	EXPECT_EQ(-ENODATA, result(setxattr("f", "user.no", "v", 1, XATTR_REPLACE)));
	EXPECT_EQ(9, listxattr("f", value, sizeof(value)));
	EXPECT_STREQ("user.key", value);
	EXPECT_EQ(0, removexattr("f", "user.key"));
	EXPECT_EQ(0, listxattr("f", NULL, 0));
}

TEST_F(posix, fifo_and_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;
	char byte;
	int fd;

	ASSERT_EQ(0, mkfifo("fifo", 0600));
	fd = open("fifo", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(1, read(fd, &byte, 1));
	close(fd);
	ASSERT_EQ(0, bind(listener, (void *)&address, sizeof(address)));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, stat("socket", &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_EQ(0, connect(client, (void *)&address, sizeof(address)));
	close(client);
	close(listener);
	EXPECT_EQ(0, unlink("socket"));
}

TEST_F(posix, locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	ASSERT_EQ(0, flock(fd, LOCK_EX));
	EXPECT_EQ(EAGAIN, IN_CHILD(-result(flock(open("f", O_RDWR), LOCK_EX | LOCK_NB))));
	ASSERT_EQ(0, flock(fd, LOCK_UN));
	EXPECT_EQ(0, IN_CHILD(flock(open("f", O_RDWR), LOCK_EX | LOCK_NB)));
	ASSERT_EQ(0, fcntl(fd, F_SETLK, &lock));
	EXPECT_EQ(EAGAIN, IN_CHILD(-result(fcntl(open("f", O_RDWR), F_SETLK, &lock))));
	close(fd);
}

TEST_F(posix, inotify)
{
	int fd = inotify_init1(IN_NONBLOCK);
	char buffer[512];

	ASSERT_LE(0, inotify_add_watch(fd, ".", IN_CREATE));
	ASSERT_EQ(0, write_file("new", "x"));
	EXPECT_LT(0, read(fd, buffer, sizeof(buffer)));
	EXPECT_STREQ("new", ((struct inotify_event *)buffer)->name);
	close(fd);
}

TEST_F(posix, statfs_and_sync)
{
	struct statfs fs;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	ASSERT_EQ(0, statfs(".", &fs));
	EXPECT_LT(0, fs.f_blocks);
	EXPECT_LE(255, fs.f_namelen);
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(0, fdatasync(fd));
	EXPECT_EQ(0, syncfs(fd));
	close(fd);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, fsync(fd));
	close(fd);
}

TEST_F(posix, holes)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char byte = 1;

	ASSERT_EQ(1, pwrite(fd, "x", 1, 1LL << 40));
	EXPECT_EQ(1, pread(fd, &byte, 1, 1LL << 39));
	EXPECT_EQ(0, byte);
	EXPECT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	EXPECT_LT(0, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_HOLE));
	close(fd);
}

TEST_F(posix, exec_from_it)
{
	pid_t pid;

	EXPECT_EQ(0, system("cp /bin/true ./true && ./true"));
	EXPECT_EQ(0, write_file("script", "#!/bin/sh\nexit 3\n"));
	ASSERT_EQ(0, chmod("script", 0755));
	EXPECT_EQ(3 << 8, system("./script"));
	/* A program that runs is not written to. */
	EXPECT_EQ(0, system("cp /bin/sleep ./nap"));
	pid = fork();
	if (!pid) {
		execl("./nap", "nap", "10", NULL);
		_exit(1);
	}
	sleep_ms(300);
	EXPECT_EQ(-ETXTBSY, result(open("nap", O_WRONLY)));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(posix, readonly_remount)
{
	EXPECT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, mount(NULL, self->dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, result(open("f", O_WRONLY)));
	EXPECT_EQ(-EROFS, result(mkdir("d", 0755)));
	EXPECT_TRUE(has_text("f", "x"));
}

TEST_HARNESS_MAIN

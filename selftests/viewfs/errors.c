// SPDX-License-Identifier: GPL-2.0
/* What cannot be done, and how far things go: viewfs, and others beside it. */

#include "kinds.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>

FIXTURE_OF_KINDS(errors)

/* Whether it is one of the kinds. */
#define IS(kinds) (variant->kind & (kinds))

/* A name of so many characters, after a prefix. */
static const char *name_of(const char *prefix, int length)
{
	static char names[4][8192];
	static int next;
	char *name = names[next++ % 4];
	int start = strlen(prefix);

	strcpy(name, prefix);
	memset(name + start, 'n', length);
	name[start + length] = 0;
	return name;
}

static int try_open(const char *path, int flags)
{
	int fd = result(open(path, flags, 0644));

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

TEST_F(errors, long_names)
{
	const char *longest = name_of("", 255), *too_long = name_of("", 256);
	char target[1024] = "";

	ASSERT_EQ(0, write_file("f", "x"));
	EXPECT_EQ(0, try_open(longest, O_CREAT | O_RDWR));
	EXPECT_EQ(0, access(longest, F_OK));
	EXPECT_EQ(0, unlink(longest));
	EXPECT_EQ(0, mkdir(longest, 0755));
	EXPECT_EQ(0, rmdir(longest));
	EXPECT_EQ(0, symlink("f", longest));
	EXPECT_TRUE(has_text(longest, "x"));
	EXPECT_EQ(0, unlink(longest));
	EXPECT_EQ(-ENAMETOOLONG, try_open(too_long, O_CREAT | O_RDWR));
	EXPECT_EQ(-ENAMETOOLONG, try_open(too_long, O_RDONLY));
	EXPECT_EQ(-ENAMETOOLONG, result(mkdir(too_long, 0755)));
	EXPECT_EQ(-ENAMETOOLONG, result(symlink("f", too_long)));
	EXPECT_EQ(-ENAMETOOLONG, result(link("f", too_long)));
	EXPECT_EQ(-ENAMETOOLONG, result(rename("f", too_long)));
	EXPECT_EQ(-ENAMETOOLONG, result(mknod(too_long, S_IFIFO | 0600, 0)));
	EXPECT_EQ(-ENAMETOOLONG, result(unlink(too_long)));
	EXPECT_EQ(-ENAMETOOLONG, result(access(name_of("./", 4096), F_OK)));
	/* What a link says is kept, however long. */
	EXPECT_EQ(0, symlink(name_of("/", 900), "link"));
	EXPECT_EQ(901, readlink("link", target, sizeof(target)));
	EXPECT_EQ(0, strncmp(target, name_of("/", 900), 901));
	EXPECT_EQ(4, readlink("link", target, 4));
	EXPECT_EQ(-ENAMETOOLONG, result(symlink(name_of("", 4096), "too long")));
	EXPECT_EQ(-ENOENT, result(symlink("", "empty")));
}

TEST_F(errors, any_bytes_in_a_name)
{
	static const char * const names[] = {
		"\xff\xfe", "new\nline", "tab\t", " ", "...", "-rf", "\\", "\"", "\x01", "\xc3\xa4",
	};

	for (int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ASSERT_EQ(0, write_file(names[i], names[i]));
		EXPECT_TRUE(has_text(names[i], names[i]));
	}
	for (int i = 0; i < sizeof(names) / sizeof(*names); i++)
		EXPECT_EQ(0, unlink(names[i]));
	EXPECT_EQ(0, system("[ -z \"$(ls -A)\" ]"));
}

TEST_F(errors, symbolic_links_without_end)
{
	char name[16], before[16] = "f";

	ASSERT_EQ(0, write_file("f", "x"));
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		ASSERT_EQ(0, symlink(before, name));
		strcpy(before, name);
	}
	EXPECT_TRUE(has_text("l40", "x"));
	EXPECT_EQ(-ELOOP, try_open("l41", O_RDONLY));
	ASSERT_EQ(0, symlink("self", "self"));
	EXPECT_EQ(-ELOOP, try_open("self", O_RDONLY));
	EXPECT_EQ(-ELOOP, result(chdir("self")));
	EXPECT_EQ(-ELOOP, try_open("l1", O_RDONLY | O_NOFOLLOW));
	EXPECT_EQ(-EEXIST, try_open("self", O_RDWR | O_CREAT | O_EXCL));
	/* A file is made where a link leads to. */
	ASSERT_EQ(0, symlink("target", "dangling"));
	EXPECT_EQ(0, try_open("dangling", O_RDWR | O_CREAT));
	EXPECT_EQ(0, access("target", F_OK));
}

TEST_F(errors, not_what_it_is)
{
	char byte;
	int fd;

	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, write_file("d/f", "x"));
	EXPECT_EQ(-EISDIR, try_open("d", O_WRONLY));
	EXPECT_EQ(-EISDIR, try_open("d", O_RDWR | O_CREAT));
	EXPECT_EQ(-EISDIR, try_open("new/", O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOTDIR, try_open("f", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(-ENOTDIR, try_open("f/", O_RDONLY));
	EXPECT_EQ(-ENOTDIR, try_open("f/g", O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOTDIR, result(rmdir("f")));
	EXPECT_EQ(-EISDIR, result(unlink("d")));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir("d")));
	EXPECT_EQ(-EINVAL, result(rmdir("d/.")));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir("d/..")));
	EXPECT_EQ(-EBUSY, result(rmdir(self->dir)));
	EXPECT_EQ(-EEXIST, result(mkdir("f", 0755)));
	EXPECT_EQ(-EEXIST, result(mkdir("d", 0755)));
	EXPECT_EQ(-EEXIST, result(symlink("x", "d")));
	EXPECT_EQ(-EEXIST, result(link("f", "d")));
	EXPECT_EQ(-EEXIST, result(mknod("f", S_IFREG | 0644, 0)));
	EXPECT_EQ(-EPERM, result(link("d", "e")));
	EXPECT_EQ(-EXDEV, result(link("f", "/dev/shm/elsewhere")));
	EXPECT_EQ(-EXDEV, result(rename("f", "/dev/shm/elsewhere")));
	EXPECT_EQ(-EISDIR, result(rename("f", "d")));
	EXPECT_EQ(-EINVAL, result(rename("d", "d/e")));
	EXPECT_EQ(-EBUSY, result(rename("d/.", "e")));
	EXPECT_EQ(-EINVAL, result(readlink("f", &byte, 1)));
	EXPECT_EQ(-EISDIR, result(truncate("d", 0)));
	EXPECT_EQ(-EINVAL, result(truncate("f", -1)));
	EXPECT_EQ(-ENOENT, result(truncate("nothing", 0)));
	EXPECT_EQ(-ENOENT, try_open("nothing/f", O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOENT, try_open("", O_RDONLY));
	fd = open("d", O_RDONLY);
	EXPECT_EQ(-EISDIR, result(read(fd, &byte, 1)));
	EXPECT_EQ(-EBADF, result(write(fd, "x", 1)));
	EXPECT_EQ(-EINVAL, result(ftruncate(fd, 0)));
	close(fd);
}

TEST_F(errors, not_opened_for_it)
{
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffer[4];
	int fd;

	ASSERT_EQ(0, write_file("f", "text"));
	fd = open("f", O_RDONLY);
	EXPECT_EQ(-EBADF, result(write(fd, "x", 1)));
	EXPECT_EQ(-EINVAL, result(ftruncate(fd, 0)));
	EXPECT_EQ(-EBADF, result(fallocate(fd, 0, 0, 1)));
	EXPECT_EQ(-EINVAL, result(lseek(fd, -1, SEEK_SET)));
	EXPECT_EQ(-EINVAL, result(lseek(fd, 0, 99)));
	EXPECT_EQ(100, lseek(fd, 100, SEEK_SET));
	EXPECT_EQ(0, read(fd, buffer, 4));
	EXPECT_EQ(-EINVAL, result(pread(fd, buffer, 4, -1)));
	EXPECT_EQ(-EFAULT, result(pread(fd, nowhere, 4, 0)));
	EXPECT_EQ(0, pread(fd, buffer, 0, 0));
	close(fd);
	fd = open("f", O_WRONLY | O_APPEND);
	EXPECT_EQ(-EBADF, result(read(fd, buffer, 4)));
	EXPECT_EQ(-EFAULT, result(write(fd, nowhere, 4)));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
	fd = open("f", O_PATH);
	EXPECT_EQ(-EBADF, result(read(fd, buffer, 4)));
	EXPECT_EQ(-EBADF, result(fchmod(fd, 0600)));
	EXPECT_EQ(-EBADF, result(fsync(fd)));
	close(fd);
	EXPECT_TRUE(has_text("f", "text"));
}

/* Becomes somebody with a group of the same number, and is a member of another. */
static bool become_member(int id, gid_t group)
{
	return setgroups(1, &group) || setresgid(id, id, id) || setresuid(id, id, id);
}

#define AS(id, error) IN_CHILD(become_member(id, id) ? 255 : -(error))
#define AS_OTHER(call) AS(1000, result(call))

TEST_F(errors, permission)
{
	struct timespec then[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, mkdir("secret", 0700));
	ASSERT_EQ(0, write_file("secret/f", "x"));
	ASSERT_EQ(0, mkdir("passage", 0711));
	ASSERT_EQ(0, write_file("passage/f", "x"));
	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, write_file("all's", "x"));
	ASSERT_EQ(0, chmod("all's", 0666));
	EXPECT_EQ(EACCES, AS_OTHER(access("secret/f", F_OK)));
	EXPECT_EQ(EACCES, AS_OTHER(chdir("secret")));
	EXPECT_EQ(0, AS_OTHER(access("passage/f", R_OK)));
	EXPECT_EQ(EACCES, AS(1000, try_open("passage", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_OTHER(mkdir("new", 0755)));
	EXPECT_EQ(EACCES, AS_OTHER(unlink("f")));
	EXPECT_EQ(EACCES, AS_OTHER(rename("f", "g")));
	EXPECT_EQ(EACCES, AS_OTHER(truncate("f", 0)));
	EXPECT_EQ(EPERM, AS_OTHER(chmod("f", 0777)));
	EXPECT_EQ(EPERM, AS_OTHER(chown("f", 1000, -1)));
	EXPECT_EQ(EPERM, AS_OTHER(open("f", O_RDONLY | O_NOATIME)));
	/* Times: now by who may write, another by the owner alone. */
	EXPECT_EQ(0, AS_OTHER(utimensat(AT_FDCWD, "all's", now, 0)));
	EXPECT_EQ(EPERM, AS_OTHER(utimensat(AT_FDCWD, "all's", then, 0)));
	EXPECT_EQ(EACCES, AS_OTHER(utimensat(AT_FDCWD, "f", now, 0)));
	ASSERT_EQ(0, chmod(".", 0777));
	EXPECT_EQ(EPERM, AS_OTHER(mknod("null", S_IFCHR | 0666, 0x103)));
	EXPECT_EQ(0, AS_OTHER(mkfifo("fifo", 0600)));
	EXPECT_EQ(0, AS_OTHER(unlink("f")));
}

TEST_F(errors, groups)
{
	struct stat st;

	ASSERT_EQ(0, write_file("f", "x"));
	ASSERT_EQ(0, chown("f", 1000, 1000));
	ASSERT_EQ(0, chmod("f", 0640));
	EXPECT_EQ(EACCES, AS(1002, try_open("f", O_RDONLY)));
	/* A group that one has besides, and that the owner may give it. */
	EXPECT_EQ(EPERM, AS_OTHER(chown("f", -1, 1001)));
	EXPECT_EQ(0, IN_CHILD(become_member(1000, 1001) ? 255 : -result(chown("f", -1, 1001))));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(1001, st.st_gid);
	EXPECT_EQ(0, IN_CHILD(become_member(1002, 1001) ? 255 : -try_open("f", O_RDONLY)));
	/* The owner is not in the group now: no set-group-ID for him. */
	EXPECT_EQ(0, AS_OTHER(chmod("f", 02755)));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(0755, st.st_mode & 07777);
	/* Who gives a program away takes its rights from it. */
	ASSERT_EQ(0, chmod("f", 06755));
	ASSERT_EQ(0, chown("f", 0, 0));
	ASSERT_EQ(0, stat("f", &st));
	EXPECT_EQ(0755, st.st_mode & 07777);
}

TEST_F(errors, size_limit)
{
	struct rlimit limit = { 10000, 10000 };
	char data[8192] = "";
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = open("f", O_RDWR | O_CREAT, 0644);
		if (setrlimit(RLIMIT_FSIZE, &limit))
			_exit(1);
		/* As far as it goes; then there is a signal. */
		if (pwrite(fd, data, 8192, 8000) != 2000)
			_exit(2);
		signal(SIGXFSZ, SIG_IGN);
		if (result(pwrite(fd, data, 1, 10000)) != -EFBIG)
			_exit(3);
		if (result(ftruncate(fd, 10001)) != -EFBIG || ftruncate(fd, 10000))
			_exit(4);
		if (result(fallocate(fd, 0, 0, 10001)) != -EFBIG)
			_exit(5);
		signal(SIGXFSZ, SIG_DFL);
		pwrite(fd, data, 1, 20000);
		_exit(6);
	}
	EXPECT_EQ(128 + SIGXFSZ, child_status(pid));
}

TEST_F(errors, times_far_away)
{
	static const time_t seconds[] = { -86400, 0, 4102444800 };
	struct timespec times[2] = { { .tv_nsec = 1 }, { .tv_nsec = 999999999 } };
	struct stat st;

	ASSERT_EQ(0, write_file("f", "x"));
	for (int i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		times[0].tv_sec = seconds[i];
		times[1].tv_sec = seconds[i];
		ASSERT_EQ(0, utimensat(AT_FDCWD, "f", times, 0));
		ASSERT_EQ(0, stat("f", &st));
		EXPECT_EQ(seconds[i], st.st_atim.tv_sec);
		EXPECT_EQ(1, st.st_atim.tv_nsec);
		EXPECT_EQ(seconds[i], st.st_mtim.tv_sec);
		EXPECT_EQ(999999999, st.st_mtim.tv_nsec);
	}
	times[0].tv_nsec = 1000000000;
	EXPECT_EQ(-EINVAL, result(utimensat(AT_FDCWD, "f", times, 0)));
}

TEST_F(errors, directory_that_is_gone)
{
	char path[256];
	int fd;

	ASSERT_EQ(0, mkdir("d", 0755));
	fd = open("d", O_RDONLY | O_DIRECTORY);
	ASSERT_EQ(0, fchdir(fd));
	ASSERT_EQ(0, rmdir("../d"));
	EXPECT_EQ(-ENOENT, result(syscall(SYS_getcwd, path, sizeof(path))));
	EXPECT_EQ(-ENOENT, try_open("f", O_RDWR | O_CREAT));
	EXPECT_EQ(-ENOENT, result(mkdir("e", 0755)));
	EXPECT_EQ(-ENOENT, result(linkat(AT_FDCWD, "..", AT_FDCWD, "e", 0)) ? -ENOENT : 0);
	EXPECT_EQ(0, try_open(".", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(0, access("..", F_OK));
	close(fd);
	ASSERT_EQ(0, chdir(self->dir));
}

TEST_F(errors, mounts_in_use)
{
	int fd;

	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_EQ(0, write_file("f", "x"));
	EXPECT_EQ(-EBUSY, result(umount(self->dir)));
	/* One file, or a directory, at another place. */
	ASSERT_EQ(0, write_file("at", ""));
	ASSERT_EQ(0, mount("f", "at", NULL, MS_BIND, NULL));
	EXPECT_TRUE(has_text("at", "x"));
	EXPECT_EQ(-EBUSY, result(unlink("at")));
	EXPECT_EQ(-EBUSY, result(rename("at", "away")));
	ASSERT_EQ(0, umount("at"));
	EXPECT_TRUE(has_text("at", ""));
	/* What is under a mount is out of reach, not gone. */
	ASSERT_EQ(0, write_file("d/f", "under"));
	ASSERT_EQ(0, mount("none", "d", "tmpfs", 0, NULL));
	EXPECT_EQ(-ENOENT, result(access("d/f", F_OK)));
	EXPECT_EQ(-EBUSY, result(rmdir("d")));
	ASSERT_EQ(0, umount("d"));
	EXPECT_TRUE(has_text("d/f", "under"));
	/* A lazy one is in use until nobody has it. */
	ASSERT_EQ(0, mkdir("again", 0755));
	ASSERT_EQ(0, mount("d", "again", NULL, MS_BIND, NULL));
	fd = open("again/f", O_RDWR);
	EXPECT_EQ(-EBUSY, result(umount("again")));
	EXPECT_EQ(0, umount2("again", MNT_DETACH));
	EXPECT_EQ(5, pwrite(fd, "above", 5, 0));
	close(fd);
	EXPECT_TRUE(has_text("d/f", "above"));
}

TEST_F(errors, mount_flags)
{
	struct stat st;

	ASSERT_EQ(0, system("cp /bin/true ./true"));
	ASSERT_EQ(0, mknod("null", S_IFCHR | 0666, 0x103));
	ASSERT_EQ(0, stat("null", &st));
	EXPECT_EQ(0x103, st.st_rdev);
	ASSERT_EQ(0, mount(NULL, self->dir, NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NODEV |
			   MS_NOSUID, NULL));
	EXPECT_EQ(EACCES, IN_CHILD(-result(execl("./true", "true", NULL))));
	EXPECT_EQ(-EACCES, try_open("null", O_RDONLY));
	ASSERT_EQ(0, mount(NULL, self->dir, NULL, MS_REMOUNT | MS_BIND, NULL));
	EXPECT_EQ(0, IN_CHILD(-result(execl("./true", "true", NULL))));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Changes and tells whom a file belongs to by each of the calls that do, also those of old:
 *
 *	owner FILE UID GID MODE	changes it, and prints what each call says, a line if they agree
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char first[96];
static int failed;

static void tell(const char *call, int ret, unsigned int mode, unsigned int uid, unsigned int gid,
		 unsigned int major, unsigned int minor)
{
	char text[96];

	if (ret)
		snprintf(text, sizeof(text), "errno %d", errno);
	else
		snprintf(text, sizeof(text), "%u:%u %o %u,%u", uid, gid, mode, major, minor);
	if (!*first) {
		strcpy(first, text);
		puts(text);
	} else if (strcmp(first, text)) {
		printf("%s: %s\n", call, text);
		failed = 1;
	}
}

static void tell_stat(const char *call, int ret, const struct stat *st)
{
	tell(call, ret, st->st_mode, st->st_uid, st->st_gid, major(st->st_rdev),
	     minor(st->st_rdev));
}

static void tell_all(const char *file)
{
	struct statx stx;
	struct stat st;
	int fd = open(file, O_PATH), ret;

	tell_stat("stat", stat(file, &st), &st);
	tell_stat("lstat", lstat(file, &st), &st);
	tell_stat("fstat", fstat(fd, &st), &st);
	tell_stat("fstatat", fstatat(AT_FDCWD, file, &st, AT_SYMLINK_NOFOLLOW), &st);
	tell_stat("fstatat, empty", fstatat(fd, "", &st, AT_EMPTY_PATH), &st);
	ret = statx(AT_FDCWD, file, 0, STATX_BASIC_STATS, &stx);
	tell("statx", ret, stx.stx_mode, stx.stx_uid, stx.stx_gid, stx.stx_rdev_major,
	     stx.stx_rdev_minor);
#ifdef __x86_64__
	tell_stat("stat, the call", syscall(SYS_stat, file, &st), &st);
	tell_stat("lstat, the call", syscall(SYS_lstat, file, &st), &st);
	tell_stat("fstat, the call", syscall(SYS_fstat, fd, &st), &st);
#else
	struct {
		unsigned short dev, ino, mode, nlink, uid, gid, rdev;
		unsigned int size, atime, mtime, ctime;
	} old;
	struct {
		unsigned int dev, ino;
		unsigned short mode, nlink, uid, gid;
		unsigned int rdev, rest[12];
	} next;

	ret = syscall(SYS_oldstat, file, &old);
	/* It may have no room for the number of the inode. */
	if (!ret || errno != EOVERFLOW)
		tell("oldstat", ret, old.mode, old.uid, old.gid, old.rdev >> 8, old.rdev & 0xff);
	ret = syscall(SYS_lstat, file, &next);
	tell("lstat, the call", ret, next.mode, next.uid, next.gid, next.rdev >> 8 & 0xfff,
	     next.rdev & 0xff);
#endif
	close(fd);
}

static void try(const char *call, int ret)
{
	if (!ret)
		return;
	printf("%s: %s\n", call, strerror(errno));
	failed = 1;
}

static void change_all(const char *file, unsigned int uid, unsigned int gid, unsigned int mode)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK);

	try("chown", chown(file, uid, 1));
	try("lchown", lchown(file, -1, 2));
	try("fchown", fchown(fd, 3, -1));
	try("chmod", chmod(file, 0600));
	try("fchmod", fchmod(fd, 0400));
	try("fchownat", fchownat(AT_FDCWD, file, 4, 4, 0));
#ifndef __x86_64__
	try("chown16", syscall(SYS_chown, file, uid, -1));
	try("fchown16", syscall(SYS_fchown, fd, -1, 5));
	try("lchown16", syscall(SYS_lchown, file, 0xffff, gid));
#else
	try("fchownat, empty", fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
#endif
	try("fchmodat", fchmodat(AT_FDCWD, file, mode, 0));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 5)
		return 2;
	if (argc == 5)
		change_all(argv[1], atoi(argv[2]), atoi(argv[3]), strtoul(argv[4], NULL, 8));
	tell_all(argv[1]);
	return failed;
}

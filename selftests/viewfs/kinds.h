/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fixture for tests that run on several file systems: what viewfs answers otherwise than a
 * local one is then a line of the test, not a matter of belief. Documentation/viewfs.rst lists
 * these lines, with their reasons.
 */
#ifndef _VIEWFS_KINDS_H
#define _VIEWFS_KINDS_H

#include "../fake_server.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE	(1 << 0)
#define RENAME_EXCHANGE		(1 << 1)
#define RENAME_WHITEOUT		(1 << 2)
#endif

/* An image for ext4, anew for each test. */
#define EXT4_IMAGE "/tmp/kinds.ext4"

enum { TMPFS = 1, EXT4 = 2, FUSE = 4, VIEWFS = 8 };

/* Both are served by the same code, viewos-mem's. */
#define SERVED (FUSE | VIEWFS)

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int err = fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text);

	close(fd);
	return err;
}

static inline bool has_text(const char *path, const char *text)
{
	char buffer[256] = "";
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	return len == (ssize_t)strlen(text) && !strcmp(buffer, text);
}

/* "%s" of the command is where to mount. */
static inline int kind_mount(const char *mount_command, const char *dir)
{
	char command[512];

	snprintf(command, sizeof(command), mount_command, dir);
	return system(command);
}

#define FIXTURE_OF_KINDS(fixture)						\
FIXTURE(fixture)								\
{										\
	char dir[32];								\
};										\
										\
FIXTURE_VARIANT(fixture)							\
{										\
	int kind;								\
	const char *mount;							\
};										\
										\
FIXTURE_SETUP(fixture)								\
{										\
	ASSERT_EQ(0, own_mounts());						\
	strcpy(self->dir, "/tmp/kinds.XXXXXX");					\
	ASSERT_NE(NULL, mkdtemp(self->dir));					\
	ASSERT_EQ(0, kind_mount(variant->mount, self->dir));			\
	ASSERT_EQ(0, chdir(self->dir));						\
	umask(022);								\
}										\
										\
FIXTURE_TEARDOWN(fixture)							\
{										\
	EXPECT_EQ(0, chdir("/"));						\
	EXPECT_EQ(0, umount(self->dir));					\
	rmdir(self->dir);							\
	unlink(EXT4_IMAGE);							\
}										\
										\
FIXTURE_VARIANT_ADD(fixture, viewfs)						\
{										\
	.kind = VIEWFS, .mount = "viewctl mount -t mem none %s",		\
};										\
FIXTURE_VARIANT_ADD(fixture, writeback)						\
{										\
	.kind = VIEWFS, .mount = "viewctl mount -t mem -o writeback none %s",	\
};										\
OTHER_KINDS(fixture)

/* A 32-bit program is another way into viewfs; the others' are not ours to test. */
#ifdef __LP64__
#define OTHER_KINDS(fixture)							\
FIXTURE_VARIANT_ADD(fixture, fuse)						\
{										\
	.kind = FUSE, .mount = "memfs-fuse %s",					\
};										\
FIXTURE_VARIANT_ADD(fixture, ext4)						\
{										\
	.kind = EXT4,								\
	.mount = "truncate -s 64M " EXT4_IMAGE " && mke2fs -qFt ext4 " EXT4_IMAGE	\
		 " && mount -o loop,acl " EXT4_IMAGE " %1$s && rmdir %1$s/lost+found",	\
};										\
FIXTURE_VARIANT_ADD(fixture, tmpfs)						\
{										\
	.kind = TMPFS, .mount = "mount -t tmpfs none %s",			\
};
#else
#define OTHER_KINDS(fixture)
#endif

#endif /* _VIEWFS_KINDS_H */

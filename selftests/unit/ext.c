// SPDX-License-Identifier: GPL-2.0
/* viewos-ext from within: images that were damaged, by hundreds. */

#include "../viewos_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/lib/viewos.h"
#include "../../userspace/servers/ext/dir.h"
#include "../../userspace/servers/ext/xattr.h"

#define ROUNDS		150
#define MAX_NAMES	1000
#define SECONDS		20

static uint64_t rng = 1;

static uint32_t below(uint32_t bound)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng >> 33) % bound;
}

/* A tree with something of everything, and an image of it; returns whether mke2fs(8) could. */
static bool build(const char *dir, const char *options)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "export PATH=$PATH:/sbin:/usr/sbin; cd '%s' && rm -rf tree image && mkdir tree tree/dir tree/many && "
		 "echo small >tree/small && head -c 300000 /dev/zero | tr '\\0' x >tree/dir/large && "
		 "ln -s small tree/fast && ln -s $(printf 'y%%.0s' $(seq 200)) tree/slow && "
		 "for i in $(seq 200); do : >tree/many/a-name-of-some-length-$i; done && "
		 "truncate -s 3M image && mke2fs -q -F %s -b 1024 -d tree image",
		 dir, options);
	return !system(command);
}

struct walk {
	struct image *image;
	unsigned int names;
	unsigned int good;
};

static void read_one(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	char buf[PATH_MAX], *names = NULL;
	void *value = NULL;
	size_t len;

	image_stat(image, ino, inode);
	if (S_ISLNK(inode->i_mode))
		image_readlink(image, ino, inode, buf, sizeof(buf));
	else if (S_ISREG(inode->i_mode))
		for (uint64_t off = 0; off < 300000; off += 70000)
			image_read(image, ino, off, sizeof(buf), buf);
	if (!xattr_list(image, ino, &names, &len))
		free(names);
	if (!xattr_get(image, ino, "user.a", &value, &len))
		free(value);
}

static bool visit(const char *name, size_t len, ext2_ino_t ino, uint64_t next, void *data)
{
	struct ext2_inode_large inode;
	struct walk *walk = data;

	if (walk->names++ >= MAX_NAMES || !next)
		return false;
	if (image_inode(walk->image, ino, &inode))
		return true;
	walk->good++;
	read_one(walk->image, ino, &inode);
	/* Loops of directories are the kernel's to find. */
	if (S_ISDIR(inode.i_mode) && (len == 3 || len == 4) && *name != '.')
		dir_walk(walk->image, ino, &inode, 0, visit, walk);
	return true;
}

/* Opens the image, and reads what can be; returns how many good names there are. */
static int read_all(const char *path)
{
	struct viewos_accepted accepted = { .uid = geteuid(), .gid = getegid() };
	struct ext2_inode_large inode;
	struct image image = {};
	struct walk walk = { .image = &image };
	ext2_ino_t found;
	int err;

	snprintf(accepted.source, sizeof(accepted.source), "%s", path);
	err = image_open(&image, &accepted, 0, true);
	if (err)
		return err;
	if (!image_inode(&image, EXT2_ROOT_INO, &inode)) {
		dir_find(&image, EXT2_ROOT_INO, &inode, "dir", &found);
		dir_walk(&image, EXT2_ROOT_INO, &inode, 0, visit, &walk);
	}
	image_close(&image);
	return (int)walk.good;
}

/* Half of the damage is where the superblock and the groups are told. */
static void damage(int fd, bool whole)
{
	for (uint32_t n = 1 + below(40); n; n--) {
		unsigned char byte = (unsigned char)below(256);
		off_t at = below(2) ? 1024 + below(2048) : below(700 * 1024);

		if (!whole && at < 3072)
			at += 2048;
		if (pwrite(fd, &byte, 1, at) != 1)
			abort();
	}
}

static const char *const kinds[] = {
	"-t ext2 -I 128",
	"-t ext4 -O metadata_csum,64bit",
	"-t ext4 -O ^metadata_csum,inline_data",
};

TEST(damaged)
{
	char dir[] = "/tmp/viewos-ext-XXXXXX", image[64], command[256];

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	/* What is wrong with each is told on stderr; it is not of interest. */
	if (!freopen("/dev/null", "w", stderr))
		abort();
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		ASSERT_EQ(true, build(dir, kinds[kind]));
		/* 200, 5 and 1 names, lost+found, not entered, and the two of each directory. */
		EXPECT_EQ(200 + 5 + 1 + 1 + 3 * 2, read_all(image));
		for (int round = 0; round < ROUNDS; round++) {
			int fd;

			snprintf(command, sizeof(command), "cp %s %s.bad", image, image);
			ASSERT_EQ(0, system(command));
			strcat(image, ".bad");
			fd = open(image, O_RDWR | O_CLOEXEC);
			ASSERT_LE(0, fd);
			damage(fd, round % 2);
			close(fd);
			alarm(SECONDS);
			read_all(image);
			alarm(0);
			image[strlen(image) - 4] = '\0';
		}
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	EXPECT_EQ(0, system(command));
}

TEST_HARNESS_MAIN

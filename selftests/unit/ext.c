// SPDX-License-Identifier: GPL-2.0
/* viewos-ext from within: images that are written, and such that were damaged, by hundreds. */

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
#include "../../userspace/servers/ext/content.h"
#include "../../userspace/servers/ext/dir.h"
#include "../../userspace/servers/ext/name.h"
#include "../../userspace/servers/ext/node.h"
#include "../../userspace/servers/ext/xattr.h"

#define ROUNDS		150
#define MAX_NAMES	1000
#define SECONDS		20
#define NEW_NAMES	300

static uint64_t rng = 1;
static bool quiet;

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

static int open_it(struct image *image, const char *path, bool write)
{
	struct viewos_accepted accepted = { .uid = geteuid(), .gid = getegid() };
	struct image_how how = { .noload = !write, .rw = write };

	snprintf(accepted.source, sizeof(accepted.source), "%s", path);
	return image_open(image, &accepted, &how);
}

/* Opens the image, and reads what can be; returns how many good names there are. */
static int read_all(const char *path)
{
	struct ext2_inode_large inode;
	struct image image = {};
	struct walk walk = { .image = &image };
	ext2_ino_t found;
	int err;

	err = open_it(&image, path, false);
	if (err)
		return err;
	if (!image_inode(&image, EXT2_ROOT_INO, &inode)) {
		dir_find(&image, EXT2_ROOT_INO, &inode, "dir", &found);
		dir_walk(&image, EXT2_ROOT_INO, &inode, 0, visit, &walk);
	}
	image_close(&image);
	return (int)walk.good;
}

static ext2_ino_t ino_of(struct image *image, ext2_ino_t dir, const char *name)
{
	struct ext2_inode_large inode;
	ext2_ino_t found = 0;

	if (!image_inode(image, dir, &inode))
		dir_find(image, dir, &inode, name, &found);
	return found;
}

/* What is not 0 is counted, and told where it should be. */
static int tell(int err, int line)
{
	if (err < 0 && !quiet)
		fprintf(stderr, "# line %d: %s\n", line, strerror(-err));
	return err < 0;
}

#define TRY(call) (failures += tell((int)(call), __LINE__))

static int make_names(struct image *image, ext2_ino_t dir)
{
	struct making file = { .mode = S_IFREG | 0644, .uid = 100000, .gid = 5 };
	int failures = 0;
	ext2_ino_t ino;
	char name[64];

	for (int n = 0; n < NEW_NAMES; n++) {
		snprintf(name, sizeof(name), "a-new-name-that-is-longer-%d", n);
		TRY(name_make(image, dir, name, &file, &ino));
	}
	for (int n = 0; n < NEW_NAMES; n += 3) {
		snprintf(name, sizeof(name), "a-new-name-that-is-longer-%d", n);
		TRY(name_unlink(image, dir, name, false));
	}
	return failures;
}

static int change_contents(struct image *image, ext2_ino_t ino)
{
	static char buf[100000];
	bool extents = ext2fs_has_feature_extents(image->fs->super);
	int failures = 0;
	uint64_t found;

	memset(buf, 'y', sizeof(buf));
	TRY(content_write(image, ino, 5000, buf, sizeof(buf)));
	TRY(content_write(image, ino, 700000, buf, 10));
	TRY(content_allocate(image, ino, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 6001, 30000));
	TRY(content_seek(image, ino, 0, true, &found));
	TRY(content_seek(image, ino, 6000, false, &found));
	if (extents) {
		TRY(content_allocate(image, ino, 0, 200000, 50000));
		TRY(content_allocate(image, ino, FALLOC_FL_ZERO_RANGE, 20000, 30000));
		TRY(content_write(image, ino, 210000, buf, 3000));
	}
	TRY(content_resize(image, ino, 201));
	TRY(content_resize(image, ino, 50000));
	return failures;
}

static int change_attributes(struct image *image, ext2_ino_t ino)
{
	static const char value[600] = "a value";
	int failures = 0;

	TRY(xattr_set(image, ino, "user.small", value, 10, 0));
	TRY(xattr_set(image, ino, "user.large", value, sizeof(value), 0));
	TRY(xattr_set(image, ino, "user.small", value, 20, 0));
	TRY(xattr_remove(image, ino, "user.large"));
	return failures;
}

/* A file that is open loses its name, and its blocks when it is closed. */
static int lose_open(struct image *image, ext2_ino_t dir)
{
	struct making file = { .mode = S_IFREG | 0600 };
	int failures = 0;
	ext2_ino_t ino;

	TRY(name_make(image, dir, "open", &file, &ino));
	TRY(node_get(image, ino));
	TRY(name_unlink(image, dir, "open", false));
	failures += change_contents(image, ino);
	node_forget(image, ino, 1);
	/* This one is there at the end. */
	TRY(name_make(image, dir, NULL, &file, &ino));
	TRY(node_get(image, ino));
	TRY(content_write(image, ino, 0, "x", 1));
	return failures;
}

static int change_names(struct image *image)
{
	struct making dir = { .mode = S_IFDIR | 0755 }, node = { .mode = S_IFCHR, .rdev = 0x12345 };
	struct making link = { .mode = S_IFLNK | 0777, .target = "short" };
	ext2_ino_t root = EXT2_ROOT_INO, one, two, ino;
	int failures = 0;
	char target[200];

	TRY(name_make(image, root, "one", &dir, &one));
	TRY(name_make(image, one, "two", &dir, &two));
	TRY(name_make(image, two, "node", &node, &ino));
	TRY(name_make(image, two, "short", &link, &ino));
	memset(target, 'z', sizeof(target));
	target[199] = '\0';
	link.target = target;
	TRY(name_make(image, two, "long", &link, &ino));
	TRY(name_link(image, ino_of(image, root, "small"), one, "hard"));
	TRY(name_rename(image, one, "two", root, "moved", 0));
	TRY(name_rename(image, root, "moved", one, "hard", RENAME_EXCHANGE));
	TRY(name_rename(image, two, "long", two, "short", 0));
	TRY(name_rename(image, root, "slow", two, "slow", RENAME_NOREPLACE));
	TRY(name_unlink(image, root, "fast", false));
	TRY(name_make(image, two, "empty", &dir, &ino));
	TRY(name_make(image, root, "none", &dir, &ino));
	TRY(name_rename(image, two, "empty", root, "none", 0));
	TRY(name_unlink(image, root, "none", true));
	return failures;
}

/* Opens the image, and changes whatever can be; returns how much could not, or an errno. */
static int change_all(const char *path)
{
	struct image image = {};
	int failures = 0, err;
	ext2_ino_t ino;

	err = open_it(&image, path, true);
	if (err)
		return err;
	failures += change_names(&image);
	failures += make_names(&image, ino_of(&image, EXT2_ROOT_INO, "many"));
	ino = ino_of(&image, EXT2_ROOT_INO, "small");
	failures += change_attributes(&image, ino);
	failures += change_contents(&image, ino);
	failures += change_attributes(&image, ino_of(&image, EXT2_ROOT_INO, "dir"));
	failures += lose_open(&image, ino_of(&image, EXT2_ROOT_INO, "dir"));
	TRY(image_sync(&image));
	TRY(name_unlink(&image, ino_of(&image, EXT2_ROOT_INO, "dir"), "large", false));
	failures += image.failed;
	image_close(&image);
	return failures;
}

/* Until nothing more fits, twice. */
static int fill_up(const char *path)
{
	struct making file = { .mode = S_IFREG | 0644 }, dir = { .mode = S_IFDIR | 0755 };
	static char buf[100000];
	ext2_ino_t ino, many;
	struct image image = {};
	uint64_t off = 0, free_blocks;
	char name[255];
	ssize_t done;
	int err;

	err = open_it(&image, path, true);
	if (err)
		return err;
	many = ino_of(&image, EXT2_ROOT_INO, "many");
	err = name_make(&image, EXT2_ROOT_INO, "filler", &file, &ino);
	for (done = 0; !err && done >= 0; off += (uint64_t)done)
		done = content_write(&image, ino, off, buf, sizeof(buf));
	if (err || done != -ENOSPC)
		return -EIO;
	if (name_make(&image, many, "dir", &dir, &ino) != -ENOSPC)
		return -EIO;
	memset(name, 'n', sizeof(name));
	for (int n = 0; n < 10000 && !err; n++) {
		snprintf(name, 8, "%07d", n);
		name[7] = 'n';
		name[254] = '\0';
		err = name_make(&image, many, name, &file, &ino);
	}
	/* All of it is free again, to the last block, which "filler" has. */
	free_blocks = ext2fs_free_blocks_count(image.fs->super);
	if (content_resize(&image, ino_of(&image, EXT2_ROOT_INO, "filler"), off / 2) ||
	    name_unlink(&image, EXT2_ROOT_INO, "filler", false) ||
	    ext2fs_free_blocks_count(image.fs->super) < free_blocks + off / 1024 || image.failed)
		err = -EIO;
	image_close(&image);
	return err == -ENOSPC ? 0 : -EIO;
}

static bool is_clean(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "PATH=$PATH:/sbin:/usr/sbin; e2fsck -fn %s >%s.log 2>&1 || "
		 "{ sed 's/^/# /' %s.log; false; }",
		 path, path, path);
	return !system(command);
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
	"-t ext4 -O metadata_csum,inline_data,^has_journal -I 256",
	"-t ext3 -O dir_index",
};

TEST(written)
{
	char dir[] = "/tmp/viewos-ext-XXXXXX", image[64], command[256];

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		ASSERT_EQ(true, build(dir, kinds[kind]));
		/* An index, as the kernel makes. */
		snprintf(command, sizeof(command),
			 "PATH=$PATH:/sbin:/usr/sbin; e2fsck -fyD %s >/dev/null 2>&1; test $? -lt 4",
			 image);
		ASSERT_EQ(0, system(command));
		EXPECT_EQ(0, change_all(image));
		EXPECT_EQ(true, is_clean(image));
		EXPECT_EQ(0, fill_up(image));
		EXPECT_EQ(true, is_clean(image));
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	EXPECT_EQ(0, system(command));
}

TEST(damaged)
{
	char dir[] = "/tmp/viewos-ext-XXXXXX", image[64], command[256];

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(image, sizeof(image), "%s/image", dir);
	/* What is wrong with each is told on stderr; it is not of interest. */
	if (!freopen("/dev/null", "w", stderr))
		abort();
	quiet = true;
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
			change_all(image);
			alarm(0);
			image[strlen(image) - 4] = '\0';
		}
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	EXPECT_EQ(0, system(command));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* viewos-archive from within: archives that were damaged, by thousands. */

#include "../viewos_test.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "../../userspace/lib/viewos.h"
#include "../../userspace/servers/archive/content.h"
#include "../../userspace/servers/archive/index.h"

#define ROUNDS	400

static uint64_t rng = 1;

static uint32_t below(uint32_t bound)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng >> 33) % bound;
}

static void add(struct archive *archive, const char *name, mode_t type, const char *target,
		const char *text)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, type | 0755);
	archive_entry_set_size(entry, text ? strlen(text) : 0);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, target);
	else if (target)
		archive_entry_set_hardlink(entry, target);
	archive_entry_xattr_add_entry(entry, "user.a", "value", 5);
	if (archive_write_header(archive, entry) == ARCHIVE_OK && text)
		archive_write_data(archive, text, strlen(text));
	archive_entry_free(entry);
}

/* An archive with something of everything; returns its size. */
static size_t build(int (*format)(struct archive *), int (*filter)(struct archive *), char *out,
		    size_t room)
{
	struct archive *archive = archive_write_new();
	static char text[20000];
	size_t used = 0;

	memset(text, 't', sizeof(text) - 1);
	format(archive);
	filter(archive);
	archive_write_open_memory(archive, out, room, &used);
	add(archive, "dir", AE_IFDIR, NULL, NULL);
	add(archive, "dir/file", AE_IFREG, NULL, "content");
	add(archive, "dir/large", AE_IFREG, NULL, text);
	add(archive, "link", AE_IFLNK, "dir/file", NULL);
	add(archive, "hard", AE_IFREG, "dir/file", NULL);
	add(archive, "implied/by/this", AE_IFREG, NULL, "x");
	add(archive, "../up", AE_IFREG, NULL, "y");
	add(archive, "dir/file", AE_IFREG, NULL, "again");
	archive_write_close(archive);
	archive_write_free(archive);
	return used;
}

/* Opens, reads all there is, closes; returns how many bytes, or an error. */
static ssize_t read_all(const char *path)
{
	static struct viewos_accepted accepted;
	struct source source;
	struct tree tree;
	char data[5000];
	ssize_t len, sum = 0;
	uint64_t ino;
	int err;

	accepted.uid = geteuid();
	strcpy(accepted.source, path);
	err = source_open(&source, &accepted);
	if (err)
		return err;
	err = tree_init(&tree, 1000);
	if (!err)
		err = index_build(&source, &tree);
	for (ino = 1; !err && ino <= tree.nr_nodes; ino++) {
		struct node *node = tree_node(&tree, ino);
		off_t off = 0;

		/* Some claim to be terabytes. */
		while (S_ISREG(node->st.st_mode) && off < 100000) {
			len = content_read(&source, node, off, sizeof(data), data);
			if (len <= 0)
				break;
			off += len;
		}
		sum += off;
	}
	tree_exit(&tree);
	source_close(&source);
	return err ?: sum;
}

static bool write_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, data, len) == (ssize_t)len;

	close(fd);
	return good;
}

FIXTURE(damaged)
{
	char path[32];
};

FIXTURE_VARIANT(damaged)
{
	int (*format)(struct archive *archive);
	int (*filter)(struct archive *archive);
};

#define VARIANT(name, a_format, a_filter)			\
	FIXTURE_VARIANT_ADD(damaged, name)			\
	{							\
		.format = archive_write_set_format_##a_format,	\
		.filter = archive_write_add_filter_##a_filter,	\
	}

VARIANT(tar, pax, none);
VARIANT(tar_gz, gnutar, gzip);
VARIANT(tar_zst, pax, zstd);
VARIANT(cpio, cpio_newc, none);
VARIANT(zip, zip, none);
VARIANT(seven_zip, 7zip, none);
VARIANT(iso9660, iso9660, none);
VARIANT(xar, xar, none);

FIXTURE_SETUP(damaged)
{
	int fd;

	strcpy(self->path, "/tmp/unit-archive.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_LE(0, fd);
	close(fd);
}

FIXTURE_TEARDOWN(damaged)
{
	unlink(self->path);
}

TEST_F(damaged, archives)
{
	static char good[2 << 20], bad[sizeof(good)];
	size_t size = build(variant->format, variant->filter, good, sizeof(good)), len;
	int round, n, whole = 0;
	ssize_t sum;

	ASSERT_LT(0, size);
	ASSERT_TRUE(write_file(self->path, good, size));
	/* "content" or "again", a large file, "x" and "y". */
	ASSERT_LT(20000, read_all(self->path));
	freopen("/dev/null", "w", stderr);
	for (round = 0; round < ROUNDS; round++) {
		memcpy(bad, good, size);
		len = below(4) ? size : below(size);
		/* Where headers are, as a rule: at the front and at the end. */
		for (n = 1 + below(8); n && len; n--) {
			size_t end = len < 2048 ? len : 2048;
			size_t at = below(2) ? below(len) : below(2) ? below(end) :
				    len - 1 - below(end);

			bad[at] = below(3) ? below(256) : bad[at] ^ 1 << below(8);
		}
		ASSERT_TRUE(write_file(self->path, bad, len));
		sum = read_all(self->path);
		whole += sum >= 0;
		EXPECT_TRUE(sum >= 0 || sum == -EINVAL || sum == -EIO || sum == -EFBIG ||
			    sum == -ENOMEM) {
			TH_LOG("round %d: %s", round, strerror(-sum));
		}
	}
	printf("# %d of %d could be read\n", whole, ROUNDS);
}

TEST_HARNESS_MAIN

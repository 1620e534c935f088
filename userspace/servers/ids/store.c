// SPDX-License-Identifier: GPL-2.0
/* viewos-ids: what is kept of files, found by their inodes */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ids.h"

static uint64_t kept_hash(const struct store *store, uint64_t dev, uint64_t ino)
{
	return table_hash(&store->table, ino, &dev, sizeof(dev));
}

static struct kept *kept_of(struct table_node *node)
{
	return (struct kept *)node;
}

static uint64_t file_dev(const struct viewos_call_file *file)
{
	return makedev(file->dev_major, file->dev_minor);
}

/* An overlay shows other dates and generations of a file once it has been written to. */
static bool file_is_dated(const struct viewos_call_file *file)
{
	return file->mask & STATX_BTIME && file->magic != OVERLAYFS_SUPER_MAGIC;
}

static uint32_t file_generation(const struct viewos_call_file *file)
{
	return file->magic == OVERLAYFS_SUPER_MAGIC ? 0 : file->generation;
}

/* A device is an empty file outside. */
static bool type_fits(uint32_t kept, uint32_t real)
{
	return (kept & S_IFMT) == (real & S_IFMT) ||
	       (S_ISREG(real) && (S_ISCHR(kept) || S_ISBLK(kept)));
}

/* Is it the file of which it was kept, and no later one with its inode? */
static bool kept_is_of(const struct kept *kept, const struct viewos_call_file *file)
{
	uint32_t generation = file_generation(file);

	if (!type_fits(kept->mode, file->mode))
		return false;
	if (kept->dated && file_is_dated(file) &&
	    (kept->born.sec != file->btime.sec || kept->born.nsec != file->btime.nsec))
		return false;
	return !kept->generation || !generation || kept->generation == generation;
}

/* Permissions that were changed in another way than by chmod(2), as by setfacl(1), hold. */
static void kept_meet(struct kept *kept, const struct viewos_call_file *file)
{
	if (kept->seen && (kept->real ^ file->mode) & 0777)
		kept->mode = (kept->mode & ~0777U) | (file->mode & 0777);
	kept->real = file->mode;
	kept->nlink = file->nlink;
	kept->seen = true;
	kept->dated = file_is_dated(file);
	kept->born = file->btime;
	kept->generation = file_generation(file);
}

static void kept_drop(struct store *store, struct kept *kept)
{
	table_del(&store->table, &kept->node);
	free(kept);
}

struct kept *store_find(struct store *store, const struct viewos_call_file *file)
{
	uint64_t dev = file_dev(file);
	struct table_node *node;
	struct kept *kept;

	for (node = table_first(&store->table, kept_hash(store, dev, file->ino)); node;
	     node = table_next(node)) {
		kept = kept_of(node);
		if (kept->dev != dev || kept->ino != file->ino)
			continue;
		if (kept_is_of(kept, file)) {
			kept_meet(kept, file);
			return kept;
		}
		kept_drop(store, kept);
		break;
	}
	return NULL;
}

static uint32_t default_uid(const struct store *store, const struct viewos_call_file *file)
{
	return file->uid == store->own_uid ? store->uid : file->uid;
}

static uint32_t default_gid(const struct store *store, const struct viewos_call_file *file)
{
	return file->gid == store->own_gid ? store->gid : file->gid;
}

struct kept *store_get(struct store *store, const struct viewos_call_file *file)
{
	struct kept *kept = store_find(store, file);

	if (kept)
		return kept;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return NULL;
	kept->dev = file_dev(file);
	kept->ino = file->ino;
	kept->uid = default_uid(store, file);
	kept->gid = default_gid(store, file);
	kept->mode = file->mode;
	kept->rdev = makedev(file->rdev_major, file->rdev_minor);
	kept_meet(kept, file);
	table_add(&store->table, &kept->node, kept_hash(store, kept->dev, kept->ino));
	return kept;
}

void store_settle(struct store *store, struct kept *kept, const struct viewos_call_file *file)
{
	if (kept->uid == default_uid(store, file) && kept->gid == default_gid(store, file) &&
	    kept->mode == kept->real)
		kept_drop(store, kept);
}

void store_show(struct store *store, const struct viewos_call_file *file, struct shown *shown)
{
	const struct kept *kept = store_find(store, file);

	shown->mode = kept ? kept->mode : file->mode;
	shown->uid = kept ? kept->uid : default_uid(store, file);
	shown->gid = kept ? kept->gid : default_gid(store, file);
	shown->rdev = kept ? kept->rdev : makedev(file->rdev_major, file->rdev_minor);
}

static void node_free(struct table_node *node, void *data)
{
	(void)data;
	free(kept_of(node));
}

void store_free(struct store *store)
{
	table_empty(&store->table, node_free, NULL);
	table_exit(&store->table);
}

/* ---- as text ---- */

static int bad(const char *name, unsigned long line, const char *why)
{
	fprintf(stderr, "viewos-ids: '%s': line %lu: %s\n", name, line, why);
	return -EBADMSG;
}

/* Reads "NAME=NUMBER", and what must follow it. */
static bool field_read(const char **at, const char *name, int base, uint64_t most, char behind,
		       uint64_t *value)
{
	size_t len = strlen(name);
	unsigned long long number;
	char *end;

	if (strncmp(*at, name, len) || (*at)[len] != '=' ||
	    !isxdigit((unsigned char)(*at)[len + 1]))
		return false;
	errno = 0;
	number = strtoull(*at + len + 1, &end, base);
	if (errno || number > most || *end != behind)
		return false;
	*value = number;
	*at = behind ? end + 1 : end;
	return true;
}

static bool mode_valid(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
	       S_ISFIFO(mode) || S_ISSOCK(mode);
}

static struct kept *kept_find(const struct store *store, uint64_t dev, uint64_t ino)
{
	struct table_node *node = table_first(&store->table, kept_hash(store, dev, ino));

	for (; node; node = table_next(node))
		if (kept_of(node)->dev == dev && kept_of(node)->ino == ino)
			return kept_of(node);
	return NULL;
}

/* As fakeroot(1) has it. */
static int kept_read(struct store *store, const char *at, const char *name, unsigned long line)
{
	uint64_t dev, ino, mode, uid, gid, nlink, rdev;
	struct kept *kept;

	if (!field_read(&at, "dev", 16, UINT64_MAX, ',', &dev) ||
	    !field_read(&at, "ino", 10, UINT64_MAX, ',', &ino) ||
	    !field_read(&at, "mode", 8, 0177777, ',', &mode) ||
	    !field_read(&at, "uid", 10, UINT32_MAX - 1, ',', &uid) ||
	    !field_read(&at, "gid", 10, UINT32_MAX - 1, ',', &gid) ||
	    !field_read(&at, "nlink", 10, UINT32_MAX, ',', &nlink) ||
	    !field_read(&at, "rdev", 10, UINT64_MAX, '\0', &rdev))
		return bad(name, line,
			   "expected dev=HEX,ino=N,mode=OCTAL,uid=N,gid=N,nlink=N,rdev=N");
	if (!mode_valid(mode))
		return bad(name, line, "the mode is of no type of file");
	kept = kept_find(store, dev, ino);
	if (!kept) {
		kept = calloc(1, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		kept->dev = dev;
		kept->ino = ino;
		table_add(&store->table, &kept->node, kept_hash(store, dev, ino));
	}
	kept->mode = mode;
	kept->uid = uid;
	kept->gid = gid;
	kept->nlink = nlink;
	kept->rdev = rdev;
	return 0;
}

/* Behind all of these, where fakeroot(1) does not read on: which file it is of. */
static int born_read(struct store *store, const char *at, const char *name, unsigned long line)
{
	uint64_t dev, ino, sec, nsec, dated, generation;
	struct kept *kept;

	if (!field_read(&at, "born", 10, INT64_MAX, '.', &sec) ||
	    !isdigit((unsigned char)*at))
		return bad(name, line, "expected dev=... or born=SECONDS.NANOSECONDS,...");
	errno = 0;
	nsec = strtoull(at, (char **)&at, 10);
	if (errno || nsec > 999999999 || *at++ != ',' ||
	    !field_read(&at, "dated", 10, 1, ',', &dated) ||
	    !field_read(&at, "generation", 10, UINT32_MAX, ',', &generation) ||
	    !field_read(&at, "dev", 16, UINT64_MAX, ',', &dev) ||
	    !field_read(&at, "ino", 10, UINT64_MAX, '\0', &ino))
		return bad(name, line, "expected born=N.N,dated=N,generation=N,dev=HEX,ino=N");
	kept = kept_find(store, dev, ino);
	if (!kept)
		return bad(name, line, "no line before tells of that file");
	kept->dated = dated;
	kept->born.sec = sec;
	kept->born.nsec = nsec;
	kept->generation = generation;
	return 0;
}

int store_load(struct store *store, FILE *in, const char *name)
{
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (len = getline(&line, &size, in)) >= 0) {
		number++;
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		if (strlen(line) != (size_t)len)
			ret = bad(name, number, "a zero byte is no text");
		else if (!strncmp(line, "dev=", 4))
			ret = kept_read(store, line, name, number);
		else
			ret = born_read(store, line, name, number);
	}
	free(line);
	if (!ret && ferror(in)) {
		ret = errno ? -errno : -EIO;
		fprintf(stderr, "viewos-ids: '%s': %s\n", name, strerror(-ret));
	}
	return ret;
}

static void kept_write(const struct kept *kept, FILE *out)
{
	fprintf(out, "dev=%" PRIx64 ",ino=%" PRIu64 ",mode=%" PRIo32 ",uid=%" PRIu32, kept->dev,
		kept->ino, kept->mode, kept->uid);
	fprintf(out, ",gid=%" PRIu32 ",nlink=%" PRIu32 ",rdev=%" PRIu64 "\n", kept->gid,
		kept->nlink, kept->rdev);
}

static void born_write(const struct kept *kept, FILE *out)
{
	if (kept->dated || kept->generation)
		fprintf(out, "born=%" PRId64 ".%09" PRIu32 ",dated=%d,generation=%" PRIu32
			",dev=%" PRIx64 ",ino=%" PRIu64 "\n", (int64_t)kept->born.sec,
			kept->born.nsec, kept->dated, kept->generation, kept->dev, kept->ino);
}

int store_save(const struct store *store, FILE *out)
{
	void (*const writers[])(const struct kept *kept, FILE *out) = { kept_write, born_write };
	const struct table_node *node;
	size_t i, bucket;

	errno = 0;
	for (i = 0; i < 2; i++)
		for (bucket = 0; bucket <= store->table.mask; bucket++)
			for (node = store->table.buckets[bucket]; node; node = node->next)
				writers[i]((const struct kept *)node, out);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

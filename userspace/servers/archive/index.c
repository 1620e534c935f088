// SPDX-License-Identifier: GPL-2.0
/* From an archive's headers to a tree. */
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "archivefs.h"
#include "index.h"

/* An archive can be wrong in every entry; nobody reads more than this. */
#define MESSAGES_MAX 20

struct index {
	struct source *source;
	struct tree *tree;
	struct archive *reader;
	struct archive_entry *entry;
	uint64_t header;
	unsigned int messages;
};

/* Where a path leads: a directory and the last name in it; len 0 means the directory itself. */
struct place {
	struct node *dir;
	const char *name;
	size_t len;
};

/* Tells what is wrong with the current entry. The name is anyone's, so it is made printable. */
static void complain(struct index *index, const char *path, const char *what)
{
	char shown[256] = "";

	if (++index->messages > MESSAGES_MAX)
		return;
	for (size_t i = 0; path && path[i] && i < sizeof(shown) - 1; i++)
		shown[i] = (unsigned char)path[i] < ' ' || path[i] == 0x7f ? '?' : path[i];
	fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": entry %llu \"%s\": %s\n",
		index->source->path, (unsigned long long)index->header, shown, what);
	if (index->messages == MESSAGES_MAX)
		fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": no more is said of it\n",
			index->source->path);
}

/* The directory of a name, which is made if need be; a member of another type gives way. */
static int dir_enter(struct index *index, struct node **dir, const char *name, size_t len)
{
	struct member *member = tree_find(index->tree, *dir, name, len);
	struct node *root = tree_node(index->tree, 1), *node;
	int err;

	if (member && S_ISDIR(member->what->st.st_mode)) {
		*dir = member->what;
		return 0;
	}
	err = tree_node_create(index->tree, root->st.st_mode, &node);
	if (err)
		return err;
	node->st.st_uid = root->st.st_uid;
	node->st.st_gid = root->st.st_gid;
	node->st.st_atim = root->st.st_atim;
	node->st.st_mtim = root->st.st_mtim;
	node->st.st_ctim = root->st.st_ctim;
	err = tree_add(index->tree, *dir, name, len, node);
	if (!err)
		*dir = node;
	return err;
}

static bool is_dots(const char *name, size_t len)
{
	return (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

/* Goes into a directory that is there. Returns 0, or 1 if it is not. */
static int dir_follow(struct index *index, struct node **dir, const char *name, size_t len)
{
	struct member *member = tree_find(index->tree, *dir, name, len);

	if (!member || !S_ISDIR(member->what->st.st_mode))
		return 1;
	*dir = member->what;
	return 0;
}

/*
 * Finds where a path leads, going into the directories on the way by the function given. Returns 0,
 * 1 if the path cannot be shown, or a negative errno.
 */
static int path_resolve(struct index *index, const char *path, struct place *place,
			int (*enter)(struct index *, struct node **, const char *, size_t))
{
	struct node *root = tree_node(index->tree, 1);
	unsigned int depth = 0;
	int err;

	*place = (struct place){ .dir = root };
	for (;;) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (!len)
			return 0;
		if (len > TREE_NAME_MAX || depth > TREE_DEPTH_MAX)
			return 1;
		if (place->len && !(len == 1 && *path == '.')) {
			err = enter(index, &place->dir, place->name, place->len);
			if (err)
				return err;
			place->len = 0;
			depth++;
		}
		if (!is_dots(path, len)) {
			place->name = path;
			place->len = len;
		} else if (len == 2 && place->dir != root) {
			place->dir = place->dir->dir.parent;
			depth--;
		}
		path += len;
	}
}

static const char *entry_path(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	return path ? path : archive_entry_pathname_utf8(entry);
}

static void stat_fill(struct node *node, struct archive_entry *entry)
{
	struct stat *st = &node->st;

	st->st_mode = (st->st_mode & S_IFMT) | (archive_entry_mode(entry) & 07777);
	st->st_uid = (uid_t)archive_entry_uid(entry);
	st->st_gid = (gid_t)archive_entry_gid(entry);
	st->st_mtim.tv_sec = archive_entry_mtime(entry);
	st->st_mtim.tv_nsec = archive_entry_mtime_nsec(entry);
	st->st_atim = st->st_ctim = st->st_mtim;
	if (archive_entry_atime_is_set(entry)) {
		st->st_atim.tv_sec = archive_entry_atime(entry);
		st->st_atim.tv_nsec = archive_entry_atime_nsec(entry);
	}
	if (archive_entry_ctime_is_set(entry)) {
		st->st_ctim.tv_sec = archive_entry_ctime(entry);
		st->st_ctim.tv_nsec = archive_entry_ctime_nsec(entry);
	}
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		st->st_rdev = makedev(archive_entry_rdevmajor(entry),
				      archive_entry_rdevminor(entry));
}

static int xattrs_fill(struct index *index, struct node *node)
{
	const char *name;
	const void *value;
	size_t size;
	int err;

	archive_entry_xattr_reset(index->entry);
	while (archive_entry_xattr_next(index->entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name)
			continue;
		err = tree_xattr_add(index->tree, node, name, value, size);
		if (err == -E2BIG)
			complain(index, entry_path(index->entry),
				 "extended attributes too large, dropped");
		else if (err)
			return err;
	}
	return 0;
}

/* The size of a file whose header does not tell it. */
static int64_t size_measure(struct index *index)
{
	const void *block;
	la_int64_t off, end = 0;
	size_t size;
	int result;

	for (;;) {
		result = archive_read_data_block(index->reader, &block, &size, &off);
		if (result == ARCHIVE_RETRY)
			continue;
		if (result != ARCHIVE_OK)
			return result == ARCHIVE_EOF ? end : -1;
		if (off < 0 || (uint64_t)size > (uint64_t)(INT64_MAX - off))
			return -1;
		if (off + (la_int64_t)size > end)
			end = off + (la_int64_t)size;
	}
}

static int content_set(struct index *index, struct node *node)
{
	int64_t size;

	if (archive_entry_size_is_set(index->entry))
		size = archive_entry_size(index->entry);
	else
		size = size_measure(index);
	if (size < 0) {
		complain(index, entry_path(index->entry), "its size is not known, shown empty");
		size = 0;
	}
	index->tree->content_bytes += (uint64_t)size - (uint64_t)node->st.st_size;
	node->st.st_size = size;
	node->st.st_blocks = size / 512 + (size % 512 != 0);
	return size ? source_file_add(index->source, index->header, node) : 0;
}

/* Returns 0, 1 if the link cannot be shown, or a negative errno. */
static int target_set(struct index *index, struct node *node)
{
	const char *target = archive_entry_symlink(index->entry);

	if (!target)
		target = archive_entry_symlink_utf8(index->entry);
	if (!target || !*target || strlen(target) > TREE_TARGET_MAX)
		return 1;
	node->target = strdup(target);
	if (!node->target)
		return -ENOMEM;
	node->st.st_size = (off_t)strlen(target);
	return 0;
}

/* Another name for an earlier member. Returns 0, 1 if there is none, or a negative errno. */
static int hardlink_add(struct index *index, const struct place *place, const char *target)
{
	struct member *member;
	struct node *node;
	struct place to;
	int err;

	err = path_resolve(index, target, &to, dir_follow);
	if (err)
		return err;
	member = to.len ? tree_find(index->tree, to.dir, to.name, to.len) : NULL;
	if (!member || S_ISDIR(member->what->st.st_mode))
		return 1;
	node = member->what;
	err = tree_add(index->tree, place->dir, place->name, place->len, node);
	/* In cpio the content comes with the last of the names. */
	if (!err && S_ISREG(node->st.st_mode) && archive_entry_size_is_set(index->entry) &&
	    archive_entry_size(index->entry) > 0)
		err = content_set(index, node);
	return err;
}

static mode_t entry_type(struct archive_entry *entry)
{
	mode_t type = archive_entry_filetype(entry);

	switch (type) {
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return type;
	}
	return S_IFREG;
}

/* Finds or makes the directory of an entry. */
static int dir_add(struct index *index, const struct place *place, struct node **node)
{
	*node = place->dir;
	return place->len ? dir_enter(index, node, place->name, place->len) : 0;
}

static int node_add(struct index *index, const struct place *place, mode_t type,
		    struct node **node)
{
	int err;

	if (type == S_IFDIR)
		return dir_add(index, place, node);
	if (!place->len)
		return 1;
	err = tree_node_create(index->tree, type, node);
	if (!err && type == S_IFLNK)
		err = target_set(index, *node);
	if (!err && type == S_IFREG)
		err = content_set(index, *node);
	if (!err)
		err = tree_add(index->tree, place->dir, place->name, place->len, *node);
	return err;
}

static int entry_add(struct index *index)
{
	const char *path = entry_path(index->entry), *target;
	struct node *node = NULL;
	struct place place;
	int err = 1;

	if (path)
		err = path_resolve(index, path, &place, dir_enter);
	if (!err) {
		target = archive_entry_hardlink(index->entry);
		if (target && place.len)
			err = hardlink_add(index, &place, target);
		else
			err = node_add(index, &place, entry_type(index->entry), &node);
	}
	if (err == 1 || err == -EEXIST) {
		complain(index, path, "it cannot be shown, skipped");
		return 0;
	}
	if (err || !node)
		return err;
	stat_fill(node, index->entry);
	return xattrs_fill(index, node);
}

static int reader_failed(struct index *index)
{
	const char *why = archive_error_string(index->reader);

	fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": %s after %llu entries: %s\n",
		index->source->path, index->header ? "damaged" : "not an archive",
		(unsigned long long)index->header, why ? why : "no reason known");
	return index->header ? -EIO : -EINVAL;
}

static int entries_add(struct index *index)
{
	int result, err;

	for (;;) {
		result = archive_read_next_header(index->reader, &index->entry);
		if (result == ARCHIVE_RETRY)
			continue;
		if (result == ARCHIVE_EOF)
			return 0;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return reader_failed(index);
		index->header++;
		err = entry_add(index);
		if (err == -EFBIG)
			fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": more than %zu entries\n",
				index->source->path, index->tree->limit);
		if (err)
			return err;
	}
}

int index_build(struct source *source, struct tree *tree)
{
	struct index index = { .source = source, .tree = tree };
	int err;

	index.reader = source_reader(source);
	if (!index.reader)
		return -EINVAL;
	err = entries_add(&index);
	archive_read_free(index.reader);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/* viewos-patch: listings, each made when the directory is opened */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "patch.h"

/** struct listing - an open directory: what was there, in libfuse's form */
struct listing {
	char *data;
	size_t len;
	size_t size;
};

static int listing_add(fuse_req_t req, struct listing *list, const char *name, ino_t ino,
		       unsigned char type)
{
	const struct stat st = { .st_ino = ino ? ino : 1, .st_mode = DTTOIF(type) };
	size_t more = fuse_add_direntry(req, NULL, 0, name, NULL, 0);
	char *data;

	if (list->len + more > list->size) {
		data = realloc(list->data, 2 * (list->len + more));
		if (!data)
			return -ENOMEM;
		list->data = data;
		list->size = 2 * (list->len + more);
	}
	fuse_add_direntry(req, list->data + list->len, more, name, &st, list->len + more);
	list->len += more;
	return 0;
}

static int listing_rules(fuse_req_t req, struct listing *list, const struct node *dir)
{
	const struct rule *rule = dir->rule ? dir->rule->children : NULL;
	struct stat st;
	int fd, ret = 0;

	for (; rule && !ret; rule = rule->next) {
		if (rule->hidden)
			continue;
		fd = rule_open(rule, dir->fd);
		if (fd >= 0 && !fstat(fd, &st))
			ret = listing_add(req, list, rule->name, st.st_ino, IFTODT(st.st_mode));
		else if (rule->children)
			ret = listing_add(req, list, rule->name, 0, DT_DIR);
		if (fd >= 0)
			close(fd);
	}
	return ret;
}

static int listing_fill(fuse_req_t req, struct listing *list, const struct node *dir)
{
	struct dirent *entry;
	DIR *stream;
	int fd, ret = 0;

	if (dir->fd < 0) {
		ret = listing_add(req, list, ".", 0, DT_DIR);
		if (!ret)
			ret = listing_add(req, list, "..", 0, DT_DIR);
		return ret ? ret : listing_rules(req, list, dir);
	}
	fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(stream)))
		if (!dir->rule || !rule_find(dir->rule, entry->d_name))
			ret = listing_add(req, list, entry->d_name, entry->d_ino, entry->d_type);
	closedir(stream);
	return ret ? ret : listing_rules(req, list, dir);
}

static void listing_free(struct listing *list)
{
	free(list->data);
	free(list);
}

void patch_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct listing *list = calloc(1, sizeof(*list));
	int ret = list ? listing_fill(req, list, patch_node(req, ino)) : -ENOMEM;

	if (ret) {
		fuse_reply_err(req, -ret);
	} else {
		file->fh = (uintptr_t)list;
		ret = fuse_reply_open(req, file);
	}
	if (ret && list)
		listing_free(list);
}

void patch_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *file)
{
	const struct listing *list = (const struct listing *)(uintptr_t)file->fh;
	struct fuse_dirent entry;
	size_t len = 0, more;

	(void)ino;
	if (off < 0 || (size_t)off >= list->len) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	/* Whole entries only: each says where the next one begins. */
	while (off + len + sizeof(entry) <= list->len) {
		memcpy(&entry, list->data + off + len, sizeof(entry));
		more = FUSE_DIRENT_SIZE(&entry);
		if (len + more > size || off + len + more > list->len)
			break;
		len += more;
	}
	fuse_reply_buf(req, list->data + off, len);
}

void patch_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	listing_free((struct listing *)(uintptr_t)file->fh);
	fuse_reply_err(req, 0);
}

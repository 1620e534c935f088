// SPDX-License-Identifier: GPL-2.0
/* The directory, and what stat(2) tells of what is in it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "devfs.h"

/* Names of partitions come and go, so none is kept. */
#define NAME_TTL 0.0

/* As mem(4) has them. */
static const struct {
	const char *name;
	unsigned int minor;
} others[] = {
	[NODE_NULL] = { "null", 3 },
	[NODE_ZERO] = { "zero", 5 },
	[NODE_FULL] = { "full", 7 },
	[NODE_RANDOM] = { "random", 8 },
};

#define OTHERS_MAJOR 1

bool name_good(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > DISK_NAME_MAX || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	for (fuse_ino_t ino = NODE_NULL; ino <= NODE_RANDOM; ino++)
		if (!strcmp(name, others[ino].name))
			return false;
	return true;
}

/* A number behind a digit is told from that by a letter, as the kernel does. */
static const char *part_mark(const char *disk)
{
	return isdigit((unsigned char)disk[strlen(disk) - 1]) ? "p" : "";
}

static void node_name(const struct devfs *fs, fuse_ino_t ino, char *name, size_t size)
{
	const char *disk = fs->options.name;

	if (ino < NODE_DISK)
		snprintf(name, size, "%s", others[ino].name);
	else if (ino == NODE_DISK)
		snprintf(name, size, "%s", disk);
	else
		snprintf(name, size, "%s%s%d", disk, part_mark(disk), (int)(ino - NODE_DISK));
}

/* The node of a name, or 0. */
static fuse_ino_t node_find(const struct devfs *fs, const char *name)
{
	char candidate[DISK_NAME_MAX + 16];

	for (fuse_ino_t ino = NODE_NULL; ino < NODE_END; ino++) {
		node_name(fs, ino, candidate, sizeof(candidate));
		if (!strcmp(name, candidate))
			return ino;
	}
	return 0;
}

static bool node_exists_locked(struct devfs *fs, fuse_ino_t ino)
{
	if (ino < NODE_ROOT || ino >= NODE_END)
		return false;
	return !node_is_block(ino) || node_unit(fs, ino)->exists;
}

static void node_stat_locked(const struct devfs *fs, fuse_ino_t ino, struct stat *st)
{
	const struct owner *owner = &fs->owners[ino];

	*st = (struct stat){
		.st_ino = ino,
		.st_nlink = ino == NODE_ROOT ? 2 : 1,
		.st_mode = owner->mode,
		.st_uid = owner->uid,
		.st_gid = owner->gid,
		.st_blksize = 4096,
		.st_atim = owner->atime,
		.st_mtim = owner->mtime,
		.st_ctim = owner->ctime,
	};
	if (ino == NODE_ROOT) {
		st->st_mode |= S_IFDIR;
	} else if (node_is_block(ino)) {
		st->st_mode |= S_IFBLK | VIEWOS_MODE_SERVED;
		st->st_rdev = makedev(fs->options.major, ino - NODE_DISK);
	} else {
		st->st_mode |= S_IFCHR | VIEWOS_MODE_SERVED;
		st->st_rdev = makedev(OTHERS_MAJOR, others[ino].minor);
	}
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct devfs *fs = fuse_req_userdata(req);
	struct fuse_entry_param entry = { .attr_timeout = NAME_TTL, .entry_timeout = NAME_TTL };
	fuse_ino_t ino = parent == NODE_ROOT ? node_find(fs, name) : 0;

	pthread_mutex_lock(&fs->lock);
	if (ino && node_exists_locked(fs, ino)) {
		entry.ino = ino;
		if (node_is_block(ino))
			entry.generation = node_unit(fs, ino)->generation;
		node_stat_locked(fs, ino, &entry.attr);
	}
	pthread_mutex_unlock(&fs->lock);
	if (entry.ino)
		fuse_reply_entry(req, &entry);
	else
		fuse_reply_err(req, ENOENT);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct devfs *fs = fuse_req_userdata(req);
	struct stat st;
	bool exists;

	(void)fi;
	pthread_mutex_lock(&fs->lock);
	exists = node_exists_locked(fs, ino);
	if (exists)
		node_stat_locked(fs, ino, &st);
	pthread_mutex_unlock(&fs->lock);
	if (exists)
		fuse_reply_attr(req, &st, NAME_TTL);
	else
		fuse_reply_err(req, ENOENT);
}

static void owner_set(struct owner *owner, const struct stat *attr, int valid)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (valid & FUSE_SET_ATTR_MODE)
		owner->mode = attr->st_mode & 07777;
	if (valid & FUSE_SET_ATTR_UID)
		owner->uid = attr->st_uid;
	if (valid & FUSE_SET_ATTR_GID)
		owner->gid = attr->st_gid;
	if (valid & FUSE_SET_ATTR_ATIME)
		owner->atime = valid & FUSE_SET_ATTR_ATIME_NOW ? now : attr->st_atim;
	if (valid & FUSE_SET_ATTR_MTIME)
		owner->mtime = valid & FUSE_SET_ATTR_MTIME_NOW ? now : attr->st_mtim;
	owner->ctime = now;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int valid,
		struct fuse_file_info *fi)
{
	struct devfs *fs = fuse_req_userdata(req);
	struct stat st;
	int error = 0;

	(void)fi;
	pthread_mutex_lock(&fs->lock);
	if (!node_exists_locked(fs, ino))
		error = ENOENT;
	else if (valid & FUSE_SET_ATTR_SIZE)
		error = EINVAL;
	if (!error) {
		owner_set(&fs->owners[ino], attr, valid);
		node_stat_locked(fs, ino, &st);
	}
	pthread_mutex_unlock(&fs->lock);
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_attr(req, &st, NAME_TTL);
}

/* Offsets: 1 behind ".", 2 behind "..", and a node's number behind that node. */
static bool entry_at(const struct devfs *fs, fuse_ino_t at, char *name, size_t size)
{
	if (at == 0 || at == 1) {
		snprintf(name, size, "%s", at ? ".." : ".");
		return true;
	}
	if (at == NODE_END)
		return false;
	node_name(fs, at, name, size);
	return true;
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	struct devfs *fs = fuse_req_userdata(req);
	char name[DISK_NAME_MAX + 16], *buf;
	size_t used = 0;

	(void)fi;
	if (ino != NODE_ROOT) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	buf = malloc(size);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_mutex_lock(&fs->lock);
	for (fuse_ino_t at = off < 0 ? NODE_END : (fuse_ino_t)off; at < NODE_END; at++) {
		fuse_ino_t node = at < NODE_NULL ? NODE_ROOT : at;
		struct stat st;
		size_t len;

		if (!node_exists_locked(fs, node))
			continue;
		if (!entry_at(fs, at, name, sizeof(name)))
			break;
		node_stat_locked(fs, node, &st);
		len = fuse_add_direntry(req, buf + used, size - used, name, &st, (off_t)at + 1);
		if (len > size - used)
			break;
		used += len;
	}
	pthread_mutex_unlock(&fs->lock);
	fuse_reply_buf(req, buf, used);
	free(buf);
}

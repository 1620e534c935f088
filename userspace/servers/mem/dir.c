// SPDX-License-Identifier: GPL-2.0
/* The names in the directories of a memfs, and reading them. */
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "inode.h"

/* The places in readdir of the two names that every directory has. */
#define COOKIE_DOT 1
#define COOKIE_DOTDOT 2

/* Fewer removed entries than this are not worth moving the others for. */
#define DEAD_SLOTS_MIN 16

struct entry *memfs_entry_find_locked(struct memfs *fs, struct inode *dir, const char *name)
{
	size_t len = strlen(name);
	struct table_node *node = table_first(&fs->names,
					      table_hash(&fs->names, dir->ino, name, len));

	for (; node; node = table_next(node)) {
		struct entry *entry = (struct entry *)node;

		if (entry->dir == dir && entry->len == len && !memcmp(entry->name, name, len))
			return entry;
	}
	return NULL;
}

size_t memfs_dir_seek(const struct dir *dir, uint64_t cookie)
{
	size_t low = 0, high = dir->nr_slots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dir->slots[middle].cookie > cookie)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void dir_compact(struct dir *dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < dir->nr_slots; i++)
		if (dir->slots[i].entry)
			dir->slots[kept++] = dir->slots[i];
	dir->nr_slots = kept;
}

static int dir_append(struct dir *dir, struct entry *entry)
{
	if (dir->nr_slots == dir->max_slots) {
		size_t wanted = dir->max_slots ? dir->max_slots * 2 : 8;
		void *wider = reallocarray(dir->slots, wanted, sizeof(*dir->slots));

		if (!wider)
			return -ENOMEM;
		dir->slots = wider;
		dir->max_slots = wanted;
	}
	if (dir->last_cookie < COOKIE_DOTDOT)
		dir->last_cookie = COOKIE_DOTDOT;
	entry->cookie = ++dir->last_cookie;
	dir->slots[dir->nr_slots++] = (struct dir_slot){ entry->cookie, entry };
	dir->nr_entries++;
	return 0;
}

int memfs_entry_add_locked(struct memfs *fs, struct inode *dir, const char *name,
			   struct inode *inode)
{
	size_t len = strlen(name);
	struct entry *entry;

	if (!dir->nlink)
		return -ENOENT;
	if (len > MEMFS_NAME_MAX)
		return -ENAMETOOLONG;
	if (memfs_entry_find_locked(fs, dir, name))
		return -EEXIST;
	entry = malloc(sizeof(*entry) + len + 1);
	if (!entry)
		return -ENOMEM;
	entry->dir = dir;
	entry->inode = inode;
	entry->len = len;
	memcpy(entry->name, name, len + 1);
	if (dir_append(&dir->dir, entry)) {
		free(entry);
		return -ENOMEM;
	}
	table_add(&fs->names, &entry->node, table_hash(&fs->names, dir->ino, name, len));
	return 0;
}

void memfs_entry_del_locked(struct memfs *fs, struct entry *entry)
{
	struct dir *dir = &entry->dir->dir;

	dir->slots[memfs_dir_seek(dir, entry->cookie - 1)].entry = NULL;
	dir->nr_entries--;
	if (dir->nr_slots - dir->nr_entries > dir->nr_entries + DEAD_SLOTS_MIN)
		dir_compact(dir);
	table_del(&fs->names, &entry->node);
	free(entry);
}

void memfs_dir_free(struct dir *dir)
{
	free(dir->slots);
}

/* A reply to readdir that is being filled. */
struct listing {
	fuse_req_t req;
	struct memfs *fs;
	bool plus;
	char *buf;
	size_t size;
	size_t used;
};

/* Adds a name and its inode; a name that is not looked up has only number and type. */
static bool listing_add(struct listing *list, const char *name, struct inode *inode,
			uint64_t cookie, bool lookup)
{
	struct fuse_entry_param param = {
		.attr = { .st_ino = inode->ino, .st_mode = inode->mode },
		.attr_timeout = list->fs->ttl,
		.entry_timeout = list->fs->ttl,
	};
	size_t room = list->size - list->used, need;
	char *place = list->buf + list->used;

	if (!list->plus) {
		need = fuse_add_direntry(list->req, place, room, name, &param.attr, (off_t)cookie);
		list->used += need <= room ? need : 0;
		return need <= room;
	}
	if (lookup) {
		param.ino = inode->ino;
		pthread_rwlock_rdlock(&inode->lock);
		memfs_inode_stat_locked(inode, &param.attr);
		pthread_rwlock_unlock(&inode->lock);
	}
	need = fuse_add_direntry_plus(list->req, place, room, name, &param, (off_t)cookie);
	if (need > room)
		return false;
	if (lookup)
		atomic_fetch_add(&inode->nlookup, 1);
	list->used += need;
	return true;
}

static void listing_fill_locked(struct listing *list, struct inode *inode, uint64_t cookie)
{
	struct dir *dir = &inode->dir;

	if (cookie < COOKIE_DOT && !listing_add(list, ".", inode, COOKIE_DOT, false))
		return;
	if (cookie < COOKIE_DOTDOT &&
	    !listing_add(list, "..", dir->parent, COOKIE_DOTDOT, false))
		return;
	for (size_t i = memfs_dir_seek(dir, cookie); i < dir->nr_slots; i++) {
		struct entry *entry = dir->slots[i].entry;

		if (entry && !listing_add(list, entry->name, entry->inode, entry->cookie, true))
			return;
	}
}

/* Takes back the lookups of a listing that the kernel did not take. */
static void listing_forget(struct listing *list)
{
	size_t at = 0;

	while (list->plus && at < list->used) {
		struct fuse_direntplus *plus = (struct fuse_direntplus *)(list->buf + at);

		if (plus->entry_out.nodeid)
			memfs_inode_forget(list->fs, plus->entry_out.nodeid, 1);
		at += FUSE_DIRENTPLUS_SIZE(plus);
	}
}

static void read_names(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct memfs *fs = fuse_req_userdata(req);
	struct listing list = { .req = req, .fs = fs, .plus = plus, .size = size };
	struct inode *inode;
	int err = 0;

	list.buf = malloc(size);
	if (!list.buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	pthread_rwlock_rdlock(&fs->tree);
	inode = memfs_inode_find_locked(fs, ino);
	if (!inode)
		err = ESTALE;
	else if (!S_ISDIR(inode->mode))
		err = ENOTDIR;
	else
		listing_fill_locked(&list, inode, (uint64_t)off);
	pthread_rwlock_unlock(&fs->tree);

	if (err)
		fuse_reply_err(req, err);
	else if (fuse_reply_buf(req, list.buf, list.used))
		listing_forget(&list);
	free(list.buf);
	if (!err && !off)
		memfs_inode_accessed(fs, ino);
}

void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, false);
}

void memfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, true);
}

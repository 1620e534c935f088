// SPDX-License-Identifier: GPL-2.0
/* The life of an inode: found by node, filled, evicted. */

#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "viewfs.h"

/* Beyond this a timeout is for ever; keeps the sum below from wrapping. */
#define INODE_TTL_MAX	(10ULL * 366 * 86400)

static struct kmem_cache *inode_cache;

/**
 * viewfs_time_until() - when a time to live that starts now is over
 * @sec: seconds
 * @nsec: and nanoseconds
 *
 * Return: jiffies64, 0 if it is over already.
 */
u64 viewfs_time_until(u64 sec, u32 nsec)
{
	struct timespec64 ts;

	if (!sec && !nsec)
		return 0;
	ts.tv_sec = min_t(u64, sec, INODE_TTL_MAX);
	ts.tv_nsec = min_t(u32, nsec, NSEC_PER_SEC - 1);
	return get_jiffies_64() + timespec64_to_jiffies(&ts);
}

/**
 * viewfs_attr_served() - is it a device that the server serves itself?
 * @fs: the mount
 * @attr: from the server
 *
 * Return: true if it says so, and has said at INIT that it would.
 */
bool viewfs_attr_served(const struct viewfs_sb *fs, const struct fuse_attr *attr)
{
	return attr->mode & VIEWOS_MODE_SERVED && test_bit(VIEWFS_DEVICES, &fs->flags);
}

/**
 * viewfs_attr_check() - may these attributes be believed?
 * @fs: the mount
 * @attr: from the server
 *
 * Return: 0 or -EIO.
 */
int viewfs_attr_check(const struct viewfs_sb *fs, const struct fuse_attr *attr)
{
	switch (attr->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFIFO:
	case S_IFSOCK:
		if (viewfs_attr_served(fs, attr))
			return -EIO;
		break;
	case S_IFCHR:
	case S_IFBLK:
		break;
	default:
		return -EIO;
	}
	if (attr->size > MAX_LFS_FILESIZE || attr->blocks > S64_MAX)
		return -EIO;
	if (attr->atimensec >= NSEC_PER_SEC || attr->mtimensec >= NSEC_PER_SEC ||
	    attr->ctimensec >= NSEC_PER_SEC)
		return -EIO;
	return 0;
}

static int inode_test(struct inode *inode, void *data)
{
	return viewfs_i(inode)->nodeid == *(u64 *)data;
}

static int inode_set(struct inode *inode, void *data)
{
	viewfs_i(inode)->nodeid = *(u64 *)data;
	return 0;
}

static unsigned long inode_hash(u64 nodeid)
{
	return hash_64(nodeid, 32);
}

/**
 * viewfs_inode_changed() - do attributes tell of something else?
 * @inode: what it was
 * @attr: what it is now, checked
 *
 * Return: true if what is open by @inode is not what @attr is about.
 */
bool viewfs_inode_changed(const struct inode *inode, const struct fuse_attr *attr)
{
	const struct viewfs_inode *vi = viewfs_i(inode);

	if ((viewfs_inode_type(inode) ^ attr->mode) & S_IFMT)
		return true;
	if (viewfs_attr_served(viewfs_inode_sb(inode), attr) != !!vi->device)
		return true;
	return vi->device && vi->rdev != new_decode_dev(attr->rdev);
}

/**
 * viewfs_inode_other() - has a node become another thing?
 * @inode: what it was
 * @generation: what it is now
 * @attr: what it is now
 *
 * Return: true if @inode is no longer to be used for it.
 */
bool viewfs_inode_other(const struct inode *inode, u64 generation, const struct fuse_attr *attr)
{
	return viewfs_i(inode)->generation != generation ||
	       viewfs_inode_changed(inode, attr) ||
	       test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags);
}

/**
 * viewfs_inode_make_bad() - every further use of the inode is EIO
 * @inode: an inode whose node became another thing
 */
void viewfs_inode_make_bad(struct inode *inode)
{
	set_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags);
	viewfs_attr_stale(inode, STATX_BASIC_STATS);
}

/*
 * Where names may be redirects, a directory's lock comes before the writers of other file systems,
 * which overlays have before their own lock: elsewhere a directory may be an overlay's upper layer.
 */
static struct lock_class_key target_dir_key;

static void inode_fill(struct inode *inode, const struct fuse_attr *attr)
{
	inode->i_mode = attr->mode;
	inode->i_size = attr->size;
	/* The server keeps the times; what it said is asked anew when needed. */
	inode->i_flags |= S_NOATIME | S_NOCMTIME;
	inode_set_mtime(inode, attr->mtime, attr->mtimensec);
	switch (attr->mode & S_IFMT) {
	case S_IFREG:
		viewfs_file_init(inode);
		break;
	case S_IFDIR:
		viewfs_dir_init(inode);
		if (test_bit(VIEWFS_TARGET, &viewfs_inode_sb(inode)->flags))
			lockdep_set_class(&inode->i_rwsem, &target_dir_key);
		break;
	case S_IFLNK:
		viewfs_symlink_init(inode);
		break;
	default:
		if (viewfs_attr_served(viewfs_inode_sb(inode), attr))
			viewfs_device_init(inode, attr->rdev);
		else
			viewfs_special_init(inode, attr->rdev);
	}
}

/**
 * viewfs_inode_get() - the inode of a node that a reply named
 * @sb: the super block
 * @nodeid: the node
 * @generation: its generation
 * @attr: its attributes, checked
 * @until: how long they hold
 * @version: viewfs_sb_version() from before the request
 *
 * Takes over the lookup that the reply counted, unless it fails.
 *
 * Return: a referenced inode, or ERR_PTR(-ENOMEM), or ERR_PTR(-EIO) if the root
 * changed its type.
 */
struct inode *viewfs_inode_get(struct super_block *sb, u64 nodeid, u64 generation,
			       const struct fuse_attr *attr, u64 until, u64 version)
{
	struct viewfs_inode *vi;
	struct inode *inode;

	for (;;) {
		inode = iget5_locked(sb, inode_hash(nodeid), inode_test, inode_set, &nodeid);
		if (!inode)
			return ERR_PTR(-ENOMEM);
		if (inode_state_read_once(inode) & I_NEW) {
			viewfs_i(inode)->generation = generation;
			inode->i_generation = generation;
			inode_fill(inode, attr);
			unlock_new_inode(inode);
			break;
		}
		if (!viewfs_inode_other(inode, generation, attr))
			break;
		viewfs_inode_make_bad(inode);
		if (nodeid == FUSE_ROOT_ID) {
			iput(inode);
			return ERR_PTR(-EIO);
		}
		remove_inode_hash(inode);
		iput(inode);
	}
	vi = viewfs_i(inode);
	spin_lock(&vi->lock);
	vi->nlookup++;
	spin_unlock(&vi->lock);
	viewfs_attr_apply(inode, attr, until, version);
	return inode;
}

/**
 * viewfs_inode_find() - the inode of a node, if there is one
 * @sb: the super block
 * @nodeid: the node
 *
 * Return: a referenced inode, or NULL.
 */
struct inode *viewfs_inode_find(struct super_block *sb, u64 nodeid)
{
	return ilookup5(sb, inode_hash(nodeid), inode_test, &nodeid);
}

/**
 * viewfs_inode_alloc() - ->alloc_inode
 * @sb: the super block
 *
 * Return: the inode, or NULL.
 */
struct inode *viewfs_inode_alloc(struct super_block *sb)
{
	struct viewfs_inode *vi;

	vi = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);
	if (!vi)
		return NULL;
	vi->forget = kzalloc(sizeof(*vi->forget), GFP_KERNEL_ACCOUNT);
	if (!vi->forget) {
		kmem_cache_free(inode_cache, vi);
		return NULL;
	}
	INIT_LIST_HEAD(&vi->forget->node);
	vi->nodeid = 0;
	vi->generation = 0;
	vi->flags = 0;
	vi->blksize = 0;
	vi->attr_until = 0;
	spin_lock_init(&vi->lock);
	vi->nlookup = 0;
	vi->attr_version = 0;
	vi->data_version = 0;
	vi->stale = 0;
	vi->call_task = NULL;
	vi->drop_seq = 0;
	INIT_LIST_HEAD(&vi->handles);
	INIT_LIST_HEAD(&vi->writebacks);
	vi->writing = 0;
	vi->holder = NULL;
	vi->unlocking = 0;
	init_waitqueue_head(&vi->wait);
	vi->listing = NULL;
	viewfs_handle_plain(&vi->vfs);
	vi->redirect = NULL;
	vi->device = 0;
	vi->rdev = 0;
	return &vi->vfs;
}

/**
 * viewfs_inode_free() - ->free_inode, behind RCU
 * @inode: the inode
 */
void viewfs_inode_free(struct inode *inode)
{
	kfree(viewfs_i(inode)->forget);
	kfree(viewfs_i(inode)->listing);
	kmem_cache_free(inode_cache, viewfs_i(inode));
}

/**
 * viewfs_inode_evict() - ->evict_inode: the node is forgotten
 * @inode: the inode
 */
void viewfs_inode_evict(struct inode *inode)
{
	struct viewfs_inode *vi = viewfs_i(inode);

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	viewfs_poll_free(&vi->plain);
	viewfs_redirect_evict(inode);
	/* At umount DESTROY says it for all nodes. */
	if (!vi->nlookup || vi->nodeid == FUSE_ROOT_ID || !(inode->i_sb->s_flags & SB_ACTIVE))
		return;
	vi->forget->one.nodeid = vi->nodeid;
	vi->forget->one.nlookup = vi->nlookup;
	viewos_session_forget(viewfs_inode_sb(inode)->session, vi->forget);
	vi->forget = NULL;
}

static void cache_init_once(void *data)
{
	struct viewfs_inode *vi = data;

	inode_init_once(&vi->vfs);
}

/**
 * viewfs_inode_cache_create() - make the slab cache
 *
 * Return: 0 or -ENOMEM.
 */
int viewfs_inode_cache_create(void)
{
	inode_cache = kmem_cache_create("viewfs_inode", sizeof(struct viewfs_inode), 0,
					SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT,
					cache_init_once);
	return inode_cache ? 0 : -ENOMEM;
}

/**
 * viewfs_inode_cache_destroy() - when all inodes are freed
 */
void viewfs_inode_cache_destroy(void)
{
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}

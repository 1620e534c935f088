/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewfs: the file system type through which a server's files are seen.
 *
 * Objects and references:
 *
 *   struct viewfs_sb      one mount; holds the session; freed behind RCU, since
 *                         path walk looks at the session without references
 *   struct viewfs_inode   one node of the server; each reply that names the node
 *                         counts in ->nlookup, and eviction gives all back
 *   struct viewfs_handle  what the server opened; one reference is the file's, one
 *                         each page request's. The last one sends RELEASE,
 *                         whose answer drops the inode. So a node is
 *                         forgotten only after it is released
 *
 * Nothing that another user can be made to wait for waits for the server: pages
 * under write-back are copied and released at once, pages that the server
 * invalidates are dropped by the next who reads them, and umount waits
 * only while requests get answered.
 *
 * Locks: VFS locks > mapping->invalidate_lock > page lock > inode's ->lock.
 * No wait for the server is done under a page lock that a flusher or reclaim could want,
 * that is, of a dirty page.
 */
#ifndef _VIEWOS_VIEWFS_H
#define _VIEWOS_VIEWFS_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/fuse.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/posix_acl.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/stat.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/xattr.h>

#include <linux/viewos_path.h>

#include "compat.h"
#include "limits.h"
#include "recover.h"
#include "request.h"
#include "server.h"
#include "session.h"

/* "view" */
#define VIEWFS_SUPER_MAGIC	0x76696577

/* What a write changes besides the size, which is known. */
#define VIEWFS_STALE_WRITE	(STATX_MTIME | STATX_CTIME | STATX_BLOCKS)
/* What we know better than the server of a file with data that it does not have yet. */
#define VIEWFS_CACHED		(STATX_SIZE | VIEWFS_STALE_WRITE)
/* What adding or removing an entry changes in its directory. */
#define VIEWFS_STALE_DIR	(VIEWFS_STALE_WRITE | STATX_NLINK | STATX_SIZE)
/* What the permission check looks at. */
#define VIEWFS_STALE_PERM	(STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID)

/* Instead of the nanoseconds of a time of birth. */
#define VIEWFS_NO_BIRTH		(-1L)

/* Bits of viewfs_sb->flags. Features that INIT agreed on, then operations that got ENOSYS. */
enum {
	VIEWFS_ATOMIC_O_TRUNC,
	VIEWFS_AUTO_INVAL_DATA,
	VIEWFS_READDIRPLUS,
	VIEWFS_READDIRPLUS_AUTO,
	VIEWFS_HANDLE_KILLPRIV,
	VIEWFS_DONT_MASK,
	VIEWFS_LOOKUP_OPEN,
	VIEWFS_CONTENT,
	VIEWFS_IOCTL_DIR,
	VIEWFS_POSIX_LOCKS,
	VIEWFS_FLOCK_LOCKS,
	VIEWFS_EXPORT,
	VIEWFS_ACL,
	VIEWFS_SETXATTR_EXT,
	VIEWFS_SERVER_ACCESS,
	VIEWFS_TARGET,
	VIEWFS_DEVICES,
	VIEWFS_STATX,		/* cleared again upon ENOSYS */
	VIEWFS_WRITEBACK,
	VIEWFS_NO_OPEN,
	VIEWFS_NO_OPENDIR,
	VIEWFS_NO_ACCESS,
	VIEWFS_NO_CREATE,
	VIEWFS_NO_RENAME2,
	VIEWFS_NO_FLUSH,
	VIEWFS_NO_FSYNC,
	VIEWFS_NO_FSYNCDIR,
	VIEWFS_NO_LSEEK,
	VIEWFS_NO_FALLOCATE,
	VIEWFS_NO_COPY,
	VIEWFS_NO_GETXATTR,
	VIEWFS_NO_SETXATTR,
	VIEWFS_NO_LISTXATTR,
	VIEWFS_NO_REMOVEXATTR,
	VIEWFS_NO_IOCTL,
	VIEWFS_NO_POLL,
	VIEWFS_NO_TMPFILE,
	VIEWFS_NO_SYNCFS,
	VIEWFS_SYNCING,		/* a SYNCFS that nobody waits for is under way */
};

/**
 * struct viewfs_agreed - what the server takes of what INIT offers
 * @flags: of FUSE's flags, those that mean something to us
 * @own: of the additions, likewise
 * @max_write: bytes in one WRITE
 * @max_pages: pages in one READ or WRITE
 */
struct viewfs_agreed {
	u32 flags;
	u32 own;
	u32 max_write;
	u32 max_pages;
};

/**
 * struct viewfs_sb - one mount
 * @session: the server at work for it, referenced
 * @flags: VIEWFS_* bits, by atomic bit operations
 * @attr_version: grows with each change of attributes, to tell old replies
 * @max_write: bytes in one WRITE
 * @max_pages: pages in one READ or WRITE
 * @max_readahead: bytes
 * @timeout: option, seconds
 * @recover: option, seconds
 * @agreed: of INIT, as the server's next process must say it again
 * @under_way: requests that refer to inodes of the mount and nobody waits for
 * @idle: where umount waits for them
 * @unwritten: how many of them are to write pages back, or wait for that
 * @root_attr: what the server said of the root, for the first inode
 * @root_version: attr_version when it was asked
 * @polled: struct viewfs_poll of handles that are or were polled; its lock keeps them
 * @redirect_lock: protects the next two fields
 * @redirects: redirects of the mount whose objects are held
 * @nr_redirects: how many
 * @lock_key: scrambles the owners of locks
 * @retrieves: answers to RETRIEVE that the server has not read
 * @free_work: puts the session, behind RCU
 */
struct viewfs_sb {
	struct viewos_session *session;
	unsigned long flags;
	atomic64_t attr_version;
	u32 max_write;
	u32 max_pages;
	u32 max_readahead;
	u32 timeout;
	u32 recover;
	struct viewfs_agreed agreed;
	atomic_t under_way;
	wait_queue_head_t idle;
	atomic_t unwritten;
	struct fuse_attr_out root_attr;
	u64 root_version;
	struct xarray polled;
	spinlock_t redirect_lock; /* the next two fields */
	struct list_head redirects;
	unsigned int nr_redirects;
	siphash_key_t lock_key;
	atomic_t retrieves;
	struct rcu_work free_work;
};

/**
 * struct viewfs_handle - what the server opened
 * @ref: references, but of an inode's ->plain the inode's count
 * @inode: referenced until RELEASE is answered
 * @release: the RELEASE, made beforehand; NULL if there is nothing to release
 * @fh: the server's name for it
 * @open_flags: FOPEN_* of the server
 * @flags: O_* that it was opened with
 * @link: in inode's ->handles while the file is open for writing
 * @poll: see poll.c, NULL if it was never polled
 * @backing: through what the file is read and written, or NULL
 * @locks: VIEWFS_LOCKED_* bits, by atomic bit operations
 * @lock_owner: of the file, with VIEWFS_LOCKED_FLOCK
 * @lingers: the file is closed, but there are pages that need the handle (inode's ->lock)
 * @put_work: drops the reference that the file had, if it lingers
 */
struct viewfs_handle {
	refcount_t ref;
	struct inode *inode;
	struct viewos_request *release;
	u64 fh;
	u32 open_flags;
	u32 flags;
	struct list_head link;
	struct viewfs_poll *poll;
	struct file *backing;
	unsigned long locks;
	u64 lock_owner;
	bool lingers;
	struct work_struct put_work;
};

/* Bits of viewfs_handle->locks: locks of the server's that a file had, which go with it. */
enum {
	VIEWFS_LOCKED_OFD,
	VIEWFS_LOCKED_FLOCK,
};

/* Bits of viewfs_inode->flags. */
enum {
	VIEWFS_I_BAD,		/* its node became another thing: every use is EIO */
	VIEWFS_I_SIZE_UNSTABLE,	/* size is being changed here: replies do not tell it */
	VIEWFS_I_WROTE,		/* the next new mtime is our own doing */
	VIEWFS_I_DROP,		/* pages are to be dropped before the next read */
	VIEWFS_I_WANT_PLUS,	/* directory: entries are looked at after readdir */
	VIEWFS_I_FROM_PLUS,	/* came by READDIRPLUS, and was not looked at yet */
	VIEWFS_I_BIRTH,		/* the server was asked for ->birth */
	VIEWFS_I_LOCKED,	/* processes had locks of the server's: FLUSH lets them go */
	VIEWFS_I_CACHED,	/* VIEWFS_CACHED are ours to tell, see cache.c */
	VIEWFS_I_TIMES,		/* the server is to be told the times */
};

/**
 * struct viewfs_inode - one node
 * @vfs: the VFS's part
 * @nodeid: the server's name for it; does not change
 * @generation: does not change
 * @flags: VIEWFS_I_* bits, by atomic bit operations
 * @blksize: the server's preference, 0 for none
 * @attr_until: jiffies64 until which the attributes hold
 * @lock: protects the fields below, and i_size against replies
 * @nlookup: how often the server named it to us
 * @forget: gives back @nlookup; taken at eviction
 * @attr_version: when attributes were last set
 * @data_version: likewise, when the content was last known to be another
 * @stale: STATX_* that are to be asked for anew
 * @birth: with VIEWFS_I_BIRTH, when it was made; ->tv_nsec is VIEWFS_NO_BIRTH if that is not told
 * @call_task: who has just looked it up, and is going to use the attributes in the same
 *	system call: for that they hold, whatever @attr_until says. Not referenced
 * @call_version: @attr_version then
 * @call_time: jiffies then
 * @drop_first: first page to be dropped, with VIEWFS_I_DROP
 * @drop_last: last page to be dropped
 * @drop_seq: grows with each change of the former
 * @handles: handles open for writing, and those that linger
 * @writebacks: write-back under way
 * @writing: runs of ->writepages
 * @holder: who is between viewfs_writeback_hold() and resume, with the inode's lock
 * @unlocking: requests under way that let locks go
 * @wait: for changes of the last four
 * @listing: of a directory that was read, or NULL; goes with the inode
 * @plain: handle of all who read, where the server needs no open; set with the inode
 * @redirect: of a name that is another object; set with the inode
 * @device: S_IFCHR or S_IFBLK of a device that the server serves, else 0; set with the inode
 * @rdev: its number; does not change
 */
struct viewfs_inode {
	struct inode vfs;
	u64 nodeid;
	u64 generation;
	unsigned long flags;
	u32 blksize;
	u64 attr_until;
	spinlock_t lock; /* the fields below */
	u64 nlookup;
	struct viewos_forget *forget;
	u64 attr_version;
	u64 data_version;
	u32 stale;
	struct timespec64 birth;
	struct task_struct *call_task;
	u64 call_version;
	unsigned long call_time;
	pgoff_t drop_first;
	pgoff_t drop_last;
	unsigned int drop_seq;
	struct list_head handles;
	struct list_head writebacks;
	unsigned int writing;
	struct task_struct *holder;
	unsigned int unlocking;
	wait_queue_head_t wait;
	struct viewfs_listing *listing;
	struct viewfs_handle plain;
	struct viewfs_redirect *redirect;
	umode_t device;
	dev_t rdev;
};

/**
 * struct viewfs_listing - what is kept of a directory's entries
 * @version: grows when what was kept is no longer good
 * @size: bytes of entries in the directory's pages
 * @pos: the server's offset behind the last of them
 * @complete: they are all there are
 * @mtime: the directory's when the first of them was asked for
 * @ctime: likewise
 * @names_until: when the first of the names, as READDIRPLUS brought them, is to be asked for
 *	again; 0 if it did not bring all
 * @names_next: the same of those that are being read
 */
struct viewfs_listing {
	u64 version;
	loff_t size;
	u64 pos;
	bool complete;
	struct timespec64 mtime;
	struct timespec64 ctime;
	u64 names_until;
	u64 names_next;
};

/**
 * struct viewfs_fill - entries that are asked for, and what is kept of them
 * @dir: whose
 * @version: of the listing that they are for, or 0
 * @pos: the offset of the next one
 * @folio: where the last one was kept, referenced, or NULL
 * @names_until: as in struct viewfs_listing, of these
 */
struct viewfs_fill {
	struct inode *dir;
	u64 version;
	u64 pos;
	struct folio *folio;
	u64 names_until;
};

/** struct viewfs_part - a part of a message */
struct viewfs_part {
	const void *data;
	u32 len;
};

/**
 * struct viewfs_target - an object of the server that came with an answer
 * @file: it, referenced, or NULL if none came
 * @flags: VIEWOS_TARGET_*
 */
struct viewfs_target {
	struct file *file;
	u32 flags;
};

/**
 * struct viewfs_call - one operation of the server, to be waited for
 * @opcode: enum fuse_opcode
 * @nodeid: what it is about
 * @in: the message's parts; those of no length are left out
 * @out: where the reply is put, or NULL
 * @out_len: room there, and without @out_var exactly the reply's length
 * @out_var: the reply may be shorter
 * @check: looks at the reply in the server's context, see struct viewos_request; or NULL
 * @target: where a file that @check got is put; or NULL
 * @late: undoes what an unwanted reply did, see struct viewos_request
 */
struct viewfs_call {
	u32 opcode;
	u64 nodeid;
	struct viewfs_part in[3];
	void *out;
	u32 out_len;
	bool out_var;
	int (*check)(struct viewos_request *req);
	struct viewfs_target *target;
	void (*late)(struct viewos_request *req);
};

static inline struct viewfs_sb *viewfs_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct viewfs_inode *viewfs_i(const struct inode *inode)
{
	return container_of(inode, struct viewfs_inode, vfs);
}

static inline struct viewfs_sb *viewfs_inode_sb(const struct inode *inode)
{
	return viewfs_sb(inode->i_sb);
}

/** viewfs_user_ns() - ids on the wire are of this namespace, not that of the mount */
static inline struct user_namespace *viewfs_user_ns(const struct super_block *sb)
{
	return viewfs_sb(sb)->session->server->user_ns;
}

static inline u64 viewfs_nodeid(const struct inode *inode)
{
	return viewfs_i(inode)->nodeid;
}

/** viewfs_inode_type() - S_IF* as the server has it: of a served device the VFS sees another */
static inline umode_t viewfs_inode_type(const struct inode *inode)
{
	return viewfs_i(inode)->device ?: inode->i_mode & S_IFMT;
}

/** viewfs_inode_lock() - inode_lock(), killable: 0 or -EINTR; not all kernels have such a one */
static inline int __must_check viewfs_inode_lock(struct inode *inode)
{
	return down_write_killable(&inode->i_rwsem);
}

/** viewfs_inode_check() - may current use the inode at all? 0, -EACCES or -EIO; RCU walk too */
static inline int viewfs_inode_check(const struct inode *inode)
{
	if (!viewos_session_permitted(viewfs_inode_sb(inode)->session))
		return -EACCES;
	if (test_bit(VIEWFS_I_BAD, &viewfs_i(inode)->flags))
		return -EIO;
	return 0;
}

/** viewfs_sb_version() - to be taken before a request whose reply has attributes */
static inline u64 viewfs_sb_version(struct viewfs_sb *fs)
{
	return atomic64_read(&fs->attr_version);
}

/** viewfs_sb_lacks() - the server answered ENOSYS; remember it */
static inline bool viewfs_sb_lacks(struct viewfs_sb *fs, int bit, int err)
{
	if (err != -ENOSYS)
		return false;
	set_bit(bit, &fs->flags);
	return true;
}

/** viewfs_create_mode() - with the umask applied, unless the server does that */
static inline umode_t viewfs_create_mode(const struct viewfs_sb *fs, umode_t mode)
{
	return test_bit(VIEWFS_DONT_MASK, &fs->flags) ? mode : mode & ~current_umask();
}

/* super.c */
int viewfs_init(void);
void viewfs_exit(void);
void viewfs_sb_busy(struct viewfs_sb *fs);
void viewfs_sb_done(struct viewfs_sb *fs);
void viewfs_work_queue(struct work_struct *work);

/* sync.c */
int viewfs_super_sync(struct super_block *sb, int wait);

/* init.c */
int viewfs_session_start(struct viewfs_sb *fs);
struct viewos_request *viewfs_session_again(struct viewos_session *session);
void viewfs_session_destroy(struct viewfs_sb *fs);

/* call.c */
struct viewos_request *viewfs_call_request(const struct viewfs_call *call);
int viewfs_call_wait(struct viewfs_sb *fs, const struct viewfs_call *call);
void viewfs_node_forget(struct viewos_session *session, u64 nodeid);
void viewfs_open_undo(struct viewos_session *session, u64 nodeid, u32 opcode, u64 fh,
		      bool forget);
void viewfs_late_entry(struct viewos_request *req);
void viewfs_late_open(struct viewos_request *req);
void viewfs_late_create(struct viewos_request *req);

/* inode.c */
struct inode *viewfs_inode_alloc(struct super_block *sb);
void viewfs_inode_free(struct inode *inode);
void viewfs_inode_evict(struct inode *inode);
int viewfs_inode_cache_create(void);
void viewfs_inode_cache_destroy(void);
u64 viewfs_time_until(u64 sec, u32 nsec);
bool viewfs_attr_served(const struct viewfs_sb *fs, const struct fuse_attr *attr);
int viewfs_attr_check(const struct viewfs_sb *fs, const struct fuse_attr *attr);
struct inode *viewfs_inode_get(struct super_block *sb, u64 nodeid, u64 generation,
			       const struct fuse_attr *attr, u64 until, u64 version);
struct inode *viewfs_inode_find(struct super_block *sb, u64 nodeid);
bool viewfs_inode_changed(const struct inode *inode, const struct fuse_attr *attr);
bool viewfs_inode_other(const struct inode *inode, u64 generation,
			const struct fuse_attr *attr);
void viewfs_inode_make_bad(struct inode *inode);

/* attr.c */
void viewfs_attr_apply(struct inode *inode, const struct fuse_attr *attr, u64 until,
		       u64 version);
void viewfs_attr_stale(struct inode *inode, u32 mask);
void viewfs_attr_call(struct inode *inode, unsigned int flags);
void viewfs_attr_grow(struct inode *inode, loff_t size);
void viewfs_attr_stored(struct inode *inode, loff_t size);
void viewfs_attr_cached(struct inode *inode, loff_t end, bool fresh, const struct timespec64 *now);
int viewfs_attr_fetch(struct inode *inode);
int viewfs_attr_change(struct inode *inode, const struct iattr *iattr);
int viewfs_attr_update(struct inode *inode, u32 mask);
int viewfs_inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);
int viewfs_inode_getattr(struct mnt_idmap *idmap, const struct path *path,
			 struct kstat *stat, u32 mask, unsigned int flags);
int viewfs_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *iattr);

/* statx.c */
bool viewfs_statx_wanted(const struct inode *inode, bool fresh);
int viewfs_statx_fetch(struct inode *inode);
void viewfs_statx_fill(struct inode *inode, struct kstat *stat);

/* dentry.c */
extern const struct dentry_operations viewfs_dentry_ops;
int viewfs_entry_check(const struct viewfs_sb *fs, const struct fuse_entry_out *entry);
struct inode *viewfs_entry_inode(struct super_block *sb, const struct fuse_entry_out *entry,
				 u64 version);
int viewfs_entry_lookup(struct inode *dir, const struct qstr *name,
			struct fuse_entry_out *entry, struct viewfs_target *target);
void viewfs_dentry_hold(struct dentry *dentry, const struct fuse_entry_out *entry);
void viewfs_dentry_expire(struct dentry *dentry);
struct dentry *viewfs_dentry_splice(struct inode *dir, struct dentry *dentry,
				    struct inode *inode, const struct fuse_entry_out *entry,
				    unsigned int flags);
struct dentry *viewfs_dir_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);

/* dir.c */
void viewfs_dir_init(struct inode *inode);
void viewfs_symlink_init(struct inode *inode);
void viewfs_special_init(struct inode *inode, u32 rdev);
void viewfs_special_ops(struct inode *inode);

/* device.c */
void viewfs_device_init(struct inode *inode, u32 rdev);

/* readdir.c */
extern const struct file_operations viewfs_dir_file_ops;

/* dircache.c */
void viewfs_dircache_expire_locked(struct viewfs_inode *vi);
void viewfs_dircache_begin(struct viewfs_fill *fill, struct inode *dir, u64 pos, bool plus);
void viewfs_dircache_add(struct viewfs_fill *fill, const struct fuse_dirent *dirent,
			 const struct fuse_entry_out *entry);
void viewfs_dircache_bad(struct viewfs_fill *fill);
void viewfs_dircache_end(struct viewfs_fill *fill, bool last);
int viewfs_dircache_read(struct inode *dir, struct dir_context *ctx);

/* handle.c */
struct viewfs_handle *viewfs_handle_create(void);
void viewfs_handle_plain(struct inode *inode);
void viewfs_handle_bind(struct viewfs_handle *handle, struct inode *inode,
			const struct fuse_open_out *out, u32 flags);
struct viewfs_handle *viewfs_handle_open(struct inode *inode, struct file *file);
void viewfs_handle_attach(struct viewfs_handle *handle, struct file *file);
struct viewfs_handle *viewfs_handle_writable(struct inode *inode);
void viewfs_handle_get(struct viewfs_handle *handle);
void viewfs_handle_put(struct viewfs_handle *handle);
u32 viewfs_open_killpriv(struct viewfs_sb *fs, u32 flags);
int viewfs_file_release(struct inode *inode, struct file *file);

/* lock.c */
u64 viewfs_lock_owner(const struct viewfs_sb *fs, fl_owner_t owner);
void viewfs_unlock_begin(struct inode *inode);
void viewfs_unlock_end(struct inode *inode);
void viewfs_unlock_submit(struct viewfs_handle *handle, struct viewos_request *req);
void viewfs_unlock_all(struct viewfs_handle *handle, u64 owner, u32 lk_flags);
void viewfs_lock_release(struct viewfs_handle *handle, struct file *file);
int viewfs_file_lock(struct file *file, int cmd, struct file_lock *fl);
int viewfs_file_flock(struct file *file, int cmd, struct file_lock *fl);

/* open.c */
bool viewfs_open_may_lookup(struct viewfs_sb *fs, unsigned int flags);
int viewfs_open_lookup(struct inode *dir, struct dentry *dentry, struct file *file);

/* file.c */
void viewfs_file_init(struct inode *inode);
int viewfs_file_flush(struct file *file, fl_owner_t owner);
loff_t viewfs_file_seek_ask(struct file *file, loff_t offset, int whence);
int viewfs_file_fsync(struct file *file, loff_t start, loff_t end, int datasync);

/* pages.c */
void viewfs_pages_expire(struct inode *inode, pgoff_t first, pgoff_t last);
void viewfs_pages_truncate(struct inode *inode, loff_t from);
int viewfs_pages_settle(struct inode *inode);
int viewfs_pages_drop(struct inode *inode, loff_t start, loff_t end);

/* read.c */
extern const struct address_space_operations viewfs_file_aops;
int viewfs_read_folio(struct file *file, struct folio *folio);
ssize_t viewfs_file_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t viewfs_file_splice_read(struct file *file, loff_t *pos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags);

/* cache.c */
bool viewfs_cache_wanted(const struct inode *inode);
u32 viewfs_cache_needs(const struct inode *inode);
ssize_t viewfs_cache_write(struct kiocb *iocb, struct iov_iter *from);

/* write.c */
struct folio *viewfs_write_folio(struct address_space *mapping, pgoff_t index);
ssize_t viewfs_file_write(struct kiocb *iocb, struct iov_iter *from);
struct viewos_request *viewfs_write_request(struct viewfs_handle *handle, unsigned int nr);
void viewfs_write_fill(struct viewos_request *req, loff_t pos, size_t len, u32 flags);
ssize_t viewfs_write_send(struct inode *inode, struct viewos_request *req);

/* direct.c */
ssize_t viewfs_direct_read_part(struct viewfs_handle *handle, loff_t pos, u32 flags,
				struct iov_iter *to, size_t *asked);
ssize_t viewfs_direct_write_part(struct viewfs_handle *handle, loff_t pos, u32 flags,
				 struct iov_iter *from, size_t *asked);
ssize_t viewfs_direct_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t viewfs_direct_write(struct kiocb *iocb, struct iov_iter *from);

/* writeback.c */
int viewfs_writeback_run(struct address_space *mapping, struct writeback_control *wbc);
int viewfs_writeback_wait(struct inode *inode, pgoff_t first, pgoff_t last);
int viewfs_writeback_flush(struct inode *inode, loff_t start, loff_t end);
int viewfs_writeback_clean(struct inode *inode);
bool viewfs_writeback_linger(struct viewfs_handle *handle);
int viewfs_writeback_hold(struct inode *inode);
void viewfs_writeback_resume(struct inode *inode);

/* mmap.c */
int viewfs_file_mmap(struct file *file, struct vm_area_struct *vma);

/* xattr.c */
extern VIEWOS_XATTR_TABLE viewfs_xattr_handlers[];
extern VIEWOS_XATTR_TABLE viewfs_acl_xattr_handlers[];
ssize_t viewfs_xattr_get(struct inode *inode, const char *name, void *value, size_t size);
int viewfs_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
		     int flags, u32 more_flags);
int viewfs_xattr_remove(struct inode *inode, const char *name);
ssize_t viewfs_xattr_list(struct dentry *dentry, char *list, size_t size);

/* acl.c */
struct posix_acl *viewfs_acl_get(struct inode *inode, int type, bool rcu);
int viewfs_acl_set(struct mnt_idmap *idmap, VIEWOS_SET_ACL_OF *of, struct posix_acl *acl,
		   int type);

/* ioctl.c */
long viewfs_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long viewfs_file_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#else
#define viewfs_file_compat_ioctl NULL
#endif

/* poll.c */
void viewfs_poll_free(struct viewfs_handle *handle);
__poll_t viewfs_file_poll(struct file *file, poll_table *wait);
int viewfs_poll_notify(struct super_block *sb, const void *data, u32 len);
void viewfs_poll_again(struct viewfs_sb *fs);

/* redirect.c */
int viewfs_redirect_check(struct viewos_request *req);
struct inode *viewfs_redirect_inode(struct super_block *sb, const struct viewfs_target *target);
bool viewfs_redirect_same(struct inode *inode, const struct viewfs_target *target);
int viewfs_redirect_path(struct inode *inode, struct path *path, int *mnt_flags);
void viewfs_redirect_evict(struct inode *inode);
void viewfs_redirect_end(struct viewos_session *session);
ssize_t viewfs_redirect_getxattr(struct inode *inode, const char *name, void *value,
				 size_t size);
int viewfs_redirect_setxattr(struct inode *inode, const char *name, const void *value,
			     size_t size, int flags);

/** viewfs_inode_redirected() - is it a name that is another object? */
static inline bool viewfs_inode_redirected(const struct inode *inode)
{
	return viewfs_i(inode)->redirect;
}

/** viewfs_target_drop() - nobody wants it */
static inline void viewfs_target_drop(struct viewfs_target *target)
{
	if (target->file)
		fput(target->file);
	target->file = NULL;
}

/* crossing.c */
int viewfs_crossing_init(void);
void viewfs_crossing_exit(void);
bool viewfs_crossing_possible(void);
int viewfs_crossing_begin(void);
int viewfs_crossing_probe(const struct path *path);
struct vfsmount *viewfs_crossing_mount(struct path *path);

/* backing.c */
extern const struct file_operations viewfs_backing_ops;
struct file *viewfs_target_get(struct viewos_session *session,
			       const struct viewos_path_target *target, u32 flags);
int viewfs_backing_check_open(struct viewos_request *req);
int viewfs_backing_check_create(struct viewos_request *req);
int viewfs_backing_open(struct viewfs_handle *handle, struct viewfs_target *target,
			struct file *file);
void viewfs_backing_attach(struct viewfs_handle *handle, struct file *file);

/* store.c */
void viewfs_store_content(struct inode *inode, const void *data, size_t len, u64 version);
int viewfs_store_notify(struct super_block *sb, const void *data, u32 len);
int viewfs_retrieve_notify(struct super_block *sb, const void *data, u32 len);

/* export.c */
extern const struct export_operations viewfs_export_ops;

/* notify.c */
extern const struct viewos_session_ops viewfs_session_ops;
struct dentry *viewfs_name_changed(struct super_block *sb, u64 parent, const char *name, u32 len);

/* late.c */
void viewfs_late_names(struct viewos_request *req);
void viewfs_late_made(struct viewos_request *req);
void viewfs_late_change(struct viewos_request *req);

#endif /* _VIEWOS_VIEWFS_H */

// SPDX-License-Identifier: GPL-2.0
/* The file system type: mount, umount, options, statfs. */

#include <linux/backing-dev.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/writeback.h>

#include "viewfs.h"

/* Umount goes on waiting for the server while within this time something is answered ... */
#define UMOUNT_PATIENCE		HZ
/* ... but not longer than this many times, or, if there are data to be written, that many. */
#define UMOUNT_ROUNDS		10
#define UMOUNT_ROUNDS_DATA	60

static struct workqueue_struct *super_wq;

/**
 * struct viewfs_options - options of a mount(2) under way
 * @server: name of the server
 * @data: options for the server
 * @timeout: seconds, or 0
 * @recover: seconds, or 0
 * @access: ask the server too whether access is allowed
 */
struct viewfs_options {
	char *server;
	char *data;
	u32 timeout;
	u32 recover;
	bool access;
};

enum { OPT_SERVER, OPT_DATA, OPT_TIMEOUT, OPT_RECOVER, OPT_ACCESS, OPT_DEFAULT_PERMISSIONS };

static const struct fs_parameter_spec super_parameters[] = {
	fsparam_string("server", OPT_SERVER),
	fsparam_string("data", OPT_DATA),
	fsparam_u32("timeout", OPT_TIMEOUT),
	fsparam_u32("recover", OPT_RECOVER),
	fsparam_flag("server_access", OPT_ACCESS),
	fsparam_flag("default_permissions", OPT_DEFAULT_PERMISSIONS),
	{ }
};

/**
 * viewfs_sb_busy() - a request that refers to the mount's inodes goes out
 * @fs: the mount
 */
void viewfs_sb_busy(struct viewfs_sb *fs)
{
	atomic_inc(&fs->under_way);
}

/**
 * viewfs_sb_done() - it has come back
 * @fs: the mount; perhaps gone afterwards
 */
void viewfs_sb_done(struct viewfs_sb *fs)
{
	/* The waiter may free it as soon as it sees zero, but only behind RCU. */
	rcu_read_lock();
	if (atomic_dec_and_test(&fs->under_way))
		wake_up(&fs->idle);
	rcu_read_unlock();
}

/**
 * viewfs_work_queue() - do something elsewhere, where nothing is held
 * @work: what; has to be counted by viewfs_sb_busy() until it is done
 */
void viewfs_work_queue(struct work_struct *work)
{
	queue_work(super_wq, work);
}

static void sb_free_work(struct work_struct *work)
{
	struct viewfs_sb *fs = container_of(to_rcu_work(work), struct viewfs_sb, free_work);

	viewos_session_put(fs->session);
	xa_destroy(&fs->polled);
	kfree(fs);
}

static struct viewfs_sb *sb_alloc(struct viewos_session *session,
				  const struct viewfs_options *options)
{
	struct viewfs_sb *fs;

	fs = kzalloc(sizeof(*fs), GFP_KERNEL_ACCOUNT);
	if (!fs)
		return NULL;
	fs->session = session;
	fs->timeout = options->timeout;
	fs->recover = options->recover;
	if (options->access)
		set_bit(VIEWFS_SERVER_ACCESS, &fs->flags);
	atomic64_set(&fs->attr_version, 1);
	init_waitqueue_head(&fs->idle);
	xa_init_flags(&fs->polled, XA_FLAGS_ALLOC1);
	spin_lock_init(&fs->redirect_lock);
	INIT_LIST_HEAD(&fs->redirects);
	get_random_bytes(&fs->lock_key, sizeof(fs->lock_key));
	INIT_RCU_WORK(&fs->free_work, sb_free_work);
	return fs;
}

static u64 session_answered(struct viewos_session *session)
{
	u64 nr;

	spin_lock(&session->lock);
	nr = session->total - session->nr_requests;
	spin_unlock(&session->lock);
	return nr;
}

/* What is still dirty goes out, or, if the session has ended, is lost; waits for no server. */
static void sb_write(struct super_block *sb)
{
	if (atomic_read(&viewfs_sb(sb)->unwritten))
		writeback_inodes_sb(sb, WB_REASON_SYNC);
}

/*
 * Waits until nothing refers to the mount's inodes any more. A server that answers is
 * waited for, one that does not is done with: others may wait for this umount.
 */
static void sb_settle(struct super_block *sb)
{
	struct viewfs_sb *fs = viewfs_sb(sb);
	int i, left, rounds;
	u64 before;

	viewos_session_wake(fs->session);
	rounds = atomic_read(&fs->unwritten) ? UMOUNT_ROUNDS_DATA : UMOUNT_ROUNDS;
	for (i = 0; i < rounds; i++) {
		sb_write(sb);
		before = session_answered(fs->session);
		left = wait_event_killable_timeout(fs->idle, !atomic_read(&fs->under_way),
						   UMOUNT_PATIENCE);
		if (left > 0)
			return;
		if (left < 0 || session_answered(fs->session) == before)
			break;
	}
	viewos_session_abort(fs->session);
	do {
		sb_write(sb);
	} while (!wait_event_timeout(fs->idle, !atomic_read(&fs->under_way), UMOUNT_PATIENCE));
}

static int super_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct viewfs_sb *fs = viewfs_sb(dentry->d_sb);
	struct fuse_statfs_out out = { };
	struct viewfs_call call = {
		.opcode = FUSE_STATFS,
		.nodeid = viewfs_nodeid(d_inode(dentry)),
		.out = &out,
		.out_len = sizeof(out),
	};
	int err;

	err = viewfs_inode_check(d_inode(dentry)) ?: viewfs_call_wait(fs, &call);
	if (err < 0)
		return err;
	buf->f_type = VIEWFS_SUPER_MAGIC;
	buf->f_fsid = u64_to_fsid(huge_encode_dev(dentry->d_sb->s_dev));
	buf->f_bsize = out.st.bsize ?: PAGE_SIZE;
	buf->f_frsize = out.st.frsize;
	buf->f_blocks = out.st.blocks;
	buf->f_bfree = out.st.bfree;
	buf->f_bavail = out.st.bavail;
	buf->f_files = out.st.files;
	buf->f_ffree = out.st.ffree;
	buf->f_namelen = out.st.namelen ? min_t(u32, out.st.namelen, NAME_MAX) : NAME_MAX;
	return 0;
}

static int super_show_options(struct seq_file *m, struct dentry *root)
{
	struct viewfs_sb *fs = viewfs_sb(root->d_sb);

	seq_show_option(m, "server", fs->session->server_name);
	if (*fs->session->options)
		seq_show_option(m, "data", fs->session->options);
	if (fs->timeout)
		seq_printf(m, ",timeout=%u", fs->timeout);
	if (fs->recover)
		seq_printf(m, ",recover=%u", fs->recover);
	if (test_bit(VIEWFS_SERVER_ACCESS, &fs->flags))
		seq_puts(m, ",server_access");
	return 0;
}

/* umount -f */
static void super_umount_begin(struct super_block *sb)
{
	viewos_session_abort(viewfs_sb(sb)->session);
}

static const struct super_operations super_ops = {
	.alloc_inode = viewfs_inode_alloc,
	.free_inode = viewfs_inode_free,
	.evict_inode = viewfs_inode_evict,
	.drop_inode = inode_just_drop,
	.sync_fs = viewfs_super_sync,
	.statfs = super_statfs,
	.show_options = super_show_options,
	.umount_begin = super_umount_begin,
};

static int super_setup_bdi_limits(struct super_block *sb, struct viewfs_sb *fs)
{
	int err;

	err = super_setup_bdi(sb);
	if (err)
		return err;
	/* Pages under write-back are counted by ourselves; anyone can mount this. */
	sb->s_bdi->capabilities = BDI_CAP_WRITEBACK | BDI_CAP_STRICTLIMIT;
	sb->s_bdi->ra_pages = fs->max_readahead >> PAGE_SHIFT;
	/* A larger read is not to make as much again be read ahead. */
	sb->s_bdi->io_pages = min_t(unsigned long, fs->max_pages, sb->s_bdi->ra_pages);
	return bdi_set_max_ratio(sb->s_bdi, 1);
}

/* What lies behind a file may be viewfs too, not stacked: its freezing is another lock's. */
static void super_set_stacked(struct super_block *sb)
{
	static struct lock_class_key writers_keys[SB_FREEZE_LEVELS];
	int i;

	sb->s_stack_depth = VIEWOS_STACK_DEPTH;
	for (i = 0; i < SB_FREEZE_LEVELS; i++)
		lockdep_set_class(&sb->s_writers.rw_sem[i], &writers_keys[i]);
}

static int super_fill(struct super_block *sb, struct fs_context *fc)
{
	struct viewfs_sb *fs = viewfs_sb(sb);
	struct fuse_attr_out *root = &fs->root_attr;
	struct inode *inode;
	int err;

	sb->s_magic = VIEWFS_SUPER_MAGIC;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;
	sb->s_op = &super_ops;
	sb->s_xattr = viewfs_xattr_handlers;
	if (test_bit(VIEWFS_EXPORT, &fs->flags))
		sb->s_export_op = &viewfs_export_ops;
	if (test_bit(VIEWFS_ACL, &fs->flags)) {
		sb->s_xattr = viewfs_acl_xattr_handlers;
		sb->s_flags |= SB_POSIXACL;
	}
	set_default_d_op(sb, &viewfs_dentry_ops);
	/* What lies behind a file may not be stacked itself: kernel stack. */
	if (test_bit(VIEWFS_TARGET, &fs->flags))
		super_set_stacked(sb);
	sb->s_flags |= SB_NOSEC;
	/* So that the VFS leaves the umask to us, and we to the server. */
	if (test_bit(VIEWFS_DONT_MASK, &fs->flags))
		sb->s_flags |= SB_POSIXACL;
	sb->s_iflags |= SB_I_IMA_UNVERIFIABLE_SIGNATURE;
	if (sb->s_user_ns != &init_user_ns)
		sb->s_iflags |= SB_I_UNTRUSTED_MOUNTER;
	err = super_setup_bdi_limits(sb, fs);
	if (err)
		return err;
	inode = viewfs_inode_get(sb, FUSE_ROOT_ID, 0, &root->attr,
				 viewfs_time_until(root->attr_valid, root->attr_valid_nsec),
				 fs->root_version);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	sb->s_root = d_make_root(inode);
	if (!sb->s_root)
		return -ENOMEM;
	WRITE_ONCE(fs->session->dev, sb->s_dev);
	viewos_session_set_ops(fs->session, &viewfs_session_ops, sb);
	viewos_recover_allow(fs->session, fs->recover);
	return 0;
}

/* Without fsopen(2) it would go to the kernel's log, which anyone could fill. */
static void context_error(struct fs_context *fc, const char *server, const char *what)
{
	if (fc->log.log)
		errorfc(fc, "server \"%s\": %s", server, what);
}

/* All that waits for the server is done here, before others can wait for the super block. */
static int context_get_tree(struct fs_context *fc)
{
	struct viewfs_options *options = fc->fs_private;
	struct viewos_connect connect = {
		.class = VIEWOS_CLASS_PATH,
		.server = options->server,
		.source = fc->source ?: options->server,
		.options = options->data ?: "",
	};
	struct viewos_session *session;
	struct viewfs_sb *fs;
	int err;

	if (!options->server)
		return invalfc(fc, "server= is missing");
	session = viewos_session_connect(&connect);
	if (IS_ERR(session)) {
		context_error(fc, options->server, "cannot connect");
		return PTR_ERR(session);
	}
	fs = sb_alloc(session, options);
	if (!fs) {
		viewos_session_abort(session);
		viewos_session_put(session);
		return -ENOMEM;
	}
	err = viewfs_session_start(fs);
	if (err == -EPROTO)
		context_error(fc, options->server, "speaks another protocol");
	if (err == -EOPNOTSUPP && fs->recover)
		context_error(fc, options->server, "cannot be recovered");
	if (!err) {
		fc->s_fs_info = fs;
		err = get_tree_nodev(fc, super_fill);
		/* Taken over by the super block, that is, by super_kill()? */
		if (!fc->s_fs_info)
			return err;
		fc->s_fs_info = NULL;
	}
	viewos_session_abort(session);
	queue_rcu_work(super_wq, &fs->free_work);
	return err;
}

static void super_kill(struct super_block *sb)
{
	struct viewfs_sb *fs = viewfs_sb(sb);

	if (!fs) {
		kill_anon_super(sb);
		return;
	}
	/* Others may wait for this umount, which is not to wait for another server. */
	viewos_recover_allow(fs->session, 0);
	/* Notices look for inodes: from here on there are none. */
	viewos_session_set_ops(fs->session, NULL, NULL);
	sb_settle(sb);
	WRITE_ONCE(fs->session->dev, 0);
	kill_anon_super(sb);
	viewfs_session_destroy(fs);
	queue_rcu_work(super_wq, &fs->free_work);
}

static int option_string(char **option, struct fs_parameter *param)
{
	kfree(*option);
	*option = param->string;
	param->string = NULL;
	return 0;
}

static int context_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct viewfs_options *options = fc->fs_private;
	struct fs_parse_result result;
	int opt;

	/* mount -o remount hands back all that it finds in mountinfo. */
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE)
		return 0;
	opt = vfs_parse_fs_param_source(fc, param);
	if (opt != -ENOPARAM)
		return opt;
	opt = fs_parse(fc, super_parameters, param, &result);
	if (opt < 0)
		return opt;
	switch (opt) {
	case OPT_SERVER:
		if (!*param->string)
			return invalfc(fc, "server= is empty");
		return option_string(&options->server, param);
	case OPT_DATA:
		return option_string(&options->data, param);
	case OPT_TIMEOUT:
		if (result.uint_32 > VIEWOS_MAX_TIMEOUT)
			return invalfc(fc, "timeout=%u is more than %u", result.uint_32,
				       VIEWOS_MAX_TIMEOUT);
		options->timeout = result.uint_32;
		return 0;
	case OPT_RECOVER:
		if (result.uint_32 > VIEWOS_MAX_RECOVER)
			return invalfc(fc, "recover=%u is more than %u", result.uint_32,
				       VIEWOS_MAX_RECOVER);
		options->recover = result.uint_32;
		return 0;
	case OPT_ACCESS:
		options->access = true;
		return 0;
	default:
		/* default_permissions: always so. */
		return 0;
	}
}

static int context_reconfigure(struct fs_context *fc)
{
	sync_filesystem(fc->root->d_sb);
	return 0;
}

static void context_free(struct fs_context *fc)
{
	struct viewfs_options *options = fc->fs_private;

	if (!options)
		return;
	kfree(options->server);
	kfree(options->data);
	kfree(options);
}

static const struct fs_context_operations context_ops = {
	.free = context_free,
	.parse_param = context_parse_param,
	.get_tree = context_get_tree,
	.reconfigure = context_reconfigure,
};

static int context_init(struct fs_context *fc)
{
	struct viewfs_options *options;

	options = kzalloc(sizeof(*options), GFP_KERNEL_ACCOUNT);
	if (!options)
		return -ENOMEM;
	fc->fs_private = options;
	fc->ops = &context_ops;
	return 0;
}

static struct file_system_type super_type = {
	.owner = THIS_MODULE,
	.name = "viewfs",
	.fs_flags = FS_USERNS_MOUNT,
	.init_fs_context = context_init,
	.parameters = super_parameters,
	.kill_sb = super_kill,
};

/**
 * viewfs_init() - register the file system type
 *
 * Return: 0 or a negative errno.
 */
int viewfs_init(void)
{
	int err;

	super_wq = alloc_workqueue("viewfs", WQ_UNBOUND, 0);
	if (!super_wq)
		return -ENOMEM;
	err = viewfs_inode_cache_create();
	if (err)
		goto destroy_wq;
	err = viewfs_crossing_init();
	if (err)
		goto destroy_cache;
	err = register_filesystem(&super_type);
	if (err)
		goto exit_crossing;
	return 0;

exit_crossing:
	viewfs_crossing_exit();
destroy_cache:
	viewfs_inode_cache_destroy();
destroy_wq:
	destroy_workqueue(super_wq);
	return err;
}

/**
 * viewfs_exit() - its mirror; nothing is mounted any more
 */
void viewfs_exit(void)
{
	unregister_filesystem(&super_type);
	viewfs_crossing_exit();
	/* Behind it are the inodes, and the works that free mounts. */
	viewfs_inode_cache_destroy();
	destroy_workqueue(super_wq);
}

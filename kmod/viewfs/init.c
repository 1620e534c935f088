// SPDX-License-Identifier: GPL-2.0
/* The first words with a server, and the last. */

#include <linux/mm.h>

#include "viewfs.h"

/* Older servers do not tell max_pages, or not in the same way. */
#define INIT_MINOR_MIN	31

/* From then on a server may know STATX; all else that came with it is agreed on by flags. */
#define INIT_MINOR_STATX	39
#define INIT_MINOR		max(FUSE_KERNEL_MINOR_VERSION, INIT_MINOR_STATX)

/* What one may ask for in one READ or WRITE without having said so, as in FUSE. */
#define INIT_DEFAULT_PAGES	32

/*
 * Readahead: large enough that streaming is bound by copying, not by round trips, and no larger:
 * who reads a part pays for what is read behind it.
 */
#define INIT_READAHEAD	SZ_256K

#define INIT_FLAGS	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |	\
			 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |			\
			 FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_AUTO_INVAL_DATA |	\
			 FUSE_HANDLE_KILLPRIV_V2 | FUSE_NO_OPEN_SUPPORT |		\
			 FUSE_NO_OPENDIR_SUPPORT | FUSE_INIT_EXT | FUSE_DONT_MASK |	\
			 FUSE_IOCTL_DIR | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |		\
			 FUSE_POSIX_ACL | FUSE_SETXATTR_EXT | FUSE_EXPORT_SUPPORT |	\
			 FUSE_WRITEBACK_CACHE)

/* The upper half. */
#define INIT_FLAGS2	((u32)(FUSE_HAS_EXPIRE_ONLY >> 32))

static const struct {
	u32 wire;
	int bit;
} init_features[] = {
	{ FUSE_ATOMIC_O_TRUNC, VIEWFS_ATOMIC_O_TRUNC },
	{ FUSE_AUTO_INVAL_DATA, VIEWFS_AUTO_INVAL_DATA },
	{ FUSE_DO_READDIRPLUS, VIEWFS_READDIRPLUS },
	{ FUSE_READDIRPLUS_AUTO, VIEWFS_READDIRPLUS_AUTO },
	{ FUSE_HANDLE_KILLPRIV_V2, VIEWFS_HANDLE_KILLPRIV },
	{ FUSE_DONT_MASK, VIEWFS_DONT_MASK },
	{ FUSE_IOCTL_DIR, VIEWFS_IOCTL_DIR },
	{ FUSE_POSIX_LOCKS, VIEWFS_POSIX_LOCKS },
	{ FUSE_FLOCK_LOCKS, VIEWFS_FLOCK_LOCKS },
	{ FUSE_POSIX_ACL, VIEWFS_ACL },
	{ FUSE_EXPORT_SUPPORT, VIEWFS_EXPORT },
	{ FUSE_SETXATTR_EXT, VIEWFS_SETXATTR_EXT },
	{ FUSE_WRITEBACK_CACHE, VIEWFS_WRITEBACK },
};

/* Our own additions are agreed on in the last word of either message: viewos_path.h. */
static u32 *init_own_word(void *message, size_t size)
{
	return message + size - sizeof(u32);
}

/* Locks that a server keeps would be lost with it. */
static u32 init_flags(const struct viewfs_sb *fs)
{
	return fs->recover ? INIT_FLAGS & ~(FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS) : INIT_FLAGS;
}

static u32 init_offer(const struct viewfs_sb *fs)
{
	return VIEWOS_PATH_LOOKUP_OPEN | VIEWOS_PATH_DEVICES | VIEWOS_PATH_CONTENT |
	       (fs->recover ? VIEWOS_PATH_RECOVER : 0) |
	       (viewfs_crossing_possible() ? VIEWOS_PATH_TARGET : 0);
}

static void init_fill(const struct viewfs_sb *fs, struct fuse_init_in *in, u32 own)
{
	in->major = FUSE_KERNEL_VERSION;
	in->minor = INIT_MINOR;
	in->max_readahead = INIT_READAHEAD;
	in->flags = init_flags(fs);
	in->flags2 = INIT_FLAGS2;
	*init_own_word(in, sizeof(*in)) = init_offer(fs) | own;
}

/* What the server's answer says; -EPROTO if it speaks another protocol. */
static int init_agree(const struct viewfs_sb *fs, struct fuse_init_out *out,
		      struct viewfs_agreed *agreed)
{
	size_t i;

	if (out->major != FUSE_KERNEL_VERSION || out->minor < INIT_MINOR_MIN)
		return -EPROTO;
	agreed->flags = 0;
	for (i = 0; i < ARRAY_SIZE(init_features); i++)
		agreed->flags |= out->flags & init_features[i].wire & init_flags(fs);
	agreed->own = *init_own_word(out, sizeof(*out)) & init_offer(fs);
	agreed->max_pages = INIT_DEFAULT_PAGES;
	if (out->flags & FUSE_MAX_PAGES)
		agreed->max_pages = clamp_t(u32, out->max_pages, 1, VIEWOS_MAX_PAGES);
	agreed->max_write = clamp_t(u32, out->max_write, PAGE_SIZE,
				    agreed->max_pages << PAGE_SHIFT);
	return 0;
}

static int init_reply(struct viewfs_sb *fs, struct fuse_init_out *out)
{
	struct viewfs_agreed *agreed = &fs->agreed;
	size_t i;
	int err;

	err = init_agree(fs, out, agreed);
	if (err)
		return err;
	if (fs->recover && !(agreed->own & VIEWOS_PATH_RECOVER))
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(init_features); i++)
		if (agreed->flags & init_features[i].wire)
			set_bit(init_features[i].bit, &fs->flags);
	if (agreed->own & VIEWOS_PATH_TARGET) {
		err = viewfs_crossing_begin();
		if (err)
			return err;
		set_bit(VIEWFS_TARGET, &fs->flags);
	} else if (agreed->own & VIEWOS_PATH_LOOKUP_OPEN) {
		set_bit(VIEWFS_LOOKUP_OPEN, &fs->flags);
		if (agreed->own & VIEWOS_PATH_CONTENT)
			set_bit(VIEWFS_CONTENT, &fs->flags);
	}
	if (out->minor >= INIT_MINOR_STATX)
		set_bit(VIEWFS_STATX, &fs->flags);
	if (agreed->own & VIEWOS_PATH_DEVICES)
		set_bit(VIEWFS_DEVICES, &fs->flags);
	fs->max_pages = agreed->max_pages;
	fs->max_write = agreed->max_write;
	fs->max_readahead = min_t(u32, out->max_readahead, INIT_READAHEAD);
	return 0;
}

static int init_root(struct viewfs_sb *fs)
{
	struct fuse_getattr_in in = { };
	struct viewfs_call call = {
		.opcode = FUSE_GETATTR,
		.nodeid = FUSE_ROOT_ID,
		.in = { { &in, sizeof(in) } },
		.out = &fs->root_attr,
		.out_len = sizeof(fs->root_attr),
	};
	int err;

	fs->root_version = viewfs_sb_version(fs);
	err = viewfs_call_wait(fs, &call);
	if (err < 0)
		return err;
	err = viewfs_attr_check(fs, &fs->root_attr.attr);
	if (!err && !S_ISDIR(fs->root_attr.attr.mode))
		err = -ENOTDIR;
	return err;
}

/**
 * viewfs_session_start() - agree with the server, and ask for the root
 * @fs: the mount, whose session is connected
 *
 * The wait for the server's answers can be killed, and ends after
 * VIEWOS_CONNECT_TIMEOUT. No lock may be held.
 *
 * Return: 0 or a negative errno: -EPROTO if the server speaks another protocol, -EOPNOTSUPP if
 * the mount is to outlive it, and it cannot be followed by another process.
 */
int viewfs_session_start(struct viewfs_sb *fs)
{
	struct fuse_init_in in = { };
	struct fuse_init_out out = { };
	struct viewfs_call call = {
		.opcode = FUSE_INIT,
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
		.out_var = true,
	};
	int err;

	init_fill(fs, &in, 0);
	fs->session->timeout = VIEWOS_CONNECT_TIMEOUT;
	err = viewfs_call_wait(fs, &call);
	if (err < 0)
		return err;
	err = init_reply(fs, &out) ?: init_root(fs);
	if (err)
		return err;
	fs->session->timeout = fs->timeout;
	viewos_session_ready(fs->session);
	return 0;
}

/* Requests that wait were made for what was agreed on before. */
static bool again_same(const struct viewfs_sb *fs, struct fuse_init_out *out)
{
	struct viewfs_agreed agreed;

	return !init_agree(fs, out, &agreed) && agreed.flags == fs->agreed.flags &&
	       agreed.own == fs->agreed.own && agreed.max_write >= fs->agreed.max_write &&
	       agreed.max_pages >= fs->agreed.max_pages;
}

static void again_end(struct viewos_request *req)
{
	struct viewfs_sb *fs = req->private;

	if (!viewos_request_abandoned(req)) {
		if (!req->error && again_same(fs, req->out)) {
			viewos_recover_done(fs->session);
			viewfs_poll_again(fs);
		} else {
			viewos_session_abort(fs->session);
		}
	}
	viewfs_sb_done(fs);
}

/**
 * viewfs_session_again() - the INIT for a server that takes the session over
 * @session: the session of a mount
 *
 * Return: a request, or ERR_PTR(-ENOMEM).
 */
struct viewos_request *viewfs_session_again(struct viewos_session *session)
{
	struct super_block *sb = session->ops_data;
	struct viewfs_sb *fs = viewfs_sb(sb);
	struct fuse_init_in in = { };
	const struct viewfs_call call = {
		.opcode = FUSE_INIT,
		.in = { { &in, sizeof(in) } },
		.out_len = sizeof(struct fuse_init_out),
		.out_var = true,
	};
	struct viewos_request *req;

	init_fill(fs, &in, VIEWOS_PATH_RECOVERING);
	req = viewfs_call_request(&call);
	if (IS_ERR(req))
		return req;
	/* The session's own time is the limit. */
	req->flags |= VIEWOS_REQUEST_ASYNC | VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_PATIENT;
	req->end = again_end;
	req->private = fs;
	viewfs_sb_busy(fs);
	return req;
}

static void destroy_end(struct viewos_request *req)
{
	viewos_session_abort(req->private);
}

/**
 * viewfs_session_destroy() - the mount has gone
 * @fs: the mount
 *
 * Waits for nothing. The session ends when the server has answered DESTROY, and
 * before it all that is queued; or when the server closes its fd, or takes too long.
 */
void viewfs_session_destroy(struct viewfs_sb *fs)
{
	struct viewos_session *session = fs->session;
	struct viewos_request *req;

	req = viewos_request_alloc(FUSE_DESTROY, 0, 0, 0);
	if (IS_ERR(req)) {
		viewos_session_abort(session);
		return;
	}
	session->timeout = VIEWOS_CONNECT_TIMEOUT;
	/*
	 * The server frees all nodes. A thread of it that is told besides, meanwhile, that it may
	 * forget one would find it freed.
	 */
	viewos_session_forget_all(session);
	/* Behind every RELEASE. */
	req->flags |= VIEWOS_REQUEST_FORCE | VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_LAZY;
	req->end = destroy_end;
	req->private = session;
	viewos_request_submit(session, req);
	viewos_session_wake(session);
}

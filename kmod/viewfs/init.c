// SPDX-License-Identifier: GPL-2.0
/* The first words with a server, and the last. */

#include <linux/mm.h>

#include "viewfs.h"

/* Older servers do not tell max_pages, or not in the same way. */
#define INIT_MINOR_MIN	31

/* What one may ask for in one READ or WRITE without having said so, as in FUSE. */
#define INIT_DEFAULT_PAGES	32

/* Readahead: large enough that streaming is bound by copying, not by round trips. */
#define INIT_READAHEAD	SZ_512K

#define INIT_FLAGS	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |	\
			 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |			\
			 FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_AUTO_INVAL_DATA |	\
			 FUSE_HANDLE_KILLPRIV_V2 | FUSE_NO_OPEN_SUPPORT |		\
			 FUSE_NO_OPENDIR_SUPPORT | FUSE_INIT_EXT | FUSE_DONT_MASK |	\
			 FUSE_IOCTL_DIR | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |		\
			 FUSE_POSIX_ACL | FUSE_SETXATTR_EXT | FUSE_EXPORT_SUPPORT)

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
};

/* Our own additions are agreed on in the last word of either message: viewos_path.h. */
static u32 *init_own_word(void *message, size_t size)
{
	return message + size - sizeof(u32);
}

static u32 init_offer(void)
{
	return VIEWOS_PATH_LOOKUP_OPEN | VIEWOS_PATH_DEVICES |
	       (viewfs_crossing_possible() ? VIEWOS_PATH_TARGET : 0);
}

static int init_reply(struct viewfs_sb *fs, struct fuse_init_out *out)
{
	u32 own = *init_own_word(out, sizeof(*out));
	size_t i;
	int err;

	if (out->major != FUSE_KERNEL_VERSION || out->minor < INIT_MINOR_MIN)
		return -EPROTO;
	for (i = 0; i < ARRAY_SIZE(init_features); i++)
		if (out->flags & init_features[i].wire)
			set_bit(init_features[i].bit, &fs->flags);
	if (own & VIEWOS_PATH_TARGET && viewfs_crossing_possible()) {
		err = viewfs_crossing_begin();
		if (err)
			return err;
		set_bit(VIEWFS_TARGET, &fs->flags);
	} else if (own & VIEWOS_PATH_LOOKUP_OPEN) {
		set_bit(VIEWFS_LOOKUP_OPEN, &fs->flags);
	}
	if (own & VIEWOS_PATH_DEVICES)
		set_bit(VIEWFS_DEVICES, &fs->flags);
	fs->max_pages = INIT_DEFAULT_PAGES;
	if (out->flags & FUSE_MAX_PAGES)
		fs->max_pages = clamp_t(u32, out->max_pages, 1, VIEWOS_MAX_PAGES);
	fs->max_write = clamp_t(u32, out->max_write, PAGE_SIZE, fs->max_pages << PAGE_SHIFT);
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
 * Return: 0 or a negative errno: -EPROTO if the server speaks another protocol.
 */
int viewfs_session_start(struct viewfs_sb *fs)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = INIT_READAHEAD,
		.flags = INIT_FLAGS,
		.flags2 = INIT_FLAGS2,
	};
	struct fuse_init_out out = { };
	struct viewfs_call call = {
		.opcode = FUSE_INIT,
		.in = { { &in, sizeof(in) } },
		.out = &out,
		.out_len = sizeof(out),
		.out_var = true,
	};
	int err;

	*init_own_word(&in, sizeof(in)) = init_offer();
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
	/* Behind every RELEASE. */
	req->flags |= VIEWOS_REQUEST_FORCE | VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_LAZY;
	req->end = destroy_end;
	req->private = session;
	viewos_request_submit(session, req);
	viewos_session_wake(session);
}

// SPDX-License-Identifier: GPL-2.0
/* viewos-ext: the server of ext2, ext3 and ext4 images. */
#include <sys/stat.h>

#include "../../lib/viewos.h"
#include "extfs.h"

static struct fuse_lowlevel_ops ops;

static void ext_init(void *userdata, struct fuse_conn_info *conn)
{
	viewos_fuse_want_tmpfile();
	/* fsyncdir writes all there is to write. */
	viewos_fuse_want_syncfs();
	viewos_fuse_want_statx();
	/* A dead process leaves in an image that it has written what only e2fsck(8) can mend. */
	if (extfs_readonly(userdata))
		viewos_fuse_want_recover();
	extfs_ops.init(userdata, conn);
}

static void ext_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct statx stx;
	double ttl;
	int err;

	if (!viewos_fuse_statx_asked()) {
		extfs_ops.getattr(req, ino, fi);
		return;
	}
	err = extfs_statx(req, ino, &stx, &ttl);
	if (err)
		fuse_reply_err(req, -err);
	else
		viewos_fuse_reply_statx(req, &stx, ttl);
}

static const struct viewos_fuse_server server = {
	.name = "ext",
	.usage = EXTFS_USAGE,
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = extfs_open,
	.close = extfs_close,
};

int main(int argc, char **argv)
{
	ops = extfs_ops;
	ops.init = ext_init;
	ops.getattr = ext_getattr;
	return viewos_fuse_main(argc, argv, &server);
}

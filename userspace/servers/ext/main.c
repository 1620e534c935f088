// SPDX-License-Identifier: GPL-2.0
/* viewos-ext: the server of ext2, ext3 and ext4 images. */
#include "../../lib/viewos.h"
#include "extfs.h"

static struct fuse_lowlevel_ops ops;

static void ext_init(void *userdata, struct fuse_conn_info *conn)
{
	viewos_fuse_want_tmpfile();
	extfs_ops.init(userdata, conn);
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
	return viewos_fuse_main(argc, argv, &server);
}

// SPDX-License-Identifier: GPL-2.0
/* viewos-ext: the server of ext2, ext3 and ext4 images. */
#include "../../lib/viewos.h"
#include "extfs.h"

static const struct viewos_fuse_server server = {
	.name = "ext",
	.usage = EXTFS_USAGE,
	.ops = &extfs_ops,
	.ops_size = sizeof(extfs_ops),
	.open = extfs_open,
	.close = extfs_close,
};

int main(int argc, char **argv)
{
	return viewos_fuse_main(argc, argv, &server);
}

// SPDX-License-Identifier: GPL-2.0
/* viewos-mem: the server of file systems in memory. */
#include "../../lib/viewos.h"
#include "memfs.h"

static const struct viewos_fuse_server server = {
	.name = "mem",
	.usage = MEMFS_USAGE,
	.ops = &memfs_ops,
	.ops_size = sizeof(memfs_ops),
	.open = memfs_open,
	.close = memfs_close,
};

int main(int argc, char **argv)
{
	return viewos_fuse_main(argc, argv, &server);
}

// SPDX-License-Identifier: GPL-2.0
/* viewos-mem: the server of file systems in memory. */
#include "../../lib/viewos.h"
#include "memfs.h"

static struct fuse_lowlevel_ops ops;

static void mem_init(void *userdata, struct fuse_conn_info *conn)
{
	viewos_fuse_want_tmpfile();
	memfs_ops.init(userdata, conn);
}

static const struct viewos_fuse_server server = {
	.name = "mem",
	.usage = MEMFS_USAGE,
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = memfs_open,
	.close = memfs_close,
};

int main(int argc, char **argv)
{
	ops = memfs_ops;
	ops.init = mem_init;
	return viewos_fuse_main(argc, argv, &server);
}

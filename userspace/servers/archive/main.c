// SPDX-License-Identifier: GPL-2.0
/* viewos-archive: the server of archives as file systems. */
#include <locale.h>

#include "../../lib/viewos.h"
#include "archivefs.h"

static struct fuse_lowlevel_ops ops;

/* Another process numbers the members of an archive in the same way. */
static void archive_init(void *userdata, struct fuse_conn_info *conn)
{
	viewos_fuse_want_recover();
	archivefs_ops.init(userdata, conn);
}

static const struct viewos_fuse_server server = {
	.name = "archive",
	.usage = ARCHIVEFS_USAGE,
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = archivefs_open,
	.close = archivefs_close,
};

int main(int argc, char **argv)
{
	/* libarchive gives names in the locale's encoding, and that of "C" lacks most. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	ops = archivefs_ops;
	ops.init = archive_init;
	return viewos_fuse_main(argc, argv, &server);
}

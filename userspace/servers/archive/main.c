// SPDX-License-Identifier: GPL-2.0
/* viewos-archive: the server of archives as file systems. */
#include <locale.h>

#include "../../lib/viewos.h"
#include "archivefs.h"

static const struct viewos_fuse_server server = {
	.name = "archive",
	.usage = ARCHIVEFS_USAGE,
	.ops = &archivefs_ops,
	.ops_size = sizeof(archivefs_ops),
	.open = archivefs_open,
	.close = archivefs_close,
};

int main(int argc, char **argv)
{
	/* libarchive gives names in the locale's encoding, and that of "C" lacks most. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	return viewos_fuse_main(argc, argv, &server);
}

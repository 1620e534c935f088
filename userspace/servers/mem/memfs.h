/* SPDX-License-Identifier: GPL-2.0 */
/* A file system in memory, as libfuse3 low-level operations. */
#ifndef MEMFS_H
#define MEMFS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

struct viewos_accepted;

/* How memfs calls itself in messages, and what --help says of its source and options. */
#define MEMFS_PROGRAM "viewos-mem"
#define MEMFS_USAGE \
	"The source is ignored: each mount is an empty file system of its own.\n" \
	"Options of a mount (-o), separated by commas:\n" \
	"  size=BYTES       most memory used (k, M, G, T; half of the machine's memory)\n" \
	"  inodes=N         most files and links (one for every 8 KiB of the machine's memory)\n" \
	"  mode=OCTAL       mode of the root directory (1777)\n" \
	"  uid=N, gid=N     owner of the root directory (who mounts)\n" \
	"  ttl=SECONDS      how long the kernel may keep names and attributes (3600)\n" \
	"  opens            make every open and opendir a request (for measurement)\n" \
	"  writeback        have the kernel keep what is written, and write it back later\n"

/* The operations; their userdata is what memfs_open() gives. */
extern const struct fuse_lowlevel_ops memfs_ops;

/*
 * Makes an empty file system. The source is ignored. Returns 0 and the file system in *data,
 * -EINVAL for a bad option (told on stderr) or -ENOMEM.
 */
int memfs_open(const struct viewos_accepted *accepted, void **data);

/* Frees the file system and all that is in it. No operation may be running. */
void memfs_close(void *data);

#endif

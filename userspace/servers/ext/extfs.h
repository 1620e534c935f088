/* SPDX-License-Identifier: GPL-2.0 */
/* An ext2, ext3 or ext4 image as a file system, as libfuse3 low-level operations. */
#ifndef EXTFS_H
#define EXTFS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdbool.h>

struct viewos_accepted;

/* How extfs calls itself in messages, and what --help says of its source and options. */
#define EXTFS_PROGRAM "viewos-ext"
#define EXTFS_USAGE \
	"The source is the path of an ext2, ext3 or ext4 image or partition as the server\n" \
	"sees it. It is written without its journal.\n" \
	"Options of a mount (-o), separated by commas:\n" \
	"  offset=SIZE      where in the source the file system begins (0)\n" \
	"  readonly         only read it, as is done if it cannot be written\n" \
	"  write            fail if it cannot be written\n" \
	"  noload           read it although its journal has not been replayed\n" \
	"  uid=N, gid=N     owner of everything (default: as in the image); implies readonly\n" \
	"  umask=OCTAL      permissions to take away (0); implies readonly\n" \
	"  ttl=SECONDS      how long the kernel may keep names and attributes (86400)\n"

/* The operations; their userdata is what extfs_open() gives. */
extern const struct fuse_lowlevel_ops extfs_ops;

/*
 * Opens the image that the source names. Returns 0 and the file system in *data, or, told on
 * stderr: -EINVAL for a bad option or what is no such image, -EUCLEAN for one that is damaged or
 * has a journal to be replayed, -EOPNOTSUPP for one with unknown features, -EBUSY for one that
 * another program has locked or that is mounted, -EROFS for one that shall be written but cannot,
 * else the errno with which the source could not be opened.
 */
int extfs_open(const struct viewos_accepted *accepted, void **data);

/* What statx(2) says of a node, and for how long. Returns 0 or a negative errno. */
struct statx;
int extfs_statx(fuse_req_t req, fuse_ino_t ino, struct statx *stx, double *ttl);

/* Is it only read? */
bool extfs_readonly(const void *data);

/* Frees the file system. No operation may be running. */
void extfs_close(void *data);

#endif

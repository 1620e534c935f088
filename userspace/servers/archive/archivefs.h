/* SPDX-License-Identifier: GPL-2.0 */
/* An archive as a read-only file system, as libfuse3 low-level operations. */
#ifndef ARCHIVEFS_H
#define ARCHIVEFS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

struct viewos_accepted;

/* How archivefs calls itself in messages, and what --help says of its source and options. */
#define ARCHIVEFS_PROGRAM "viewos-archive"
#define ARCHIVEFS_USAGE \
	"The source is the path of an archive as the server sees it: tar, zip, iso9660, 7z,\n" \
	"cpio, ar, xar, rar, cab, lha or warc, with any compression. Contents are unpacked\n" \
	"when they are read, into a nameless file in $TMPDIR (/tmp).\n" \
	"Options of a mount (-o), separated by commas:\n" \
	"  uid=N, gid=N     owner of everything (default: as archived)\n" \
	"  umask=OCTAL      permissions to take away (0)\n" \
	"  maxentries=N     refuse archives with more files and directories (4194304)\n" \
	"  ttl=SECONDS      how long the kernel may keep names and attributes (86400)\n"

/* The operations; their userdata is what archivefs_open() gives. */
extern const struct fuse_lowlevel_ops archivefs_ops;

/*
 * Reads the headers of the archive that the source names. Returns 0 and the file system in *data,
 * or, told on stderr: -EINVAL for a bad option or what is no archive, -EFBIG for one with too many
 * entries, -EIO for one that is damaged, else the errno with which the source or the temporary
 * file could not be opened.
 */
int archivefs_open(const struct viewos_accepted *accepted, void **data);

/* Frees the file system. No operation may be running. */
void archivefs_close(void *data);

#endif

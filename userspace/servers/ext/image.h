/* SPDX-License-Identifier: GPL-2.0 */
/* An image that is open: its inodes and their contents. */
#ifndef EXT_IMAGE_H
#define EXT_IMAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The headers of libext2fs are not clean of these. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <ext2fs/ext2fs.h>
#pragma GCC diagnostic pop

struct viewos_accepted;

/*
 * libext2fs is not made for threads, so the lock is held by whoever calls what takes an image.
 * Nothing in an image is believed: what makes no sense is -EUCLEAN, and no walk is longer than the
 * image is large.
 */
struct image {
	pthread_mutex_t lock;
	ext2_filsys fs;
	int fd;
	/* The directory in which a name was last found, and the place behind the name. */
	ext2_ino_t hint_dir;
	uint64_t hint;
};

/*
 * Opens the image at offset of the session's source with the rights of who made the session, and
 * takes a shared flock(2) on it. Errors are told on stderr; see extfs_open() for them.
 */
int image_open(struct image *image, const struct viewos_accepted *accepted, uint64_t offset,
	       bool noload);
void image_close(struct image *image);

/* An error of libext2fs as a negative errno. */
int image_error(errcode_t err);

/* Reads an inode that is in use. Returns 0 or a negative errno. */
int image_inode(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* What stat(2) says of an inode. */
struct stat image_stat(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode);

/* Reads a file's content; short at its end. Returns a count or a negative errno. */
ssize_t image_read(struct image *image, ext2_ino_t ino, uint64_t off, size_t size, char *buf);

/* Reads a symbolic link's target as a string into size bytes. Returns 0 or a negative errno. */
int image_readlink(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, char *buf,
		   size_t size);

#endif

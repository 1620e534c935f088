/* SPDX-License-Identifier: GPL-2.0 */
/* The content of an archive's files, unpacked when it is read. */
#ifndef ARCHIVEFS_CONTENT_H
#define ARCHIVEFS_CONTENT_H

#include <archive.h>
#include <pthread.h>
#include <sys/stat.h>

#include "tree.h"

/*
 * Most archives can be read only from front to back. One cursor goes through the archive; what it
 * unpacks is kept in the store, a sparse file without a name, so nothing is unpacked twice and
 * files read in the archive's order cost one pass in all. Reading what lies behind the cursor
 * starts it again. Where going back is dear (compressed archives), small files that the cursor
 * passes are kept too.
 *
 * source.lock protects the cursor, the end of the store, and in a node's content the place and
 * the error. content.have is written under the lock and read without: bytes below it are in the
 * store for good.
 */
struct source {
	char *path;			/* of the archive, for messages */
	int fd;
	struct stat st;			/* as it was when the headers were read */
	int store;
	struct node **files;		/* by number of header, NULL for what has no content */
	uint64_t nr_files;
	uint64_t max_files;
	pthread_mutex_t lock;
	struct archive *reader;		/* the cursor; NULL if it is nowhere */
	uint64_t header;		/* the number of the last header it read */
	struct node *node;		/* whose content comes next */
	unsigned int nothing;		/* blocks in a row that had nothing in them */
	bool keep;			/* small files are kept in passing */
	off_t store_end;
};

/* Opens what a session names, and a store. Returns 0 or a negative errno, told on stderr. */
int source_open(struct source *source, const struct viewos_accepted *accepted);
void source_close(struct source *source);

/* Starts a reader at the front of the archive; NULL after a message. */
struct archive *source_reader(struct source *source);

/* Notes whose content follows the header of a number; headers are numbered from 1. */
int source_file_add(struct source *source, uint64_t header, struct node *node);

/*
 * Reads a file. Returns the number of bytes, fewer than size only at the end of the file; -EIO if
 * the archive is damaged, encrypted or was changed, else the errno of the store.
 */
ssize_t content_read(struct source *source, struct node *node, off_t off, size_t size, char *buf);

#endif

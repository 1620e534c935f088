// SPDX-License-Identifier: GPL-2.0
/* The content of an archive's files, unpacked when it is read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "archivefs.h"
#include "content.h"

/* How much is read from the archive at once. */
#define READER_BLOCK (256u << 10)

/* Files up to this size are kept in passing. */
#define KEEP_MAX (4 << 20)

/* So many blocks with nothing in them, one after the other, are a damage. */
#define NOTHING_MAX 10000

/* Contents begin at multiples of this in the store, so that they share no page. */
#define STORE_ALIGN 4096

/* For file systems that cannot make a file without a name. */
static int store_open_named(const char *dir)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/viewos-archive-XXXXXX", dir) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static int store_open(void)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = store_open_named(dir);
	if (fd >= 0)
		return fd;
	fd = -errno;
	fprintf(stderr, ARCHIVEFS_PROGRAM ": no temporary file in \"%s\": %s\n", dir,
		strerror(-fd));
	return fd;
}

static int archive_open(const struct viewos_accepted *accepted, struct stat *st)
{
	const char *path = accepted->source;
	int fd = viewos_accepted_open(accepted, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st)) {
		int err = fd < 0 ? fd : -errno;

		fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": %s\n", path, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode)) {
		fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": neither a file nor a disk\n",
			path);
		close(fd);
		return -EINVAL;
	}
	return fd;
}

int source_open(struct source *source, const struct viewos_accepted *accepted)
{
	int err;

	*source = (struct source){ .path = strdup(accepted->source) };
	if (!source->path)
		return -ENOMEM;
	source->fd = err = archive_open(accepted, &source->st);
	if (err < 0)
		goto free_path;
	source->store = err = store_open();
	if (err < 0)
		goto close_archive;
	pthread_mutex_init(&source->lock, NULL);
	return 0;

close_archive:
	close(source->fd);
free_path:
	free(source->path);
	return err;
}

void source_close(struct source *source)
{
	archive_read_free(source->reader);
	free(source->files);
	close(source->store);
	close(source->fd);
	free(source->path);
	pthread_mutex_destroy(&source->lock);
}

/* Formats that could name other files to be read, and filters that run programs, are left out. */
static void reader_support(struct archive *reader)
{
	archive_read_support_format_tar(reader);
	archive_read_support_format_zip(reader);
	archive_read_support_format_iso9660(reader);
	archive_read_support_format_7zip(reader);
	archive_read_support_format_cpio(reader);
	archive_read_support_format_ar(reader);
	archive_read_support_format_xar(reader);
	archive_read_support_format_rar(reader);
	archive_read_support_format_rar5(reader);
	archive_read_support_format_cab(reader);
	archive_read_support_format_lha(reader);
	archive_read_support_format_warc(reader);
	archive_read_support_filter_gzip(reader);
	archive_read_support_filter_bzip2(reader);
	archive_read_support_filter_compress(reader);
	archive_read_support_filter_xz(reader);
	archive_read_support_filter_lzma(reader);
	archive_read_support_filter_lzip(reader);
	archive_read_support_filter_lz4(reader);
	archive_read_support_filter_zstd(reader);
	archive_read_support_filter_rpm(reader);
}

struct archive *source_reader(struct source *source)
{
	struct archive *reader = archive_read_new();

	if (!reader)
		return NULL;
	reader_support(reader);
	if (lseek(source->fd, 0, SEEK_SET) < 0 ||
	    archive_read_open_fd(reader, source->fd, READER_BLOCK) != ARCHIVE_OK) {
		fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": %s\n", source->path,
			archive_error_string(reader));
		archive_read_free(reader);
		return NULL;
	}
	return reader;
}

int source_file_add(struct source *source, uint64_t header, struct node *node)
{
	if (header >= source->max_files) {
		uint64_t wanted = header * 2 + 64;
		void *wider = reallocarray(source->files, wanted, sizeof(*source->files));

		if (!wider)
			return -ENOMEM;
		source->files = wider;
		source->max_files = wanted;
	}
	while (source->nr_files <= header)
		source->files[source->nr_files++] = NULL;
	/* A hard link may bring a content that takes the place of an earlier one. */
	if (node->content.header)
		source->files[node->content.header] = NULL;
	source->files[header] = node;
	node->content.header = header;
	return 0;
}

static void cursor_close_locked(struct source *source)
{
	archive_read_free(source->reader);
	source->reader = NULL;
	source->header = 0;
	source->node = NULL;
}

static int cursor_open_locked(struct source *source)
{
	struct stat st;

	cursor_close_locked(source);
	if (fstat(source->fd, &st) || st.st_size != source->st.st_size ||
	    st.st_mtim.tv_sec != source->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != source->st.st_mtim.tv_nsec) {
		fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\" has been changed\n", source->path);
		return -EIO;
	}
	source->reader = source_reader(source);
	return source->reader ? 0 : -EIO;
}

/* Whether the archive has to be unpacked again to go back in it. */
static bool going_back_is_dear(struct archive *reader)
{
	if (archive_filter_code(reader, 0) != ARCHIVE_FILTER_NONE)
		return true;
	switch (archive_format(reader) & ARCHIVE_FORMAT_BASE_MASK) {
	case ARCHIVE_FORMAT_TAR:
	case ARCHIVE_FORMAT_CPIO:
	case ARCHIVE_FORMAT_ZIP:
	case ARCHIVE_FORMAT_ISO9660:
	case ARCHIVE_FORMAT_AR:
		return false;
	}
	return true;
}

/* The archive cannot be unpacked where the cursor is. */
static int cursor_fail_locked(struct source *source, uint64_t header)
{
	const char *why = archive_error_string(source->reader);

	fprintf(stderr, ARCHIVEFS_PROGRAM ": \"%s\": damaged at entry %llu: %s\n", source->path,
		(unsigned long long)header, why ? why : "it ends too early");
	cursor_close_locked(source);
	return -EIO;
}

static int cursor_next_locked(struct source *source)
{
	struct archive_entry *entry;
	int result;

	do {
		result = archive_read_next_header(source->reader, &entry);
	} while (result == ARCHIVE_RETRY);
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		return cursor_fail_locked(source, source->header + 1);
	source->header++;
	source->nothing = 0;
	source->node = NULL;
	if (source->header < source->nr_files)
		source->node = source->files[source->header];
	source->keep = going_back_is_dear(source->reader);
	return 0;
}

static int store_write(struct source *source, off_t place, const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = pwrite(source->store, bytes, size, place);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		place += written;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

/* Gives a file room in the store; the room is only a range of numbers until it is filled. */
static int store_place_locked(struct source *source, struct node *node)
{
	off_t size = node->st.st_size;

	if (node->content.place >= 0)
		return 0;
	if (size > INT64_MAX - STORE_ALIGN - source->store_end)
		return -EFBIG;
	node->content.place = source->store_end;
	source->store_end += (size + STORE_ALIGN - 1) / STORE_ALIGN * STORE_ALIGN;
	return 0;
}

static void have_at_least_locked(struct node *node, off_t have)
{
	if (have > atomic_load_explicit(&node->content.have, memory_order_relaxed))
		atomic_store_explicit(&node->content.have, have, memory_order_release);
}

static int store_block_locked(struct source *source, struct node *node, const char *block,
			      size_t size, off_t off)
{
	off_t whole = node->st.st_size;
	int err;

	if (off < 0 || off >= whole)
		return 0;
	if ((off_t)size > whole - off || size > INT64_MAX)
		size = (size_t)(whole - off);
	err = store_write(source, node->content.place + off, block, size);
	if (err)
		return err;
	/* The last byte is withheld until the archive's check sums have been seen to be right. */
	off += (off_t)size;
	have_at_least_locked(node, off < whole ? off : whole - 1);
	return 0;
}

/* Unpacks the next block of the file that the cursor is at. */
static int cursor_unpack_locked(struct source *source)
{
	struct node *node = source->node;
	const void *block;
	la_int64_t off;
	int err, result;
	size_t size;

	err = store_place_locked(source, node);
	if (err)
		return err;
	result = archive_read_data_block(source->reader, &block, &size, &off);
	if (result == ARCHIVE_EOF) {
		have_at_least_locked(node, node->st.st_size);
		source->node = NULL;
		return 0;
	}
	if (result == ARCHIVE_OK && size) {
		source->nothing = 0;
		err = store_block_locked(source, node, block, size, off);
		if (err)
			cursor_close_locked(source);
		return err;
	}
	/* Readers of damaged archives have been seen to bring nothing for ever. */
	if ((result == ARCHIVE_OK || result == ARCHIVE_RETRY) && ++source->nothing < NOTHING_MAX)
		return 0;
	node->content.error = cursor_fail_locked(source, source->header);
	return node->content.error;
}

static bool is_complete(const struct node *node)
{
	return atomic_load(&node->content.have) >= node->st.st_size;
}

/* Before the cursor moves on, it unpacks the rest of a small file if that saves a way back. */
static int cursor_keep_locked(struct source *source)
{
	struct node *node = source->node;
	int err = 0;

	if (!node || !source->keep || node->st.st_size > KEEP_MAX || node->content.error)
		return 0;
	while (!err && source->node == node && !is_complete(node))
		err = cursor_unpack_locked(source);
	/* Damage is that file's; the way to another may avoid it. */
	return err == -EIO && node->content.error ? 0 : err;
}

static int cursor_seek_locked(struct source *source, struct node *node)
{
	uint64_t header = node->content.header;
	int err = 0;

	if (source->header > header || (source->header == header && source->node != node))
		cursor_close_locked(source);
	while (!err && (source->header < header || !source->reader)) {
		if (!source->reader)
			err = cursor_open_locked(source);
		else
			err = cursor_keep_locked(source);
		if (!err && source->reader)
			err = cursor_next_locked(source);
	}
	return err;
}

static int content_fetch_locked(struct source *source, struct node *node, off_t end)
{
	int err;

	if (atomic_load(&node->content.have) >= end)
		return 0;
	if (node->content.error)
		return node->content.error;
	if (!node->content.header)
		return -EIO;
	err = cursor_seek_locked(source, node);
	while (!err && atomic_load(&node->content.have) < end)
		err = cursor_unpack_locked(source);
	return err;
}

static ssize_t store_read(struct source *source, off_t place, size_t size, char *buf)
{
	size_t done = 0;

	while (done < size) {
		ssize_t part = pread(source->store, buf + done, size - done, place + (off_t)done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		/* The store ends before a hole at the end of its last file. */
		if (!part) {
			memset(buf + done, 0, size - done);
			break;
		}
		done += (size_t)part;
	}
	return (ssize_t)size;
}

ssize_t content_read(struct source *source, struct node *node, off_t off, size_t size, char *buf)
{
	off_t whole = node->st.st_size;
	int err = 0;

	if (off < 0 || off >= whole)
		return 0;
	if ((off_t)size > whole - off)
		size = (size_t)(whole - off);
	if (atomic_load_explicit(&node->content.have, memory_order_acquire) < off + (off_t)size) {
		pthread_mutex_lock(&source->lock);
		err = content_fetch_locked(source, node, off + (off_t)size);
		pthread_mutex_unlock(&source->lock);
	}
	return err ? err : store_read(source, node->content.place + off, size, buf);
}

// SPDX-License-Identifier: GPL-2.0
/* What clients do with files and names. */

#include "state.h"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/xattr.h>

static void do_open(struct state *state)
{
	static const int flags[] = {
		0, O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_DIRECT, O_PATH,
		O_TMPFILE, O_NOFOLLOW, O_SYNC, O_NOATIME, O_CREAT | O_TRUNC | O_DIRECT,
	};
	static const int modes[] = { O_RDWR, O_RDONLY, O_RDWR, O_WRONLY, O_RDWR, 3 };
	const char *path = some_path(state);
	int flag = flags[take_below(state->stream, ARRAY_SIZE(flags))];

	flag |= modes[take_below(state->stream, ARRAY_SIZE(modes))];
	keep_file(state, open(path, flag | O_NONBLOCK | O_NOCTTY, 0666));
}

static void do_openat(struct state *state)
{
	int dir = some_file(state);

	keep_file(state, openat(dir, some_path(state), O_RDWR | O_NONBLOCK | O_CREAT, 0666));
}

static void do_close(struct state *state)
{
	uint32_t which = take_below(state->stream, 2 * SLOTS);
	int *slot = which < SLOTS ? &state->files[which] : &state->fds[which - SLOTS];

	if (*slot >= 0)
		close(*slot);
	*slot = -1;
}

static void do_dup(struct state *state)
{
	keep_file(state, dup(some_file(state)));
}

static size_t some_len(struct state *state)
{
	return take_number(state->stream) % BUFFER;
}

/* A length and an offset for a file; a pipe or a server is not to block us. */
static void do_read(struct state *state)
{
	int fd = some_file(state);
	size_t len = some_len(state);

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if ((take_below(state->stream, 2) ? read(fd, buffer, len) :
	     pread(fd, buffer, len, take_number(state->stream))) < 0)
		return;
}

static void do_write(struct state *state)
{
	int fd = some_file(state);
	size_t len = some_len(state);

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if ((take_below(state->stream, 2) ? write(fd, buffer, len) :
	     pwrite(fd, buffer, len, take_number(state->stream))) < 0)
		return;
}

static void do_direct(struct state *state)
{
	int fd = some_file(state);

	fcntl(fd, F_SETFL, O_NONBLOCK | (take_below(state->stream, 2) ? O_DIRECT : O_APPEND));
}

static void do_lseek(struct state *state)
{
	int fd = some_file(state);
	uint64_t offset = take_number(state->stream);

	lseek(fd, offset, take_below(state->stream, 6));
}

static void do_truncate(struct state *state)
{
	if (take_below(state->stream, 2)) {
		int fd = some_file(state);

		if (ftruncate(fd, take_number(state->stream)))
			return;
	} else {
		const char *path = some_path(state);

		if (truncate(path, take_number(state->stream)))
			return;
	}
}

static void do_fallocate(struct state *state)
{
	static const int modes[] = { 0, 1, 2, 3, 16, 17, 8, 32, 64, -1 };
	int fd = some_file(state), mode = modes[take_below(state->stream, ARRAY_SIZE(modes))];
	uint64_t offset = take_number(state->stream);

	fallocate(fd, mode, offset, take_number(state->stream) + 1);
}

static void do_sync(struct state *state)
{
	int fd = some_file(state);

	switch (take_below(state->stream, 5)) {
	case 0:
		fsync(fd);
		break;
	case 1:
		fdatasync(fd);
		break;
	case 2:
		syncfs(fd);
		break;
	case 3:
		sync_file_range(fd, take_number(state->stream), take_number(state->stream), 7);
		break;
	default:
		posix_fadvise(fd, take_number(state->stream), take_number(state->stream),
			      take_below(state->stream, 7));
	}
}

static void do_copy(struct state *state)
{
	int in = some_file(state), out = some_file(state);
	off_t from = take_number(state->stream), to = take_number(state->stream);
	size_t len = take_number(state->stream) % (1 << 20);
	int pipes[2];

	switch (take_below(state->stream, 3)) {
	case 0:
		if (copy_file_range(in, &from, out, &to, len, 0) < 0)
			return;
		break;
	case 1:
		if (sendfile(out, in, &from, len) < 0)
			return;
		break;
	default:
		if (pipe2(pipes, O_NONBLOCK | O_CLOEXEC))
			return;
		if (splice(in, &from, pipes[1], NULL, len, SPLICE_F_NONBLOCK) > 0 &&
		    splice(pipes[0], NULL, out, &to, len, SPLICE_F_NONBLOCK) < 0)
			errno = 0;
		close(pipes[0]);
		close(pipes[1]);
	}
}

static void unmap(struct state *state)
{
	if (state->map != MAP_FAILED)
		munmap(state->map, state->map_len);
	state->map = MAP_FAILED;
}

static void do_mmap(struct state *state)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_POPULATE };
	int fd = some_file(state);
	off_t offset;

	unmap(state);
	state->map_len = 1 + take_number(state->stream) % (1 << 18);
	offset = take_number(state->stream) / 64 * 4096;
	state->map = mmap(NULL, state->map_len, take_below(state->stream, 3) ?
			  PROT_READ | PROT_WRITE : take_below(state->stream, 8),
			  kinds[take_below(state->stream, 3)], fd, offset);
}

static void touch(struct state *state, volatile char *page, uint32_t how, size_t len)
{
	switch (how) {
	case 0:
		buffer[0] = *page;
		break;
	case 1:
		*page = 1;
		break;
	case 2:
		msync(state->map, state->map_len, len & 1 ? MS_SYNC : MS_ASYNC | MS_INVALIDATE);
		break;
	case 3:
		madvise(state->map, state->map_len, len % 26);
		break;
	default:
		/* Of the file into itself, or into another. */
		if (write(some_file(state), (void *)page, len) < 0)
			return;
	}
}

static __attribute__((noinline)) void touch_safely(struct state *state, size_t at, uint32_t how,
						   size_t len)
{
	if (!sigsetjmp(fault, 1))
		touch(state, state->map + at % state->map_len, how, len);
}

static void do_touch(struct state *state)
{
	size_t at = take(state->stream) * 64, len = take_number(state->stream) % 8192;
	uint32_t how = take_below(state->stream, 5);

	if (state->map != MAP_FAILED)
		touch_safely(state, at, how, len);
}

/*
 * Dirty pages, and what is done to a file that has them: its server may be slow to take them,
 * refuse them, or be asked for the same pages meanwhile.
 */
static void dirty_use(struct state *state, int fd, uint32_t how)
{
	uint64_t at = take(state->stream) * 512, len = take_number(state->stream) % BUFFER;

	switch (how) {
	case 0:
		fsync(fd);
		break;
	case 1:
		msync(state->map, state->map_len, MS_SYNC);
		break;
	case 2:
		/* By a thread of the kernel, which waits for nobody. */
		syncfs(fd);
		break;
	case 3:
		if (pwrite(fd, buffer, len, at) < 0)
			break;
		break;
	case 4:
		if (ftruncate(fd, at))
			break;
		break;
	case 5:
		fallocate(fd, take_below(state->stream, 2) ? FALLOC_FL_KEEP_SIZE |
			  FALLOC_FL_PUNCH_HOLE : 0, at, len + 1);
		break;
	case 6:
		sync_file_range(fd, at, len, take_below(state->stream, 8));
		break;
	case 7:
		posix_fadvise(fd, at, len, POSIX_FADV_DONTNEED);
		if (pread(fd, buffer, len, at) < 0)
			break;
		break;
	default:
		/* Nobody has it open for writing then, but for the mapping. */
		close(fd);
		unmap(state);
	}
}

static __attribute__((noinline)) void dirty_touch(struct state *state, size_t pages, size_t step)
{
	volatile size_t i;

	if (!sigsetjmp(fault, 1))
		for (i = 0; i < pages; i += step)
			((volatile char *)state->map)[i * 4096] = i;
}

static void do_dirty(struct state *state)
{
	static const char *const names[] = { "f", "f2", "d/f", "f3" };
	const char *name = names[take_below(state->stream, ARRAY_SIZE(names))];
	uint8_t how = take(state->stream);
	size_t pages = 1 + take(state->stream) % 96;
	uint32_t turns = 1 + take_below(state->stream, 4);
	int fd = open(name, O_RDWR | O_CREAT | O_NONBLOCK | (how & 1 ? O_APPEND : 0), 0666);

	if (fd < 0)
		return;
	if (how & 2 && ftruncate(fd, pages * 4096))
		errno = 0;
	unmap(state);
	state->map_len = pages * 4096;
	state->map = mmap(NULL, state->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	keep_file(state, dup(fd));
	while (turns-- && state->map != MAP_FAILED) {
		dirty_touch(state, pages, how & 4 ? 1 : 1 + how / 8 % 4);
		dirty_use(state, fd, take_below(state->stream, 9));
	}
	close(fd);
}

static void do_name(struct state *state)
{
	const char *path = some_path(state);
	char other[PATH_MAX + 2];

	switch (take_below(state->stream, 9)) {
	case 0:
		mkdir(path, 0777);
		break;
	case 1:
		rmdir(path);
		break;
	case 2:
		unlink(path);
		break;
	case 3:
		mknod(path, take_below(state->stream, 16) << 12 | 0666, take(state->stream));
		break;
	case 4:
		if (symlink(some_path(state), "l2"))
			break;
		break;
	case 5:
		if (readlink(path, buffer, take_number(state->stream) % 5000 + 1) < 0)
			break;
		break;
	case 6:
		if (path != (void *)-4096L) {
			snprintf(other, sizeof(other), "%s", path);
			linkat(AT_FDCWD, other, AT_FDCWD, some_path(state), 0);
		}
		break;
	default:
		if (path != (void *)-4096L) {
			snprintf(other, sizeof(other), "%s", path);
			renameat2(AT_FDCWD, other, AT_FDCWD, some_path(state),
				  take_below(state->stream, 9));
		}
	}
}

static void do_attributes(struct state *state)
{
	const char *path = some_path(state);
	struct timespec times[2] = { };
	struct statfs fs;
	struct statx stx;
	struct stat st;

	switch (take_below(state->stream, 9)) {
	case 0:
		stat(path, &st);
		break;
	case 1:
		lstat(path, &st);
		break;
	case 2:
		statx(AT_FDCWD, path, take_below(state->stream, 4) << 13, STATX_ALL, &stx);
		break;
	case 3:
		chmod(path, take_number(state->stream));
		break;
	case 4:
		if (lchown(path, take_number(state->stream), take_number(state->stream)))
			break;
		break;
	case 5:
		times[0].tv_sec = take_number(state->stream);
		times[1].tv_nsec = UTIME_NOW - take_below(state->stream, 3);
		utimensat(AT_FDCWD, path, times, 0);
		break;
	case 6:
		access(path, take_below(state->stream, 8));
		break;
	case 7:
		statfs(path, &fs);
		break;
	default:
		fstat(some_file(state), &st);
	}
}

static void do_xattr(struct state *state)
{
	static const char *const names[] = {
		"user.a", "user.", "trusted.x", "security.capability", "system.posix_acl_access",
		"x", "",
	};
	const char *path = some_path(state);
	const char *name = names[take_below(state->stream, ARRAY_SIZE(names))];
	size_t size = take_number(state->stream) % 70000;

	switch (take_below(state->stream, 4)) {
	case 0:
		setxattr(path, name, buffer, size, take_below(state->stream, 4));
		break;
	case 1:
		if (getxattr(path, name, buffer, size) < 0)
			break;
		break;
	case 2:
		if (listxattr(path, buffer, size) < 0)
			break;
		break;
	default:
		removexattr(path, name);
	}
}

static void do_getdents(struct state *state)
{
	int fd = some_file(state);
	size_t size = take_number(state->stream) % BUFFER;
	uint32_t n;

	if (take_below(state->stream, 4) == 3)
		lseek(fd, take_number(state->stream), SEEK_SET);
	for (n = 0; n < 8 && syscall(SYS_getdents64, fd, buffer, size) > 0; n++)
		;
}

static void do_lock(struct state *state)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = some_file(state);

	switch (take_below(state->stream, 4)) {
	case 0:
		flock(fd, LOCK_NB | (take(state->stream) & 15));
		break;
	case 1:
		lock.l_start = take_number(state->stream);
		lock.l_type = take_below(state->stream, 4);
		fcntl(fd, F_SETLK, &lock);
		break;
	case 2:
		fcntl(fd, F_OFD_SETLK, &lock);
		fcntl(fd, F_GETLK, &lock);
		break;
	default:
		fcntl(fd, F_SETLEASE, take_below(state->stream, 3));
	}
}

static void do_watch(struct state *state)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return;
	inotify_add_watch(fd, some_path(state), IN_ALL_EVENTS);
	keep_file(state, fd);
}

static void do_socket(struct state *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const char *path = some_path(state);

	if (fd < 0)
		return;
	if (path != (void *)-4096L)
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (take_below(state->stream, 2) ? bind(fd, (void *)&address, sizeof(address)) :
	    connect(fd, (void *)&address, sizeof(address)))
		errno = 0;
	keep_file(state, fd);
}

static void do_handle(struct state *state)
{
	struct { struct file_handle head; char data[128]; } handle = { };
	int mount;

	handle.head.handle_bytes = take(state->stream) % sizeof(handle.data);
	if (!name_to_handle_at(AT_FDCWD, some_path(state), &handle.head, &mount, 0) ||
	    take_below(state->stream, 2)) {
		handle.data[take(state->stream) % sizeof(handle.data)] ^= 1 + take(state->stream);
		keep_file(state, open_by_handle_at(some_file(state), &handle.head,
						   O_RDONLY | O_NONBLOCK));
	}
}

const call_fn file_calls[] = {
	do_open, do_read, do_write, do_name, do_attributes, do_close, do_getdents, do_mmap,
	do_touch, do_lseek, do_truncate, do_openat, do_dup, do_direct, do_fallocate, do_sync,
	do_copy, do_xattr, do_lock, do_watch, do_socket, do_handle,
	/* Here there is most to be found. */
	do_open, do_read, do_write, do_name, do_attributes, do_open, do_read, do_write, do_name,
	do_attributes, do_mmap, do_touch, do_mmap, do_touch, do_copy, do_sync, do_dirty, do_dirty,
	NULL
};

// SPDX-License-Identifier: GPL-2.0
/* The clients: every call that reaches the module, with arguments that are right or not. */

#include "fuzz.h"

#include <setjmp.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define SLOTS	8
#define BUFFER	(96 << 10)

/**
 * struct state - what a client has
 * @client: who
 * @stream: what it is to do
 * @fds: control nodes, views, servers, sessions; or -1
 * @next: slot that is taken next
 * @files: open files; or -1
 * @next_file: likewise
 * @map: last mapping, or MAP_FAILED
 * @map_len: its length
 * @depth: of forks
 */
struct state {
	struct client *client;
	struct stream *stream;
	int fds[SLOTS];
	unsigned int next;
	int files[SLOTS];
	unsigned int next_file;
	char *map;
	size_t map_len;
	int depth;
};

static char buffer[BUFFER];
static sigjmp_buf fault;

static void run(struct state *state, unsigned int most);

static void keep(struct state *state, int fd)
{
	int *slot = &state->fds[state->next++ % SLOTS];

	if (fd < 0)
		return;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static void keep_file(struct state *state, int fd)
{
	int *slot = &state->files[state->next_file++ % SLOTS];

	if (fd < 0)
		return;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

/* Mostly one of the kind, and mostly one of the last. */
static int some(struct state *state, const int *likely, unsigned int next, const int *other)
{
	uint8_t which = take(state->stream);

	if (which < 128)
		return likely[(next + SLOTS - 1 - which % 3) % SLOTS];
	return which < 240 ? likely[which % SLOTS] : other[which % SLOTS];
}

static int some_fd(struct state *state)
{
	return some(state, state->fds, state->next, state->files);
}

static int some_file(struct state *state)
{
	return some(state, state->files, state->next_file, state->fds);
}

static const char *some_path(struct state *state)
{
	static const char *const paths[] = {
		"f", "f2", "d", "d/f", "d/d", "d/n", "l", "s", "p", "c", "n", "n2", ".", "..",
		"d/..", "d/../f", "l/f", "", "/", "f/", "d/", "./f", "name-that-is-longer",
		"d/d/d/d/f", "/proc/self/cwd/d", "/proc/self/cwd/f", "/proc/self/root",
	};
	static char path[PATH_MAX + 2];
	uint8_t what = take(state->stream);

	/* Half of all are the first few. */
	what = what < 128 ? what % 8 : what % 48;
	if (what < ARRAY_SIZE(paths))
		return paths[what];
	switch (what) {
	case 40:
		memset(path, 'x', 300);
		path[what == 40 ? 255 : 256] = 0;
		break;
	case 41:
		memset(path, 'x', sizeof(path));
		path[sizeof(path) - 1] = 0;
		break;
	case 42:
		snprintf(path, sizeof(path), "%s", state->client->dir);
		break;
	case 43:
		return (void *)-4096L;
	default:
		snprintf(path, sizeof(path), "%s%u", what & 1 ? "f" : "n", what);
	}
	return path;
}

static const char *some_name(struct state *state)
{
	static const char *const names[] = { "", "fuzz-a", "fuzz-b", "1x", "a/b", "fuzz-\1" };
	uint32_t what = take_below(state->stream, ARRAY_SIZE(names) + 1);

	return what < ARRAY_SIZE(names) ? names[what] : state->client->name;
}

/* Views and servers */

static void do_control(struct state *state)
{
	keep(state, control_open());
}

static void do_view_create(struct state *state)
{
	int parent = take_below(state->stream, 3) ? -1 : some_fd(state);
	uint32_t inherit = take_below(state->stream, 5);

	keep(state, view_create_in(state->client->control, parent, some_name(state), inherit));
}

static void do_view_open(struct state *state)
{
	uint64_t id = take_number(state->stream);
	const char *name = some_name(state);

	keep(state, view_open(state->client->control, id, name, take_below(state->stream, 3)));
}

static void do_view_enter(struct state *state)
{
	view_enter(some_fd(state));
}

static void do_view_info(struct state *state)
{
	struct viewos_view_info info;

	view_info(some_fd(state), &info);
}

static void do_view_set(struct state *state)
{
	int fd = some_fd(state);

	view_set(fd, take_below(state->stream, 5));
}

static void do_view_destroy(struct state *state)
{
	int fd = some_fd(state);

	view_destroy(fd, take_below(state->stream, 3));
}

static void do_ioctl(struct state *state)
{
	static const unsigned long commands[] = {
		VIEWOS_IOC_VERSION, VIEWOS_IOC_VIEW_CREATE, VIEWOS_IOC_VIEW_OPEN,
		VIEWOS_IOC_SERVER_CREATE, VIEWOS_IOC_VIEW_ENTER, VIEWOS_IOC_VIEW_INFO,
		VIEWOS_IOC_VIEW_SET, VIEWOS_IOC_VIEW_DESTROY, VIEWOS_IOC_SERVER_ACCEPT,
		VIEWOS_IOC_SESSION_REFUSE, FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR, FIONREAD, FIOQSIZE,
	};
	int fd = some_fd(state);
	unsigned long command = commands[take_below(state->stream, ARRAY_SIZE(commands))];
	uint32_t size = take_number(state->stream), i;
	uint8_t how = take(state->stream);

	/* A session fd that would block is read by others. */
	if (command == VIEWOS_IOC_SERVER_ACCEPT)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	memset(buffer, 0, 4096);
	memcpy(buffer, &size, sizeof(size));
	for (i = how % 16; i; i--)
		buffer[take(state->stream)] = take(state->stream);
	ioctl(fd, command, how > 240 ? (void *)-8L : buffer);
}

static void do_server_create(struct state *state)
{
	keep(state, server_create(state->client->control));
}

static void do_server_add(struct state *state)
{
	int fd = some_fd(state);
	const char *name = some_name(state);

	server_add(fd, name, take_below(state->stream, 2));
}

static void do_server_del(struct state *state)
{
	/* Mostly, the name of the one that serves us stays. */
	const char *name = some_name(state);

	if (name != state->client->name || take(state->stream) > 192)
		server_del(name);
}

static void do_accept(struct state *state)
{
	struct viewos_server_accept accept = {
		.flags = VIEWOS_ACCEPT_NONBLOCK,
		.source = take_below(state->stream, 2) ? (uintptr_t)buffer : 0,
		.options = take_below(state->stream, 2) ? (uintptr_t)buffer : -8,
	};

	keep(state, server_accept(some_fd(state), &accept));
}

static void do_session_read(struct state *state)
{
	int fd = some_fd(state);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (read(fd, buffer, take_number(state->stream) % BUFFER) < 0)
		return;
}

static void do_session_write(struct state *state)
{
	int fd = some_fd(state);
	struct fuse_out_header header = {
		.len = take_number(state->stream),
		.error = take_number(state->stream),
		.unique = take_number(state->stream),
	};
	size_t len = take_number(state->stream) % 4096;

	memcpy(buffer, &header, sizeof(header));
	if (write(fd, buffer, len) < 0)
		return;
}

static void do_poll(struct state *state)
{
	struct pollfd fds[] = { { some_fd(state), POLLIN | POLLOUT }, { some_fd(state), POLLIN } };

	poll(fds, 2, 0);
}

static void do_netlink(struct state *state)
{
	static const uint16_t flags[] = {
		0, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP | NLM_F_ACK, 0xffff };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_message message;
	uint32_t i, n, len;
	int fd, family = nl_family();
	uint8_t command;

	command = take_below(state->stream, VIEWOS_CMD_MAX + 3);
	nl_begin(&message, family, command, flags[take_below(state->stream, ARRAY_SIZE(flags))]);
	for (n = take_below(state->stream, 5); n; n--) {
		uint16_t type = take_below(state->stream, VIEWOS_A_MAX + 3);

		len = take(state->stream) % 80;
		for (i = 0; i < len; i++)
			buffer[i] = take(state->stream);
		if (type == VIEWOS_A_SERVER_FD && len >= 4)
			memcpy(buffer, &state->fds[(uint8_t)buffer[0] % SLOTS], 4);
		if (type == VIEWOS_A_SERVER_NAME)
			len = strlen(strcpy(buffer, some_name(state))) + 1;
		nl_put(&message, type, buffer, len);
	}
	message.header.nlmsg_len += (int8_t)take(state->stream) % 4;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return;
	if (sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) > 0)
		for (i = 0; i < 4 && recv(fd, buffer, BUFFER, MSG_DONTWAIT) > 0; i++)
			;
	close(fd);
}

/* As viewctl does it. */
static void do_list(struct state *state)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_message message;
	uint8_t command = 1 + take_below(state->stream, 5);
	uint8_t how = take(state->stream);
	uint64_t id = take_number(state->stream);
	int fd, turns;

	nl_begin(&message, nl_family(), command, how & 1 ? NLM_F_DUMP : NLM_F_ACK);
	if (how & 2)
		nl_put(&message, VIEWOS_A_VIEW_ID, &id, sizeof(id));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return;
	if (sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel, sizeof(kernel)) > 0)
		for (turns = 0; turns < 8; turns++)
			if (recv(fd, buffer, BUFFER, MSG_DONTWAIT) < 0)
				break;
	close(fd);
}

/* Hears of events, which others cause. */
static void do_listen(struct state *state)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);
	/* The groups of the families are numbered one after the other. */
	int group = take_below(state->stream, 16);

	if (fd < 0)
		return;
	if (!bind(fd, (void *)&address, sizeof(address)))
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	keep(state, fd);
}

/* Mounts */

static void options(char *text, size_t size, const struct client *client, uint8_t how)
{
	static const char *const more[] = {
		"", "server_access", "timeout=1", "default_permissions", "timeout=99999999999",
		"data=x", "unknown", "timeout=", "server=", "data=\\,",
	};

	snprintf(text, size, "%s%s,%s", how > 250 ? "" : "server=", client->name,
		 how < 128 ? "" : more[how % ARRAY_SIZE(more)]);
}

void client_mount(struct client *client, uint8_t how)
{
	char text[256];

	options(text, sizeof(text), client, how);
	mount("fuzz", client->dir, "viewfs", how % 5 ? 0 : MS_NOATIME, text);
}

static void do_mount(struct state *state)
{
	/* Each takes a server's answers; a few will do. */
	if (take(state->stream) > 160)
		client_mount(state->client, take(state->stream));
}

static void do_fsopen(struct state *state)
{
	int fd = result(syscall(SYS_fsopen, "viewfs", 1));
	uint32_t n;

	for (n = take_below(state->stream, 4); fd >= 0 && n; n--) {
		static const char *const keys[] = { "server", "source", "data", "timeout", "x" };
		const char *key = keys[take_below(state->stream, ARRAY_SIZE(keys))];

		syscall(SYS_fsconfig, fd, take_below(state->stream, 3), key,
			take_below(state->stream, 2) ? some_path(state) : some_name(state), 0);
	}
	if (fd >= 0 && take_below(state->stream, 4) == 3 &&
	    !syscall(SYS_fsconfig, fd, 6, NULL, NULL, 0))
		keep(state, result(syscall(SYS_fsmount, fd, 1, 0)));
	keep(state, fd);
}

static void do_umount(struct state *state)
{
	static const int flags[] = { 0, MNT_DETACH, MNT_FORCE, MNT_EXPIRE };

	umount2(state->client->dir, flags[take_below(state->stream, ARRAY_SIZE(flags))]);
}

static void do_remount(struct state *state)
{
	mount(NULL, state->client->dir, NULL, MS_REMOUNT | (take(state->stream) & 0x3f),
	      take_below(state->stream, 2) ? "timeout=2" : "");
}

/* Files */

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

static void do_chdir(struct state *state)
{
	if (take_below(state->stream, 3) ? chdir(some_path(state)) : chdir(state->client->dir))
		errno = 0;
	if (!getcwd(buffer, BUFFER))
		errno = 0;
}

static void do_exec(struct state *state)
{
	const char *path = some_path(state);
	char *argv[] = { "fuzz", NULL };
	pid_t pid = fork();

	if (!pid) {
		execv(path, argv);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* A child does the next few things, in place of this process or beside it. */
static void do_fork(struct state *state)
{
	uint32_t most = take_below(state->stream, 6);
	bool wait = take_below(state->stream, 2);
	pid_t pid;

	if (state->depth >= 2)
		return;
	pid = fork();
	if (!pid) {
		state->depth++;
		run(state, most);
		_exit(0);
	}
	while (most-- && stream_more(state->stream))
		take(state->stream);
	if (pid > 0 && wait)
		waitpid(pid, NULL, 0);
}

static void do_namespace(struct state *state)
{
	static const int flags[] = { CLONE_NEWNS, CLONE_FS, CLONE_FILES, CLONE_NEWUSER };

	unshare(flags[take_below(state->stream, ARRAY_SIZE(flags))]);
}

/* A task of the view somewhere else, from there by /proc. */
static void do_elsewhere(struct state *state)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s/%s", getppid(),
		 take_below(state->stream, 2) ? "cwd" : "root", "f");
	keep_file(state, open(path, O_RDONLY | O_NONBLOCK));
}

static void (*const calls[])(struct state *state) = {
	do_open, do_read, do_write, do_name, do_attributes, do_close, do_getdents, do_mmap,
	do_touch, do_lseek, do_truncate, do_view_create, do_view_enter, do_fork, do_control,
	do_view_open, do_view_info, do_view_set, do_view_destroy, do_ioctl, do_server_create,
	do_server_add, do_server_del, do_accept, do_session_read, do_session_write, do_poll,
	do_netlink, do_mount, do_fsopen, do_umount, do_remount, do_openat, do_dup, do_direct,
	do_fallocate, do_sync, do_copy, do_xattr, do_lock, do_watch, do_socket, do_handle,
	do_chdir, do_exec, do_namespace, do_elsewhere, do_list, do_listen,
	/* Of files there is most to be found. */
	do_open, do_read, do_write, do_name, do_attributes, do_open, do_read, do_write, do_name,
	do_attributes, do_mmap, do_touch, do_mmap, do_touch, do_copy, do_sync,
};

static void run(struct state *state, unsigned int most)
{
	while (most-- && stream_more(state->stream)) {
		calls[take_below(state->stream, ARRAY_SIZE(calls))](state);
		count(&stats->calls);
	}
}

static void on_fault(int signal)
{
	siglongjmp(fault, 1);
}

void client_run(struct client *client)
{
	struct rlimit limit = { 1 << 26, 1 << 26 };
	struct state state = { .client = client, .stream = &client->stream, .map = MAP_FAILED };
	int i;

	for (i = 0; i < SLOTS; i++)
		state.fds[i] = state.files[i] = -1;
	state.fds[0] = client->control;
	state.fds[1] = client->server;
	state.next = 2;
	state.next_file = 0;
	/* What must not fill the guest: a real file that was reached by a way out. */
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Only do_touch() comes where this may happen. */
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	if (chdir(client->dir))
		errno = 0;
	keep_file(&state, open("d", O_RDONLY | O_DIRECTORY));
	keep_file(&state, open("f", O_RDWR | O_NONBLOCK));
	run(&state, 1000);
}

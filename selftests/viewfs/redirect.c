// SPDX-License-Identifier: GPL-2.0
/*
 * Names that are other objects, and files that are read through others: what the kernel makes
 * of what a server hands over, good and bad.
 *
 * The server works on the bare ABI. Below a base directory, which it names itself, it has:
 *
 *   dir/inner, file, exec     and what the tests put there
 *   hard/                     a tmpfs, nosuid,nodev,noexec
 */

#include "../fake_server.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/viewos_path.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define SERVER	"redirect-test"
#define DATA	"native data\n"

enum { NODE_BACKED = 10, NODE_BACKED_RO, NODE_BACKED_BAD, NODE_NEW };

/* What the server and the test both see. */
static struct shared {
	int error;		/* of the server's write of the last hand-over */
	bool swapped;		/* "volatile" is the other directory now */
	int releases;
	int own_fd;		/* the test's fd of the viewfs mount */
	int pid;		/* the test */
} *shared;

struct target_answer {
	struct fuse_entry_out entry;
	struct viewos_path_target target;
};

static char base[64], view[64];

static int base_open(const char *name, int flags)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return open(path, flags | O_CLOEXEC, 0644);
}

static void given(int ret)
{
	__atomic_store_n(&shared->error, ret < 0 ? -ret : 0, __ATOMIC_SEQ_CST);
}

/* What the server was told, which may be after the client was. */
static int given_error(void)
{
	int i;

	for (i = 0; i < 1000 && __atomic_load_n(&shared->error, __ATOMIC_SEQ_CST) < 0; i++)
		sleep_ms(10);
	return shared->error;
}

/* Answers a LOOKUP with a file, which is closed then. */
static void give(struct fake_server *server, uint64_t unique, int fd, mode_t type, uint32_t flags)
{
	struct target_answer answer = {
		.entry = { .entry_valid = 1000, .attr = { .mode = type } },
		.target = { .fd = fd, .flags = flags },
	};

	given(fake_reply(server, unique, 0, &answer, sizeof(answer)));
	close(fd);
}

static int stolen_fd(void)
{
	int pidfd = syscall(SYS_pidfd_open, shared->pid, 0);
	int fd = syscall(SYS_pidfd_getfd, pidfd, shared->own_fd, 0);

	close(pidfd);
	return fd;
}

static void lookup_bad(struct fake_server *server, uint64_t unique, const char *name)
{
	struct target_answer answer = { .entry = { .nodeid = 5, .attr = { .mode = S_IFDIR } } };
	int pair[2];

	if (!strcmp(name, "pipe") && !pipe(pair)) {
		close(pair[1]);
		give(server, unique, pair[0], S_IFIFO, 0);
	} else if (!strcmp(name, "socket")) {
		give(server, unique, socket(AF_UNIX, SOCK_STREAM, 0), S_IFREG, 0);
	} else if (!strcmp(name, "opath")) {
		give(server, unique, base_open("dir", O_PATH), S_IFDIR, 0);
	} else if (!strcmp(name, "mismatch")) {
		give(server, unique, base_open("dir", O_RDONLY), S_IFREG, 0);
	} else if (!strcmp(name, "wronly")) {
		give(server, unique, base_open("file", O_WRONLY), S_IFREG, 0);
	} else if (!strcmp(name, "memfd")) {
		give(server, unique, memfd_create("m", 0), S_IFREG, 0);
	} else if (!strcmp(name, "device")) {
		give(server, unique, open("/dev/null", O_RDWR), S_IFCHR, 0);
	} else if (!strcmp(name, "proc")) {
		give(server, unique, open("/proc/self/ns/mnt", O_RDONLY), S_IFREG, 0);
	} else if (!strcmp(name, "closed")) {
		give(server, unique, 9999, S_IFDIR, 0);
	} else if (!strcmp(name, "badflags")) {
		give(server, unique, base_open("dir", O_RDONLY), S_IFDIR, 0x80);
	} else if (!strcmp(name, "own")) {
		give(server, unique, stolen_fd(), S_IFDIR, 0);
	} else if (!strcmp(name, "withnode")) {
		answer.target.fd = base_open("dir", O_RDONLY);
		given(fake_reply(server, unique, 0, &answer, sizeof(answer)));
		close(answer.target.fd);
	} else if (!strcmp(name, "cut")) {
		given(fake_reply(server, unique, 0, &answer, sizeof(answer.entry) + 4));
	} else {
		fake_reply(server, unique, -ENOENT, NULL, 0);
	}
}

/* No time to live: looked up at each use. */
static void give_volatile(struct fake_server *server, uint64_t unique)
{
	struct target_answer answer = { .entry = { .attr = { .mode = S_IFDIR } } };

	answer.target.fd = base_open(shared->swapped ? "hard" : "dir", O_RDONLY);
	fake_reply(server, unique, 0, &answer, sizeof(answer));
	close(answer.target.fd);
}

static void lookup(struct fake_server *server, uint64_t unique, const char *name)
{
	if (!strcmp(name, "dir") || !strcmp(name, "dir2"))
		give(server, unique, base_open("dir", O_RDONLY), S_IFDIR, 0);
	else if (!strcmp(name, "rodir"))
		give(server, unique, base_open("dir", O_RDONLY), S_IFDIR, VIEWOS_TARGET_READONLY);
	else if (!strcmp(name, "hard"))
		give(server, unique, base_open("hard", O_RDONLY), S_IFDIR, 0);
	else if (!strcmp(name, "file") || !strcmp(name, "exec"))
		give(server, unique, base_open(name, O_RDWR), S_IFREG, 0);
	else if (!strcmp(name, "rofile"))
		give(server, unique, base_open("file", O_RDONLY), S_IFREG, 0);
	else if (!strcmp(name, "script"))
		give(server, unique, base_open("exec", O_RDONLY), S_IFREG, 0);
	else if (!strcmp(name, "volatile"))
		give_volatile(server, unique);
	else if (!strcmp(name, "backed"))
		fake_entry(server, unique, NODE_BACKED);
	else if (!strcmp(name, "backed-ro"))
		fake_entry(server, unique, NODE_BACKED_RO);
	else if (!strcmp(name, "backed-bad"))
		fake_entry(server, unique, NODE_BACKED_BAD);
	else if (!strcmp(name, "die"))
		_exit(0);
	else
		lookup_bad(server, unique, name);
}

static void answer_open(struct fake_server *server, const struct fuse_in_header *in,
			const struct fuse_open_in *ask)
{
	struct {
		struct fuse_open_out open;
		struct viewos_path_target target;
	} answer = { };

	if (in->nodeid == NODE_BACKED)
		answer.target.fd = base_open("file", O_RDWR);
	else if (in->nodeid == NODE_BACKED_RO)
		answer.target.fd = base_open("file", O_RDONLY);
	else
		answer.target.fd = base_open("dir", O_RDONLY);
	given(fake_reply(server, in->unique, 0, &answer, sizeof(answer)));
	close(answer.target.fd);
}

static void answer_create(struct fake_server *server, const struct fuse_in_header *in,
			  const char *name)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		struct viewos_path_target target;
	} answer = { .entry = { .nodeid = NODE_NEW, .entry_valid = 1000 } };

	fake_attr(&answer.entry.attr, NODE_NEW);
	answer.entry.attr.size = 0;
	answer.target.fd = base_open(name, O_RDWR | O_CREAT | O_TRUNC);
	fake_reply(server, in->unique, 0, &answer, sizeof(answer));
	close(answer.target.fd);
}

static void answer_getattr(struct fake_server *server, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { };
	struct stat st;
	char path[128];

	fake_attr(&out.attr, in->nodeid);
	out.attr_valid = in->nodeid == FUSE_ROOT_ID ? 1000 : 0;
	snprintf(path, sizeof(path), "%s/%s", base, in->nodeid == NODE_NEW ? "new" : "file");
	if (in->nodeid >= NODE_BACKED && !stat(path, &st))
		out.attr.size = st.st_size;
	fake_reply(server, in->unique, 0, &out, sizeof(out));
}

static void handle(struct fake_server *server, const struct fuse_in_header *in, const void *body)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
	};

	switch (in->opcode) {
	case FUSE_INIT:
		/* Both have the word at their end. */
		((uint32_t *)&init)[sizeof(init) / 4 - 1] =
			((uint32_t *)body)[sizeof(struct fuse_init_in) / 4 - 1] &
			VIEWOS_PATH_TARGET;
		fake_reply(server, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		lookup(server, in->unique, body);
		break;
	case FUSE_GETATTR:
		answer_getattr(server, in);
		break;
	case FUSE_OPEN:
		answer_open(server, in, body);
		break;
	case FUSE_CREATE:
		answer_create(server, in, (const char *)body + sizeof(struct fuse_create_in));
		break;
	case FUSE_RELEASE:
		shared->releases++;
		fake_reply(server, in->unique, 0, NULL, 0);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		fake_reply(server, in->unique, 0, NULL, 0);
		break;
	default:
		fake_handle(server, in, body);
	}
}

static void serve(int server_fd)
{
	struct viewos_server_accept accept = { };
	static char buffer[1 << 20];
	struct fake_server server = { };
	ssize_t len;

	server.session = server_accept(server_fd, &accept);
	for (;;) {
		len = read(server.session, buffer, sizeof(buffer));
		if (len < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			_exit(0);
		handle(&server, (void *)buffer, buffer + sizeof(struct fuse_in_header));
	}
}

static pid_t start(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		return -1;
	pid = server_fork();
	if (!pid) {
		int server = server_create(control_open());

		byte = server < 0 || server_add(server, SERVER, false);
		if (write(ready[1], &byte, 1) != 1 || byte)
			_exit(1);
		serve(server);
	}
	if (read(ready[0], &byte, 1) != 1 || byte)
		pid = -1;
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int put_file(const char *name, const char *text, mode_t mode)
{
	int fd = base_open(name, O_WRONLY | O_CREAT | O_TRUNC);
	ssize_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len || fchmod(fd, mode))
		return -1;
	return close(fd);
}

static char *in_view(const char *name)
{
	static char path[4][4096];
	static unsigned int turn;
	char *to = path[turn++ % 4];

	snprintf(to, 4096, "%s/%s", view, name);
	return to;
}

static char *in_base(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

FIXTURE(redirect)
{
	pid_t server;
};

FIXTURE_SETUP(redirect)
{
	ASSERT_EQ(0, own_mounts());
	ASSERT_EQ(0, mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777"));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)shared);
	strcpy(base, "/tmp/base");
	strcpy(view, "/tmp/view");
	ASSERT_EQ(0, mkdir(base, 0755));
	ASSERT_EQ(0, mkdir(view, 0755));
	ASSERT_EQ(0, mkdir(in_base("dir"), 0755));
	ASSERT_EQ(0, mkdir(in_base("dir/sub"), 0755));
	ASSERT_EQ(0, mkdir(in_base("hard"), 0755));
	ASSERT_EQ(0, put_file("dir/inner", DATA, 0644));
	ASSERT_EQ(0, put_file("file", DATA, 0644));
	ASSERT_EQ(0, put_file("exec", "#!/bin/sh\nexit 7\n", 0755));
	ASSERT_EQ(0, mount("tmpfs", in_base("hard"), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			   ""));
	ASSERT_EQ(0, put_file("hard/exec", "#!/bin/sh\nexit 7\n", 0755));
	ASSERT_EQ(0, mknod(in_base("hard/null"), S_IFCHR | 0666, makedev(1, 3)));
	self->server = start();
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, viewfs_mount(SERVER, view, ""));
}

FIXTURE_TEARDOWN(redirect)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	umount2("/tmp", MNT_DETACH);
}

static int read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, room - 1);
	close(fd);
	text[len > 0 ? len : 0] = 0;
	return len < 0 ? -errno : 0;
}

TEST_F(redirect, directory)
{
	struct stat native, seen;
	char text[64], cwd[4096];
	int fd;

	/* Before the crossing, and after. */
	ASSERT_EQ(0, stat(in_base("dir"), &native));
	ASSERT_EQ(0, stat(in_view("dir"), &seen));
	EXPECT_EQ(native.st_ino, seen.st_ino);
	EXPECT_EQ(native.st_dev, seen.st_dev);
	ASSERT_EQ(0, read_text(in_view("dir/inner"), text, sizeof(text)));
	EXPECT_STREQ(DATA, text);
	ASSERT_EQ(0, stat(in_view("dir"), &seen));
	EXPECT_EQ(native.st_ino, seen.st_ino);
	/* The way back, and the name of where one is. */
	ASSERT_EQ(0, chdir(in_view("dir/sub")));
	EXPECT_STREQ("/tmp/view/dir/sub", getcwd(cwd, sizeof(cwd)));
	ASSERT_EQ(0, chdir("../.."));
	EXPECT_STREQ(view, getcwd(cwd, sizeof(cwd)));
	ASSERT_EQ(0, chdir("/"));
	/* What is made here is there. */
	fd = open(in_view("dir/made"), O_CREAT | O_EXCL | O_WRONLY, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(0, access(in_base("dir/made"), F_OK));
	EXPECT_EQ(0, rename(in_view("dir/made"), in_view("dir/sub/other")));
	EXPECT_EQ(0, unlink(in_base("dir/sub/other")));
	/* Two crossings are two mounts. */
	EXPECT_EQ(-EXDEV, result(rename(in_view("dir/inner"), in_view("dir2/inner"))));
	EXPECT_EQ(0, umount(view));
}

TEST_F(redirect, file)
{
	char text[64];
	char *map;
	int fd;

	ASSERT_EQ(0, read_text(in_view("file"), text, sizeof(text)));
	EXPECT_STREQ(DATA, text);
	fd = open(in_view("file"), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'N';
	ASSERT_EQ(0, read_text(in_base("file"), text, sizeof(text)));
	EXPECT_EQ('N', text[0]);
	munmap(map, 4096);
	/* Its crossing is not in the way of the name's removal, nor that of what is open. */
	EXPECT_EQ(0, result(unlink(in_view("file"))));
	EXPECT_EQ(1, pread(fd, text, 1, 0));
	close(fd);
	ASSERT_EQ(0, read_text(in_view("dir/inner"), text, sizeof(text)));
	EXPECT_EQ(-EBUSY, result(rmdir(in_view("dir"))));
	EXPECT_EQ(7, IN_CHILD((execl(in_view("script"), "script", NULL), errno)));
}

TEST_F(redirect, name_that_was_not_crossed)
{
	struct stat st;
	char text[64];

	ASSERT_EQ(0, chmod(in_view("file"), 0600));
	ASSERT_EQ(0, truncate(in_view("file"), 3));
	ASSERT_EQ(0, chown(in_view("file"), 12, 34));
	ASSERT_EQ(0, setxattr(in_view("file"), "trusted.x", "y", 1, 0));
	ASSERT_EQ(0, stat(in_base("file"), &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(3, st.st_size);
	EXPECT_EQ(12, st.st_uid);
	EXPECT_EQ(34, st.st_gid);
	EXPECT_EQ(1, getxattr(in_view("file"), "trusted.x", text, sizeof(text)));
	EXPECT_LT(0, listxattr(in_view("file"), text, sizeof(text)));
	EXPECT_EQ(0, access(in_view("file"), R_OK | W_OK));
	EXPECT_EQ(-EXDEV, result(link(in_view("file"), in_view("link"))));
	EXPECT_EQ(0, unlink(in_view("file")));
	/* A set-id bit goes with the owner's change. */
	ASSERT_EQ(0, chmod(in_base("exec"), 06755));
	ASSERT_EQ(0, chown(in_view("exec"), 12, 34));
	ASSERT_EQ(0, stat(in_base("exec"), &st));
	EXPECT_EQ(0755, st.st_mode & 07777);
}

TEST_F(redirect, read_only_what_is_given_so)
{
	EXPECT_EQ(-EROFS, result(open(in_view("rofile"), O_WRONLY)));
	EXPECT_EQ(-EROFS, result(truncate(in_view("rofile"), 0)));
	EXPECT_EQ(-EROFS, result(chmod(in_view("rofile"), 0600)));
	EXPECT_EQ(-EROFS, result(open(in_view("rodir/new"), O_CREAT | O_WRONLY, 0600)));
	EXPECT_EQ(-EROFS, result(mkdir(in_view("rodir/sub/new"), 0700)));
	EXPECT_LE(0, open(in_view("rodir/inner"), O_RDONLY));
	/* And whoever administers the mounts cannot undo it. */
	EXPECT_EQ(-EPERM,
		  result(mount(NULL, in_view("rodir/."), NULL, MS_REMOUNT | MS_BIND, NULL)));
	EXPECT_LE(0, open(in_view("dir/new"), O_CREAT | O_WRONLY, 0600));
}

TEST_F(redirect, restrictions_of_the_mount)
{
	struct statvfs st;

	EXPECT_EQ(-EACCES, result(open(in_view("hard/null"), O_RDONLY)));
	ASSERT_EQ(0, statvfs(in_view("hard/."), &st));
	EXPECT_TRUE(st.f_flag & ST_NOSUID);
	EXPECT_TRUE(st.f_flag & ST_NODEV);
	EXPECT_TRUE(st.f_flag & ST_NOEXEC);
	EXPECT_EQ(EACCES, IN_CHILD((execl(in_view("hard/exec"), "exec", NULL), errno)));
	EXPECT_EQ(-EPERM, result(mount(NULL, in_view("hard/."), NULL, MS_REMOUNT | MS_BIND, NULL)));
	/* Those of other mounts are what they were. */
	ASSERT_EQ(0, statvfs(in_view("dir/."), &st));
	EXPECT_FALSE(st.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY));
}

TEST_F(redirect, restrictions_in_a_copy_of_the_namespace)
{
	struct statvfs st;

	/* A peer gets the crossing by propagation. */
	ASSERT_EQ(0, mount(NULL, view, NULL, MS_SHARED, NULL));
	ASSERT_EQ(0, mkdir("/tmp/peer", 0755));
	ASSERT_EQ(0, mount(view, "/tmp/peer", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, access(in_view("hard/exec"), F_OK));
	ASSERT_EQ(0, statvfs("/tmp/peer/hard/.", &st));
	EXPECT_TRUE(st.f_flag & ST_NODEV);
	EXPECT_TRUE(st.f_flag & ST_NOSUID);
	EXPECT_EQ(-EPERM, result(mount(NULL, "/tmp/peer/hard/.", NULL, MS_REMOUNT | MS_BIND,
				       NULL)));
}

static void expect_bad(struct __test_metadata *_metadata, const char *name, int error)
{
	struct stat st;

	shared->error = -1;
	EXPECT_EQ(-EIO, result(stat(in_view(name), &st))) TH_LOG("%s", name);
	EXPECT_EQ(error, given_error()) TH_LOG("%s", name);
}

TEST_F(redirect, hostile_hand_overs)
{
	expect_bad(_metadata, "pipe", EINVAL);
	expect_bad(_metadata, "socket", EINVAL);
	expect_bad(_metadata, "opath", EBADF);
	expect_bad(_metadata, "closed", EBADF);
	expect_bad(_metadata, "wronly", EBADF);
	expect_bad(_metadata, "mismatch", EINVAL);
	expect_bad(_metadata, "memfd", EINVAL);
	expect_bad(_metadata, "device", EINVAL);
	expect_bad(_metadata, "proc", EINVAL);
	expect_bad(_metadata, "badflags", EINVAL);
	expect_bad(_metadata, "withnode", EINVAL);
	expect_bad(_metadata, "cut", EINVAL);
	shared->pid = getpid();
	shared->own_fd = open(view, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, shared->own_fd);
	expect_bad(_metadata, "own", ELOOP);
	/* It serves on. */
	EXPECT_EQ(0, access(in_view("dir/inner"), F_OK));
}

TEST_F(redirect, another_object_in_its_place)
{
	int dir;

	ASSERT_EQ(0, access(in_view("volatile/inner"), F_OK));
	ASSERT_EQ(0, access(in_view("volatile/inner"), F_OK));
	dir = open(in_view("volatile"), O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	shared->swapped = true;
	EXPECT_EQ(-ENOENT, result(access(in_view("volatile/inner"), F_OK)));
	EXPECT_EQ(0, access(in_view("volatile/exec"), F_OK));
	/* Who is in the old one stays there. */
	EXPECT_EQ(0, faccessat(dir, "inner", F_OK, 0));
}

TEST_F(redirect, server_dies)
{
	char text[64];
	struct stat st;
	int fd;

	ASSERT_EQ(0, access(in_view("dir/inner"), F_OK));
	ASSERT_EQ(0, stat(in_view("dir2"), &st));
	fd = open(in_view("backed"), O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOTCONN, result(access(in_view("die"), F_OK)));
	waitpid(self->server, NULL, 0);
	/* What was crossed or opened goes on, and nothing else. */
	EXPECT_EQ(0, read_text(in_view("dir/inner"), text, sizeof(text)));
	EXPECT_EQ(strlen(DATA), pread(fd, text, sizeof(text), 0));
	EXPECT_EQ(2, pwrite(fd, "ok", 2, 0));
	EXPECT_EQ(-ENOTCONN, result(stat(in_view("dir2"), &st)));
	EXPECT_EQ(-ENOTCONN, result(open(in_view("dir2"), O_RDONLY)));
	close(fd);
	EXPECT_EQ(0, umount(view));
	/* And nobody holds what it handed over. */
	EXPECT_EQ(0, umount(in_base("hard")));
}

TEST_F(redirect, umount_in_use)
{
	int fd;

	fd = open(in_view("dir/inner"), O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, result(umount(view)));
	EXPECT_EQ(0, umount2(view, MNT_DETACH));
	close(fd);
}

TEST_F(redirect, many_at_once)
{
	int i, round, status = 0;
	pid_t pids[4];

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 4; i++) {
			pids[i] = fork();
			if (!pids[i])
				_exit(access(in_view("dir/inner"), F_OK) ||
				      access(in_view("hard/exec"), F_OK) ||
				      open(in_view("hard/null"), O_RDONLY) >= 0 ||
				      errno != EACCES);
		}
		for (i = 0; i < 4; i++)
			status |= child_status(pids[i]);
		/* They are crossed anew. */
		EXPECT_EQ(0, umount(in_view("dir/.")));
		EXPECT_EQ(0, umount(in_view("hard/.")));
	}
	EXPECT_EQ(0, status);
}

static int map_self(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	ssize_t len = write(fd, text, strlen(text));

	close(fd);
	return len != strlen(text);
}

TEST_F(redirect, hidden_by_a_locked_mount)
{
	pid_t pid;
	int status;

	/* In a user namespace of its own the copy of the mount on "sub" is locked. */
	ASSERT_EQ(0, put_file("dir/sub/secret", DATA, 0644));
	ASSERT_EQ(0, mount("tmpfs", in_base("dir/sub"), "tmpfs", 0, ""));
	/* The server's namespace is where it may take it away: a crossing shows it. */
	EXPECT_EQ(0, access(in_view("dir/sub/secret"), F_OK));
	ASSERT_EQ(0, umount2(view, MNT_DETACH));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);

	pid = fork();
	if (!pid) {
		pid_t server;
		struct stat st;

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
		    map_self("/proc/self/setgroups", "deny") ||
		    map_self("/proc/self/uid_map", "0 0 1") ||
		    map_self("/proc/self/gid_map", "0 0 1"))
			_exit(4);
		server = start();
		if (server < 0)
			_exit(5);
		if (viewfs_mount(SERVER, view, ""))
			_exit(6);
		shared->error = -1;
		status = !stat(in_view("dir"), &st) || given_error() != EINVAL;
		/* A file of it is no secret to who has it open. */
		status |= stat(in_view("rofile"), &st) ? 2 : 0;
		kill(server, SIGKILL);
		_exit(status);
	}
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(redirect, backing_file)
{
	char text[64] = "";
	struct stat st;
	char *map;
	int fd, out[2];

	fd = open(in_view("backed"), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(strlen(DATA), read(fd, text, sizeof(text)));
	EXPECT_STREQ(DATA, text);
	EXPECT_EQ(0, read(fd, text, sizeof(text)));
	EXPECT_EQ(4, pwrite(fd, "more", 4, 100));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(104, st.st_size);
	EXPECT_EQ(104, lseek(fd, 0, SEEK_END));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[1] = 'M';
	ASSERT_EQ(1, pread(fd, text, 1, 1));
	EXPECT_EQ('M', text[0]);
	ASSERT_EQ(0, read_text(in_base("file"), text, sizeof(text)));
	EXPECT_EQ('M', text[1]);
	munmap(map, 4096);
	ASSERT_EQ(0, pipe(out));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(5, splice(fd, NULL, out[1], NULL, 5, 0));
	EXPECT_EQ(5, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(0, fallocate(fd, 0, 0, 8192));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(8192, st.st_size);
	/* With O_APPEND set later, too. */
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(1, write(fd, "a", 1));
	EXPECT_EQ(8193, lseek(fd, 0, SEEK_CUR));
	close(fd);
	EXPECT_EQ(0, umount(view));
	EXPECT_EQ(1, shared->releases);
}

/* From a pipe to the file itself, then to the one in front of it: locks in the same order. */
/* One call by io_submit(2); returns its result. */
static long long by_aio(int fd, int command, void *data, size_t len, long long offset)
{
	struct iocb call = {
		.aio_fildes = fd, .aio_lio_opcode = command, .aio_buf = (uintptr_t)data,
		.aio_nbytes = len, .aio_offset = offset,
	}, *calls = &call;
	struct io_event event = { };
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, 1, &context))
		return -errno;
	if (syscall(SYS_io_submit, context, 1, &calls) != 1 ||
	    syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		event.res = -errno;
	syscall(SYS_io_destroy, context);
	return event.res;
}

TEST_F(redirect, backing_asynchronous)
{
	char text[64] = "";
	int fd = open(in_view("backed"), O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(strlen(DATA), by_aio(fd, IOCB_CMD_PREAD, text, sizeof(text), 0));
	EXPECT_STREQ(DATA, text);
	EXPECT_EQ(4, by_aio(fd, IOCB_CMD_PWRITE, "NATI", 4, 0));
	EXPECT_EQ(0, by_aio(fd, IOCB_CMD_PREAD, text, sizeof(text), 100));
	/* The file is its own again: its position, and where its calls go. */
	EXPECT_EQ(4, read(fd, text, 4));
	EXPECT_EQ(0, memcmp(text, "NATI", 4));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_CUR));
	close(fd);
	ASSERT_EQ(0, read_text(in_base("file"), text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "NATIve", 6));
}

static uint32_t noticed(int notify)
{
	char events[1024] __attribute__((aligned(8)));
	ssize_t len = read(notify, events, sizeof(events));
	uint32_t mask = 0;

	for (ssize_t at = 0; at < len; at += sizeof(struct inotify_event))
		mask |= ((struct inotify_event *)(events + at))->mask;
	return mask;
}

TEST_F(redirect, backing_is_watched)
{
	int notify = inotify_init1(IN_NONBLOCK);
	int fd = open(in_view("backed"), O_RDWR | O_CLOEXEC);
	char text[4];

	ASSERT_LE(0, fd);
	ASSERT_LE(0, inotify_add_watch(notify, in_base("file"), IN_ACCESS | IN_MODIFY));
	ASSERT_EQ(4, pread(fd, text, 4, 0));
	EXPECT_EQ(IN_ACCESS, noticed(notify));
	ASSERT_EQ(4, pwrite(fd, text, 4, 0));
	EXPECT_EQ(IN_MODIFY, noticed(notify));
	close(fd);
	close(notify);
}

TEST_F(redirect, backing_splice)
{
	int fd, native, appended, out[2];
	char text[64] = "";
	off64_t at = 2;
	struct stat st;

	native = open(in_base("file"), O_WRONLY | O_CLOEXEC);
	fd = open(in_view("backed"), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(out));
	ASSERT_EQ(4, write(out[1], "abcd", 4));
	EXPECT_EQ(2, splice(out[0], NULL, native, NULL, 2, 0));
	EXPECT_EQ(2, splice(out[0], NULL, fd, &at, 2, 0));
	EXPECT_EQ(4, at);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(4, pread(fd, text, 4, 0));
	EXPECT_STREQ("abcd", text);
	ASSERT_EQ(4, write(out[1], "more", 4));
	at = 200;
	EXPECT_EQ(4, splice(out[0], NULL, fd, &at, 4, 0));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(204, st.st_size);
	/* What was opened to append to is no file to splice to; nor with that taken away. */
	appended = open(in_view("backed"), O_WRONLY | O_APPEND | O_CLOEXEC);
	ASSERT_EQ(4, write(out[1], "none", 4));
	EXPECT_EQ(-EINVAL, result(splice(out[0], NULL, appended, NULL, 4, 0)));
	ASSERT_EQ(0, fcntl(appended, F_SETFL, 0));
	EXPECT_EQ(-EINVAL, result(splice(out[0], NULL, appended, NULL, 4, 0)));
	EXPECT_EQ(4, read(out[0], text, 4));
	close(appended);
	close(native);
	close(fd);
}

/* The data are the file's; to be asked and waited for it is the server that one talks to. */
TEST_F(redirect, backing_ioctl_and_poll)
{
	struct pollfd pollfd = { .events = POLLIN };
	char text[64] = "";
	int fd, value = 5;
	struct stat st;
	long flags;
	pid_t pid;

	fd = open(in_view("backed"), O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, result(ioctl(fd, FAKE_IOCTL_ADD, &value)));
	EXPECT_EQ(6, value);
	/* Not the business of what lies behind. */
	EXPECT_EQ(-ENOTTY, result(ioctl(fd, FS_IOC_GETFLAGS, &flags)));
	EXPECT_EQ(-EIO, result(ioctl(fd, FAKE_IOCTL_RETRY, &value)));
	pollfd.fd = fd;
	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	EXPECT_EQ(strlen(DATA), read(fd, text, sizeof(text)));
	pid = fork();
	if (!pid)
		_exit(poll(&pollfd, 1, -1) == 1 && pollfd.revents == POLLIN ? 0 : 1);
	sleep_ms(100);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(0, result(ioctl(fd, FAKE_IOCTL_WAKE)));
	EXPECT_EQ(0, status_soon(pid));
	EXPECT_EQ(1, poll(&pollfd, 1, -1));
	/* Only the former goes on without the server. */
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(4, pwrite(fd, "more", 4, 0));
	EXPECT_EQ(4, pread(fd, text, 4, 0));
	EXPECT_EQ(-ENOTCONN, result(ioctl(fd, FAKE_IOCTL_ADD, &value)));
	EXPECT_EQ(1, poll(&pollfd, 1, -1));
	EXPECT_TRUE(pollfd.revents & POLLERR);
	EXPECT_EQ(-ENOTCONN, result(fstat(fd, &st)));
	close(fd);
}

TEST_F(redirect, backing_of_a_new_file)
{
	char text[64];
	int fd;

	fd = open(in_view("new"), O_RDWR | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(3, write(fd, "new", 3));
	ASSERT_EQ(0, read_text(in_base("new"), text, sizeof(text)));
	EXPECT_STREQ("new", text);
	close(fd);
}

TEST_F(redirect, backing_gives_no_more_than_the_server_has)
{
	char text[64];
	int fd;

	shared->error = -1;
	EXPECT_EQ(-EIO, result(open(in_view("backed-ro"), O_RDWR)));
	EXPECT_EQ(EBADF, given_error());
	shared->error = -1;
	fd = open(in_view("backed-ro"), O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, given_error());
	EXPECT_EQ(strlen(DATA), read(fd, text, sizeof(text)));
	EXPECT_EQ(-EACCES, result((long)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0)));
	close(fd);
	shared->error = -1;
	EXPECT_EQ(-EIO, result(open(in_view("backed-bad"), O_RDONLY)));
	EXPECT_EQ(EINVAL, given_error());
}

TEST_HARNESS_MAIN

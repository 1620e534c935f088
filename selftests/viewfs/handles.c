// SPDX-License-Identifier: GPL-2.0
/*
 * File handles of a server that asks for them, and files without a name: what becomes of them
 * when the server forgets, changes or lies.
 *
 * The server is a process of the test's own, with "file" and "dir" of the fake server's; its
 * names and attributes are good for no time.
 */

#include "../recorded.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define SERVER "handles-test"

enum { TMP_NODE = 50 };

/* What the server and the test share. */
struct record {
	uint32_t flags;		/* what the server takes at INIT */
	uint32_t asked[64];	/* requests by opcode */
	uint32_t dots;		/* look-ups of "." and ".." */
	uint32_t forgets;
	int dot_error;		/* if not 0, the answer to them */
	uint64_t dot_node;	/* if not 0, the answer to them */
	uint64_t generation;
	int tmp_error;
	uint64_t tmp_node;
	uint32_t tmp_mode;
	char tmp_name[8];
};

struct handle {
	struct file_handle handle;
	uint32_t words[6];
};

FIXTURE(handles)
{
	RECORDED_FIELDS;
	int root;
};

static void serve_entry(struct fake_server *fake, const struct record *record, uint64_t unique,
			uint64_t node)
{
	struct fuse_entry_out entry = { .nodeid = node, .generation = record->generation };

	fake_attr(&entry.attr, node);
	fake_reply(fake, unique, 0, &entry, sizeof(entry));
}

static void serve_lookup(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in, const char *name)
{
	uint64_t node = 0;

	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		record->dots++;
		node = record->dot_node;
		if (!node)
			node = name[1] ? FUSE_ROOT_ID : in->nodeid;
		if (record->dot_error) {
			fake_reply(fake, in->unique, record->dot_error, NULL, 0);
			return;
		}
	} else if (in->nodeid == FUSE_ROOT_ID) {
		node = !strcmp(name, "file") ? NODE_FILE : !strcmp(name, "dir") ? NODE_DIR : 0;
	}
	if (node)
		serve_entry(fake, record, in->unique, node);
	else
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
}

/* The root has "dir", which the kernel looks for by its number. */
static void serve_readdir(struct fake_server *fake, const struct fuse_in_header *in,
			  const struct fuse_read_in *read)
{
	struct {
		struct fuse_dirent entry;
		char name[8];
	} out = { { .ino = NODE_DIR, .off = 1, .namelen = 3, .type = S_IFDIR >> 12 }, "dir" };

	fake_reply(fake, in->unique, 0, &out,
		   in->nodeid == FUSE_ROOT_ID && !read->offset ? FUSE_DIRENT_SIZE(&out.entry) : 0);
}

static void serve_tmpfile(struct fake_server *fake, struct record *record,
			  const struct fuse_in_header *in, const struct fuse_create_in *create)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { .entry.nodeid = record->tmp_node };

	record->tmp_mode = create->mode;
	snprintf(record->tmp_name, sizeof(record->tmp_name), "%.7s", (const char *)(create + 1));
	fake_attr(&out.entry.attr, record->tmp_node);
	out.entry.attr.nlink = 0;
	fake_reply(fake, in->unique, record->tmp_error, &out,
		   record->tmp_error ? 0 : sizeof(out));
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_write = 65536, .flags = record->flags,
	};
	const void *body = in + 1;

	if (in->opcode < 64)
		record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		serve_lookup(fake, record, in, body);
		break;
	case FUSE_READDIR:
		serve_readdir(fake, in, body);
		break;
	case FUSE_TMPFILE:
		serve_tmpfile(fake, record, in, body);
		break;
	case FUSE_BATCH_FORGET:
		record->forgets += ((const struct fuse_batch_forget_in *)body)->count;
		break;
	default:
		fake_handle(fake, in, body);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(handles)
{
	RECORDED_SETUP();
	self->record->flags = FUSE_EXPORT_SUPPORT;
	self->record->tmp_node = TMP_NODE;
	self->root = -1;
	RECORDED_SERVER(serve, self->record);
}

FIXTURE_TEARDOWN(handles)
{
	if (self->root >= 0)
		close(self->root);
	RECORDED_TEARDOWN();
}

static int handles_mount(struct _test_data_handles *self)
{
	int err = RECORDED_MOUNT("");

	if (!err)
		self->root = open(".", O_RDONLY | O_DIRECTORY);
	return err;
}

static int handle_of(const char *path, struct handle *handle)
{
	int mount_id;

	handle->handle.handle_bytes = sizeof(handle->words);
	return result(name_to_handle_at(AT_FDCWD, path, &handle->handle, &mount_id, 0));
}

static int handle_open(int root, struct handle *handle, int flags)
{
	return result(open_by_handle_at(root, &handle->handle, flags));
}

/* Sees to it that the node is forgotten. */
static bool forget(struct _test_data_handles *self)
{
	const volatile uint32_t *forgets = &self->record->forgets;
	uint32_t before = *forgets;
	struct stat st;

	for (int i = 0; i < 100 && *forgets == before; i++) {
		int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

		if (write(fd, "2", 1) != 1)
			return false;
		close(fd);
		/* What waits to be told goes with the next request. */
		stat("none", &st);
	}
	return *forgets != before;
}

TEST_F(handles, none_unless_asked_for)
{
	struct handle handle;

	self->record->flags = 0;
	ASSERT_EQ(0, handles_mount(self));
	EXPECT_EQ(-EOPNOTSUPP, handle_of("file", &handle));
	handle.handle.handle_bytes = 12;
	handle.handle.handle_type = 0x81;
	memcpy(handle.words, (uint32_t[]){ 0, NODE_FILE, 0 }, 12);
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
}

TEST_F(handles, of_a_file)
{
	struct handle handle;
	char byte;
	int fd;

	self->record->generation = 7;
	ASSERT_EQ(0, handles_mount(self));
	ASSERT_EQ(0, handle_of("file", &handle));
	EXPECT_EQ(12, handle.handle.handle_bytes);
	/* While it is known, and when it was forgotten. */
	fd = handle_open(self->root, &handle, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ('x', byte);
	close(fd);
	EXPECT_EQ(0, self->record->dots);
	ASSERT_TRUE(forget(self));
	fd = handle_open(self->root, &handle, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &byte, 1, 4095));
	close(fd);
	EXPECT_EQ(1, self->record->dots);
	EXPECT_EQ(-ENOTDIR, handle_open(self->root, &handle, O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?:
				  -handle_open(self->root, &handle, O_RDONLY)));
	/* Too little room says how much it takes. */
	handle.handle.handle_bytes = 0;
	EXPECT_EQ(-EOVERFLOW, result(name_to_handle_at(AT_FDCWD, "file", &handle.handle,
						       &(int){ 0 }, 0)));
	EXPECT_EQ(12, handle.handle.handle_bytes);
}

TEST_F(handles, of_a_directory)
{
	struct handle handle;
	struct stat st;
	int fd;

	ASSERT_EQ(0, handles_mount(self));
	ASSERT_EQ(0, handle_of("dir", &handle));
	ASSERT_TRUE(forget(self));
	fd = handle_open(self->root, &handle, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	/* It is where it was. */
	EXPECT_LT(1, self->record->dots);
	ASSERT_EQ(0, fstatat(fd, "../file", &st, 0));
	EXPECT_EQ(NODE_FILE, st.st_ino);
	close(fd);
	ASSERT_EQ(0, handle_of(".", &handle));
	fd = handle_open(self->root, &handle, O_RDONLY | O_DIRECTORY);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(handles, stale_ones)
{
	struct handle handle, other;

	ASSERT_EQ(0, handles_mount(self));
	ASSERT_EQ(0, handle_of("file", &handle));
	other = handle;
	other.words[2]++;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &other, O_RDONLY));
	other.words[1] = 0;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &other, O_RDONLY));
	other = handle;
	other.handle.handle_bytes = 8;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &other, O_RDONLY));
	other = handle;
	other.handle.handle_type = 1;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &other, O_RDONLY));
	/* It is gone, another one now, or answered with another node. */
	ASSERT_TRUE(forget(self));
	self->record->dot_error = -ENOENT;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
	self->record->dot_error = -EIO;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
	self->record->dot_error = 0;
	self->record->dot_node = NODE_ENDLESS;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
	self->record->dot_node = FUSE_ROOT_ID;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
	self->record->dot_node = 0;
	self->record->generation = 1;
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
	EXPECT_EQ(5, self->record->dots);
	kill(self->server, SIGKILL);
	EXPECT_EQ(-ESTALE, handle_open(self->root, &handle, O_RDONLY));
}

/* A handle is no way into a view, not even with a descriptor from there. */
TEST_F(handles, not_from_outside_of_the_view)
{
	struct handle handle = { .handle = { .handle_bytes = 12, .handle_type = 0x81 },
				 .words = { 0, NODE_FILE, 0 } };
	int control = control_open();
	int view = view_create(control, "");
	int ready[2], pidfd, root;
	int byte = 0;
	pid_t pid;

	ASSERT_LE(0, view);
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		root = view_enter(view) ?: handles_mount(self) ?: self->root;
		/* From inside it works. */
		if (root < 0 || handle_open(root, &handle, O_RDONLY) < 0)
			root = -1;
		if (write(ready[1], &root, sizeof(root)) == sizeof(root))
			pause();
		_exit(1);
	}
	ASSERT_EQ(sizeof(byte), read(ready[0], &byte, sizeof(byte)));
	ASSERT_LE(0, byte);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	root = syscall(SYS_pidfd_getfd, pidfd, byte, 0);
	ASSERT_LE(0, root);
	EXPECT_EQ(-ESTALE, handle_open(root, &handle, O_RDONLY));
	handle.words[1] = NODE_DIR;
	EXPECT_EQ(-ESTALE, handle_open(root, &handle, O_RDONLY));
	close(root);
	close(pidfd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, umount(self->dir));
	close(view);
	close(control);
}

TEST_F(handles, files_without_a_name)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, handles_mount(self));
	umask(022);
	fd = open(".", O_TMPFILE | O_RDWR, 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(S_IFREG | 0644, self->record->tmp_mode);
	EXPECT_STREQ("/", self->record->tmp_name);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(TMP_NODE, st.st_ino);
	close(fd);
	/* One that is none; the node is given back. */
	self->record->tmp_node = NODE_DIR;
	EXPECT_EQ(-EIO, result(open(".", O_TMPFILE | O_RDWR, 0666)));
	self->record->tmp_node = FUSE_ROOT_ID;
	EXPECT_EQ(-EIO, result(open(".", O_TMPFILE | O_RDWR, 0666)));
	self->record->tmp_node = 0;
	EXPECT_EQ(-EIO, result(open(".", O_TMPFILE | O_RDWR, 0666)));
	/* One that has a name. */
	self->record->tmp_node = NODE_FILE;
	ASSERT_EQ(0, stat("file", &st));
	fd = open(".", O_TMPFILE | O_RDWR, 0666);
	EXPECT_LE(0, fd);
	close(fd);
	self->record->tmp_error = -ENOSPC;
	EXPECT_EQ(-ENOSPC, result(open(".", O_TMPFILE | O_RDWR, 0666)));
	/* A server that has none is asked once. */
	self->record->tmp_error = -ENOSYS;
	EXPECT_EQ(-EOPNOTSUPP, result(open(".", O_TMPFILE | O_RDWR, 0666)));
	self->record->tmp_error = 0;
	EXPECT_EQ(-EOPNOTSUPP, result(open("dir", O_TMPFILE | O_RDWR, 0666)));
	EXPECT_EQ(7, self->record->asked[FUSE_TMPFILE]);
}

TEST_HARNESS_MAIN

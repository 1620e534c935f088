// SPDX-License-Identifier: GPL-2.0
/*
 * Callers who are killed while the server has their request, which it does later all the same.
 *
 * The server is a process of the test's own, on the bare ABI, with one directory, "dir". In that
 * is "old", until it is removed or renamed, and then perhaps "new"; what is told of them is good
 * for long. The request that is to be held is done and answered when somebody looks "go" up.
 */

#include "../recorded.h"

#include <dirent.h>
#include <sys/xattr.h>

#define SERVER "late-test"
#define VALID 1000

enum { NODE_OLD = 10, NODE_NEW };

/* What the server and the test share. */
struct record {
	uint32_t old_type;
	bool old_gone;
	uint32_t new_type;	/* of "new", 0 if there is none */
	uint64_t new_node;
	uint32_t mode;		/* of "old" */
	char letter;		/* that "old" is full of */
	uint64_t changes;
	uint32_t hold;		/* the opcode to be held */
	uint32_t has;		/* the opcode that is held */
};

FIXTURE(late)
{
	RECORDED_FIELDS;
};

FIXTURE_VARIANT(late)
{
	uint32_t opcode;
	int (*call)(void);
	uint32_t type;
	int names;
};

static void serve_attr(const struct record *record, uint64_t node, struct fuse_attr *attr)
{
	fake_attr(attr, node);
	if (node == NODE_DIR)
		attr->mtime = record->changes;
	if (node == NODE_OLD) {
		attr->mode = record->old_type | record->mode;
		attr->nlink = 1 + (record->new_node == NODE_OLD);
	}
	if (node == NODE_NEW)
		attr->mode = record->new_type | 0644;
}

static void fill_entry(const struct record *record, uint64_t node, struct fuse_entry_out *entry)
{
	*entry = (struct fuse_entry_out){
		.nodeid = node, .entry_valid = VALID, .attr_valid = VALID };
	if (node)
		serve_attr(record, node, &entry->attr);
}

/* The node of a name, 0 if there is none. */
static uint64_t name_node(const struct record *record, const char *name)
{
	if (!strcmp(name, "dir"))
		return NODE_DIR;
	if (!strcmp(name, "old"))
		return record->old_gone ? 0 : NODE_OLD;
	return !strcmp(name, "new") && record->new_type ? record->new_node : 0;
}

static size_t put_name(char *to, uint64_t node, uint64_t off, const char *name)
{
	struct fuse_dirent dirent = { .ino = node, .off = off, .namelen = strlen(name) };

	memcpy(to, &dirent, FUSE_NAME_OFFSET);
	memcpy(to + FUSE_NAME_OFFSET, name, dirent.namelen);
	return FUSE_DIRENT_SIZE(&dirent);
}

static void serve_readdir(struct fake_server *fake, const struct record *record,
			  const struct fuse_in_header *in, const struct fuse_read_in *read)
{
	char data[256] = { };
	size_t len = 0;

	if (!read->offset && !record->old_gone)
		len += put_name(data + len, NODE_OLD, 1, "old");
	if (read->offset < 2 && record->new_type)
		len += put_name(data + len, record->new_node, 2, "new");
	fake_reply(fake, in->unique, 0, data, len);
}

static void make_new(struct record *record, uint32_t type, uint64_t node)
{
	record->new_type = type;
	record->new_node = node;
}

/* Does what is asked for, but for the answer. */
static void change(struct record *record, const struct fuse_in_header *in)
{
	record->changes++;
	switch (in->opcode) {
	case FUSE_MKNOD:
	case FUSE_CREATE:
		make_new(record, S_IFREG, NODE_NEW);
		break;
	case FUSE_MKDIR:
		make_new(record, S_IFDIR, NODE_NEW);
		break;
	case FUSE_SYMLINK:
		make_new(record, S_IFLNK, NODE_NEW);
		break;
	case FUSE_LINK:
		make_new(record, record->old_type, NODE_OLD);
		break;
	case FUSE_RENAME:
	case FUSE_RENAME2:
		make_new(record, record->old_type, NODE_OLD);
		record->old_gone = true;
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		record->old_gone = true;
		break;
	case FUSE_SETATTR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		record->mode = 0600;
		break;
	case FUSE_FALLOCATE:
		record->letter = 'z';
		break;
	}
}

static void serve_change(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} made = { };
	struct fuse_attr_out attr = { .attr_valid = VALID };
	size_t len = sizeof(made.entry);

	change(record, in);
	switch (in->opcode) {
	case FUSE_CREATE:
		len = sizeof(made);
		/* fall through */
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		fill_entry(record, record->new_node, &made.entry);
		fake_reply(fake, in->unique, 0, &made, len);
		break;
	case FUSE_SETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	default:
		fake_reply(fake, in->unique, 0, NULL, 0);
	}
}

static void serve_lookup(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in, const char *name,
			 const struct fuse_in_header *held)
{
	struct fuse_entry_out entry;

	if (!strcmp(name, "go")) {
		serve_change(fake, record, held);
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
		return;
	}
	fill_entry(record, name_node(record, name), &entry);
	fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
}

static void serve_read(struct fake_server *fake, const struct record *record,
		       const struct fuse_in_header *in, const struct fuse_read_in *read)
{
	static char data[4096];

	memset(data, record->letter, sizeof(data));
	fake_reply(fake, in->unique, 0, data, read->offset ? 0 : sizeof(data));
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	static const struct fuse_open_out open_dir = {
		.open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE };
	static const struct fuse_open_out open_file = { .open_flags = FOPEN_KEEP_CACHE };
	static struct fuse_in_header held;
	struct fuse_attr_out attr = { .attr_valid = VALID };

	if (in->opcode == record->hold) {
		held = *in;
		record->hold = 0;
		__atomic_store_n(&record->has, in->opcode, __ATOMIC_SEQ_CST);
		return;
	}
	switch (in->opcode) {
	case FUSE_LOOKUP:
		serve_lookup(fake, record, in, (const char *)(in + 1), &held);
		break;
	case FUSE_GETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPENDIR:
		fake_reply(fake, in->unique, 0, &open_dir, sizeof(open_dir));
		break;
	case FUSE_OPEN:
		fake_reply(fake, in->unique, 0, &open_file, sizeof(open_file));
		break;
	case FUSE_READDIR:
		serve_readdir(fake, record, in, (const void *)(in + 1));
		break;
	case FUSE_READ:
		serve_read(fake, record, in, (const void *)(in + 1));
		break;
	default:
		fake_handle(fake, in, in + 1);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(late)
{
	RECORDED_SETUP();
	*self->record = (struct record){
		.old_type = S_IFREG, .mode = 0644, .letter = 'x', .changes = 100 };
	RECORDED_SERVER(serve, self->record);
	ASSERT_EQ(0, RECORDED_MOUNT(""));
}

FIXTURE_TEARDOWN(late)
{
	RECORDED_TEARDOWN();
}

/* Which of the names the directory lists, and which can be looked up: bits, or a negative errno. */
enum { OLD_LISTED = 1, NEW_LISTED = 2, OLD_THERE = 4, NEW_THERE = 8 };
#define OLD	(OLD_LISTED | OLD_THERE)
#define NEW	(NEW_LISTED | NEW_THERE)

static int names(void)
{
	DIR *list = opendir("dir");
	struct dirent *entry;
	struct stat st;
	int ret = 0;

	if (!list)
		return -errno;
	while ((entry = readdir(list)))
		ret |= !strcmp(entry->d_name, "old") ? OLD_LISTED : NEW_LISTED;
	closedir(list);
	if (!lstat("dir/old", &st))
		ret |= OLD_THERE;
	if (!lstat("dir/new", &st))
		ret |= NEW_THERE;
	return ret;
}

static void go(void)
{
	struct stat st;

	stat("go", &st);
}

/* Runs @call in a process that is killed when the server has its request; whether it has. */
static bool killed(struct _test_data_late *self, uint32_t opcode, int (*call)(void))
{
	pid_t pid;

	self->record->has = 0;
	self->record->hold = opcode;
	pid = server_fork();
	if (!pid)
		_exit(call());
	for (int i = 0; i < 10000; i++) {
		if (__atomic_load_n(&self->record->has, __ATOMIC_SEQ_CST))
			break;
		sleep_ms(1);
	}
	kill(pid, SIGKILL);
	return status_soon(pid) == 128 + SIGKILL && self->record->has == opcode;
}

static int call_mknod(void)
{
	return mknod("dir/new", S_IFREG | 0644, 0);
}

static int call_create(void)
{
	return open("dir/new", O_WRONLY | O_CREAT | O_EXCL, 0644);
}

static int call_mkdir(void)
{
	return mkdir("dir/new", 0755);
}

static int call_symlink(void)
{
	return symlink("x", "dir/new");
}

static int call_link(void)
{
	return link("dir/old", "dir/new");
}

static int call_rename(void)
{
	return rename("dir/old", "dir/new");
}

static int call_unlink(void)
{
	return unlink("dir/old");
}

static int call_rmdir(void)
{
	return rmdir("dir/old");
}

static int call_chmod(void)
{
	return chmod("dir/old", 0600);
}

static int call_setxattr(void)
{
	return setxattr("dir/old", "user.x", "y", 1, 0);
}

static int call_removexattr(void)
{
	return removexattr("dir/old", "user.x");
}

static int call_punch(void)
{
	int fd = open("dir/old", O_RDWR);

	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
}

#define VARIANT(name, op, what, then)						\
	FIXTURE_VARIANT_ADD(late, name)						\
	{									\
		.opcode = op, .call = call_##name, .type = what, .names = then,	\
	}

VARIANT(mknod, FUSE_MKNOD, S_IFREG, OLD | NEW);
VARIANT(create, FUSE_CREATE, S_IFREG, OLD | NEW);
VARIANT(mkdir, FUSE_MKDIR, S_IFREG, OLD | NEW);
VARIANT(symlink, FUSE_SYMLINK, S_IFREG, OLD | NEW);
VARIANT(link, FUSE_LINK, S_IFREG, OLD | NEW);
VARIANT(rename, FUSE_RENAME, S_IFREG, NEW);
VARIANT(unlink, FUSE_UNLINK, S_IFREG, 0);
VARIANT(rmdir, FUSE_RMDIR, S_IFDIR, 0);
VARIANT(chmod, FUSE_SETATTR, S_IFREG, OLD);
VARIANT(setxattr, FUSE_SETXATTR, S_IFREG, OLD);
VARIANT(removexattr, FUSE_REMOVEXATTR, S_IFREG, OLD);
VARIANT(punch, FUSE_FALLOCATE, S_IFREG, OLD);

/* Nothing that is told afterwards is of before, however often it was asked for in between. */
TEST_F(late, is_seen)
{
	struct record *record = self->record;
	struct stat st;
	char letter;
	int fd;

	record->old_type = variant->type;
	ASSERT_EQ(OLD, names());
	ASSERT_TRUE(killed(self, variant->opcode, variant->call));
	ASSERT_EQ(OLD, names());
	ASSERT_EQ(OLD, names());
	ASSERT_EQ(0, stat("dir/old", &st));
	EXPECT_EQ(0644, st.st_mode & 07777);
	EXPECT_EQ(1, st.st_nlink);
	fd = open("dir/old", O_RDONLY);
	ASSERT_LE(0, fd);
	if (variant->type == S_IFREG)
		ASSERT_EQ(1, pread(fd, &letter, 1, 0));
	go();
	EXPECT_EQ(variant->names, names());
	EXPECT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(record->mode, st.st_mode & 07777);
	if (variant->call == call_link)
		EXPECT_EQ(2, st.st_nlink);
	if (variant->type == S_IFREG) {
		EXPECT_EQ(1, pread(fd, &letter, 1, 0));
		EXPECT_EQ(record->letter, letter);
	}
	close(fd);
}

TEST_HARNESS_MAIN

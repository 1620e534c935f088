// SPDX-License-Identifier: GPL-2.0
/*
 * Buffered writes that stay in the page cache: what the server sees of them, and when.
 *
 * The server is a process of the test's own, with files "0" to "3" in memory that the test shares:
 * so it can look at what the server has. It writes each request down, and does what the
 * test tells it to do wrong.
 */

#include "../fake_server.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define SERVER "writeback-test"

enum { FIRST_NODE = 10, NR_FILES = 4, FILE_MAX = 1 << 20, LOG_MAX = 4096 };

struct served_file {
	uint32_t mode;
	uint32_t removed;
	uint64_t size;
	struct timespec mtime;
	struct timespec ctime;
	char data[FILE_MAX];
};

/* What the server and the test share. */
struct record {
	uint32_t init_flags;	/* what the server agrees to */
	uint32_t offered;	/* what it was offered */
	int write_error;	/* the answer of every WRITE */
	uint32_t write_short;	/* that many bytes less are written than were sent */
	uint32_t deaf;		/* WRITEs are not answered */
	uint32_t held;		/* how many were not */
	uint32_t open_flags;	/* FOPEN_* */
	uint32_t setattr_error;
	uint32_t count;
	uint32_t opcodes[LOG_MAX];
	uint32_t killed_suid;	/* WRITEs that are to take set-id bits away */
	uint32_t appended;	/* WRITEs from the cache with O_APPEND */
	struct served_file files[NR_FILES];
};

struct wb_server {
	struct record *record;
	int session;
	struct fuse_in_header held[64];
	uint32_t held_size[64];
};

FIXTURE(writeback)
{
	char dir[32];
	struct record *record;
	struct served_file *file;	/* "0" */
	pid_t server;
	bool mounted;
};

static int unmount(struct _test_data_writeback *self)
{
	if (!self->mounted)
		return 0;
	self->mounted = false;
	return chdir("/") || umount(self->dir) ? -errno : 0;
}

static void say(struct wb_server *server, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + (error ? 0 : len), .error = error, .unique = unique };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)data, error ? 0 : len } };
	ssize_t ret = writev(server->session, iov, 2);

	(void)ret;
}

static struct served_file *file_of(struct wb_server *server, uint64_t node)
{
	return &server->record->files[node - FIRST_NODE];
}

static void wb_attr(struct wb_server *server, struct fuse_attr *attr, uint64_t node)
{
	const struct served_file *file = file_of(server, node);

	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->nlink = 1;
	attr->mode = S_IFDIR | 0755;
	if (node == FUSE_ROOT_ID)
		return;
	attr->nlink = !file->removed;
	attr->mode = file->mode;
	attr->size = file->size;
	attr->blocks = (file->size + 511) / 512;
	attr->mtime = file->mtime.tv_sec;
	attr->mtimensec = file->mtime.tv_nsec;
	attr->ctime = file->ctime.tv_sec;
	attr->ctimensec = file->ctime.tv_nsec;
}

static void touch(struct served_file *file)
{
	clock_gettime(CLOCK_REALTIME, &file->mtime);
	file->ctime = file->mtime;
}

static void resize(struct served_file *file, uint64_t size)
{
	if (size < file->size)
		memset(file->data + size, 0, FILE_MAX - size);
	file->size = size;
	touch(file);
}

/* Tells the kernel that the content of "0" has changed. */
static int invalidate(struct wb_server *server)
{
	struct fuse_notify_inval_inode_out inval = { .ino = FIRST_NODE };
	struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(inval), .error = FUSE_NOTIFY_INVAL_INODE };
	struct iovec iov[] = { { &header, sizeof(header) }, { &inval, sizeof(inval) } };

	return writev(server->session, iov, 2) == header.len ? -ENOENT : -errno;
}

static void write_answer(struct wb_server *server, uint64_t unique, uint32_t size)
{
	struct fuse_write_out out = { .size = size };

	say(server, unique, 0, &out, sizeof(out));
}

static void answer_held(struct wb_server *server)
{
	server->record->deaf = 0;
	for (uint32_t i = 0; i < server->record->held; i++)
		write_answer(server, server->held[i].unique, server->held_size[i]);
	server->record->held = 0;
}

static void serve_lookup(struct wb_server *server, const struct fuse_in_header *in,
			 const char *name)
{
	struct fuse_entry_out entry = { .nodeid = FIRST_NODE + *name - '0' };
	int error = -ENOENT;

	if (!strcmp(name, "inval"))
		error = invalidate(server);
	if (!strcmp(name, "answer"))
		answer_held(server);
	if (strlen(name) != 1 || *name < '0' || *name >= '0' + NR_FILES ||
	    file_of(server, entry.nodeid)->removed) {
		say(server, in->unique, error, NULL, 0);
		return;
	}
	wb_attr(server, &entry.attr, entry.nodeid);
	say(server, in->unique, 0, &entry, sizeof(entry));
}

static void serve_write(struct wb_server *server, const struct fuse_in_header *in,
			const struct fuse_write_in *write)
{
	struct record *record = server->record;
	struct served_file *file = file_of(server, in->nodeid);
	uint32_t size = write->size;

	record->killed_suid += !!(write->write_flags & FUSE_WRITE_KILL_SUIDGID);
	record->appended += write->write_flags & FUSE_WRITE_CACHE && write->flags & O_APPEND;
	if (record->write_error || write->offset + size > FILE_MAX) {
		say(server, in->unique, record->write_error ?: -EFBIG, NULL, 0);
		return;
	}
	size -= record->write_short;
	memcpy(file->data + write->offset, write + 1, size);
	if (write->offset + size > file->size)
		file->size = write->offset + size;
	touch(file);
	if (record->deaf && record->held < 64) {
		server->held_size[record->held] = size;
		server->held[record->held++] = *in;
		return;
	}
	write_answer(server, in->unique, size);
}

static void serve_read(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_read_in *read)
{
	const struct served_file *file = file_of(server, in->nodeid);
	size_t len = read->offset < file->size ? file->size - read->offset : 0;

	say(server, in->unique, 0, file->data + read->offset, len < read->size ? len : read->size);
}

static void serve_setattr(struct wb_server *server, const struct fuse_in_header *in,
			  const struct fuse_setattr_in *set)
{
	struct served_file *file = file_of(server, in->nodeid);
	struct fuse_attr_out out = { };

	if (server->record->setattr_error) {
		say(server, in->unique, -(int)server->record->setattr_error, NULL, 0);
		return;
	}
	if (set->valid & FATTR_SIZE)
		resize(file, set->size);
	if (set->valid & FATTR_MODE)
		file->mode = set->mode;
	if (set->valid & FATTR_MTIME) {
		file->mtime.tv_sec = set->mtime;
		file->mtime.tv_nsec = set->mtimensec;
	}
	if (set->valid & FATTR_CTIME) {
		file->ctime.tv_sec = set->ctime;
		file->ctime.tv_nsec = set->ctimensec;
	}
	wb_attr(server, &out.attr, in->nodeid);
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_fallocate(struct wb_server *server, const struct fuse_in_header *in,
			    const struct fuse_fallocate_in *fallocate)
{
	struct served_file *file = file_of(server, in->nodeid);

	if (fallocate->mode & FALLOC_FL_PUNCH_HOLE)
		memset(file->data + fallocate->offset, 0, fallocate->length);
	else if (fallocate->offset + fallocate->length > file->size)
		file->size = fallocate->offset + fallocate->length;
	say(server, in->unique, 0, NULL, 0);
}

static void serve_copy(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_copy_file_range_in *copy)
{
	struct served_file *from = file_of(server, in->nodeid);
	struct served_file *to = file_of(server, copy->nodeid_out);
	struct fuse_write_out out = { };

	if (copy->off_in < from->size)
		out.size = from->size - copy->off_in < copy->len ? from->size - copy->off_in :
			   copy->len;
	memcpy(to->data + copy->off_out, from->data + copy->off_in, out.size);
	if (copy->off_out + out.size > to->size)
		to->size = copy->off_out + out.size;
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_init(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_init_in *init)
{
	struct fuse_init_out out = {
		.major = 7, .minor = 36, .max_write = 65536, .max_readahead = 131072,
		.flags = server->record->init_flags,
	};

	server->record->offered = init->flags;
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_open(struct wb_server *server, const struct fuse_in_header *in,
		       const struct fuse_open_in *open)
{
	struct fuse_open_out out = { .open_flags = server->record->open_flags };

	if (in->opcode == FUSE_OPEN && open->flags & O_TRUNC)
		resize(file_of(server, in->nodeid), 0);
	say(server, in->unique, 0, &out, sizeof(out));
}

static void serve_one(struct wb_server *server, const struct fuse_in_header *in)
{
	struct record *record = server->record;
	const void *body = in + 1;
	struct fuse_attr_out attr = { };

	if (record->count < LOG_MAX)
		record->opcodes[record->count++] = in->opcode;
	switch (in->opcode) {
	case FUSE_INIT:
		serve_init(server, in, body);
		break;
	case FUSE_GETATTR:
		wb_attr(server, &attr.attr, in->nodeid);
		say(server, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		serve_lookup(server, in, body);
		break;
	case FUSE_READ:
		serve_read(server, in, body);
		break;
	case FUSE_WRITE:
		serve_write(server, in, body);
		break;
	case FUSE_SETATTR:
		serve_setattr(server, in, body);
		break;
	case FUSE_FALLOCATE:
		serve_fallocate(server, in, body);
		break;
	case FUSE_COPY_FILE_RANGE:
		serve_copy(server, in, body);
		break;
	case FUSE_UNLINK:
		record->files[*(const char *)body - '0'].removed = 1;
		say(server, in->unique, 0, NULL, 0);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		serve_open(server, in, body);
		break;
	case FUSE_FSYNC:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_RENAME:
	case FUSE_DESTROY:
		say(server, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		say(server, in->unique, -ENOSYS, NULL, 0);
	}
}

static void serve(int session, void *data)
{
	struct wb_server server = { .record = data, .session = session };
	static char buffer[1 << 18] __attribute__((aligned(8)));
	ssize_t len;

	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR && errno != ENOENT)
			_exit(0);
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			serve_one(&server, (void *)buffer);
	}
}

FIXTURE_SETUP(writeback)
{
	ASSERT_EQ(0, own_mounts());
	strcpy(self->dir, "/tmp/writeback.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->record = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->record);
	self->record->init_flags = FUSE_WRITEBACK_CACHE | FUSE_ATOMIC_O_TRUNC |
				   FUSE_HANDLE_KILLPRIV_V2 | FUSE_ASYNC_READ;
	self->record->open_flags = FOPEN_KEEP_CACHE;
	for (int i = 0; i < NR_FILES; i++)
		self->record->files[i].mode = S_IFREG | 0666;
	self->file = &self->record->files[0];
	self->server = server_start(SERVER, serve, self->record);
	ASSERT_GT(self->server, 0);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	self->mounted = true;
	ASSERT_EQ(0, chdir(self->dir));
	self->record->count = 0;
}

FIXTURE_TEARDOWN(writeback)
{
	EXPECT_EQ(0, unmount(self));
	EXPECT_EQ(0, self->record->appended);
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	rmdir(self->dir);
	munmap(self->record, sizeof(struct record));
}

static int asked(const struct record *record, uint32_t opcode)
{
	int n = 0;

	for (uint32_t i = 0; i < record->count; i++)
		n += record->opcodes[i] == opcode;
	return n;
}

/* The place of the last request of a kind. */
static int place_of(const struct record *record, uint32_t opcode)
{
	int place = -1;

	for (uint32_t i = 0; i < record->count; i++)
		if (record->opcodes[i] == opcode)
			place = i;
	return place;
}

static int64_t nanoseconds(struct timespec ts)
{
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static bool all_are(const char *data, char c, size_t len)
{
	return len == 0 || (data[0] == c && !memcmp(data, data + 1, len - 1));
}

/* Returns whether a thousand writes come to the server as one, in order with what else it gets. */
static bool written_as_one(struct record *record)
{
	int fd = open("0", O_RDWR);

	record->count = 0;
	for (int i = 0; i < 1000; i++)
		if (write(fd, "0123456789", 10) != 10)
			return false;
	if (asked(record, FUSE_WRITE))
		close(fd);
	else if (!close(fd) && asked(record, FUSE_WRITE) == 1 && !asked(record, FUSE_READ) &&
		 asked(record, FUSE_SETATTR) == 1)
		return place_of(record, FUSE_WRITE) < place_of(record, FUSE_SETATTR) &&
		       place_of(record, FUSE_SETATTR) < place_of(record, FUSE_FLUSH);
	return false;
}

/* Many small writes are one WRITE, sent before FLUSH, and then the times. */
TEST_F(writeback, small_writes)
{
	bool good = false;

	EXPECT_TRUE(self->record->offered & FUSE_WRITEBACK_CACHE);
	/* The kernel's flusher may find a reason to write some of it earlier. */
	for (int i = 0; i < 20 && !good; i++) {
		good = written_as_one(self->record);
		EXPECT_EQ(10000, self->file->size);
	}
	EXPECT_TRUE(good);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, memcmp(self->file->data + 10 * i, "0123456789", 10));
}

/* Without the server's consent nothing of this happens. */
TEST_F(writeback, not_agreed)
{
	int fd;

	ASSERT_EQ(0, unmount(self));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	self->record->init_flags = 0;
	self->server = server_start(SERVER, serve, self->record);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	self->mounted = true;
	ASSERT_EQ(0, chdir(self->dir));
	fd = open("0", O_WRONLY);
	ASSERT_EQ(1, write(fd, "a", 1));
	EXPECT_EQ(1, self->file->size);
	ASSERT_EQ(1, write(fd, "b", 1));
	EXPECT_EQ(2, asked(self->record, FUSE_WRITE));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, asked(self->record, FUSE_SETATTR));
}

/* The server's attributes are not heeded while it does not have the data. */
TEST_F(writeback, attributes_while_dirty)
{
	struct timespec before, after;
	struct stat dirty, clean;
	int fd = open("0", O_RDWR);

	clock_gettime(CLOCK_REALTIME, &before);
	ASSERT_EQ(5000, pwrite(fd, self->record->files[1].data, 5000, 0));
	clock_gettime(CLOCK_REALTIME, &after);
	ASSERT_EQ(0, fstat(fd, &dirty));
	EXPECT_GE(asked(self->record, FUSE_GETATTR), 1);
	EXPECT_EQ(5000, dirty.st_size);
	/* Who looks for holes by the number of blocks is not to find one. */
	EXPECT_GE(dirty.st_blocks, 10);
	EXPECT_LE(nanoseconds(before), nanoseconds(dirty.st_mtim));
	EXPECT_GE(nanoseconds(after), nanoseconds(dirty.st_mtim));
	EXPECT_EQ(nanoseconds(dirty.st_ctim), nanoseconds(dirty.st_mtim));
	EXPECT_EQ(5000, lseek(fd, 0, SEEK_END));

	sleep_ms(20);
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(nanoseconds(dirty.st_mtim), nanoseconds(self->file->mtime));
	EXPECT_EQ(nanoseconds(dirty.st_ctim), nanoseconds(self->file->ctime));
	ASSERT_EQ(0, fstat(fd, &clean));
	EXPECT_EQ(nanoseconds(dirty.st_mtim), nanoseconds(clean.st_mtim));
	EXPECT_EQ(5000, clean.st_size);

	/* Now the server's are the truth again. */
	resize(self->file, 100);
	ASSERT_EQ(0, fstat(fd, &clean));
	EXPECT_EQ(100, clean.st_size);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(100, self->file->size);
}

/* A time that was set stays, whatever was written before. */
TEST_F(writeback, times_that_are_set)
{
	struct timespec past[2] = { { 1000, 1 }, { 2000, 2 } };
	struct stat st;
	int fd = open("0", O_RDWR);

	ASSERT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, futimens(fd, past));
	EXPECT_EQ(3, self->file->size);
	EXPECT_EQ(2000, self->file->mtime.tv_sec);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(2000, st.st_mtim.tv_sec);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(2000, self->file->mtime.tv_sec);
	ASSERT_EQ(0, stat("0", &st));
	EXPECT_EQ(2000, st.st_mtim.tv_sec);
}

TEST_F(writeback, mapping_and_direct)
{
	static char buffer[4096] __attribute__((aligned(4096)));
	int fd = open("0", O_RDWR), direct = open("0", O_RDWR | O_DIRECT);
	char *map;

	ASSERT_EQ(3, pwrite(fd, "abc", 3, 0));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, memcmp(map, "abc", 3));
	map[1] = 'X';
	EXPECT_EQ(3, pread(fd, buffer, sizeof(buffer), 0));
	EXPECT_EQ(0, memcmp(buffer, "aXc", 3));
	ASSERT_EQ(1, pwrite(fd, "Y", 1, 2));
	EXPECT_EQ('Y', map[2]);

	ASSERT_EQ(3, pread(direct, buffer, 4096, 0));
	EXPECT_EQ(0, memcmp(buffer, "aXY", 3));
	/* What is behind the end in memory does not come to the file. */
	memset(map + 3, 'Z', 4093);
	ASSERT_EQ(1, pwrite(fd, "e", 1, 5000));
	EXPECT_TRUE(all_are(map + 3, 0, 4093));
	/* What the server has not as its end is a hole for us. */
	ASSERT_EQ(4096, pread(direct, buffer, 4096, 0));
	EXPECT_EQ(0, memcmp(buffer, "aXY", 3));
	EXPECT_TRUE(all_are(buffer + 3, 0, 4093));

	memset(buffer, 'D', 4096);
	ASSERT_EQ(1, pwrite(fd, "w", 1, 0));
	ASSERT_EQ(4096, pwrite(direct, buffer, 4096, 0));
	EXPECT_EQ(1, pread(fd, buffer, 1, 0));
	EXPECT_EQ('D', buffer[0]);
	EXPECT_EQ('D', map[10]);
	munmap(map, 8192);
	EXPECT_EQ(0, close(direct));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(5001, self->file->size);
	EXPECT_TRUE(all_are(self->file->data, 'D', 4096));
	EXPECT_EQ('e', self->file->data[5000]);
}

/* What is not written of a page has to be read first, by a file that is not open for that. */
TEST_F(writeback, part_of_a_page)
{
	int fd = open("0", O_WRONLY);

	memset(self->file->data, 'x', 10000);
	self->file->size = 10000;
	ASSERT_EQ(1, pwrite(fd, "A", 1, 10));
	EXPECT_EQ(1, asked(self->record, FUSE_READ));
	/* Whole pages, and what goes to the end, need not. */
	ASSERT_EQ(4096, pwrite(fd, self->record->files[1].data, 4096, 4096));
	ASSERT_EQ(2000, pwrite(fd, self->record->files[1].data, 2000, 8192));
	ASSERT_EQ(10, pwrite(fd, "0123456789", 10, 20000));
	EXPECT_EQ(1, asked(self->record, FUSE_READ));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ('x', self->file->data[9]);
	EXPECT_EQ('A', self->file->data[10]);
	EXPECT_EQ('x', self->file->data[11]);
	EXPECT_EQ('x', self->file->data[4095]);
	EXPECT_TRUE(all_are(self->file->data + 4096, 0, 20000 - 4096));
	EXPECT_EQ(20010, self->file->size);
	EXPECT_EQ(0, memcmp(self->file->data + 20000, "0123456789", 10));
}

/* From memory of which only a part can be read, only that comes into the file. */
TEST_F(writeback, unreadable_memory)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("0", O_RDWR);

	memset(self->file->data, 'x', 8192);
	self->file->size = 8192;
	memset(memory, 'm', 8192);
	ASSERT_EQ(0, mprotect(memory + 4096, 4096, PROT_NONE));
	EXPECT_EQ(1000, pwrite(fd, memory + 3096, 4096, 0));
	EXPECT_EQ(-1, pwrite(fd, memory + 4096, 4096, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, close(fd));
	EXPECT_TRUE(all_are(self->file->data, 'm', 1000));
	EXPECT_TRUE(all_are(self->file->data + 1000, 'x', 7192));
	EXPECT_EQ(8192, self->file->size);
}

TEST_F(writeback, append_by_two)
{
	char line[17];
	pid_t pid = fork();
	int fd = open("0", O_WRONLY | O_APPEND);

	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "%c %013d\n", pid ? 'p' : 'c', i);
		if (write(fd, line, 16) != 16)
			_exit(1);
		if (i % 100 == 50)
			fsync(fd);
	}
	if (close(fd))
		_exit(1);
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(16000, self->file->size);
	for (int i = 0, p = 0, c = 0; i < 1000; i++) {
		const char *at = self->file->data + 16 * i;

		snprintf(line, sizeof(line), "%c %013d\n", *at, *at == 'p' ? p : c);
		ASSERT_EQ(0, memcmp(line, at, 16));
		*at == 'p' ? p++ : c++;
	}
}

TEST_F(writeback, truncate)
{
	static char buffer[20000];
	struct stat st;
	int fd = open("0", O_RDWR);

	memset(buffer, 'a', sizeof(buffer));
	ASSERT_EQ(20000, write(fd, buffer, 20000));
	ASSERT_EQ(0, ftruncate(fd, 5000));
	EXPECT_EQ(5000, self->file->size);
	ASSERT_EQ(0, ftruncate(fd, 9000));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(9000, st.st_size);
	EXPECT_EQ(9000, pread(fd, buffer, sizeof(buffer), 0));
	EXPECT_TRUE(all_are(buffer, 'a', 5000));
	EXPECT_TRUE(all_are(buffer + 5000, 0, 4000));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(9000, self->file->size);
	EXPECT_TRUE(all_are(self->file->data, 'a', 5000));
	EXPECT_TRUE(all_are(self->file->data + 5000, 0, 4000));

	fd = open("0", O_RDWR);
	memset(buffer, 'b', sizeof(buffer));
	ASSERT_EQ(20000, write(fd, buffer, 20000));
	EXPECT_EQ(0, close(open("0", O_WRONLY | O_TRUNC)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, self->file->size);
}

/* One writes and one truncates: neither the size nor what is behind it is of before. */
TEST_F(writeback, truncate_and_write)
{
	struct stat st;
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = open("0", O_RDWR);
		for (int i = 0; i < 300; i++)
			if (pwrite(fd, "data", 4, (i * 997) % 40000) != 4)
				_exit(1);
		_exit(close(fd) != 0);
	}
	fd = open("0", O_RDWR);
	for (int i = 0; i < 100; i++) {
		EXPECT_EQ(0, ftruncate(fd, (i * 1777) % 50000));
		if (i % 10 == 0)
			EXPECT_EQ(0, fsync(fd));
	}
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(0, ftruncate(fd, 7777));
	ASSERT_EQ(0, fsync(fd));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(7777, st.st_size);
	EXPECT_EQ(7777, self->file->size);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(7777, self->file->size);
}

TEST_F(writeback, other_operations)
{
	static char buffer[4096];
	int fd = open("0", O_RDWR), to = open("1", O_RDWR);
	struct stat st;

	/* The server is asked where data are, and to copy, and has all that is to be known. */
	ASSERT_EQ(1, pwrite(fd, "x", 1, 10000));
	ASSERT_EQ(1, pwrite(to, "y", 1, 20));
	ASSERT_EQ(5000, copy_file_range(fd, &(off_t){ 3000 }, to, &(off_t){ 0 }, 5000, 0));
	ASSERT_EQ(0, fstat(to, &st));
	EXPECT_EQ(5000, st.st_size);
	EXPECT_EQ(5000, self->record->files[1].size);
	EXPECT_EQ(4096, pread(to, buffer, 4096, 0));
	EXPECT_TRUE(all_are(buffer, 0, 4096));

	memset(buffer, 'f', 4096);
	ASSERT_EQ(4096, pwrite(fd, buffer, 4096, 0));
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 1000));
	EXPECT_EQ(4096, pread(fd, buffer, 4096, 0));
	EXPECT_TRUE(all_are(buffer, 'f', 100));
	EXPECT_TRUE(all_are(buffer + 100, 0, 1000));
	EXPECT_TRUE(all_are(buffer + 1100, 'f', 4096 - 1100));
	ASSERT_EQ(0, fallocate(fd, 0, 0, 30000));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(30000, st.st_size);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(to));
	EXPECT_EQ(30000, self->file->size);
	EXPECT_EQ('x', self->file->data[10000]);
}

TEST_F(writeback, no_name)
{
	int fd = open("0", O_RDWR);
	char c = 0;

	ASSERT_EQ(1, write(fd, "u", 1));
	ASSERT_EQ(0, unlink("0"));
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ('u', c);
	ASSERT_EQ(1, write(fd, "v", 1));
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(2, self->file->size);
	ASSERT_EQ(1, write(fd, "w", 1));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, memcmp(self->file->data, "uvw", 3));
}

/* The server says that the content has changed: what is dirty is written, not lost. */
TEST_F(writeback, invalidated)
{
	int fd = open("0", O_RDWR);
	char buffer[4] = "";
	struct stat st;

	memset(self->file->data, 'x', 100);
	self->file->size = 100;
	ASSERT_EQ(1, pwrite(fd, "A", 1, 10));
	EXPECT_EQ(-1, stat("inval", &st));
	EXPECT_EQ(ENOENT, errno);
	ASSERT_EQ(3, pread(fd, buffer, 3, 9));
	EXPECT_STREQ("xAx", buffer);

	/* Nor is what somebody else wrote meanwhile overwritten by what was read before. */
	ASSERT_EQ(0, fsync(fd));
	self->file->data[50] = 'S';
	EXPECT_EQ(-1, stat("inval", &st));
	ASSERT_EQ(1, pwrite(fd, "B", 1, 20));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ('A', self->file->data[10]);
	EXPECT_EQ('B', self->file->data[20]);
	EXPECT_EQ('S', self->file->data[50]);
	EXPECT_EQ(100, self->file->size);
}

TEST_F(writeback, errors)
{
	struct stat st;
	int fd = open("0", O_RDWR), other = open("0", O_RDONLY);

	self->record->write_error = -ENOSPC;
	ASSERT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(ENOSPC, errno);
	/* Once to each. */
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(-1, fsync(other));
	EXPECT_EQ(ENOSPC, errno);
	/* What the server did not take is not there. */
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_size);
	ASSERT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(-1, close(fd));
	EXPECT_EQ(ENOSPC, errno);

	self->record->write_error = 0;
	self->record->write_short = 1;
	fd = open("0", O_RDWR);
	ASSERT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(EIO, errno);
	self->record->write_short = 0;
	ASSERT_EQ(3, pwrite(fd, "def", 3, 0));
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(0, memcmp(self->file->data, "def", 3));
	/* Times that cannot be set are no reason to fail. */
	self->record->setattr_error = EPERM;
	ASSERT_EQ(3, pwrite(fd, "ghi", 3, 0));
	EXPECT_EQ(0, fsync(fd));
	close(fd);
	EXPECT_EQ(0, close(other));
}

TEST_F(writeback, size_limit)
{
	struct rlimit limit = { 5000, 5000 };
	static char buffer[8192];
	int fd = open("0", O_RDWR);
	pid_t pid = fork();

	if (!pid) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		if (write(fd, buffer, 8192) != 5000 || write(fd, buffer, 1) >= 0 ||
		    errno != EFBIG)
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(5000, self->file->size);
}

/* Set-id bits go at once, by the server that agreed to do that. */
TEST_F(writeback, set_id)
{
	pid_t pid;

	self->file->mode = S_IFREG | 06777;
	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		if (become_nobody() || write(fd, "a", 1) != 1 || !self->record->killed_suid)
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(1, self->record->killed_suid);
	EXPECT_EQ(1, self->file->size);
}

/* Who ends without closing does not wait, and loses nothing. */
TEST_F(writeback, exit)
{
	pid_t pid = fork();

	if (!pid) {
		int fd = open("0", O_RDWR);

		for (int i = 0; i < 50; i++)
			if (pwrite(fd, "exit", 4, i * 5000) != 4)
				_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(0, unmount(self));
	EXPECT_EQ(49 * 5000 + 4, self->file->size);
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(0, memcmp(self->file->data + i * 5000, "exit", 4));
}

/* A server that does not answer: who waits can be killed, and what he wrote comes there. */
TEST_F(writeback, deaf)
{
	struct stat st;
	pid_t pid;

	self->record->deaf = 1;
	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		if (write(fd, "first", 5) != 5)
			_exit(1);
		close(fd);
		_exit(0);
	}
	while (!self->record->held)
		sleep_ms(10);
	/* Meanwhile others get what he wrote, and may write as well. */
	EXPECT_EQ(0, stat("0", &st));
	EXPECT_EQ(5, st.st_size);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));

	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		/* This page waits for the older one to arrive. */
		if (pwrite(fd, "later", 5, 5) != 5)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));
	EXPECT_EQ(5, self->file->size);
	EXPECT_EQ(-1, stat("answer", &st));
	EXPECT_EQ(0, unmount(self));
	EXPECT_EQ(10, self->file->size);
	EXPECT_EQ(0, memcmp(self->file->data, "firstlater", 10));
}

/* And if it never answers, umount does not wait for ever. */
TEST_F(writeback, deaf_for_ever)
{
	pid_t pid;

	self->record->deaf = 1;
	pid = fork();
	if (!pid) {
		int fd = open("0", O_RDWR);

		if (write(fd, "first", 5) != 5)
			_exit(1);
		fsync(fd);
		_exit(1);
	}
	while (!self->record->held)
		sleep_ms(10);
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(0x80 + SIGKILL, status_soon(pid));
}

TEST_F(writeback, dead)
{
	static char buffer[4096];
	int fd = open("0", O_RDWR), other = open("1", O_RDWR);

	/* What the flusher sends meanwhile does not arrive either. */
	self->record->deaf = 1;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(4096, write(fd, buffer, 4096));
		ASSERT_EQ(4096, write(other, buffer, 4096));
	}
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, close(other));
	EXPECT_EQ(-1, write(fd, buffer, 4096));
	EXPECT_EQ(ENOTCONN, errno);
	/* What is lost is not shown. */
	EXPECT_EQ(-1, pread(fd, buffer, 4096, 0));
	close(fd);
}

/* More than may be dirty: it goes out by and by, and all of it arrives. */
TEST_F(writeback, much)
{
	static char buffer[4096];
	int fd[NR_FILES];

	for (int i = 0; i < NR_FILES; i++)
		fd[i] = open((char[]){ '0' + i, 0 }, O_RDWR);
	for (int page = 0; page < FILE_MAX / 4096; page++) {
		for (int i = 0; i < NR_FILES; i++) {
			memset(buffer, page ^ i, 4096);
			ASSERT_EQ(4096, pwrite(fd[i], buffer, 4096, page * 4096));
		}
	}
	for (int i = 0; i < NR_FILES; i++) {
		EXPECT_EQ(0, close(fd[i]));
		EXPECT_EQ(FILE_MAX, self->record->files[i].size);
		for (int page = 0; page < FILE_MAX / 4096; page++)
			ASSERT_TRUE(all_are(self->record->files[i].data + page * 4096,
					    (char)(page ^ i), 4096));
	}
	EXPECT_LE(asked(self->record, FUSE_WRITE), 4 * NR_FILES * FILE_MAX / 65536);
}

TEST_HARNESS_MAIN

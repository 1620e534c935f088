// SPDX-License-Identifier: GPL-2.0
/*
 * Listings that the kernel keeps: when the server is asked again, and what is never kept.
 *
 * The server is a process of the test's own, with one directory, "dir", of which the test
 * says what is in it. The names are a letter and a number; offsets are ten times the number of
 * the entry. The look-up of "notice" makes the server send the notice that lies beside.
 */

#include "../recorded.h"

#include <dirent.h>

#define SERVER "listing-test"
#define NODE_FIRST 1000

enum lie {
	LIE_NONE,
	LIE_SAME_OFFSET,	/* each entry has that of the one before */
	LIE_BACKWARDS,		/* the last entry has an offset of before, once */
	LIE_SLASH,		/* a name has a slash */
	LIE_EMPTY,		/* a name is empty */
};

/* What the server and the test share. */
struct record {
	uint32_t count;		/* entries */
	char letter;		/* that the names begin with */
	uint64_t mtime;		/* of the directory */
	uint64_t valid;		/* seconds that attributes are good for */
	uint32_t open_flags;
	bool no_opendir;
	bool plus;		/* READDIRPLUS is spoken, and the server wants it always */
	enum lie lie;
	uint64_t hold;		/* the READDIR from this offset is not answered */
	uint32_t asked[64];	/* requests by opcode */
	/* The notice: its code, and its body. */
	int32_t code;
	uint32_t len;
	char body[256];
	int32_t error;
};

FIXTURE(listing)
{
	RECORDED_FIELDS;
};

static void serve_attr(const struct record *record, uint64_t node, struct fuse_attr *attr)
{
	fake_attr(attr, node);
	attr->mtime = record->mtime;
}

static void serve_lookup(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = { .nodeid = NODE_DIR, .entry_valid = 1000,
					.attr_valid = record->valid };
	struct fuse_out_header header = {
		.len = sizeof(header) + record->len, .error = record->code };
	struct iovec iov[] = { { &header, sizeof(header) }, { record->body, record->len } };

	if (!strcmp(name, "dir")) {
		serve_attr(record, NODE_DIR, &entry.attr);
	} else if (!strcmp(name, "gone") || !strcmp(name, "old")) {
		entry.nodeid = !strcmp(name, "gone") ? NODE_ENDLESS : NODE_FIRST;
		fake_attr(&entry.attr, entry.nodeid);
	} else {
		if (!strcmp(name, "notice"))
			record->error = writev(fake->session, iov, 2) < 0 ? errno : 0;
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
		return;
	}
	fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
}

static size_t entry_name(const struct record *record, uint32_t i, char *name)
{
	if (record->lie == LIE_EMPTY && i == 3)
		return 0;
	return sprintf(name, record->lie == LIE_SLASH && i == 3 ? "%c/%u" : "%c%u",
		       record->letter, i);
}

static uint64_t entry_offset(struct record *record, uint32_t i)
{
	if (record->lie == LIE_SAME_OFFSET)
		return 10;
	if (record->lie == LIE_BACKWARDS && i + 1 == record->count) {
		record->lie = LIE_NONE;
		return 10;
	}
	return (i + 1) * 10;
}

/* An entry at @to; its size, or 0 if it does not fit. */
static size_t put_entry(struct record *record, uint32_t i, bool plus, char *to, size_t room)
{
	struct fuse_entry_out entry = { .nodeid = NODE_FIRST + i, .entry_valid = record->valid,
					.attr_valid = record->valid };
	struct fuse_dirent dirent = { .ino = NODE_FIRST + i, .type = S_IFREG >> 12 };
	size_t before = plus ? sizeof(entry) : 0, size;
	char name[24];

	dirent.namelen = entry_name(record, i, name);
	size = FUSE_DIRENT_ALIGN(before + FUSE_NAME_OFFSET + dirent.namelen);
	if (size > room)
		return 0;
	dirent.off = entry_offset(record, i);
	fake_attr(&entry.attr, NODE_FIRST + i);
	memcpy(to, &entry, before);
	memcpy(to + before, &dirent, FUSE_NAME_OFFSET);
	memcpy(to + before + FUSE_NAME_OFFSET, name, dirent.namelen);
	return size;
}

static void serve_readdir(struct fake_server *fake, struct record *record,
			  const struct fuse_in_header *in, const struct fuse_read_in *read)
{
	static char data[1 << 16];
	bool plus = in->opcode == FUSE_READDIRPLUS;
	size_t len = 0, size;

	if (record->hold && read->offset >= record->hold) {
		record->hold = 0;
		return;
	}
	memset(data, 0, sizeof(data));
	for (uint32_t i = read->offset / 10; i < record->count; i++) {
		size = put_entry(record, i, plus, data + len, read->size - len);
		if (!size)
			break;
		len += size;
	}
	fake_reply(fake, in->unique, 0, data, len);
}

static void serve_made(struct fake_server *fake, struct record *record,
		       const struct fuse_in_header *in, uint32_t type)
{
	static uint64_t next = 5000;
	struct fuse_entry_out entry = { .nodeid = in->opcode == FUSE_LINK ? NODE_FIRST : ++next };

	fake_attr(&entry.attr, entry.nodeid);
	entry.attr.mode = type | 0644;
	record->count++;
	record->mtime++;
	fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = 7, .minor = 36, .max_write = 65536 };
	struct fuse_open_out open = { .open_flags = record->open_flags };
	struct fuse_attr_out attr = { .attr_valid = record->valid };
	const void *body = in + 1;

	if (in->opcode < 64)
		__atomic_fetch_add(&record->asked[in->opcode], 1, __ATOMIC_SEQ_CST);
	switch (in->opcode) {
	case FUSE_INIT:
		init.flags = record->plus ? FUSE_DO_READDIRPLUS : 0;
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		serve_lookup(fake, record, in, body);
		break;
	case FUSE_GETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPENDIR:
		if (record->no_opendir)
			fake_reply(fake, in->unique, -ENOSYS, NULL, 0);
		else
			fake_reply(fake, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		serve_readdir(fake, record, in, body);
		break;
	case FUSE_MKNOD:
	case FUSE_LINK:
		serve_made(fake, record, in, S_IFREG);
		break;
	case FUSE_MKDIR:
		serve_made(fake, record, in, S_IFDIR);
		break;
	case FUSE_SYMLINK:
		serve_made(fake, record, in, S_IFLNK);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		record->count--;
		record->mtime++;
		fake_reply(fake, in->unique, 0, NULL, 0);
		break;
	case FUSE_RENAME:
		record->letter++;
		record->mtime++;
		fake_reply(fake, in->unique, 0, NULL, 0);
		break;
	default:
		fake_handle(fake, in, body);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(listing)
{
	RECORDED_SETUP();
	*self->record = (struct record){
		.count = 2500, .letter = 'a', .mtime = 100, .valid = 1000,
		.open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE,
	};
	RECORDED_SERVER(serve, self->record);
}

FIXTURE_TEARDOWN(listing)
{
	RECORDED_TEARDOWN();
}

static int mounted(struct _test_data_listing *self)
{
	return RECORDED_MOUNT("");
}

static uint32_t reads(const struct _test_data_listing *self)
{
	return __atomic_load_n(&self->record->asked[FUSE_READDIR], __ATOMIC_SEQ_CST) +
	       __atomic_load_n(&self->record->asked[FUSE_READDIRPLUS], __ATOMIC_SEQ_CST);
}

/* Whether the next entries are those from number @i up to @end, and then no more. */
static bool rest_is(const struct record *record, DIR *list, uint32_t i, uint32_t end)
{
	struct dirent *entry;
	char name[24];

	for (; i < end; i++) {
		sprintf(name, "%c%u", record->letter, i);
		errno = 0;
		entry = readdir(list);
		if (!entry || strcmp(entry->d_name, name) || entry->d_ino != NODE_FIRST + i ||
		    entry->d_type != DT_REG || entry->d_off != (i + 1) * 10)
			return false;
	}
	errno = 0;
	return !readdir(list) && !errno;
}

/* Lists the directory: 1 if it is what it should be, 0 if not, or the errno. */
static int whole(struct _test_data_listing *self)
{
	DIR *list = opendir("dir");
	int ret;

	if (!list)
		return -errno;
	ret = rest_is(self->record, list, 0, self->record->count) ? 1 : errno ? -errno : 0;
	closedir(list);
	return ret;
}

/* How often the server is asked while the directory is listed once more; -1 if that goes wrong. */
static int asked(struct _test_data_listing *self)
{
	uint32_t before = reads(self);

	return whole(self) == 1 ? (int)(reads(self) - before) : -1;
}

TEST_F(listing, is_kept)
{
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
	EXPECT_EQ(0, asked(self));
}

TEST_F(listing, is_kept_without_opendir)
{
	self->record->no_opendir = true;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
	EXPECT_EQ(1, self->record->asked[FUSE_OPENDIR]);
}

TEST_F(listing, is_kept_only_where_the_server_says_so)
{
	self->record->open_flags = 0;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(2, asked(self));
	EXPECT_LT(2, asked(self));
	/* Kept, and dropped by each open. */
	self->record->open_flags = FOPEN_CACHE_DIR;
	EXPECT_LT(2, asked(self));
	EXPECT_LT(2, asked(self));
}

TEST_F(listing, of_nothing_is_kept_too)
{
	self->record->count = 0;
	ASSERT_EQ(0, mounted(self));
	EXPECT_EQ(1, asked(self));
	EXPECT_EQ(0, asked(self));
}

TEST_F(listing, of_ten_thousand)
{
	self->record->count = 10000;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(10, asked(self));
	EXPECT_EQ(0, asked(self));
}

static int change(int which)
{
	switch (which) {
	case 0:
		return mknod("dir/new", S_IFREG | 0644, 0);
	case 1:
		return mkdir("dir/newdir", 0755);
	case 2:
		return symlink("x", "dir/newlink");
	case 3:
		return link("dir/old", "dir/newold");
	case 4:
		return unlink("dir/old");
	case 5:
		return rmdir("dir/gone");
	default:
		return rename("dir/old", "dir/renamed");
	}
}

TEST_F(listing, changes_with_what_is_done_here)
{
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(2, asked(self));
	for (int i = 0; i < 7; i++) {
		EXPECT_EQ(0, asked(self));
		ASSERT_EQ(0, change(i)) TH_LOG("change %d: %s", i, strerror(errno));
		EXPECT_LT(2, asked(self)) TH_LOG("change %d", i);
	}
	EXPECT_EQ(0, asked(self));
}

static void notice(struct _test_data_listing *self, int code, const void *body, uint32_t len)
{
	struct stat st;

	self->record->code = code;
	self->record->len = len;
	memcpy(self->record->body, body, len);
	stat("notice", &st);
}

static void notice_name(struct _test_data_listing *self, int code, size_t len, const char *name)
{
	char body[64] = { };

	*(uint64_t *)body = NODE_DIR;
	if (code == FUSE_NOTIFY_INVAL_ENTRY)
		((struct fuse_notify_inval_entry_out *)body)->namelen = strlen(name);
	else
		((struct fuse_notify_delete_out *)body)->namelen = strlen(name);
	strcpy(body + len, name);
	notice(self, code, body, len + strlen(name) + 1);
}

TEST_F(listing, changes_with_notices)
{
	const struct fuse_notify_inval_inode_out inval = { .ino = NODE_DIR };

	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(0, asked(self));
	self->record->letter++;
	/* So far nobody has told. */
	EXPECT_NE(1, whole(self));
	notice(self, FUSE_NOTIFY_INVAL_INODE, &inval, sizeof(inval));
	EXPECT_EQ(0, self->record->error);
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));

	self->record->letter++;
	notice_name(self, FUSE_NOTIFY_INVAL_ENTRY, sizeof(struct fuse_notify_inval_entry_out), "n");
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));

	self->record->letter++;
	notice_name(self, FUSE_NOTIFY_DELETE, sizeof(struct fuse_notify_delete_out), "n");
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
}

TEST_F(listing, changes_with_the_time_of_the_directory)
{
	self->record->valid = 0;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(0, asked(self));
	EXPECT_EQ(0, asked(self));
	self->record->letter++;
	self->record->mtime++;
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
}

/* A part was read before the change: it is not joined with what is read after. */
TEST_F(listing, is_of_one_time)
{
	DIR *list;

	self->record->valid = 0;
	ASSERT_EQ(0, mounted(self));
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	ASSERT_NE(NULL, readdir(list));
	self->record->letter++;
	self->record->mtime++;
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
	closedir(list);
}

TEST_F(listing, has_two_readers)
{
	uint32_t count = self->record->count, before;
	struct dirent *entry;
	DIR *lists[2];
	char name[24];

	ASSERT_EQ(0, mounted(self));
	/* The first time both read from the server, then both what is kept. */
	for (int round = 0; round < 2; round++) {
		before = reads(self);
		for (int j = 0; j < 2; j++)
			ASSERT_NE(NULL, lists[j] = opendir("dir"));
		for (uint32_t i = 0; i < count; i++) {
			sprintf(name, "a%u", i);
			for (int j = 0; j < 2; j++) {
				entry = readdir(lists[j]);
				ASSERT_NE(NULL, entry);
				ASSERT_STREQ(name, entry->d_name);
			}
		}
		for (int j = 0; j < 2; j++) {
			EXPECT_EQ(NULL, readdir(lists[j]));
			closedir(lists[j]);
		}
		if (round)
			EXPECT_EQ(before, reads(self));
	}
	EXPECT_EQ(0, asked(self));
}

TEST_F(listing, is_found_one_s_way_in)
{
	uint32_t count = self->record->count, before;
	DIR *list;

	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(0, asked(self));
	before = reads(self);
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	for (uint32_t i = 0; i < count; i += 7) {
		struct dirent *entry;

		seekdir(list, (long)i * 10);
		entry = readdir(list);
		ASSERT_NE(NULL, entry);
		ASSERT_EQ(NODE_FIRST + i, entry->d_ino);
		ASSERT_EQ((long)(i + 1) * 10, telldir(list));
	}
	seekdir(list, 1230);
	EXPECT_TRUE(rest_is(self->record, list, 123, count));
	seekdir(list, (long)count * 10);
	EXPECT_EQ(NULL, readdir(list));
	rewinddir(list);
	EXPECT_TRUE(rest_is(self->record, list, 0, count));
	EXPECT_EQ(before, reads(self));
	/* What no entry has, the server is to say. */
	seekdir(list, 1235);
	EXPECT_TRUE(rest_is(self->record, list, 123, count));
	EXPECT_EQ(before + 1, reads(self));
	closedir(list);
}

TEST_F(listing, goes_on_after_a_reader_was_killed)
{
	pid_t pid;

	ASSERT_EQ(0, mounted(self));
	self->record->hold = 10;
	pid = fork();
	if (!pid) {
		whole(self);
		_exit(0);
	}
	for (int i = 0; i < 10000 && *(volatile uint64_t *)&self->record->hold; i++)
		sleep_ms(1);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
}

/* What changes while somebody reads is not kept; he goes on from where he was. */
TEST_F(listing, is_not_kept_when_it_changes_meanwhile)
{
	const struct fuse_notify_inval_inode_out inval = { .ino = NODE_DIR };
	uint32_t count = self->record->count;
	DIR *list;

	ASSERT_EQ(0, mounted(self));
	for (int round = 0; round < 2; round++) {
		list = opendir("dir");
		ASSERT_NE(NULL, list);
		ASSERT_NE(NULL, readdir(list));
		notice(self, FUSE_NOTIFY_INVAL_INODE, &inval, sizeof(inval));
		EXPECT_TRUE(rest_is(self->record, list, 1, count));
		closedir(list);
		EXPECT_LT(2, asked(self));
		EXPECT_EQ(0, asked(self));
	}
}

TEST_F(listing, goes_with_the_memory)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY), dir;
	DIR *list;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(0, asked(self));
	EXPECT_EQ(0, asked(self));
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	ASSERT_EQ(1, write(fd, "1", 1));
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
	/* In the middle. */
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	ASSERT_NE(NULL, readdir(list));
	ASSERT_EQ(1, write(fd, "1", 1));
	EXPECT_TRUE(rest_is(self->record, list, 1, self->record->count));
	closedir(list);
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, asked(self));
	close(dir);
	close(fd);
}

/* A directory that was removed is still open: there is nothing in it. */
TEST_F(listing, of_a_directory_that_has_gone)
{
	DIR *list;

	ASSERT_EQ(0, mounted(self));
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	EXPECT_TRUE(rest_is(self->record, list, 0, self->record->count));
	ASSERT_EQ(0, rmdir("dir"));
	rewinddir(list);
	errno = 0;
	EXPECT_EQ(NULL, readdir(list));
	EXPECT_TRUE(errno == 0 || errno == ENOENT);
	closedir(list);
}

TEST_F(listing, with_attributes_that_hold)
{
	struct stat st;

	self->record->plus = true;
	self->record->count = 300;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LT(2, asked(self));
	EXPECT_EQ(0, self->record->asked[FUSE_READDIR]);
	EXPECT_EQ(0, asked(self));
	self->record->asked[FUSE_LOOKUP] = 0;
	EXPECT_EQ(0, stat("dir/a299", &st));
	EXPECT_EQ(0, self->record->asked[FUSE_LOOKUP]);
}

/* The names are to be asked for again: with the next listing they are. */
TEST_F(listing, with_attributes_that_are_over)
{
	self->record->plus = true;
	self->record->valid = 0;
	self->record->count = 300;
	ASSERT_EQ(0, mounted(self));
	EXPECT_LE(2, asked(self));
	EXPECT_LE(2, asked(self));
	EXPECT_EQ(0, self->record->asked[FUSE_READDIR]);
}

TEST_F(listing, with_offsets_that_do_not_grow)
{
	struct dirent *entry;
	uint32_t before;
	DIR *list;

	self->record->count = 20;
	ASSERT_EQ(0, mounted(self));
	self->record->lie = LIE_BACKWARDS;
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	/* All of them, then those behind the first again. */
	for (uint32_t i = 0; i < 20 + 19; i++) {
		entry = readdir(list);
		ASSERT_NE(NULL, entry);
	}
	EXPECT_EQ(NULL, readdir(list));
	closedir(list);
	EXPECT_LT(0, asked(self));
	EXPECT_EQ(0, asked(self));

	self->record->lie = LIE_SAME_OFFSET;
	self->record->mtime++;
	notice(self, FUSE_NOTIFY_INVAL_INODE,
	       &(struct fuse_notify_inval_inode_out){ .ino = NODE_DIR }, 24);
	list = opendir("dir");
	ASSERT_NE(NULL, list);
	before = reads(self);
	for (int i = 0; i < 1000; i++)
		ASSERT_NE(NULL, readdir(list));
	EXPECT_LT(10, reads(self) - before);
	closedir(list);
}

TEST_F(listing, with_names_that_cannot_be)
{
	static const enum lie lies[] = { LIE_SLASH, LIE_EMPTY };
	struct dirent *entry;
	uint32_t before;
	DIR *list;

	self->record->count = 20;
	ASSERT_EQ(0, mounted(self));
	for (int i = 0; i < 4; i++) {
		self->record->lie = lies[i / 2];
		list = opendir("dir");
		ASSERT_NE(NULL, list);
		before = reads(self);
		errno = 0;
		while ((entry = readdir(list)))
			EXPECT_EQ(NULL, strchr(entry->d_name, '/'));
		EXPECT_EQ(EIO, errno);
		EXPECT_LT(before, reads(self));
		closedir(list);
	}
	self->record->lie = LIE_NONE;
	EXPECT_LT(0, asked(self));
	EXPECT_EQ(0, asked(self));
}

TEST_HARNESS_MAIN

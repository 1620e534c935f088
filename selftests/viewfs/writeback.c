// SPDX-License-Identifier: GPL-2.0
/*
 * Buffered writes that stay in the page cache: what the server sees of them, and when.
 */

#include "written.h"

#include <sys/resource.h>

FIXTURE(writeback)
{
	WRITTEN_FIELDS;
};

FIXTURE_SETUP(writeback)
{
	WRITTEN_SETUP();
}

FIXTURE_TEARDOWN(writeback)
{
	WRITTEN_TEARDOWN();
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

	ASSERT_EQ(0, unmount(self->dir, &self->mounted));
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	self->record->init_flags = 0;
	RECORDED_SERVER(serve, self->record);
	ASSERT_EQ(0, RECORDED_MOUNT(""));
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

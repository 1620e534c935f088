// SPDX-License-Identifier: GPL-2.0
/*
 * libviewos makes of one request a LOOKUP, an OPEN and a READ for libfuse, and of the answers
 * one. So: servers that answer any from elsewhere, late, out of turn or with an error.
 *
 * Each name says what the server does:
 *
 *   plain        answers
 *   thread-look  another thread answers LOOKUP
 *   thread-open  another thread answers OPEN, when the server has gone on
 *   thread-read  another thread answers READ, when the server has gone on
 *   short-read   READ brings less than there is, the first time
 *   fail-read    READ is EIO, the first time
 *   slow         answers LOOKUP, and goes on only when that has come to the client
 *   fails        OPEN is EBUSY
 *   secret       may be opened by root only
 *   first, pair  LOOKUP of the former is kept, and answered after that of the latter
 *   dir          is a directory
 */
#define FUSE_USE_VERSION 314

#include "../viewos_test.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "viewos.h"

#define SERVER	"opening-test"
#define TEXT	"content"

static const char *const names[] = {
	"", "", "plain", "thread-look", "thread-open", "slow", "fails", "secret", "first", "pair",
	"dir", "thread-read", "short-read", "fail-read",
};

enum {
	PLAIN = 2, THREAD_LOOK, THREAD_OPEN, SLOW, FAILS, SECRET, FIRST, PAIR, DIR_NODE,
	THREAD_READ, SHORT_READ, FAIL_READ, NODES
};

/* Shared by the server and the test. */
struct record {
	atomic_int looked[NODES];
	atomic_int opened[NODES];	/* OPENs answered well */
	atomic_int released[NODES];
	atomic_int read[NODES];
	atomic_bool no_open;		/* OPEN is ENOSYS */
	atomic_int bad;			/* requests with a wrong handle */
	atomic_bool go_on;
};

static struct record *record;

static struct stat attributes(fuse_ino_t ino)
{
	struct stat st = { .st_ino = ino, .st_mode = S_IFREG | 0644, .st_nlink = 1,
			   .st_size = strlen(TEXT) };

	if (ino == FUSE_ROOT_ID || ino == DIR_NODE)
		st.st_mode = S_IFDIR | 0755;
	else if (ino == SECRET)
		st.st_mode = S_IFREG | 0600;
	return st;
}

static void answer_lookup(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse_entry_param entry = { .ino = ino, .attr = attributes(ino) };

	atomic_fetch_add(&record->looked[ino], 1);
	fuse_reply_entry(req, &entry);
}

static void answer_open(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse_file_info file = { .fh = ino };

	atomic_fetch_add(&record->opened[ino], 1);
	fuse_reply_open(req, &file);
}

static void *look_elsewhere(void *req)
{
	answer_lookup(req, THREAD_LOOK);
	return NULL;
}

static void *open_elsewhere(void *req)
{
	sleep_ms(50);
	answer_open(req, THREAD_OPEN);
	return NULL;
}

static void run_thread(void *(*run)(void *), fuse_req_t req, bool join)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, req))
		abort();
	if (join)
		pthread_join(thread, NULL);
	else
		pthread_detach(thread);
}

static void opening_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	/* Given by one thread and taken by another, but by one at a time. */
	static fuse_req_t _Atomic first;
	fuse_ino_t ino = PLAIN;

	while (ino < NODES && strcmp(names[ino], name))
		ino++;
	switch (ino) {
	case NODES:
		fuse_reply_err(req, ENOENT);
		break;
	case FIRST:
		first = req;
		break;
	case THREAD_LOOK:
		run_thread(look_elsewhere, req, true);
		break;
	default:
		answer_lookup(req, ino);
	}
	if (ino == PAIR && first) {
		answer_lookup(first, FIRST);
		first = NULL;
	}
	for (int i = 0; ino == SLOW && i < 10000 && !atomic_load(&record->go_on); i++)
		sleep_ms(1);
}

static void opening_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	if (ino == FAILS)
		fuse_reply_err(req, EBUSY);
	else if (atomic_load(&record->no_open))
		fuse_reply_err(req, ENOSYS);
	else if (ino == THREAD_OPEN)
		run_thread(open_elsewhere, req, false);
	else
		answer_open(req, ino);
}

static void opening_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	if (file->fh != ino)
		atomic_fetch_add(&record->bad, 1);
	atomic_fetch_add(&record->released[ino], 1);
	fuse_reply_err(req, 0);
}

static void *read_elsewhere(void *req)
{
	sleep_ms(50);
	fuse_reply_buf(req, TEXT, strlen(TEXT));
	return NULL;
}

static void opening_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			 struct fuse_file_info *file)
{
	bool first = !atomic_fetch_add(&record->read[ino], 1);

	if (file->fh != (atomic_load(&record->no_open) ? 0 : ino))
		atomic_fetch_add(&record->bad, 1);
	if (ino == FAIL_READ && first)
		fuse_reply_err(req, EIO);
	else if (ino == THREAD_READ && !off)
		run_thread(read_elsewhere, req, false);
	else if (ino == SHORT_READ && first)
		fuse_reply_buf(req, TEXT, 2);
	else
		fuse_reply_buf(req, TEXT + off, off < strlen(TEXT) ? strlen(TEXT) - off : 0);
}

static void opening_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 60);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = opening_lookup,
	.open = opening_open,
	.release = opening_release,
	.read = opening_read,
	.getattr = opening_getattr,
};

FIXTURE(opening)
{
	char dir[32];
	pid_t server;
};

FIXTURE_VARIANT(opening)
{
	unsigned int threads;
};

FIXTURE_VARIANT_ADD(opening, one_thread) { .threads = 1 };
FIXTURE_VARIANT_ADD(opening, threads) { .threads = 4 };

FIXTURE_SETUP(opening)
{
	struct viewos_server_accept accept = { };
	int server;

	ASSERT_EQ(0, own_mounts());
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, record);
	strcpy(self->dir, "/tmp/opening.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	server = server_create(control_open());
	ASSERT_LE(0, server);
	ASSERT_EQ(0, server_add(server, SERVER, false));
	self->server = fork();
	if (!self->server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-viewos_fuse_serve(server_accept(server, &accept), &ops, sizeof(ops), NULL,
					 variant->threads));
	}
	close(server);
	ASSERT_EQ(0, viewfs_mount(SERVER, self->dir, ""));
	ASSERT_EQ(0, chdir(self->dir));
}

/* All that was opened was released. */
FIXTURE_TEARDOWN(opening)
{
	EXPECT_EQ(0, chdir("/"));
	EXPECT_EQ(0, umount(self->dir));
	EXPECT_EQ(0, child_status(self->server));
	for (int i = 0; i < NODES; i++)
		EXPECT_EQ(atomic_load(&record->opened[i]), atomic_load(&record->released[i]));
	EXPECT_EQ(0, atomic_load(&record->bad));
	munmap(record, sizeof(*record));
	rmdir(self->dir);
}

static bool reads(const char *name)
{
	char text[64] = "";
	int fd = open(name, O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text));

	close(fd);
	return len == (ssize_t)strlen(TEXT) && !memcmp(text, TEXT, len);
}

static void forget_names(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0 || write(fd, "2", 1) != 1)
		ksft_print_msg("cannot drop caches\n");
	close(fd);
}

TEST_F(opening, plain_and_errors)
{
	EXPECT_TRUE(reads("plain"));
	EXPECT_EQ(1, atomic_load(&record->looked[PLAIN]));
	EXPECT_EQ(1, atomic_load(&record->opened[PLAIN]));
	EXPECT_EQ(-ENOENT, result(open("nothing", O_RDONLY)));
	EXPECT_EQ(-EBUSY, result(open("fails", O_RDONLY)));
	EXPECT_EQ(-EBUSY, result(open("fails", O_RDONLY)));
	EXPECT_EQ(-EISDIR, result(open("dir", O_RDWR)));
	for (int i = 0; i < 20; i++) {
		forget_names();
		EXPECT_TRUE(reads("plain"));
	}
}

/* Was the file's content there when open(2) returned, by one READ? -1 if it is not right. */
static int comes_with_open(void)
{
	int before = atomic_load(&record->read[PLAIN]), at_open, fd;
	char text[64];
	bool right;

	forget_names();
	fd = open("plain", O_RDONLY);
	at_open = atomic_load(&record->read[PLAIN]);
	right = read(fd, text, sizeof(text)) == (ssize_t)strlen(TEXT) &&
		!memcmp(text, TEXT, strlen(TEXT));
	close(fd);
	if (!right)
		return -1;
	return at_open == before + 1 && atomic_load(&record->read[PLAIN]) == at_open;
}

/* A worker that does not get its CPU for long sends what it has, and READ comes by itself. */
TEST_F(opening, content)
{
	int came;

	for (int no_open = 0; no_open < 2; no_open++) {
		atomic_store(&record->no_open, no_open);
		came = 0;
		for (int i = 0; i < 50 && !came; i++)
			came = comes_with_open();
		EXPECT_EQ(1, came);
		for (int i = 0; i < 10; i++)
			EXPECT_LE(0, comes_with_open());
	}
}

TEST_F(opening, content_is_not_all_there_is)
{
	EXPECT_TRUE(reads("short-read"));
	EXPECT_TRUE(reads("fail-read"));
	EXPECT_EQ(2, atomic_load(&record->read[SHORT_READ]));
	EXPECT_EQ(2, atomic_load(&record->read[FAIL_READ]));
}

TEST_F(opening, answers_from_elsewhere)
{
	for (int i = 0; i < 5; i++) {
		forget_names();
		EXPECT_TRUE(reads("thread-read"));
		EXPECT_TRUE(reads("thread-look"));
		EXPECT_TRUE(reads("thread-open"));
	}
}

/* LOOKUP's answer does not wait for an OPEN that the thread does not come to. */
TEST_F(opening, slow)
{
	struct stat st;
	pid_t pid = fork();

	if (!pid)
		_exit(!reads("slow"));
	while (!atomic_load(&record->looked[SLOW]))
		sleep_ms(1);
	/* Known, since the answer has gone; if it has not yet, we are looked up behind it. */
	if (variant->threads > 1)
		EXPECT_EQ(0, stat("slow", &st));
	atomic_store(&record->go_on, true);
	EXPECT_EQ(0, child_status(pid));
}

/* The kernel asks only for what the caller may open, as far as the server can tell. */
TEST_F(opening, no_permission)
{
	pid_t pid = fork();

	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		_exit(-result(open("secret", O_RDONLY)));
	}
	EXPECT_EQ(EACCES, child_status(pid));
	EXPECT_EQ(0, atomic_load(&record->opened[SECRET]));
	EXPECT_TRUE(reads("secret"));
}

TEST_F(opening, two_answers_in_one_turn)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!reads("first"));
	sleep_ms(300);
	EXPECT_TRUE(reads("pair"));
	/* If it came too late to be the first, it is still to be answered. */
	while (waitpid(pid, NULL, WNOHANG) != pid) {
		forget_names();
		reads("pair");
		sleep_ms(10);
	}
}

static void open_many(void)
{
	for (int i = 0; i < 50; i++) {
		if (i % 10 == 0)
			forget_names();
		if (!reads("plain") || !reads("thread-open"))
			_exit(1);
	}
	_exit(0);
}

TEST_F(opening, many_at_once)
{
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i])
			open_many();
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, child_status(pids[i]));
}

TEST_HARNESS_MAIN

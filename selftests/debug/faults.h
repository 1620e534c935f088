/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps that are done again and again with their Nth allocation, or copy from or to user
 * space, failing: N = 1, 2, 3, ... until one passes with no failure injected.
 *
 * What fails, fails with an errno of its own; nobody slips out of a view; and afterwards
 * the same works. Leaks are for kmemleak to find. Needs CONFIG_FAULT_INJECTION.
 */
#ifndef _FAULTS_H
#define _FAULTS_H

#include "../viewos_test.h"

#include <sys/mman.h>
#include <sys/rseq.h>

#define MAX_FAULTS 3000
#define NO_RSEQ "glibc.pthread.rseq=0"

/**
 * struct step - something done again and again
 * @name: for messages
 * @run: does it, with failures: 0 or more, or -errno
 * @again: makes it possible once more, whether it failed or not; may be NULL
 */
struct step {
	const char *name;
	int (*run)(void);
	void (*again)(void);
};

static int control, parent, view = -1, made = -1;
static uint64_t home;

static int fail_nth = -1;
/* Which allocation or copy is to fail in this pass. */
static unsigned int fault;

static bool fail_at(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fail_nth, text, len, 0) == len;
}

/* Whether the failure has not come; no more will. */
static bool fail_left(void)
{
	char text[16] = "";
	bool left = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && atoi(text) > 0;

	return fail_at(0) && left;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			perror(path);
		close(fd);
	}
}

/* The file tells of its opener: each task opens its own. */
static bool fail_init(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		write_file(path, "0");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		write_file(path, "N");
	}
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fail_nth >= 0;
}

/* Also ENOMEM: netlink's, fork's, open's, fcntl's, and what the page cache says. */
static bool usual(int err)
{
	return err == -ENOMEM || err == -EFAULT || err == -ENOBUFS || err == -EAGAIN ||
	       err == -ENFILE || err == -ENOLCK || err == -EIO;
}

static void walk(struct __test_metadata *_metadata, const struct step *step)
{
	unsigned int n, failed = 0;
	bool left = false;
	int ret = 0;

	for (n = 1; n < MAX_FAULTS && !left; n++) {
		fault = n;
		ASSERT_TRUE(fail_at(n));
		ret = step->run();
		left = fail_left();
		EXPECT_EQ(home, view_self());
		if (!left && ret < 0) {
			failed++;
			EXPECT_TRUE(usual(ret)) {
				TH_LOG("%s, failure %u: %s", step->name, n, strerror(-ret));
			}
		}
		if (step->again)
			step->again();
	}
	EXPECT_LE(0, ret) {
		TH_LOG("%s, no failure: %s", step->name, strerror(-ret));
	}
	EXPECT_TRUE(left) {
		TH_LOG("%s: still failing after %u", step->name, MAX_FAULTS);
	}
	printf("# %s: %u failures injected, %u times it failed\n", step->name, n - 2, failed);
	fflush(stdout);
}

static void walk_all(struct __test_metadata *_metadata, const struct step *steps)
{
	for (; steps->name; steps++)
		walk(_metadata, steps);
}

/* Does something with a file that is opened for it. */
static inline int with_file(const char *path, int flags, int (*call)(int fd))
{
	int fd = open(path, flags, 0644);
	int ret = fd < 0 ? -errno : call(fd);

	if (fd >= 0)
		close(fd);
	return ret;
}

/* What is not in the caches is asked for. */
static inline void drop_caches(void)
{
	write_file("/proc/sys/vm/drop_caches", "3");
}

static inline void close_made(void)
{
	if (made >= 0)
		close(made);
	made = -1;
}

static inline int dump(uint8_t cmd)
{
	struct nl_message message;
	static char answer[32768];
	int family = nl_family();

	if (family < 0)
		return family;
	nl_begin(&message, family, cmd, NLM_F_DUMP);
	return nl_talk(&message, answer, sizeof(answer));
}

/* Enters with failures. A task that moves on from one view to another needs no memory. */
static int enter(void)
{
	bool left;
	int ret;

	for (unsigned int n = 1; ; n++) {
		fail_at(n);
		ret = view_enter(view);
		left = fail_left();
		if (!ret || left)
			return ret;
		if (!usual(ret) || view_self() != 0)
			return -EPROTO;
	}
}

FIXTURE(faults) {
};

FIXTURE_SETUP(faults)
{
	if (!fail_init())
		SKIP(return, "no /proc/self/fail-nth: the kernel has no CONFIG_FAULT_INJECTION");
	/* Code that is not here yet would be read now, and SIGBUS if that fails. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	ASSERT_EQ(0, own_mounts());
	control = control_open();
	ASSERT_LE(0, control);
	parent = view_create(control, "outer");
	ASSERT_LE(0, parent);
	view = view_create_in(control, parent, "faults", VIEWOS_INHERIT_SHARE);
	ASSERT_LE(0, view);
	ASSERT_EQ(0, enter());
	home = view_self();
	ASSERT_NE(0, home);
}

FIXTURE_TEARDOWN(faults)
{
	close(view);
	close(parent);
	close(control);
	close(fail_nth);
}

/*
 * A copy to the rseq area that fails, as a preempted task makes it, is SIGSEGV by the kernel's
 * own rule. So the C library is told, by starting again, to have none.
 */
static __attribute__((constructor)) void without_rseq(int argc, char **argv)
{
	const char *tunables = getenv("GLIBC_TUNABLES") ?: "";
	char *more;

	if (!__rseq_size)
		return;
	if (strstr(tunables, NO_RSEQ) ||
	    asprintf(&more, "%s%s" NO_RSEQ, tunables, *tunables ? ":" : "") < 0) {
		fputs("faults: the C library does not do without rseq\n", stderr);
		_exit(1);
	}
	setenv("GLIBC_TUNABLES", more, 1);
	execv("/proc/self/exe", argv);
	_exit(127);
}

#endif /* _FAULTS_H */

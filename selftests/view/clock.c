// SPDX-License-Identifier: GPL-2.0
/* Clocks of views: who reads which time, who may set it, and when a deadline comes. */

#include "../viewos_test.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

#define SECOND	1000000000LL
#define DAY	(86400 * SECOND)
#define YEAR	(365 * DAY)

/* What a reading may be late by, on a slow machine. */
#define SLACK	(20 * SECOND)

/* What libc says in a program that was executed: by vDSO, if there is one. */
static __attribute__((constructor)) void print_times(void)
{
	const char *fd = getenv("CLOCK_TEST_FD");
	struct timespec ts;
	struct timeval tv;

	if (!fd)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gettimeofday(&tv, NULL);
	dprintf(atoi(fd), "%lld %lld %lld %lu\n", (long long)ts.tv_sec, (long long)tv.tv_sec,
		(long long)time(NULL), getauxval(AT_SYSINFO_EHDR));
	_exit(0);
}

static int clock_make(int view, uint32_t flags, int64_t realtime, uint64_t rate)
{
	struct viewos_view_clock clock = {
		.size = sizeof(clock),
		.flags = flags,
		.realtime = realtime,
		.rate = rate,
	};

	return result(ioctl(view, VIEWOS_IOC_VIEW_CLOCK, &clock));
}

static int clock_offset(int view, int64_t offset)
{
	return clock_make(view, VIEWOS_CLOCK_OFFSET, offset, 0);
}

/* The calls, and not what the vDSO has; as both kinds of programs have them. */
static int64_t read_clock(int id)
{
	long ts[2] = { };

	return syscall(SYS_clock_gettime, id, ts) ? -errno : ts[0] * SECOND + ts[1];
}

static int64_t now(void)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static bool near(int64_t time, int64_t expected)
{
	return time >= expected && time < expected + SLACK;
}

static struct timespec timespec_of(int64_t time)
{
	return (struct timespec){ .tv_sec = time / SECOND, .tv_nsec = time % SECOND };
}

FIXTURE(clock)
{
	int64_t real, mono;
	int control, view;
};

FIXTURE_SETUP(clock)
{
	self->real = now();
	self->mono = monotonic();
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(clock)
{
	int64_t drift = (now() - self->real) - (monotonic() - self->mono);

	/* Whatever a test did, here nothing has changed. */
	EXPECT_GT(SECOND, llabs(drift));
	close(self->view);
	close(self->control);
}

TEST_F(clock, all_calls_that_read_it)
{
	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	EXPECT_EQ(0, IN_CHILD(({
		int64_t then = self->real + YEAR;
		long tv[2], zone[2], seconds = 0;

		view_enter(self->view) || !near(read_clock(CLOCK_REALTIME), then) ||
		!near(read_clock(CLOCK_REALTIME_COARSE) + SECOND, then) ||
		!near(read_clock(CLOCK_TAI) + SECOND, then) ||
		syscall(SYS_gettimeofday, tv, zone) || !near(tv[0] * SECOND + SECOND, then) ||
		tv[1] < 0 || tv[1] >= 1000000 ||
		syscall(SYS_time, &seconds) != seconds || !near(seconds * SECOND + SECOND, then) ||
		!near(syscall(SYS_time, NULL) * SECOND + SECOND, then) ||
		!near(monotonic(), self->mono) ||
		IN_CHILD(!near(now(), then));
	})));
	EXPECT_TRUE(near(now(), self->real));
}

#ifdef SYS_clock_gettime64
TEST_F(clock, calls_with_64_bits)
{
	ASSERT_EQ(0, clock_offset(self->view, 50 * YEAR));
	EXPECT_EQ(0, IN_CHILD(({
		int64_t ts[2] = { };

		view_enter(self->view) || syscall(SYS_clock_gettime64, CLOCK_REALTIME, ts) ||
		!near(ts[0] * SECOND + ts[1], self->real + 50 * YEAR);
	})));
}
#endif

TEST_F(clock, bad_pointers_are_EFAULT)
{
	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) ||
			      result(syscall(SYS_clock_gettime, 0, 8)) != -EFAULT ||
			      result(syscall(SYS_gettimeofday, 8, NULL)) != -EFAULT ||
			      result(syscall(SYS_gettimeofday, NULL, 8)) != -EFAULT ||
			      result(syscall(SYS_gettimeofday, NULL, NULL)) != 0 ||
			      result(syscall(SYS_time, 8)) != -EFAULT ||
			      result(syscall(SYS_clock_gettime, 99, 8)) != -EINVAL));
}

/* Runs this very program in a view, and gives what it prints. */
static int executed(int view, long long *times, unsigned long *vdso)
{
	char text[128] = "", *argv[] = { "clock", NULL }, fd[32], *envp[] = { fd, NULL };
	int fds[2], status;
	pid_t pid;

	if (pipe(fds))
		return -1;
	snprintf(fd, sizeof(fd), "CLOCK_TEST_FD=%d", fds[1]);
	pid = fork();
	if (!pid) {
		if (view < 0 || !view_enter(view))
			execve("/proc/self/exe", argv, envp);
		_exit(99);
	}
	close(fds[1]);
	status = child_status(pid);
	if (read(fds[0], text, sizeof(text) - 1) <= 0)
		status = -1;
	close(fds[0]);
	return status ?: sscanf(text, "%lld %lld %lld %lu", times, times + 1, times + 2, vdso) != 4;
}

TEST_F(clock, programs_that_are_executed_have_no_vdso)
{
	unsigned long vdso = 1;
	long long times[3];
	int i;

	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	ASSERT_EQ(0, executed(self->view, times, &vdso));
	EXPECT_EQ(0, vdso);
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(near((times[i] + 1) * SECOND, self->real + YEAR));
	/* Others have it. */
	ASSERT_EQ(0, executed(-1, times, &vdso));
	EXPECT_NE(0, vdso);
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(near((times[i] + 1) * SECOND, self->real));
}

TEST_F(clock, a_view_without_a_clock_keeps_its_vdso)
{
	int other = view_create(self->control, "");
	unsigned long vdso = 0;
	long long times[3];

	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	ASSERT_EQ(0, executed(other, times, &vdso));
	EXPECT_NE(0, vdso);
	EXPECT_TRUE(near((times[0] + 1) * SECOND, self->real));
	EXPECT_EQ(0, IN_CHILD(view_enter(other) || !near(now(), self->real)));
	close(other);
}

TEST_F(clock, date)
{
	ASSERT_EQ(0, clock_make(self->view, VIEWOS_CLOCK_DATE, 1000 * SECOND, 0));
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) || !near(now(), 1000 * SECOND)));
}

TEST_F(clock, nested)
{
	int plain, own, below;

	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	plain = view_create_in(self->control, self->view, "", 0);
	own = view_create_in(self->control, self->view, "", 0);
	ASSERT_EQ(0, clock_offset(own, -DAY));
	below = view_create_in(self->control, own, "", 0);
	ASSERT_EQ(0, clock_make(below, VIEWOS_CLOCK_RATE, 0, VIEWOS_CLOCK_RATE_ONE));
	EXPECT_EQ(0, IN_CHILD(view_enter(plain) || !near(now(), self->real + YEAR)));
	EXPECT_EQ(0, IN_CHILD(view_enter(own) || !near(now(), self->real + YEAR - DAY)));
	EXPECT_EQ(0, IN_CHILD(view_enter(below) || !near(now(), self->real + YEAR - DAY)));
	/* The one above is set, also while somebody is beneath it: it takes them all along. */
	EXPECT_EQ(0, IN_CHILD(view_enter(below) || clock_offset(self->view, 2 * YEAR) ||
			      !near(now(), self->real + 2 * YEAR - DAY)));
	EXPECT_EQ(0, IN_CHILD(view_enter(plain) || !near(now(), self->real + 2 * YEAR)));
	close(below);
	close(own);
	close(plain);
}

TEST_F(clock, at_depth_32)
{
	int views[32], i;

	views[0] = self->view;
	ASSERT_EQ(0, clock_offset(views[0], DAY));
	for (i = 1; i < 32; i++) {
		views[i] = view_create_in(self->control, views[i - 1], "", 0);
		ASSERT_LE(0, views[i]);
		ASSERT_EQ(0, clock_offset(views[i], DAY));
	}
	EXPECT_EQ(0, IN_CHILD(view_enter(views[31]) || !near(now(), self->real + 32 * DAY)));
	for (i = 31; i; i--)
		close(views[i]);
}

TEST_F(clock, given_before_anybody_can_have_seen_another)
{
	int busy = view_create(self->control, ""), child;
	int go[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid)
		_exit(view_enter(busy) || write(go[1], "", 1) != 1 || pause());
	ASSERT_EQ(1, read(go[0], &byte, 1));
	EXPECT_EQ(-EBUSY, clock_offset(busy, YEAR));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	child = view_create_in(self->control, busy, "", 0);
	EXPECT_EQ(-EBUSY, clock_offset(busy, YEAR));
	close(child);
	EXPECT_EQ(0, clock_offset(busy, YEAR));
	/* One of its own is set at any time. */
	EXPECT_EQ(0, IN_CHILD(view_enter(busy) || clock_offset(busy, 2 * YEAR) ||
			      !near(now(), self->real + 2 * YEAR)));
	close(busy);
}

TEST_F(clock, set_inside_it_moves_alone)
{
	int beside = view_create(self->control, "");

	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	ASSERT_EQ(0, clock_offset(beside, DAY));
	EXPECT_EQ(0, IN_CHILD(({
		struct timespec ts = { .tv_sec = 2000 };
		struct timeval tv = { .tv_sec = 1000 };
		int wrong = view_enter(self->view);

		wrong |= settimeofday(&tv, NULL) || !near(now(), 1000 * SECOND);
		wrong |= clock_settime(CLOCK_REALTIME, &ts) || !near(now(), 2000 * SECOND);
		/* A child of the view's sees it. */
		wrong |= IN_CHILD(!near(now(), 2000 * SECOND));
		ts.tv_nsec = SECOND;
		wrong |= result(clock_settime(CLOCK_REALTIME, &ts)) != -EINVAL;
		ts = (struct timespec){ .tv_sec = -1 };
		wrong |= result(clock_settime(CLOCK_REALTIME, &ts)) != -EINVAL;
		wrong || !near(now(), 2000 * SECOND);
	})));
	EXPECT_TRUE(near(now(), self->real));
	EXPECT_EQ(0, IN_CHILD(view_enter(beside) || !near(now(), self->real + DAY)));
	close(beside);
}

TEST_F(clock, adjtimex)
{
	struct timex before = { };

	ASSERT_LE(0, adjtimex(&before));
	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	EXPECT_EQ(0, IN_CHILD(({
		struct timex tx = { };
		int wrong = view_enter(self->view);

		wrong |= adjtimex(&tx) < 0 || !near((tx.time.tv_sec + 1) * SECOND,
						    self->real + YEAR);
		tx = (struct timex){ .modes = ADJ_SETOFFSET, .time.tv_sec = 86400 };
		wrong |= adjtimex(&tx) < 0 || !near(now(), self->real + YEAR + DAY);
		tx = (struct timex){ .modes = ADJ_SETOFFSET, .time.tv_usec = 1000000 };
		wrong |= result(adjtimex(&tx)) != -EINVAL;
		tx = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 1 << 16 };
		wrong |= result(adjtimex(&tx)) != -EPERM;
		tx = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 1000 };
		wrong |= result(adjtimex(&tx)) != -EPERM;
		wrong;
	})));
	EXPECT_EQ(0, IN_CHILD(({
		struct timex tx = { };

		adjtimex(&tx) < 0 || tx.freq != before.freq;
	})));
}

TEST_F(clock, who_may_set_it)
{
	struct timeval tv = { .tv_sec = 1000 };

	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	/* Root's view, and nobody in it. */
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) || become_nobody() ||
			      result(settimeofday(&tv, NULL)) != -EPERM ||
			      unshare(CLONE_NEWUSER) ||
			      result(settimeofday(&tv, NULL)) != -EPERM ||
			      clock_offset(self->view, DAY) != -EPERM ||
			      !near(now(), self->real + YEAR)));
	/* A user's own: with privilege where they are, as it takes outside. */
	EXPECT_EQ(0, IN_CHILD(({
		int own, wrong = become_nobody() != 0;

		own = view_create(self->control, "");
		wrong |= clock_offset(own, YEAR) || view_enter(own);
		wrong |= result(settimeofday(&tv, NULL)) != -EPERM;
		wrong |= unshare(CLONE_NEWUSER) != 0;
		wrong |= settimeofday(&tv, NULL) != 0;
		wrong || !near(now(), 1000 * SECOND);
	})));
}

TEST_F(clock, malformed_is_EINVAL)
{
	const uint64_t one = VIEWOS_CLOCK_RATE_ONE;
	int child;

	EXPECT_EQ(-EINVAL, clock_make(self->view, 0, 0, 0));
	EXPECT_EQ(-EINVAL, clock_make(self->view, 8, 0, 0));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_OFFSET | VIEWOS_CLOCK_DATE, 0, 0));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_OFFSET, 0, one));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_RATE, 1, one));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_RATE, 0, 0));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_RATE, 0, one * 1000 + 1));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_RATE, 0, one / 1000 - 1));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_RATE, 0, UINT64_MAX));
	EXPECT_EQ(-EINVAL, clock_offset(self->view, INT64_MAX));
	EXPECT_EQ(-EINVAL, clock_offset(self->view, INT64_MIN));
	EXPECT_EQ(-EINVAL, clock_offset(self->view, -100 * YEAR));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_DATE, -1, 0));
	EXPECT_EQ(-EINVAL, clock_make(self->view, VIEWOS_CLOCK_DATE, INT64_MAX, 0));
	/* None of that has left a clock. */
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) || !near(now(), self->real)));
	/* Together they are too fast. */
	ASSERT_EQ(0, clock_make(self->view, VIEWOS_CLOCK_RATE, 0, one * 1000));
	child = view_create_in(self->control, self->view, "", 0);
	EXPECT_EQ(-EINVAL, clock_make(child, VIEWOS_CLOCK_RATE, 0, one * 2));
	EXPECT_EQ(0, clock_make(child, VIEWOS_CLOCK_RATE, 0, one / 2));
	close(child);
}

TEST_F(clock, not_of_the_root_view_nor_of_others)
{
	int root = view_open(self->control, 0, "", VIEWOS_VIEW_OPEN_SELF);

	EXPECT_EQ(-EPERM, clock_offset(root, YEAR));
	EXPECT_EQ(0, IN_CHILD(become_nobody() || clock_offset(self->view, YEAR) != -EPERM));
	close(root);
}

/* How each of these waits, until a deadline by the clock. 0: it came. */
static int wait_nanosleep(int64_t deadline)
{
	long ts[2] = { deadline / SECOND, deadline % SECOND };

	return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, ts, NULL);
}

static int wait_libc_nanosleep(int64_t deadline)
{
	struct timespec ts = timespec_of(deadline);

	return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
}

static int wait_timerfd(int64_t deadline)
{
	struct itimerspec its = { .it_value = timespec_of(deadline) };
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	uint64_t count = 0;

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) ||
	       read(fd, &count, sizeof(count)) != sizeof(count) || count != 1 || close(fd);
}

static int wait_timer(int64_t deadline)
{
	struct itimerspec its = { .it_value = timespec_of(deadline) };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return timer_create(CLOCK_REALTIME, &event, &timer) ||
	       timer_settime(timer, TIMER_ABSTIME, &its, NULL) ||
	       sigwait(&set, &got) || got != SIGUSR1 || timer_delete(timer);
}

static int wait_futex(int64_t deadline)
{
	long ts[2] = { deadline / SECOND, deadline % SECOND };
	int word = 0;

	return result(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, ts,
			      NULL, -1)) != -ETIMEDOUT;
}

static int wait_futex_pi(int64_t deadline)
{
	long ts[2] = { deadline / SECOND, deadline % SECOND };
	int word = getppid();

	return result(syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, ts, NULL, 0)) != -ETIMEDOUT;
}

static int wait_mq(int64_t deadline)
{
	struct timespec ts = timespec_of(deadline);
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	mqd_t mq = mq_open("/viewos-clock", O_RDWR | O_CREAT, 0600, &attr);
	char byte;
	int ret;

	mq_unlink("/viewos-clock");
	if (mq < 0)
		return -errno;
	ret = result(mq_timedreceive(mq, &byte, 1, NULL, &ts)) != -ETIMEDOUT;
	close(mq);
	return ret;
}

static const struct {
	const char *name;
	int (*wait)(int64_t deadline);
} waits[] = {
	{ "clock_nanosleep", wait_nanosleep },
	{ "clock_nanosleep by libc", wait_libc_nanosleep },
	{ "timerfd_settime", wait_timerfd },
	{ "timer_settime", wait_timer },
	{ "futex", wait_futex },
	{ "futex with priority inheritance", wait_futex_pi },
	{ "mq_timedreceive", wait_mq },
};

/* Not all kernels have message queues. */
static bool can_wait(int (*wait)(int64_t deadline))
{
	return wait != wait_mq || mq_open("/viewos-clock", O_RDWR) >= 0 || errno != ENOSYS;
}

/* In a view whose clock is so much ahead; in how much real time, in milliseconds, or < 0. */
static int waited(int view, int (*wait)(int64_t deadline), int64_t ahead)
{
	pid_t pid = fork();

	if (!pid) {
		int64_t start;
		int ret;

		/* A deadline that is not translated is years away. */
		alarm(10);
		if (view_enter(view))
			_exit(250);
		start = monotonic();
		ret = wait(now() + ahead);
		if (ret)
			_exit(251);
		/* In 20 ms. */
		_exit((monotonic() - start) / (SECOND / 50) > 240 ? 240 :
		      (monotonic() - start) / (SECOND / 50));
	}
	return child_status(pid);
}

TEST_F(clock, deadlines)
{
	static const int64_t offsets[] = { YEAR, -YEAR, 0 };
	size_t i, j;
	int view, took;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		view = view_create(self->control, "");
		ASSERT_EQ(0, clock_offset(view, offsets[i]));
		for (j = 0; j < sizeof(waits) / sizeof(waits[0]); j++) {
			if (!can_wait(waits[j].wait)) {
				TH_LOG("no %s on this kernel", waits[j].name);
				continue;
			}
			took = waited(view, waits[j].wait, SECOND / 5);
			EXPECT_LE(10, took)
				TH_LOG("%s at offset %" PRId64, waits[j].name, offsets[i]);
			EXPECT_GT(150, took)
				TH_LOG("%s at offset %" PRId64, waits[j].name, offsets[i]);
			/* One that is over, long ago. */
			took = waited(view, waits[j].wait, -SECOND);
			EXPECT_GT(150, took)
				TH_LOG("%s at offset %" PRId64, waits[j].name, offsets[i]);
		}
		close(view);
	}
}

TEST_F(clock, timers_that_are_no_deadlines_by_it)
{
	ASSERT_EQ(0, clock_offset(self->view, YEAR));
	EXPECT_EQ(0, IN_CHILD(({
		int64_t deadline = monotonic() + SECOND / 5;
		struct itimerspec its = { .it_value = timespec_of(deadline) };
		long ts[2] = { deadline / SECOND, deadline % SECOND };
		struct itimerspec none = { };
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);
		int wrong = view_enter(self->view);
		uint64_t count = 0;

		alarm(10);
		wrong |= timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL);
		wrong |= read(fd, &count, sizeof(count)) != sizeof(count) || monotonic() < deadline;
		wrong |= syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, ts, NULL);
		/* Relative, by the clock; and zero, which takes a timer out of use. */
		its.it_value = timespec_of(SECOND / 5);
		close(fd);
		fd = timerfd_create(CLOCK_REALTIME, 0);
		wrong |= timerfd_settime(fd, 0, &its, NULL);
		wrong |= read(fd, &count, sizeof(count)) != sizeof(count);
		its.it_value.tv_sec = now() / SECOND + 100;
		wrong |= timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL);
		wrong |= timerfd_settime(fd, TFD_TIMER_ABSTIME, &none, &its);
		wrong |= its.it_value.tv_sec < 90 || its.it_value.tv_sec > 100;
		wrong |= timerfd_gettime(fd, &its) || its.it_value.tv_sec || its.it_value.tv_nsec;
		/* What is no time is refused as ever, and no timer is one. */
		its.it_value.tv_nsec = -1;
		wrong |= result(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL)) != -EINVAL;
		its.it_value = timespec_of(SECOND);
		wrong |= result(timerfd_settime(0, TFD_TIMER_ABSTIME, &its, NULL)) != -EINVAL;
		wrong |= result(timerfd_settime(-1, TFD_TIMER_ABSTIME, &its, NULL)) != -EBADF;
		wrong |= result(syscall(SYS_timer_settime, 12345, TIMER_ABSTIME, &its, 0)) !=
			 -EINVAL;
		wrong;
	})));
}

TEST_F(clock, rate)
{
	int slow = view_create(self->control, "");
	int both = view_create_in(self->control, self->view, "", 0);
	int took;

	close(both);
	ASSERT_EQ(0, clock_make(self->view, VIEWOS_CLOCK_DATE | VIEWOS_CLOCK_RATE, 1000 * SECOND,
				VIEWOS_CLOCK_RATE_ONE * 100));
	both = view_create_in(self->control, self->view, "", 0);
	ASSERT_EQ(0, clock_make(both, VIEWOS_CLOCK_RATE, 0, VIEWOS_CLOCK_RATE_ONE / 100));
	ASSERT_EQ(0, clock_make(slow, VIEWOS_CLOCK_RATE, 0, VIEWOS_CLOCK_RATE_ONE / 1000));
	EXPECT_EQ(0, IN_CHILD(({
		int64_t mono, time, passed, says;
		int wrong = view_enter(self->view);

		mono = monotonic();
		time = now();
		usleep(300000);
		says = now() - time;
		passed = monotonic() - mono;
		wrong |= says > passed * 101 || says < (passed - SECOND / 5) * 99;
		/* As fast as outside, in the end. */
		wrong |= view_enter(both);
		mono = monotonic();
		time = now();
		usleep(300000);
		says = now() - time;
		passed = monotonic() - mono;
		wrong |= says > passed * 101 / 100 || says < (passed - SECOND / 5) * 99 / 100;
		wrong;
	})));
	EXPECT_EQ(0, IN_CHILD(({
		int wrong = view_enter(slow);
		int64_t time = now();

		usleep(300000);
		wrong || now() - time > SECOND / 50;
	})));
	/* 20 seconds by the clock, 0.2 by the host's; it is not before its time. */
	took = waited(self->view, wait_nanosleep, 20 * SECOND);
	EXPECT_LE(9, took);
	EXPECT_GT(150, took);
	took = waited(self->view, wait_timerfd, 20 * SECOND);
	EXPECT_LE(9, took);
	EXPECT_GT(150, took);
	EXPECT_EQ(0, IN_CHILD(({
		int64_t deadline;
		int i, wrong = view_enter(self->view);

		for (i = 0; i < 20; i++) {
			deadline = now() + SECOND / 2 + i;
			wrong |= wait_nanosleep(deadline) || now() < deadline;
		}
		wrong;
	})));
	close(both);
	close(slow);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/* The class clock: calls that read, set and wait for the time, of tasks in views with a clock. */

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <linux/posix-timers.h>
#include <linux/seq_file.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/time32.h>
#include <linux/timekeeping.h>
#include <linux/timerfd.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "clock.h"
#include "compat.h"
#include "hook.h"

/* What a call has to do with the time. */
enum call_kind {
	CALL_OTHER,
	/* Those that read the clock are answered here. */
	CALL_GETTIMEOFDAY,
	CALL_TIME,
	CALL_CLOCK_GETTIME,
	/* Those that take a deadline. */
	CALL_CLOCK_NANOSLEEP,
	CALL_TIMER_SETTIME,
	CALL_TIMERFD_SETTIME,
	CALL_FUTEX,
	CALL_FUTEX_WAITV,
	CALL_FUTEX_WAIT,
	CALL_MQ_TIMED,
};

/* The i386 calls have other numbers, and those with 32-bit times a kind of the same. */
static const struct {
	u16 nr_x86_64, nr_i386, nr_i386_time64;
	enum call_kind kind;
} calls[] = {
	{ 96, 78, 0, CALL_GETTIMEOFDAY },
	{ 201, 13, 0, CALL_TIME },
	{ 228, 265, 403, CALL_CLOCK_GETTIME },
	{ 230, 267, 407, CALL_CLOCK_NANOSLEEP },
	{ 223, 260, 409, CALL_TIMER_SETTIME },
	{ 286, 325, 411, CALL_TIMERFD_SETTIME },
	{ 202, 240, 422, CALL_FUTEX },
	{ 449, 449, 0, CALL_FUTEX_WAITV },
	{ 455, 455, 0, CALL_FUTEX_WAIT },
	{ 242, 279, 418, CALL_MQ_TIMED },
	{ 243, 280, 419, CALL_MQ_TIMED },
};

static unsigned int call_of(enum viewos_arch arch, unsigned int nr)
{
	return arch * VIEWOS_CALLS + nr;
}

static enum call_kind call_kind(unsigned int call)
{
	unsigned int arch = call / VIEWOS_CALLS, nr = call % VIEWOS_CALLS;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (arch == VIEWOS_ARCH_X86_64 ? nr == calls[i].nr_x86_64 :
		    nr == calls[i].nr_i386 ||
		    (calls[i].nr_i386_time64 && nr == calls[i].nr_i386_time64))
			return calls[i].kind;
	return CALL_OTHER;
}

void viewos_clock_calls(struct viewos_calls *set)
{
	size_t i;

	bitmap_zero(set->set, VIEWOS_ALL_CALLS);
	for (i = 0; i < ARRAY_SIZE(calls) && calls[i].kind <= CALL_CLOCK_GETTIME; i++) {
		__set_bit(call_of(VIEWOS_ARCH_X86_64, calls[i].nr_x86_64), set->set);
		__set_bit(call_of(VIEWOS_ARCH_I386, calls[i].nr_i386), set->set);
		if (calls[i].nr_i386_time64)
			__set_bit(call_of(VIEWOS_ARCH_I386, calls[i].nr_i386_time64), set->set);
	}
	set->weight = bitmap_weight(set->set, VIEWOS_ALL_CALLS);
}

static unsigned long call_arg(const struct pt_regs *regs, unsigned int n)
{
	unsigned long args[6];

	syscall_get_arguments(current, (struct pt_regs *)regs, args);
	return args[n];
}

/* CLOCK_TAI is ahead of CLOCK_REALTIME by whole seconds. */
static s64 tai_offset(void)
{
	s64 ahead = ktime_sub(ktime_get_clocktai(), ktime_get_real());

	return div_s64(ahead + NSEC_PER_SEC / 2, NSEC_PER_SEC) * NSEC_PER_SEC;
}

static bool clock_id_ours(clockid_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_ALARM || id == CLOCK_TAI ||
	       id == CLOCK_REALTIME_COARSE;
}

static s64 clock_read(struct viewos_clock *clock, clockid_t id)
{
	struct timespec64 coarse;
	s64 host, ahead = 0;

	if (id == CLOCK_REALTIME_COARSE) {
		ktime_get_coarse_real_ts64(&coarse);
		host = timespec64_to_ns(&coarse);
	} else {
		host = ktime_get_real_ns();
	}
	if (id == CLOCK_TAI)
		ahead = tai_offset();
	return viewos_clock_from_host(clock, host) + ahead;
}

static long answer_clock_gettime(struct viewos_clock *clock, const struct pt_regs *regs,
				 bool time32)
{
	void __user *to = (void __user *)call_arg(regs, 1);
	struct timespec64 now;

	now = ns_to_timespec64(clock_read(clock, (clockid_t)call_arg(regs, 0)));
	return (time32 ? put_old_timespec32(&now, to) : put_timespec64(&now, to)) ? -EFAULT : 0;
}

/* struct timeval of either size, and the time zone, which is the host's. */
static long answer_gettimeofday(struct viewos_clock *clock, const struct pt_regs *regs)
{
	struct timespec64 now = ns_to_timespec64(clock_read(clock, CLOCK_REALTIME));
	void __user *to = (void __user *)call_arg(regs, 0);
	void __user *zone = (void __user *)call_arg(regs, 1);
	s64 tv[2] = { now.tv_sec, now.tv_nsec / NSEC_PER_USEC };
	s32 tv32[2] = { tv[0], tv[1] };

	if (to && (in_ia32_syscall() ? copy_to_user(to, tv32, sizeof(tv32)) :
				       copy_to_user(to, tv, sizeof(tv))))
		return -EFAULT;
	if (zone && copy_to_user(zone, &sys_tz, sizeof(sys_tz)))
		return -EFAULT;
	return 0;
}

static long answer_time(struct viewos_clock *clock, const struct pt_regs *regs)
{
	s64 now = div_s64(clock_read(clock, CLOCK_REALTIME_COARSE), NSEC_PER_SEC);
	void __user *to = (void __user *)call_arg(regs, 0);
	s32 now32 = now;

	if (in_ia32_syscall()) {
		if (to && put_user(now32, (s32 __user *)to))
			return -EFAULT;
		return now32;
	}
	if (to && put_user(now, (s64 __user *)to))
		return -EFAULT;
	return now;
}

struct viewos_decision viewos_clock_answer(unsigned int call, const struct pt_regs *regs)
{
	struct viewos_clock *clock = viewos_clock_current();
	bool time32 = call == call_of(VIEWOS_ARCH_I386, 265);
	struct viewos_decision decision = { };

	if (!clock)
		return decision;
	decision.decided = true;
	switch (call_kind(call)) {
	case CALL_CLOCK_GETTIME:
		decision.decided = clock_id_ours((clockid_t)call_arg(regs, 0));
		if (decision.decided)
			decision.value = answer_clock_gettime(clock, regs, time32);
		break;
	case CALL_GETTIMEOFDAY:
		decision.value = answer_gettimeofday(clock, regs);
		break;
	case CALL_TIME:
		decision.value = answer_time(clock, regs);
		break;
	default:
		decision.decided = false;
	}
	return decision;
}

/* A program that is executed in a view with a clock reads it by calls. */
int viewos_hook_arch_setup_additional_pages(struct linux_binprm *bprm, int interp)
{
	if (viewos_clock_current())
		return 0;
	return viewos_orig_arch_setup_additional_pages(bprm, interp);
}

int viewos_hook_compat_arch_setup_additional_pages(struct linux_binprm *bprm, int interp,
						   bool x32)
{
	if (viewos_clock_current())
		return 0;
	return viewos_orig_compat_arch_setup_additional_pages(bprm, interp, x32);
}

static bool futex_deadline(unsigned int op)
{
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_LOCK_PI:
		return true;
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
		return op & FUTEX_CLOCK_REALTIME;
	default:
		return false;
	}
}

/* The clock of one of current's timers, or -1. */
static clockid_t timer_clock(timer_t id)
{
	/* Current keeps its own. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	struct k_itimer *timer;
	clockid_t clock = -1;

	spin_lock_irq(&sighand->siglock);
	viewos_for_each_timer(timer, current->signal)
		if (timer->it_id == id)
			clock = timer->it_clock;
	spin_unlock_irq(&sighand->siglock);
	return clock;
}

/* On the file system of anonymous inodes nobody but the kernel gives names. */
static bool is_timerfd(const struct file *file)
{
	return file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "[timerfd]") && file->f_op->show_fdinfo;
}

/* The clock of a timerfd, which tells it in its fdinfo and nowhere else; or -1. */
static clockid_t timerfd_clock(int fd)
{
	static const char key[] = "clockid: ";
	struct seq_file info = { .size = 512 };
	struct file *file = fget(fd);
	clockid_t clock = -1;
	char *found;

	if (!file)
		return -1;
	info.buf = kzalloc(info.size, GFP_KERNEL_ACCOUNT);
	if (info.buf && is_timerfd(file)) {
		mutex_init(&info.lock);
		file->f_op->show_fdinfo(&info, file);
		info.buf[min(info.count, info.size - 1)] = '\0';
		found = strstr(info.buf, key);
		if (found && sscanf(found + sizeof(key) - 1, "%d", &clock) != 1)
			clock = -1;
	}
	kfree(info.buf);
	fput(file);
	return clock;
}

static bool clock_id_waited(clockid_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_ALARM || id == CLOCK_TAI;
}

/* Does the call of current take a deadline by the clock? */
static bool call_deadline(void)
{
	const struct pt_regs *regs = task_pt_regs(current);
	unsigned int call = viewos_syscall_number(regs);

	if (call == VIEWOS_ALL_CALLS)
		return false;
	switch (call_kind(call)) {
	case CALL_CLOCK_NANOSLEEP:
		return call_arg(regs, 1) & TIMER_ABSTIME &&
		       clock_id_waited((clockid_t)call_arg(regs, 0));
	case CALL_FUTEX:
		return futex_deadline(call_arg(regs, 1));
	case CALL_FUTEX_WAITV:
		return (clockid_t)call_arg(regs, 4) == CLOCK_REALTIME;
	case CALL_FUTEX_WAIT:
		return (clockid_t)call_arg(regs, 5) == CLOCK_REALTIME;
	case CALL_MQ_TIMED:
		return true;
	default:
		return false;
	}
}

/* The same of calls that set a timer. */
static bool call_timer(void)
{
	const struct pt_regs *regs = task_pt_regs(current);
	unsigned int call = viewos_syscall_number(regs);

	if (call == VIEWOS_ALL_CALLS)
		return false;
	switch (call_kind(call)) {
	case CALL_TIMER_SETTIME:
		return call_arg(regs, 1) & TIMER_ABSTIME &&
		       clock_id_waited(timer_clock((timer_t)call_arg(regs, 0)));
	case CALL_TIMERFD_SETTIME:
		return call_arg(regs, 1) & TFD_TIMER_ABSTIME &&
		       clock_id_waited(timerfd_clock((int)call_arg(regs, 0)));
	default:
		return false;
	}
}

/* What is no time is left to the kernel to refuse, and never is never. */
static bool ts_convertible(const struct timespec64 *ts)
{
	return timespec64_valid(ts) && timespec64_to_ns(ts) < KTIME_MAX;
}

static void deadline_convert(struct viewos_clock *clock, struct timespec64 *ts)
{
	if (ts_convertible(ts))
		*ts = ns_to_timespec64(viewos_clock_to_host(clock, timespec64_to_ns(ts)));
}

static int deadline_taken(int err, struct timespec64 *ts)
{
	struct viewos_clock *clock = viewos_clock_current();

	if (!err && clock && call_deadline())
		deadline_convert(clock, ts);
	return err;
}

static int timer_taken(int err, struct itimerspec64 *its)
{
	struct viewos_clock *clock = viewos_clock_current();
	s64 interval;

	/* Zero takes the timer out of use. */
	if (err || !clock || (!its->it_value.tv_sec && !its->it_value.tv_nsec) || !call_timer())
		return err;
	deadline_convert(clock, &its->it_value);
	if (!its->it_value.tv_sec && !its->it_value.tv_nsec)
		its->it_value.tv_nsec = 1;
	interval = timespec64_to_ns(&its->it_interval);
	if (interval && ts_convertible(&its->it_interval)) {
		interval = viewos_clock_to_host_interval(clock, interval);
		its->it_interval = ns_to_timespec64(interval);
	}
	return 0;
}

int viewos_hook_get_timespec64(struct timespec64 *ts, const struct __kernel_timespec __user *from)
{
	return deadline_taken(viewos_orig_get_timespec64(ts, from), ts);
}

int viewos_hook_get_old_timespec32(struct timespec64 *ts, const void __user *from)
{
	return deadline_taken(viewos_orig_get_old_timespec32(ts, from), ts);
}

int viewos_hook_get_itimerspec64(struct itimerspec64 *its,
				 const struct __kernel_itimerspec __user *from)
{
	return timer_taken(viewos_orig_get_itimerspec64(its, from), its);
}

int viewos_hook_get_old_itimerspec32(struct itimerspec64 *its,
				     const struct old_itimerspec32 __user *from)
{
	return timer_taken(viewos_orig_get_old_itimerspec32(its, from), its);
}

/* The time zone is the kernel's alone, and stays. */
int viewos_hook_do_sys_settimeofday64(const struct timespec64 *tv, const struct timezone *tz)
{
	struct viewos_clock *clock = viewos_clock_current();

	if (!clock)
		return viewos_orig_do_sys_settimeofday64(tv, tz);
	if (tv && !timespec64_valid_settod(tv))
		return -EINVAL;
	if (tz || !tv)
		return tz ? -EPERM : 0;
	return viewos_clock_set(clock, timespec64_to_ns(tv));
}

/* Those that only read: none, and adjtime(3) that asks how it stands. */
static bool adjustment_reads(unsigned int modes)
{
	return !modes || modes == (ADJ_ADJTIME | ADJ_OFFSET_SINGLESHOT | ADJ_OFFSET_READONLY);
}

static int clock_adjust(struct viewos_clock *clock, const struct __kernel_timex *txc)
{
	s64 unit = txc->modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
	s64 by;

	/* The rate at which the host's clock is kept is not a view's. */
	if (txc->modes & ~(ADJ_SETOFFSET | ADJ_NANO))
		return -EPERM;
	if (txc->time.tv_usec < 0 || txc->time.tv_usec >= NSEC_PER_SEC / unit ||
	    txc->time.tv_sec >= TIME_SETTOD_SEC_MAX || txc->time.tv_sec <= -TIME_SETTOD_SEC_MAX)
		return -EINVAL;
	by = txc->time.tv_sec * NSEC_PER_SEC + txc->time.tv_usec * unit;
	return viewos_clock_shift(clock, by);
}

int viewos_hook_do_adjtimex(struct __kernel_timex *txc)
{
	struct viewos_clock *clock = viewos_clock_current();
	struct timespec64 now;
	s64 unit, host;
	int state;

	if (!clock)
		return viewos_orig_do_adjtimex(txc);
	if (!adjustment_reads(txc->modes)) {
		state = clock_adjust(clock, txc);
		if (state)
			return state;
		txc->modes = 0;
	}
	state = viewos_orig_do_adjtimex(txc);
	if (state < 0)
		return state;
	unit = txc->status & STA_NANO ? 1 : NSEC_PER_USEC;
	host = txc->time.tv_sec * NSEC_PER_SEC + txc->time.tv_usec * unit;
	now = ns_to_timespec64(viewos_clock_from_host(clock, host));
	txc->time.tv_sec = now.tv_sec;
	txc->time.tv_usec = now.tv_nsec / (u32)unit;
	return state;
}

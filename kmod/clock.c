// SPDX-License-Identifier: GPL-2.0
/* The class clock: clocks of views, their lines, and how they are set. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>

#include <linux/viewos_netlink.h>

#include "clock.h"
#include "control.h"
#include "hook.h"
#include "limits.h"
#include "netlink.h"
#include "task.h"
#include "view.h"

/* Protects clock_list, and the lines of all clocks. */
static DEFINE_SPINLOCK(viewos_clock_lock);
/* All clocks: each behind the one that it is relative to. */
static LIST_HEAD(clock_list);

static_assert(VIEWOS_CLOCK_RATE_ONE == 1ULL << 32);

static s64 add_saturated(s64 a, s64 b)
{
	s64 sum;

	if (check_add_overflow(a, b, &sum))
		return b < 0 ? S64_MIN : S64_MAX;
	return sum;
}

static s64 sub_saturated(s64 a, s64 b)
{
	s64 difference;

	if (check_sub_overflow(a, b, &difference))
		return b < 0 ? S64_MAX : S64_MIN;
	return difference;
}

static u64 magnitude(s64 value)
{
	return value < 0 ? -(u64)value : value;
}

static s64 scaled(s64 delta, u64 rate)
{
	u64 amount = magnitude(delta);

	if (rate == VIEWOS_CLOCK_RATE_ONE)
		return delta;
	/* Does it need more than 63 bits? */
	if (mul_u64_u64_shr(amount, rate, 95))
		return delta < 0 ? S64_MIN : S64_MAX;
	amount = mul_u64_u64_shr(amount, rate, 32);
	return delta < 0 ? -(s64)amount : amount;
}

static s64 unscaled(s64 delta, u64 rate)
{
	u64 amount = magnitude(delta);

	if (rate == VIEWOS_CLOCK_RATE_ONE)
		return delta;
	/* The division traps where its result has no room. */
	if (amount >> 31 >= rate)
		return delta < 0 ? S64_MIN : S64_MAX;
	amount = mul_u64_u64_div_u64(amount, VIEWOS_CLOCK_RATE_ONE, rate);
	return delta < 0 ? -(s64)amount : amount;
}

static s64 line_apply(const struct viewos_clock_line *line, s64 from)
{
	return add_saturated(line->to, scaled(sub_saturated(from, line->from), line->rate));
}

static struct viewos_clock_line clock_line(struct viewos_clock *clock)
{
	struct viewos_clock_line line;
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&clock->seq);
		line = clock->line;
	} while (read_seqcount_retry(&clock->seq, seq));
	return line;
}

s64 viewos_clock_from_host(struct viewos_clock *clock, s64 host)
{
	struct viewos_clock_line line = clock_line(clock);

	return max_t(s64, line_apply(&line, host), 0);
}

s64 viewos_clock_to_host(struct viewos_clock *clock, s64 time)
{
	struct viewos_clock_line line = clock_line(clock);

	/* Exact where there is no rate, and else the first instant at which it is @time. */
	time = sub_saturated(time, line.to);
	if (line.rate != VIEWOS_CLOCK_RATE_ONE)
		time = add_saturated(unscaled(time, line.rate), 1);
	return clamp_t(s64, add_saturated(line.from, time), 0, KTIME_MAX);
}

s64 viewos_clock_to_host_interval(struct viewos_clock *clock, s64 interval)
{
	struct viewos_clock_line line = clock_line(clock);

	return max_t(s64, unscaled(interval, line.rate), 1);
}

struct viewos_clock *viewos_clock_current(void)
{
	struct viewos_clock *clock;

	/* Is there any? Current's own was on the list before current could be in its view. */
	if (list_empty(&clock_list))
		return NULL;
	rcu_read_lock();
	clock = READ_ONCE(viewos_task_view_rcu()->clock);
	rcu_read_unlock();
	return clock;
}

/* What the parent's clock says at an instant of the host's. */
static s64 parent_time_locked(const struct viewos_clock *clock, s64 host)
{
	lockdep_assert_held(&viewos_clock_lock);

	return clock->parent ? line_apply(&clock->parent->line, host) : host;
}

static void clock_renew_locked(struct viewos_clock *clock, s64 host)
{
	struct viewos_clock_line line = {
		.from = host,
		.to = line_apply(&clock->own, parent_time_locked(clock, host)),
		.rate = clock->own.rate,
	};

	if (clock->parent && clock->parent->line.rate != VIEWOS_CLOCK_RATE_ONE)
		line.rate = clamp(mul_u64_u64_shr(line.rate, clock->parent->line.rate, 32),
				  VIEWOS_CLOCK_RATE_MIN, VIEWOS_CLOCK_RATE_MAX);
	write_seqcount_begin(&clock->seq);
	clock->line = line;
	write_seqcount_end(&clock->seq);
}

/* A clock's own line has changed: so does its time, and that of those that are relative to it. */
static void clock_changed_locked(struct viewos_clock *changed, s64 host)
{
	struct viewos_clock *clock;

	lockdep_assert_held(&viewos_clock_lock);

	list_for_each_entry(clock, &clock_list, node) {
		clock->renewed = clock == changed || (clock->parent && clock->parent->renewed);
		if (clock->renewed)
			clock_renew_locked(clock, host);
	}
}

static bool time_valid(s64 time)
{
	return time >= 0 && time / NSEC_PER_SEC < TIME_SETTOD_SEC_MAX;
}

/* Who may set the time by calls: the view's owner, where they may do so at all, and above. */
static bool clock_settable(const struct viewos_clock *clock)
{
	return ns_capable(clock->user_ns, CAP_SYS_TIME) ||
	       (uid_eq(clock->owner, current_euid()) &&
		ns_capable(current_user_ns(), CAP_SYS_TIME));
}

static int clock_set(struct viewos_clock *clock, s64 time, bool relative)
{
	s64 host, parent;
	int err = 0;

	if (!clock_settable(clock))
		return -EPERM;
	spin_lock(&viewos_clock_lock);
	host = ktime_get_real_ns();
	if (relative)
		time = add_saturated(line_apply(&clock->line, host), time);
	parent = parent_time_locked(clock, host);
	if (time_valid(time)) {
		clock->own.from = parent;
		clock->own.to = time;
		clock_changed_locked(clock, host);
	} else {
		err = -EINVAL;
	}
	spin_unlock(&viewos_clock_lock);
	return err;
}

int viewos_clock_set(struct viewos_clock *clock, s64 time)
{
	return clock_set(clock, time, false);
}

int viewos_clock_shift(struct viewos_clock *clock, s64 by)
{
	return clock_set(clock, by, true);
}

/* As user space wants it, relative to what the parent's clock says now. */
static int clock_configure_locked(struct viewos_clock *clock, const struct viewos_view_clock *arg)
{
	s64 host = ktime_get_real_ns();
	struct viewos_clock_line own = clock->own;
	s64 parent = parent_time_locked(clock, host);
	u64 rate;

	lockdep_assert_held(&viewos_clock_lock);

	own.to = line_apply(&own, parent);
	own.from = parent;
	if (arg->flags & VIEWOS_CLOCK_OFFSET)
		own.to = add_saturated(parent, arg->realtime);
	if (arg->flags & VIEWOS_CLOCK_DATE)
		own.to = arg->realtime;
	if (arg->flags & VIEWOS_CLOCK_RATE)
		own.rate = arg->rate;
	rate = own.rate;
	if (clock->parent)
		rate = mul_u64_u64_shr(rate, clock->parent->line.rate, 32);
	if (!time_valid(own.to) || rate < VIEWOS_CLOCK_RATE_MIN || rate > VIEWOS_CLOCK_RATE_MAX)
		return -EINVAL;
	clock->own = own;
	clock_changed_locked(clock, host);
	return 0;
}

static void clock_put(struct viewos_clock *clock)
{
	struct viewos_clock *parent;

	while (clock && refcount_dec_and_test(&clock->ref)) {
		parent = clock->parent;
		spin_lock(&viewos_clock_lock);
		list_del(&clock->node);
		spin_unlock(&viewos_clock_lock);
		viewos_hook_calls_put(&clock->calls);
		viewos_hook_put(VIEWOS_HOOK_CLOCK);
		put_user_ns(clock->user_ns);
		kfree(clock);
		clock = parent;
	}
}

/* A clock that says what its parent does; it is on the list, and nobody else has it. */
static struct viewos_clock *clock_create(struct viewos_view *view)
{
	struct viewos_clock *clock;
	int err;

	clock = kzalloc(sizeof(*clock), GFP_KERNEL_ACCOUNT);
	if (!clock)
		return ERR_PTR(-ENOMEM);
	err = viewos_hook_get(VIEWOS_HOOK_CLOCK);
	if (err)
		goto free_clock;
	viewos_clock_calls(&clock->calls);
	err = viewos_hook_calls_get(&clock->calls, false);
	if (err)
		goto put_hook;

	refcount_set(&clock->ref, 1);
	clock->view_id = view->id;
	clock->owner = view->owner;
	clock->user_ns = get_user_ns(view->user_ns);
	clock->own.rate = VIEWOS_CLOCK_RATE_ONE;
	clock->line.rate = VIEWOS_CLOCK_RATE_ONE;
	seqcount_spinlock_init(&clock->seq, &viewos_clock_lock);
	/* It stays: a view that has children gets no other, and keeps its own. */
	clock->parent = view->parent->clock;
	if (clock->parent)
		refcount_inc(&clock->parent->ref);
	spin_lock(&viewos_clock_lock);
	list_add_tail(&clock->node, &clock_list);
	spin_unlock(&viewos_clock_lock);
	return clock;

put_hook:
	viewos_hook_put(VIEWOS_HOOK_CLOCK);
free_clock:
	kfree(clock);
	return ERR_PTR(err);
}

static bool clock_is_own(const struct viewos_view *view)
{
	return view->clock && view->clock->view_id == view->id;
}

/* Becomes the view's own, if nobody can have seen another time in it. Consumes the reference. */
static int clock_give(struct viewos_view *view, struct viewos_clock *clock)
{
	struct viewos_clock *old = clock;
	int err = 0;

	spin_lock(&viewos_tree_lock);
	if (view->nr_tasks || view->nr_children || clock_is_own(view)) {
		err = -EBUSY;
	} else {
		old = view->clock;
		WRITE_ONCE(view->clock, clock);
	}
	spin_unlock(&viewos_tree_lock);
	clock_put(old);
	return err;
}

/* The view's own clock, with a reference, or NULL. */
static struct viewos_clock *clock_own(struct viewos_view *view)
{
	struct viewos_clock *clock;

	spin_lock(&viewos_tree_lock);
	clock = clock_is_own(view) ? view->clock : NULL;
	if (clock)
		refcount_inc(&clock->ref);
	spin_unlock(&viewos_tree_lock);
	return clock;
}

static bool clock_arg_valid(const struct viewos_view_clock *arg)
{
	const u32 set = VIEWOS_CLOCK_OFFSET | VIEWOS_CLOCK_DATE;

	if (!arg->flags || arg->flags & ~VIEWOS_CLOCK_ALL || (arg->flags & set) == set)
		return false;
	if (!(arg->flags & set) && arg->realtime)
		return false;
	if (!(arg->flags & VIEWOS_CLOCK_RATE))
		return !arg->rate;
	return arg->rate >= VIEWOS_CLOCK_RATE_MIN && arg->rate <= VIEWOS_CLOCK_RATE_MAX;
}

long viewos_clock_ioctl(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct viewos_view_clock set;
	struct viewos_clock *clock;
	bool made = false;
	int err;

	err = viewos_ioctl_copy(&set, sizeof(set), arg, size);
	if (err)
		return err;
	if (!clock_arg_valid(&set))
		return -EINVAL;
	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;
	clock = clock_own(view);
	if (!clock) {
		clock = clock_create(view);
		if (IS_ERR(clock))
			return PTR_ERR(clock);
		made = true;
	}
	spin_lock(&viewos_clock_lock);
	err = clock_configure_locked(clock, &set);
	spin_unlock(&viewos_clock_lock);
	if (made && !err)
		return clock_give(view, clock);
	clock_put(clock);
	return err;
}

void viewos_clock_inherit_locked(struct viewos_view *view)
{
	lockdep_assert_held(&viewos_tree_lock);

	view->clock = view->parent->clock;
	if (view->clock)
		refcount_inc(&view->clock->ref);
}

void viewos_clock_view_exit(struct viewos_view *view)
{
	clock_put(view->clock);
}

int viewos_clock_fill(struct sk_buff *skb, struct viewos_view *view)
{
	struct viewos_clock *clock;
	struct viewos_clock_line line;
	s64 host, offset;

	spin_lock(&viewos_tree_lock);
	clock = view->clock;
	if (clock)
		refcount_inc(&clock->ref);
	spin_unlock(&viewos_tree_lock);
	if (!clock)
		return 0;
	line = clock_line(clock);
	clock_put(clock);
	/* Without a rate it is what it was when the clock was set, to the nanosecond. */
	host = line.rate == VIEWOS_CLOCK_RATE_ONE ? line.from : ktime_get_real_ns();
	offset = sub_saturated(line_apply(&line, host), host);
	return nla_put_u64_64bit(skb, VIEWOS_A_CLOCK_OFFSET, offset, VIEWOS_A_PAD) ||
	       nla_put_u64_64bit(skb, VIEWOS_A_CLOCK_RATE, line.rate, VIEWOS_A_PAD) ?
	       -EMSGSIZE : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a server of system calls: one call more than the kernel has.
 *
 *	long tally(const char *name, long add, long *old);
 *
 * adds to the counter of that name, which begins at 0, and returns what it is then; what it was
 * before is put into *old, unless that is NULL. All programs in the view see the same counters.
 * Errors: EINVAL no name, EOVERFLOW the counter would be negative, EFAULT, ENOMEM, ENAMETOOLONG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <viewos.h>

/* Numbers that are not in use, and how wide a long is there. */
static const struct abi {
	uint32_t arch, nr;
	size_t width;
} abis[] = { { AUDIT_ARCH_X86_64, 400, 8 }, { AUDIT_ARCH_I386, 222, 4 } };

struct counter {
	char *name;
	int64_t value;
};

/* One for each rule: the counters, a tree by name. */
struct tallies {
	pthread_mutex_t lock;
	void *tree;
};

static int counter_compare(const void *one, const void *other)
{
	return strcmp(((const struct counter *)one)->name, ((const struct counter *)other)->name);
}

static void counter_free(void *counter)
{
	free(((struct counter *)counter)->name);
	free(counter);
}

/* Finds or makes a counter, with the lock held. */
static struct counter *counter_get(struct tallies *tallies, const char *name)
{
	struct counter key = { .name = (char *)name }, *counter;
	struct counter **found = tfind(&key, &tallies->tree, counter_compare);

	if (found)
		return *found;
	counter = calloc(1, sizeof(*counter));
	if (counter)
		counter->name = strdup(name);
	if (counter && counter->name && tsearch(counter, &tallies->tree, counter_compare))
		return counter;
	if (counter)
		counter_free(counter);
	return NULL;
}

/* What the call does; returns the new value, or a negative errno. */
static int64_t tally(struct viewos_call_req *req, const struct abi *abi)
{
	const __u64 *args = req->in->args;
	int64_t add = abi->width == 4 ? (int32_t)args[1] : (int64_t)args[1], old, value;
	struct tallies *tallies = req->data;
	struct counter *counter;

	/* The name came along: init has asked for it. */
	if (req->in->fetched <= 0)
		return req->in->fetched && req->in->fetched != -ENODATA ? req->in->fetched :
		       -EINVAL;
	pthread_mutex_lock(&tallies->lock);
	counter = counter_get(tallies, req->fetched);
	if (!counter) {
		value = -ENOMEM;
	} else if (__builtin_add_overflow(counter->value, add, &value) || value < 0 ||
		   (abi->width == 4 && value > INT32_MAX)) {
		value = -EOVERFLOW;
	} else {
		old = counter->value;
		/* The caller waits in its call, so its memory can be written. */
		if (args[2] && viewos_call_write(req, args[2], &old, abi->width) !=
		    (ssize_t)abi->width)
			value = -EFAULT;
		else
			counter->value = value;
	}
	pthread_mutex_unlock(&tallies->lock);
	return value;
}

/* A rule may be for other calls too: they go on. */
static void tally_call(struct viewos_call_req *req)
{
	int64_t value;
	size_t i;

	for (i = 0; i < 2; i++)
		if (req->in->arch == abis[i].arch && req->in->nr == abis[i].nr)
			break;
	if (i == 2) {
		viewos_call_reply_continue(req, NULL, 0);
		return;
	}
	value = tally(req, &abis[i]);
	if (value < 0)
		viewos_call_reply_err(req, (int)-value);
	else
		viewos_call_reply_value(req, value);
}

static int tally_init(struct viewos_call_session *session, void *data)
{
	int ret = viewos_call_fetch_string(session, abis[0].arch, abis[0].nr, 0);

	(void)data;
	return ret ? ret : viewos_call_fetch_string(session, abis[1].arch, abis[1].nr, 0);
}

static int tally_open(const struct viewos_accepted *accepted, void **data)
{
	struct tallies *tallies = calloc(1, sizeof(*tallies));

	(void)accepted;
	if (!tallies)
		return -ENOMEM;
	pthread_mutex_init(&tallies->lock, NULL);
	*data = tallies;
	return 0;
}

static void tally_close(void *data)
{
	struct tallies *tallies = data;

	tdestroy(tallies->tree, counter_free);
	pthread_mutex_destroy(&tallies->lock);
	free(tallies);
}

int main(int argc, char **argv)
{
	static const struct viewos_call_ops ops = { .init = tally_init, .call = tally_call };
	static const struct viewos_call_server server = {
		.name = "tally", .ops = &ops, .ops_size = sizeof(ops),
		.open = tally_open, .close = tally_close,
		.usage = "A rule is for 400/x86-64,222/i386. The source is ignored.\n" };

	return viewos_call_main(argc, argv, &server);
}

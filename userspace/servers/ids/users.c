// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-ids: the calls that tell and change who one is.
 *
 * By the kernel's rules, where who is root by the effective id is what CAP_SETUID and CAP_SETGID
 * are there, or has been when it asked to keep its capabilities. Of a thread, as the kernel has it;
 * the C library sees to the others.
 */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "ids.h"

#define GROUPS_MAX	65536
#define NO_ID		UINT32_MAX

enum op {
	SET, SET_RE, SET_RES, SET_FS, SET_GROUPS, PRCTL,
	GET_REAL, GET_EFFECTIVE, GET_RES, GET_GROUPS,
};

/** struct user_call - a call: its name, what it does, and of whom */
struct user_call {
	const char *name;
	enum op op;
	enum side side;
};

/* Of i386 those without 32 in their name have numbers of 16 bits. */
#define BOTH(name, op, side)	{ name, op, side }, { name "32", op, side }

static const struct user_call user_calls[] = {
	BOTH("setuid", SET, USERS),
	BOTH("setgid", SET, GROUPS),
	BOTH("setreuid", SET_RE, USERS),
	BOTH("setregid", SET_RE, GROUPS),
	BOTH("setresuid", SET_RES, USERS),
	BOTH("setresgid", SET_RES, GROUPS),
	BOTH("setfsuid", SET_FS, USERS),
	BOTH("setfsgid", SET_FS, GROUPS),
	BOTH("setgroups", SET_GROUPS, GROUPS),
	BOTH("getuid", GET_REAL, USERS),
	BOTH("getgid", GET_REAL, GROUPS),
	BOTH("geteuid", GET_EFFECTIVE, USERS),
	BOTH("getegid", GET_EFFECTIVE, GROUPS),
	BOTH("getresuid", GET_RES, USERS),
	BOTH("getresgid", GET_RES, GROUPS),
	BOTH("getgroups", GET_GROUPS, GROUPS),
	{ "prctl", PRCTL, USERS },
};

#define COUNT	(sizeof(user_calls) / sizeof(user_calls[0]))

/* By architecture and number; filled by users_find(). */
static const struct user_call *by_number[2][VIEWOS_CALLS];

static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

void users_find(void)
{
	const struct user_call *call;
	unsigned int i386;
	int nr;

	for (call = user_calls; call < user_calls + COUNT; call++)
		for (i386 = 0; i386 < 2; i386++) {
			nr = seccomp_syscall_resolve_name_arch(i386 ? SCMP_ARCH_X86 :
							       SCMP_ARCH_X86_64, call->name);
			if (nr >= 0 && nr < VIEWOS_CALLS)
				by_number[i386][nr] = call;
		}
}

/* The kernel's own answer is right for who has changed nothing, but for further groups. */
static bool only_tagged(const struct user_call *call, bool everybody)
{
	return !everybody && call->op >= GET_REAL && call->op != GET_GROUPS;
}

int users_init(struct viewos_call_session *session, bool everybody)
{
	unsigned int i386, nr;
	int ret = 0;

	for (i386 = 0; i386 < 2; i386++)
		for (nr = 0; !ret && nr < VIEWOS_CALLS; nr++)
			if (by_number[i386][nr] && only_tagged(by_number[i386][nr], everybody))
				ret = viewos_call_fetch_tagged(session, arches[i386], nr);
	return ret;
}

static uint32_t id_in(uint64_t arg, bool narrow)
{
	if (narrow)
		return (uint16_t)arg == UINT16_MAX ? NO_ID : (uint16_t)arg;
	return arg;
}

static bool is_root(const struct who *who)
{
	return !who->ids[USERS][EFFECTIVE] || who->keeps;
}

/* ---- telling ---- */

/* Of i386 the largest ones would be errors, and cannot be told. */
static int64_t id_value(const struct viewos_call_req *req, uint32_t id, bool narrow)
{
	if (req->in->arch == AUDIT_ARCH_I386 && id > (uint32_t)-4096)
		return 65534;
	return id_out(id, narrow ? 2 : 4);
}

static void res_tell(struct viewos_call_req *req, const uint32_t *ids, bool narrow)
{
	size_t size = narrow ? 2 : 4;
	unsigned int i;

	for (i = REAL; i <= SAVED; i++)
		if (!number_put(req, req->in->args[i], id_out(ids[i], size), size)) {
			viewos_call_reply_err(req, EFAULT);
			return;
		}
	viewos_call_reply_value(req, 0);
}

static void groups_tell(struct viewos_call_req *req, const struct who *who, bool narrow)
{
	int room = req->in->args[0];
	size_t size = narrow ? 2 : 4;
	uint32_t i;

	if (room < 0 || (room && (uint32_t)room < who->count)) {
		viewos_call_reply_err(req, EINVAL);
		return;
	}
	for (i = 0; room && i < who->count; i++)
		if (!number_put(req, req->in->args[1] + i * size, id_out(who->groups[i], size),
				size)) {
			viewos_call_reply_err(req, EFAULT);
			return;
		}
	viewos_call_reply_value(req, who->count);
}

/* ---- changing: each is 0 or a negative errno ---- */

/* Has @ids that one, as one of the first @count? */
static bool has(const uint32_t *ids, unsigned int count, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int set(uint32_t *ids, const uint32_t *old, bool root, uint32_t id)
{
	if (id == NO_ID)
		return -EINVAL;
	if (root)
		ids[REAL] = ids[SAVED] = id;
	else if (id != old[REAL] && id != old[SAVED])
		return -EPERM;
	ids[EFFECTIVE] = ids[FS] = id;
	return 0;
}

static int set_re(uint32_t *ids, const uint32_t *old, bool root, uint32_t real, uint32_t effective)
{
	if (real != NO_ID) {
		if (!root && !has(old, SAVED, real))
			return -EPERM;
		ids[REAL] = real;
	}
	if (effective != NO_ID) {
		if (!root && !has(old, FS, effective))
			return -EPERM;
		ids[EFFECTIVE] = effective;
	}
	if (real != NO_ID || (effective != NO_ID && effective != old[REAL]))
		ids[SAVED] = ids[EFFECTIVE];
	ids[FS] = ids[EFFECTIVE];
	return 0;
}

static int set_res(uint32_t *ids, const uint32_t *old, bool root, const uint32_t *wanted)
{
	unsigned int i;

	for (i = REAL; i <= SAVED; i++) {
		if (wanted[i] == NO_ID)
			continue;
		if (!root && !has(old, FS, wanted[i]))
			return -EPERM;
		ids[i] = wanted[i];
	}
	ids[FS] = ids[EFFECTIVE];
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static int groups_read(struct viewos_call_req *req, struct who *who, bool narrow)
{
	size_t size = narrow ? 2 : 4;
	ssize_t len = size * who->count;
	uint16_t *halves = narrow ? calloc(who->count + 1, size) : NULL;
	uint32_t i;
	int ret = 0;

	if (narrow && !halves)
		return -ENOMEM;
	if (len && viewos_call_read(req, req->in->args[1], narrow ? (void *)halves : who->groups,
				    len) != len)
		ret = -EFAULT;
	for (i = 0; !ret && i < who->count; i++) {
		who->groups[i] = id_in(narrow ? halves[i] : who->groups[i], narrow);
		if (who->groups[i] == NO_ID)
			ret = -EINVAL;
	}
	free(halves);
	/* As the kernel tells them. */
	if (!ret)
		qsort(who->groups, who->count, sizeof(uint32_t), by_value);
	return ret;
}

static int set_groups(struct viewos_call_req *req, const struct who *old, struct who **new,
		      bool narrow)
{
	uint32_t count = req->in->args[0];
	int ret;

	if (!is_root(old))
		return -EPERM;
	if (count > GROUPS_MAX)
		return -EINVAL;
	*new = who_new(count);
	if (!*new)
		return -ENOMEM;
	memcpy((*new)->ids, old->ids, sizeof(old->ids));
	(*new)->keeps = old->keeps;
	ret = groups_read(req, *new, narrow);
	if (ret) {
		free(*new);
		*new = NULL;
	}
	return ret;
}

static int change(struct viewos_call_req *req, const struct user_call *call, struct who *new,
		  const struct who *old, bool narrow)
{
	const uint32_t args[] = { id_in(req->in->args[0], narrow), id_in(req->in->args[1], narrow),
				  id_in(req->in->args[2], narrow) };
	const uint32_t *before = old->ids[call->side];
	uint32_t *ids = new->ids[call->side];
	bool root = is_root(old);

	switch (call->op) {
	case SET:
		return set(ids, before, root, args[0]);
	case SET_RE:
		return set_re(ids, before, root, args[0], args[1]);
	case SET_RES:
		return set_res(ids, before, root, args);
	default:
		/* This one tells who it was, and never that it has failed. */
		if (args[0] != NO_ID && (root || has(before, WHICH, args[0])))
			ids[FS] = args[0];
		return 0;
	}
}

static void changed(struct people *people, struct viewos_call_req *req,
		    const struct user_call *call, const struct who *old, bool narrow)
{
	int64_t value = call->op == SET_FS ? id_value(req, old->ids[call->side][FS], false) : 0;
	struct who *new = NULL;
	uint32_t tag;
	int ret;

	if (call->op == SET_GROUPS) {
		ret = set_groups(req, old, &new, narrow);
	} else {
		new = who_copy(old);
		ret = new ? change(req, call, new, old, narrow) : -ENOMEM;
		if (ret)
			free(new);
	}
	if (!ret)
		ret = people_tag(people, new, &tag);
	if (ret)
		viewos_call_reply_err(req, -ret);
	else
		viewos_call_reply_tag(req, value, tag);
}

/* prctl(2): whether setuid(2) is to leave root's rights. All else is the kernel's. */
static void prctl_call(struct people *people, struct viewos_call_req *req, const struct who *old)
{
	uint32_t option = req->in->args[0], tag;
	struct who *new;
	int ret;

	if (option == PR_GET_KEEPCAPS) {
		viewos_call_reply_value(req, old->keeps);
		return;
	}
	/* One that it does not know, and one that changes nothing. */
	if (option != PR_SET_KEEPCAPS || req->in->args[1] > 1 || old->ids[USERS][EFFECTIVE]) {
		viewos_call_reply_continue(req, NULL, 0);
		return;
	}
	new = who_copy(old);
	if (new)
		new->keeps = req->in->args[1];
	ret = new ? people_tag(people, new, &tag) : -ENOMEM;
	if (ret)
		viewos_call_reply_err(req, -ret);
	else
		viewos_call_reply_tag(req, 0, tag);
}

bool users_call(struct people *people, struct viewos_call_req *req)
{
	bool i386 = req->in->arch == AUDIT_ARCH_I386;
	const struct user_call *call =
		req->in->nr < VIEWOS_CALLS ? by_number[i386][req->in->nr] : NULL;
	const struct who *who = people_find(people, req->in->tag);
	const uint32_t *ids;
	bool narrow;

	if (!call)
		return false;
	ids = who->ids[call->side];
	narrow = i386 && !strstr(call->name, "32");
	switch (call->op) {
	case GET_REAL:
		viewos_call_reply_value(req, id_value(req, ids[REAL], narrow));
		break;
	case GET_EFFECTIVE:
		viewos_call_reply_value(req, id_value(req, ids[EFFECTIVE], narrow));
		break;
	case GET_RES:
		res_tell(req, ids, narrow);
		break;
	case GET_GROUPS:
		groups_tell(req, who, narrow);
		break;
	case PRCTL:
		prctl_call(people, req, who);
		break;
	default:
		changed(people, req, call, who, narrow);
	}
	return true;
}

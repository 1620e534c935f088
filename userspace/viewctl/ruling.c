// SPDX-License-Identifier: GPL-2.0
/* viewctl: rules to be added to a view */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binfmt.h"
#include "calls.h"
#include "ruling.h"

static struct ruling *append(struct rulings *rulings, const struct where *where, const char *text)
{
	struct ruling *ruling = calloc(1, sizeof(*ruling));

	if (!ruling)
		return NULL;
	ruling->where = *where;
	ruling->text = strdup(text);
	if (!ruling->text) {
		free(ruling);
		return NULL;
	}
	if (!rulings->last)
		rulings->last = &rulings->first;
	*rulings->last = ruling;
	rulings->last = &ruling->next;
	return ruling;
}

/* Whoever serves it may have another current directory. */
static void source_make_absolute(struct viewos_rule *rule)
{
	char *path;

	if (rule->verdict != VIEWOS_VERDICT_SERVE || !*rule->source)
		return;
	path = realpath(rule->source, NULL);
	if (path && strlen(path) < sizeof(rule->source))
		snprintf(rule->source, sizeof(rule->source), "%s", path);
	free(path);
}

/* How reading @text ended, for the user; @error is a complaint that quotes what is wrong. */
static int parsed(const struct where *where, const char *text, int ret, const char *error)
{
	if (ret == -ENOMEM)
		return fail_at(where, "%s", strerror(ENOMEM));
	if (ret < 0)
		return wrong(where, "'%s': %s", text, error);
	return EXIT_DONE;
}

int rulings_calls(struct rulings *rulings, const struct where *where, const char *text)
{
	struct ruling *ruling = append(rulings, where, text);
	char error[512];
	int ret = -ENOMEM;

	if (ruling)
		ruling->calls = malloc(sizeof(*ruling->calls));
	if (ruling && ruling->calls)
		ret = calls_parse(text, ruling->calls, error, sizeof(error));
	if (ret >= 0)
		ruling->count = 1;
	return parsed(where, text, ret, error);
}

int rulings_binfmt(struct rulings *rulings, const struct where *where, const char *text)
{
	struct ruling *ruling = append(rulings, where, text);
	char error[512];
	int ret = -ENOMEM;

	if (ruling)
		ruling->binfmt = malloc(sizeof(*ruling->binfmt));
	if (ruling && ruling->binfmt)
		ret = binfmt_parse(text, ruling->binfmt, error, sizeof(error));
	if (ret >= 0)
		ruling->count = 1;
	return parsed(where, text, ret, error);
}

int rulings_parse(struct rulings *rulings, const struct where *where, const char *text)
{
	struct ruling *ruling = append(rulings, where, text);
	char error[512];
	size_t i;
	int ret = -ENOMEM;

	if (ruling)
		ret = viewos_rule_parse(text, ruling->rules, error, sizeof(error));
	if (ret > 0)
		ruling->count = ret;
	for (i = 0; ret > 0 && i < ruling->count; i++)
		source_make_absolute(&ruling->rules[i]);
	return parsed(where, text, ret, error);
}

int rulings_stack(struct rulings *rulings, const struct where *where, const char *stack)
{
	struct viewos_rule parsed[VIEWOS_RULE_PARSED_MAX];
	char text[VIEWOS_NAME_LEN + sizeof("any=stack:")];
	struct ruling *ruling;

	if (strlen(stack) >= VIEWOS_NAME_LEN || strlen(stack) == 0)
		return wrong(where, "'%s': expected the name of a stack", stack);
	snprintf(text, sizeof(text), "any=stack:%s", stack);
	if (viewos_rule_parse(text, parsed, NULL, 0) != 1)
		return wrong(where, "'%s': expected the name of a stack", stack);
	ruling = append(rulings, where, text);
	if (!ruling)
		return fail_at(where, "%s", strerror(ENOMEM));
	ruling->rules[0] = parsed[0];
	ruling->count = 1;
	return EXIT_DONE;
}

const char *rule_error(int error, const struct viewos_rule *rule)
{
	bool serve = rule && rule->verdict == VIEWOS_VERDICT_SERVE;

	switch (-error) {
	case EPERM:
		return rule && rule->netns >= 0 ?
		       "permission denied (the view is not yours and beneath the current one, or "
		       "the network namespace is not yours)" :
		       "permission denied (the view is not yours and beneath the current one)";
	case ENOENT:
		return serve ? "no such server" : rule ? strerror(ENOENT) : "no such rule";
	case EPROTOTYPE:
		return "the server does not serve sockets";
	case EPROTO:
		return "the server speaks another protocol";
	case EAGAIN:
		return serve ? "too many wait for the server" : strerror(EAGAIN);
	case ETIMEDOUT:
		return "the server does not answer";
	case EINVAL:
		return "the module does not take it";
	case ENOSPC:
		return "the view has too many rules, or too many different ones";
	case ELOOP:
		return "stacks lead to each other";
	case ENOTTY:
		return "the module that is loaded has no rules (ABI 1)";
	default:
		return strerror(-error);
	}
}

const char *calls_error(int error, bool serve)
{
	/* What the server has to do with is the same for sockets. */
	const struct viewos_rule like = { .verdict = VIEWOS_VERDICT_SERVE, .netns = -1 };

	switch (-error) {
	case EPROTOTYPE:
		return "the server does not serve system calls";
	case EOPNOTSUPP:
		return "one of the calls must not be ruled";
	case ENOSYS:
		return "the kernel does not have that system call";
	case EBUSY:
		return "somebody else redirects that system call";
	case ENOTTY:
	case E2BIG:
		return "the module that is loaded has no rules for system calls (it needs ABI 3)";
	default:
		return rule_error(error, serve ? &like : NULL);
	}
}

static int calls_add(struct ruling *ruling, int view)
{
	struct viewos_call_rule *rule = ruling->calls;
	bool serve = rule->verdict == VIEWOS_VERDICT_SERVE;
	int ret = 0;

	if (serve)
		ret = ondemand_get(&ruling->server, VIEWOS_CLASS_SYSCALL, rule->target, NULL,
				   false);
	if (ret < 0)
		return ret;
	if (serve)
		snprintf(rule->target, sizeof(rule->target), "%s", ruling->server.name);
	ret = viewos_call_rule_add(view, rule, &ruling->ids[0]);
	if (ret < 0)
		fail("'%s': %s", ruling->text, calls_error(ret, serve));
	else
		ruling->added = 1;
	return ret;
}

static const char *binfmt_error(const struct viewos_binfmt_rule *rule, int error)
{
	switch (-error) {
	case EPERM:
		if (rule->match.flags & VIEWOS_BINFMT_CREDENTIALS)
			return "permission denied (the view is not yours and beneath the current "
			       "one, or you may not give programs' rights to an interpreter)";
		return rule_error(error, NULL);
	case ENOTTY:
	case E2BIG:
	case EINVAL:
		return "the module that is loaded has no such rules for programs";
	default:
		return rule_error(error, NULL);
	}
}

static int binfmt_add(struct ruling *ruling, int view)
{
	int ret = viewos_binfmt_rule_add(view, ruling->binfmt, &ruling->ids[0]);

	if (ret < 0)
		fail("'%s': %s", ruling->text, binfmt_error(ruling->binfmt, ret));
	else
		ruling->added = 1;
	return ret;
}

/* Finds what the rules refer to. The fd is closed by whoever called. */
static int prepare(struct ruling *ruling, int *netns)
{
	const struct viewos_rule *rule = &ruling->rules[0];
	int ret = 0;

	if (rule->verdict == VIEWOS_VERDICT_SERVE)
		return ondemand_get(&ruling->server, VIEWOS_CLASS_SOCKET, rule->target, NULL,
				    false);
	if (rule->verdict != VIEWOS_VERDICT_REDIRECT || *rule->target)
		return 0;
	*netns = open(rule->source, O_RDONLY | O_CLOEXEC);
	if (*netns < 0) {
		ret = -errno;
		fail("'%s': %s: %s", ruling->text, rule->source, strerror(-ret));
	}
	return ret;
}

static int ruling_add(struct ruling *ruling, int view)
{
	int netns = -1, ret;
	struct viewos_rule *rule;

	if (ruling->calls)
		return calls_add(ruling, view);
	if (ruling->binfmt)
		return binfmt_add(ruling, view);
	ret = prepare(ruling, &netns);
	while (ret >= 0 && ruling->added < ruling->count) {
		rule = &ruling->rules[ruling->added];
		rule->netns = netns;
		if (rule->verdict == VIEWOS_VERDICT_SERVE)
			snprintf(rule->target, sizeof(rule->target), "%s", ruling->server.name);
		ret = viewos_rule_add(view, rule, &ruling->ids[ruling->added]);
		if (ret < 0)
			fail("'%s': %s", ruling->text, rule_error(ret, rule));
		else
			ruling->added++;
	}
	if (netns >= 0)
		close(netns);
	return ret;
}

int rulings_add(struct rulings *rulings, int view)
{
	struct ruling *ruling;
	int ret = 0;

	for (ruling = rulings->first; ret >= 0 && ruling; ruling = ruling->next) {
		if (ruling->kept)
			continue;
		fail_within(&ruling->where);
		ret = ruling_add(ruling, view);
	}
	fail_within(NULL);
	if (ret >= 0)
		return 0;
	rulings_take_back(rulings, view);
	return ret;
}

void rulings_take_back(struct rulings *rulings, int view)
{
	struct ruling *ruling;

	for (ruling = rulings->first; ruling; ruling = ruling->next)
		while (ruling->added)
			viewos_rule_del(view, ruling->ids[--ruling->added]);
	rulings_cancel(rulings);
}

void rulings_cancel(struct rulings *rulings)
{
	struct ruling *ruling;

	for (ruling = rulings->first; ruling; ruling = ruling->next)
		ondemand_kill(&ruling->server);
}

void rulings_free(struct rulings *rulings)
{
	struct ruling *ruling;

	while ((ruling = rulings->first)) {
		rulings->first = ruling->next;
		free(ruling->calls);
		free(ruling->binfmt);
		free(ruling->text);
		free(ruling);
	}
	rulings->last = NULL;
}

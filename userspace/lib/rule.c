// SPDX-License-Identifier: GPL-2.0
/* libviewos: rules, and sockets of a stack */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "viewos.h"

/* Copies a name into a field that is zero already; one that is not ended is invalid. */
static int name_copy(char field[VIEWOS_NAME_LEN], const char *name)
{
	size_t len = strnlen(name, VIEWOS_NAME_LEN);

	if (len == VIEWOS_NAME_LEN)
		return -EINVAL;
	memcpy(field, name, len);
	return 0;
}

static uint64_t string_pointer(const char *string)
{
	return *string ? (uintptr_t)string : 0;
}

int viewos_rule_add(int view, const struct viewos_rule *rule, uint64_t *id)
{
	struct viewos_rule_add arg = {
		.size = sizeof(arg),
		.class = rule->class_,
		.verdict = rule->verdict,
		.family = rule->family,
		.type = rule->type,
		.protocol = rule->protocol,
		.error = rule->error,
		.netns_fd = rule->netns,
	};

	if (name_copy(arg.stack, rule->stack) < 0 || name_copy(arg.target, rule->target) < 0)
		return -EINVAL;
	/* The source of others, if there is one, is for whoever reads the rule. */
	if (rule->verdict == VIEWOS_VERDICT_SERVE) {
		arg.source = string_pointer(rule->source);
		arg.options = string_pointer(rule->options);
	}
	if (ioctl(view, VIEWOS_IOC_RULE_ADD, &arg) < 0)
		return -errno;
	if (id)
		*id = arg.id;
	return 0;
}

int viewos_call_rule_add(int view, const struct viewos_call_rule *rule, uint64_t *id)
{
	struct viewos_rule_add arg = {
		.size = sizeof(arg),
		.flags = rule->flags,
		.class = VIEWOS_CLASS_SYSCALL,
		.verdict = rule->verdict,
		.family = VIEWOS_RULE_ANY,
		.type = VIEWOS_RULE_ANY,
		.protocol = VIEWOS_RULE_ANY,
		.error = rule->error,
		.netns_fd = -1,
		.value = rule->value,
	};

	_Static_assert(sizeof(arg.calls) == sizeof(rule->calls), "one set");
	if (rule->verdict == VIEWOS_VERDICT_SERVE) {
		if (name_copy(arg.target, rule->target) < 0)
			return -EINVAL;
		arg.source = string_pointer(rule->source);
		arg.options = string_pointer(rule->options);
	}
	memcpy(arg.calls, rule->calls, sizeof(arg.calls));
	if (ioctl(view, VIEWOS_IOC_RULE_ADD, &arg) < 0)
		return -errno;
	if (id)
		*id = arg.id;
	return 0;
}

int viewos_binfmt_rule_add(int view, const struct viewos_binfmt_rule *rule, uint64_t *id)
{
	struct viewos_binfmt match = rule->match;
	struct viewos_rule_add arg = {
		.size = sizeof(arg),
		.class = VIEWOS_CLASS_BINFMT,
		.verdict = rule->verdict,
		.family = VIEWOS_RULE_ANY,
		.type = VIEWOS_RULE_ANY,
		.protocol = VIEWOS_RULE_ANY,
		.error = rule->error,
		.netns_fd = -1,
		.binfmt = (uintptr_t)&match,
		.source = string_pointer(rule->interpreter),
	};

	match.size = sizeof(match);
	if (ioctl(view, VIEWOS_IOC_RULE_ADD, &arg) < 0)
		return -errno;
	if (id)
		*id = arg.id;
	return 0;
}

int viewos_rule_del(int view, uint64_t id)
{
	struct viewos_rule_del arg = { .size = sizeof(arg), .id = id };

	return ioctl(view, VIEWOS_IOC_RULE_DEL, &arg) < 0 ? -errno : 0;
}

int viewos_socket(const char *stack, int family, int type, int protocol)
{
	struct viewos_socket arg = {
		.size = sizeof(arg),
		.family = family,
		.type = type,
		.protocol = protocol,
	};
	int ctl, ret;

	if (name_copy(arg.stack, stack ? stack : "") < 0)
		return -EINVAL;
	/* Not kept: a program may close all its files, or be in another root the next time. */
	ctl = open(VIEWOS_DEVICE, O_RDWR | O_CLOEXEC);
	if (ctl < 0)
		return -errno;
	ret = ioctl(ctl, VIEWOS_IOC_SOCKET, &arg);
	if (ret < 0)
		ret = -errno;
	close(ctl);
	return ret;
}

void viewos_rule_of_entry(const struct viewos_entry *entry, struct viewos_rule *rule)
{
	*rule = VIEWOS_RULE_INIT;
	rule->class_ = entry->class_;
	rule->family = entry->family;
	rule->type = entry->type;
	rule->protocol = entry->protocol;
	rule->verdict = entry->rule_verdict;
	rule->error = entry->rule_error;
	if (entry->rule_stack)
		snprintf(rule->stack, sizeof(rule->stack), "%s", entry->rule_stack);
	if (entry->rule_target)
		snprintf(rule->target, sizeof(rule->target), "%s", entry->rule_target);
	if (entry->source)
		snprintf(rule->source, sizeof(rule->source), "%s", entry->source);
	else if (entry->rule_netns)
		snprintf(rule->source, sizeof(rule->source), "net:[%u]", entry->rule_netns);
	if (entry->options)
		snprintf(rule->options, sizeof(rule->options), "%s", entry->options);
}

void viewos_call_rule_of_entry(const struct viewos_entry *entry, struct viewos_call_rule *rule)
{
	size_t len = entry->rule_calls.len;

	*rule = (struct viewos_call_rule){
		.verdict = entry->rule_verdict,
		.error = entry->rule_error,
		.value = entry->rule_value,
	};
	if (entry->rule_target)
		snprintf(rule->target, sizeof(rule->target), "%s", entry->rule_target);
	if (entry->source)
		snprintf(rule->source, sizeof(rule->source), "%s", entry->source);
	if (len)
		memcpy(rule->calls, entry->rule_calls.data,
		       len < sizeof(rule->calls) ? len : sizeof(rule->calls));
}

void viewos_binfmt_rule_of_entry(const struct viewos_entry *entry,
				 struct viewos_binfmt_rule *rule)
{
	size_t len = entry->rule_binfmt.len;

	*rule = (struct viewos_binfmt_rule){
		.verdict = entry->rule_verdict,
		.error = entry->rule_error,
	};
	if (entry->source)
		snprintf(rule->interpreter, sizeof(rule->interpreter), "%s", entry->source);
	if (len)
		memcpy(&rule->match, entry->rule_binfmt.data,
		       len < sizeof(rule->match) ? len : sizeof(rule->match));
}

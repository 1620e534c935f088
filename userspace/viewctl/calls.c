// SPDX-License-Identifier: GPL-2.0
/* viewctl: rules for system calls, read from text */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

/**
 * struct parse - a text that is being taken apart
 * @rule: what it says so far
 * @serve: its verdict is serve
 * @error: where a complaint goes
 * @size: how long it may be
 */
struct parse {
	struct viewos_call_rule *rule;
	bool serve;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int bad(const struct parse *parse,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->error, parse->size, format, args);
	va_end(args);
	return -EINVAL;
}

/* Architectures as a mask of 1 << enum viewos_arch, 0 for an unknown one. */
static unsigned int arch_find(const char *name)
{
	if (!name)
		return 1U << VIEWOS_ARCH_X86_64 | 1U << VIEWOS_ARCH_I386;
	if (!strcmp(name, "x86-64"))
		return 1U << VIEWOS_ARCH_X86_64;
	if (!strcmp(name, "i386"))
		return 1U << VIEWOS_ARCH_I386;
	return 0;
}

static bool name_add(struct parse *parse, unsigned int arches, const char *name)
{
	unsigned int arch;
	bool found = false;
	int nr;

	for (arch = 0; arch < VIEWOS_ARCHES; arch++) {
		nr = call_number(arch, name);
		if (!(arches & 1U << arch) || nr < 0 || nr >= VIEWOS_CALLS)
			continue;
		call_set(parse->rule, arch, nr);
		found = true;
	}
	return found;
}

static int group_add(struct parse *parse, unsigned int arches, const char *name)
{
	const struct call_group *group;
	size_t i;

	for (group = call_groups; group->name; group++)
		if (!strcmp(group->name, name))
			break;
	if (!group->name)
		return bad(parse, "'%s': expected one of " CALLS_GROUPS, name);
	for (i = 0; group->names[i]; i++)
		name_add(parse, arches, group->names[i]);
	/* A kernel may be older than the names. */
	parse->rule->flags = VIEWOS_RULE_ADD_KNOWN;
	return 0;
}

static void any_add(struct parse *parse, unsigned int arches)
{
	unsigned int arch, nr;

	for (arch = 0; arch < VIEWOS_ARCHES; arch++)
		for (nr = 0; arches & 1U << arch && nr < VIEWOS_CALLS; nr++)
			call_set(parse->rule, arch, nr);
	parse->rule->flags = VIEWOS_RULE_ADD_KNOWN;
}

static int number_add(struct parse *parse, unsigned int arches, const char *text)
{
	unsigned long nr;
	char *end;

	errno = 0;
	nr = strtoul(text, &end, 10);
	if (*end || errno || nr >= VIEWOS_CALLS)
		return bad(parse, "'%s': expected the name of a system call, or a number below %d",
			   text, VIEWOS_CALLS);
	if (arches == 1U << VIEWOS_ARCH_X86_64)
		call_set(parse->rule, VIEWOS_ARCH_X86_64, nr);
	else if (arches == 1U << VIEWOS_ARCH_I386)
		call_set(parse->rule, VIEWOS_ARCH_I386, nr);
	else
		return bad(parse, "'%s': expected %s/x86-64 or %s/i386: a number means another "
			   "call to each", text, text, text);
	return 0;
}

static int call_parse(struct parse *parse, char *call)
{
	char *arch = strchr(call, '/');
	unsigned int arches;

	if (arch)
		*arch++ = '\0';
	arches = arch_find(arch);
	if (!arches)
		return bad(parse, "'%s': expected x86-64 or i386", arch);
	if (!strcmp(call, "any")) {
		any_add(parse, arches);
		return 0;
	}
	if (*call == '@')
		return group_add(parse, arches, call);
	if (isdigit((unsigned char)*call))
		return number_add(parse, arches, call);
	if (call_unruled(call, parse->serve))
		return bad(parse, "'%s': must not be ruled: a program can neither go on nor end "
			   "without it", call);
	if (name_add(parse, arches, call))
		return 0;
	if (arch && (call_number(VIEWOS_ARCH_X86_64, call) >= 0 ||
		     call_number(VIEWOS_ARCH_I386, call) >= 0))
		return bad(parse, "'%s': %s has no such system call", call, arch);
	return bad(parse, "'%s': expected the name of a system call, a group as @mount, or any",
		   call);
}

/* Errors and servers are written as in other rules. */
static int other_parse(struct parse *parse, const char *verdict, const char *argument)
{
	struct viewos_call_rule *rule = parse->rule;
	struct viewos_rule *rules;
	char *text;
	int ret;

	rules = calloc(VIEWOS_RULE_PARSED_MAX, sizeof(*rules));
	if (!rules || asprintf(&text, "any=%s%s%s", verdict, argument ? ":" : "",
			       argument ? argument : "") < 0) {
		free(rules);
		return -ENOMEM;
	}
	ret = viewos_rule_parse(text, rules, parse->error, parse->size);
	if (ret > 0) {
		rule->error = rules[0].error;
		memcpy(rule->target, rules[0].target, sizeof(rule->target));
		memcpy(rule->source, rules[0].source, sizeof(rule->source));
		memcpy(rule->options, rules[0].options, sizeof(rule->options));
	}
	free(text);
	free(rules);
	return ret < 0 ? ret : 0;
}

static int deny_parse(struct parse *parse, const char *error)
{
	parse->rule->error = EPERM;
	return error ? other_parse(parse, "deny", error) : 0;
}

static bool is_error(long long value)
{
	return value < 0 && value >= -4095;
}

static int value_parse(struct parse *parse, const char *text)
{
	long long value;
	char *end;

	errno = 0;
	value = text ? strtoll(text, &end, 0) : 0;
	if (!text || !*text || *end || errno)
		return bad(parse, "'%s': expected a number", text ? text : "value");
	if (is_error(value) || is_error((int)value))
		return bad(parse, "'%s': means an error, for which there is deny", text);
	parse->rule->value = value;
	return 0;
}

static int verdict_parse(struct parse *parse, char *verdict)
{
	char *argument = strchr(verdict, ':');

	if (argument)
		*argument++ = '\0';
	if (!strcmp(verdict, "native")) {
		parse->rule->verdict = VIEWOS_VERDICT_NATIVE;
		return argument ? bad(parse, "'%s': native takes nothing", argument) : 0;
	}
	if (!strcmp(verdict, "deny")) {
		parse->rule->verdict = VIEWOS_VERDICT_DENY;
		return deny_parse(parse, argument);
	}
	if (!strcmp(verdict, "value")) {
		parse->rule->verdict = VIEWOS_VERDICT_VALUE;
		return value_parse(parse, argument);
	}
	if (!strcmp(verdict, "serve")) {
		parse->rule->verdict = VIEWOS_VERDICT_SERVE;
		return other_parse(parse, "serve", argument);
	}
	return bad(parse, "'%s': expected native, deny[:ERRNO], value:NUMBER or "
		   "serve:NAME[,OPTIONS][:SOURCE]", verdict);
}

int calls_parse(const char *text, struct viewos_call_rule *rule, char *error, size_t size)
{
	struct parse parse = { .rule = rule, .error = error, .size = size };
	char *copy = strdup(text), *rest = copy, *verdict, *call;
	int ret = 0;

	memset(rule, 0, sizeof(*rule));
	if (!copy)
		return -ENOMEM;
	verdict = strchr(copy, '=');
	if (!verdict) {
		ret = bad(&parse, "'%s': expected CALL[,CALL...]=VERDICT", text);
	} else {
		*verdict++ = '\0';
		parse.serve = !strncmp(verdict, "serve", strlen("serve"));
		while (!ret && (call = strsep(&rest, ",")))
			ret = call_parse(&parse, call);
		if (!ret)
			ret = verdict_parse(&parse, verdict);
	}
	free(copy);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/* viewctl: rules for system calls, written as text */
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

static const char *const arch_names[VIEWOS_ARCHES] = {
	[VIEWOS_ARCH_X86_64] = "x86-64",
	[VIEWOS_ARCH_I386] = "i386",
};

static const uint32_t arch_tokens[VIEWOS_ARCHES] = {
	[VIEWOS_ARCH_X86_64] = SCMP_ARCH_X86_64,
	[VIEWOS_ARCH_I386] = SCMP_ARCH_X86,
};

static bool same_calls(const struct viewos_call_rule *one, const struct viewos_call_rule *other)
{
	return !memcmp(one->calls, other->calls, sizeof(one->calls));
}

static const char *group_find(const struct viewos_call_rule *rule)
{
	const struct call_group *group;
	unsigned int arch;
	size_t i;
	int nr;

	for (group = call_groups; group->name; group++) {
		struct viewos_call_rule whole = { 0 };

		for (i = 0; group->names[i]; i++)
			for (arch = 0; arch < VIEWOS_ARCHES; arch++) {
				nr = call_number(arch, group->names[i]);
				if (nr >= 0 && nr < VIEWOS_CALLS)
					call_set(&whole, arch, nr);
			}
		if (same_calls(rule, &whole))
			return group->name;
	}
	return NULL;
}

/* Does it have all that can be had of a table? Of names that we know, that is. */
static bool has_all(const struct viewos_call_rule *rule, unsigned int arch)
{
	bool serve = rule->verdict == VIEWOS_VERDICT_SERVE, all = true;
	unsigned int nr, have = 0;
	char *name;

	for (nr = 0; all && nr < VIEWOS_CALLS; nr++) {
		if (call_is_set(rule, arch, nr)) {
			have++;
			continue;
		}
		name = seccomp_syscall_resolve_num_arch(arch_tokens[arch], nr);
		/* What the kernel lacks comes after all that it has. */
		all = !name || call_unruled(name, serve) || have > 300;
		free(name);
	}
	return all && have > 300;
}

static bool has_none(const struct viewos_call_rule *rule, unsigned int arch)
{
	static const uint64_t none[VIEWOS_CALLS / 64];

	return !memcmp(rule->calls[arch], none, sizeof(none));
}

static void call_put(FILE *out, const char **separator, const char *name, unsigned int nr,
		     const char *arch)
{
	fputs(*separator, out);
	*separator = ",";
	if (name)
		fputs(name, out);
	else
		fprintf(out, "%u", nr);
	if (arch)
		fprintf(out, "/%s", arch);
}

/* A call that both tables have is written once, if the rule is for both. */
static void calls_put(FILE *out, const struct viewos_call_rule *rule, unsigned int arch)
{
	const char *separator = arch && !has_none(rule, 0) ? "," : "";
	unsigned int nr, other_arch = !arch;
	bool in_other;
	char *name;
	int other;

	for (nr = 0; nr < VIEWOS_CALLS; nr++) {
		if (!call_is_set(rule, arch, nr))
			continue;
		name = seccomp_syscall_resolve_num_arch(arch_tokens[arch], nr);
		other = name ? call_number(other_arch, name) : -1;
		in_other = other >= 0 && other < VIEWOS_CALLS &&
			   call_is_set(rule, other_arch, other);
		if (!in_other || !arch)
			call_put(out, &separator, name, nr,
				 name && (in_other || other < 0) ? NULL : arch_names[arch]);
		free(name);
	}
}

char *calls_match_text(const struct viewos_call_rule *rule)
{
	const char *group = group_find(rule);
	char *text = NULL;
	size_t len;
	FILE *out;

	if (group)
		return strdup(group);
	if (has_all(rule, VIEWOS_ARCH_X86_64) && has_all(rule, VIEWOS_ARCH_I386))
		return strdup("any");
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	calls_put(out, rule, VIEWOS_ARCH_X86_64);
	calls_put(out, rule, VIEWOS_ARCH_I386);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static int verdict_text(char **text, const char *match, const struct viewos_call_rule *rule)
{
	const char *error = strerrorname_np(rule->error);

	switch (rule->verdict) {
	case VIEWOS_VERDICT_NATIVE:
		return asprintf(text, CALLS_PREFIX "%s=native", match);
	case VIEWOS_VERDICT_DENY:
		if (error)
			return asprintf(text, CALLS_PREFIX "%s=deny:%s", match, error);
		return asprintf(text, CALLS_PREFIX "%s=deny:%d", match, rule->error);
	case VIEWOS_VERDICT_VALUE:
		return asprintf(text, CALLS_PREFIX "%s=value:%" PRId64, match, rule->value);
	case VIEWOS_VERDICT_SERVE:
		return asprintf(text, CALLS_PREFIX "%s=serve:%s%s%s", match, rule->target,
				*rule->source ? ":" : "", rule->source);
	default:
		return asprintf(text, CALLS_PREFIX "%s=%u", match, (unsigned int)rule->verdict);
	}
}

char *calls_text(const struct viewos_call_rule *rule)
{
	char *match = calls_match_text(rule), *text = NULL;

	if (match && verdict_text(&text, match, rule) < 0)
		text = NULL;
	free(match);
	return text;
}

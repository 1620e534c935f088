// SPDX-License-Identifier: GPL-2.0
/* viewctl: one field of a rule or a socket as text */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "binfmt.h"
#include "calls.h"
#include "listing.h"

static const char *const class_names[] = {
	[VIEWOS_CLASS_PATH] = "path",
	[VIEWOS_CLASS_SOCKET] = "socket",
	[VIEWOS_CLASS_SYSCALL] = "syscall",
	[VIEWOS_CLASS_BINFMT] = "binfmt",
};

static const char *const socket_state_names[] = {
	[VIEWOS_SOCKET_NEW] = "new",
	[VIEWOS_SOCKET_LISTENING] = "listening",
	[VIEWOS_SOCKET_CONNECTING] = "connecting",
	[VIEWOS_SOCKET_CONNECTED] = "connected",
};

#define NAME_OF(names, number)						\
	((number) < sizeof(names) / sizeof((names)[0]) && (names)[number] ?	\
	 (names)[number] : "unknown")

static char *name_or_number(const char *name, int number)
{
	char *text;

	if (name)
		return strdup(name);
	return asprintf(&text, "%d", number) < 0 ? NULL : text;
}

static char *call_text(const struct viewos_entry *entry, enum column_kind kind)
{
	struct viewos_call_rule rule;
	char *text;

	viewos_call_rule_of_entry(entry, &rule);
	if (kind == COLUMN_MATCH)
		return calls_match_text(&rule);
	if (kind == COLUMN_RULE)
		return calls_text(&rule);
	if (rule.verdict == VIEWOS_VERDICT_DENY)
		return name_or_number(strerrorname_np(rule.error), rule.error);
	if (rule.verdict == VIEWOS_VERDICT_VALUE)
		return asprintf(&text, "%lld", (long long)rule.value) < 0 ? NULL : text;
	return NULL;
}

static char *format_text(const struct viewos_entry *entry, enum column_kind kind)
{
	struct viewos_binfmt_rule *rule = malloc(sizeof(*rule));
	char *text = NULL;

	if (!rule)
		return NULL;
	viewos_binfmt_rule_of_entry(entry, rule);
	if (kind == COLUMN_MATCH)
		text = binfmt_match_text(rule);
	else if (kind == COLUMN_RULE)
		text = binfmt_text(rule);
	else if (rule->verdict == VIEWOS_VERDICT_DENY)
		text = name_or_number(strerrorname_np(rule->error), rule->error);
	else if (*rule->interpreter)
		text = strdup(rule->interpreter);
	free(rule);
	return text;
}

static char *match_text(const struct viewos_entry *entry)
{
	char text[64];

	if (entry->class_ == VIEWOS_CLASS_SYSCALL)
		return call_text(entry, COLUMN_MATCH);
	if (entry->class_ == VIEWOS_CLASS_BINFMT)
		return format_text(entry, COLUMN_MATCH);
	viewos_match_format(entry->family, entry->type, entry->protocol, text, sizeof(text));
	return strdup(text);
}

/* The rule as text, or what is behind the colon of its verdict. */
static char *rule_text(const struct viewos_entry *entry, bool target)
{
	struct viewos_rule *rule;
	char *text = NULL;
	int len;

	if (entry->class_ == VIEWOS_CLASS_SYSCALL)
		return call_text(entry, target ? COLUMN_RULE_TARGET : COLUMN_RULE);
	if (entry->class_ == VIEWOS_CLASS_BINFMT)
		return format_text(entry, target ? COLUMN_RULE_TARGET : COLUMN_RULE);
	rule = malloc(sizeof(*rule));
	if (!rule)
		return NULL;
	viewos_rule_of_entry(entry, rule);
	if (!target) {
		len = viewos_rule_format(rule, NULL, 0) + 1;
		text = malloc(len);
		if (text)
			viewos_rule_format(rule, text, len);
	} else if (rule->verdict == VIEWOS_VERDICT_DENY) {
		text = name_or_number(strerrorname_np(rule->error), rule->error);
	} else if (*rule->target) {
		text = strdup(rule->target);
	} else if (rule->verdict == VIEWOS_VERDICT_REDIRECT) {
		text = strdup(rule->source);
	}
	free(rule);
	return text;
}

static const char *verdict_name(const struct viewos_entry *entry)
{
	switch (entry->rule_verdict) {
	case VIEWOS_VERDICT_NATIVE:
		return "native";
	case VIEWOS_VERDICT_DENY:
		return "deny";
	case VIEWOS_VERDICT_REDIRECT:
		if (entry->class_ == VIEWOS_CLASS_BINFMT)
			return "interpret";
		return entry->rule_target ? "stack" : "netns";
	case VIEWOS_VERDICT_SERVE:
		return "serve";
	case VIEWOS_VERDICT_VALUE:
		return "value";
	default:
		return "unknown";
	}
}

static char *inet_text(const struct viewos_bytes *bytes)
{
	struct sockaddr_in address;
	char host[INET_ADDRSTRLEN], *text;

	if (bytes->len < sizeof(address))
		return NULL;
	memcpy(&address, bytes->data, sizeof(address));
	inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
	return asprintf(&text, "%s:%u", host, ntohs(address.sin_port)) < 0 ? NULL : text;
}

static char *inet6_text(const struct viewos_bytes *bytes)
{
	struct sockaddr_in6 address;
	char host[INET6_ADDRSTRLEN], *text;

	if (bytes->len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return NULL;
	memset(&address, 0, sizeof(address));
	memcpy(&address, bytes->data,
	       bytes->len < sizeof(address) ? bytes->len : sizeof(address));
	inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof(host));
	return asprintf(&text, "[%s]:%u", host, ntohs(address.sin6_port)) < 0 ? NULL : text;
}

/* An abstract name begins with a NUL, and may have more of them: each is shown as @. */
static char *unix_text(const struct viewos_bytes *bytes)
{
	const char *path = (const char *)bytes->data + offsetof(struct sockaddr_un, sun_path);
	size_t i, len = bytes->len - offsetof(struct sockaddr_un, sun_path);
	char *text;

	if (!len)
		return NULL;
	if (*path)
		return strndup(path, len);
	text = malloc(len + 1);
	if (!text)
		return NULL;
	for (i = 0; i < len; i++)
		text[i] = path[i] ? path[i] : '@';
	text[len] = '\0';
	return text;
}

static char *other_text(const struct viewos_bytes *bytes, sa_family_t family)
{
	const unsigned char *data = bytes->data;
	const char *name = viewos_family_name(family);
	char *text, *end;
	size_t i;

	text = malloc(64 + 2 * bytes->len);
	if (!text)
		return NULL;
	end = text + (name ? sprintf(text, "%s:", name) : sprintf(text, "%u:", family));
	for (i = sizeof(family); i < bytes->len; i++)
		end += sprintf(end, "%02x", data[i]);
	return text;
}

static char *address_text(const struct viewos_bytes *bytes)
{
	sa_family_t family;

	if (bytes->len < sizeof(family))
		return NULL;
	memcpy(&family, bytes->data, sizeof(family));
	switch (family) {
	case AF_INET:
		return inet_text(bytes);
	case AF_INET6:
		return inet6_text(bytes);
	case AF_UNIX:
		return unix_text(bytes);
	default:
		return other_text(bytes, family);
	}
}

char *rule_column_text(const struct column *column, const struct viewos_entry *entry,
		       const struct lookup *lookup)
{
	switch (column->kind) {
	case COLUMN_CLASS:
		return strdup(NAME_OF(class_names, entry->class_));
	case COLUMN_FAMILY:
		return name_or_number(viewos_family_name(entry->family), entry->family);
	case COLUMN_TYPE:
		return name_or_number(viewos_type_name(entry->type), entry->type);
	case COLUMN_PROTOCOL:
		return name_or_number(viewos_protocol_name(entry->family, entry->protocol),
				      entry->protocol);
	case COLUMN_MATCH:
		return match_text(entry);
	case COLUMN_VERDICT:
		return strdup(verdict_name(entry));
	case COLUMN_RULE_TARGET:
		return rule_text(entry, true);
	case COLUMN_RULE:
		return rule_text(entry, false);
	case COLUMN_SOCKET_STATE:
		return strdup(NAME_OF(socket_state_names, entry->socket_state));
	case COLUMN_ADDRESS:
		return address_text((const void *)((const char *)entry + column->offset));
	case COLUMN_PIDS:
		return lookup_pids(lookup, entry->socket_ino);
	default:
		return NULL;
	}
}

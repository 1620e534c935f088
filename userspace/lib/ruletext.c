// SPDX-License-Identifier: GPL-2.0
/* libviewos: rules as text */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "names.h"
#include "viewos.h"

/* What the kernel takes as the errno of a rule. */
#define RULE_ERROR_MAX	511

/* Where named network namespaces are, as ip-netns(8) has it. */
#define NETNS_DIR	"/run/netns/"

/**
 * struct parse - a text that is being taken apart
 * @rule: what it says so far
 * @inet46: its family stands for two
 * @error: where a complaint goes
 * @error_size: how long it may be
 */
struct parse {
	struct viewos_rule *rule;
	bool inet46;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int bad(const struct parse *parse,
						     const char *format, ...)
{
	va_list args;

	if (!parse->error)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(parse->error, parse->error_size, format, args);
	va_end(args);
	return -EINVAL;
}

static bool name_valid(const char *name)
{
	size_t i;

	if (!*name || isdigit((unsigned char)*name))
		return false;
	for (i = 0; name[i]; i++)
		if (i + 1 == VIEWOS_NAME_LEN ||
		    (!isalnum((unsigned char)name[i]) && !strchr("-_.:@", name[i])))
			return false;
	return true;
}

static int name_parse(const struct parse *parse, char field[VIEWOS_NAME_LEN], const char *name,
		      const char *what)
{
	if (!name_valid(name))
		return bad(parse, "'%s': expected the name of a %s: letters, digits and -_.:@, "
			   "no digit first, at most %d", name, what, VIEWOS_NAME_LEN - 1);
	snprintf(field, VIEWOS_NAME_LEN, "%s", name);
	return 0;
}

static int protocol_parse(struct parse *parse, const char *text)
{
	struct viewos_rule *rule = parse->rule;

	if (viewos_protocol_parse(rule->family, text, &rule->protocol))
		return 0;
	if (viewos_protocol_has_names(rule->family))
		return bad(parse, "'%s': expected a protocol of %s (such as %s), a number, or any",
			   text, parse->inet46 ? "inet46" : viewos_family_name(rule->family),
			   rule->family == AF_NETLINK ? "generic" :
			   rule->family == AF_PACKET ? "all" :
			   rule->family == AF_BLUETOOTH ? "hci" :
			   rule->family == AF_CAN ? "bcm" : "tcp");
	return bad(parse, "'%s': expected the number of a protocol, or any", text);
}

/* FAMILY[/TYPE[/PROTOCOL]], which is cut into pieces. */
static int match_parse(struct parse *parse, char *match)
{
	struct viewos_rule *rule = parse->rule;
	char *family = strsep(&match, "/");
	char *type = strsep(&match, "/");
	char *protocol = strsep(&match, "/");

	if (match)
		return bad(parse, "'%s': expected FAMILY[/TYPE[/PROTOCOL]]", match);
	parse->inet46 = !strcmp(family, "inet46");
	if (parse->inet46)
		rule->family = AF_INET;
	else if (!viewos_family_parse(family, &rule->family))
		return bad(parse, "'%s': expected an address family (such as inet, inet6, inet46, "
			   "unix, netlink), a number, or any", family);
	if (type && !viewos_type_parse(type, &rule->type))
		return bad(parse, "'%s': expected a type of socket (such as stream, dgram, raw), "
			   "a number, or any", type);
	return protocol ? protocol_parse(parse, protocol) : 0;
}

static int deny_parse(struct parse *parse, const char *error)
{
	const char *name;
	char *end;
	long number;

	if (!error) {
		parse->rule->error = EACCES;
		return 0;
	}
	if (isdigit((unsigned char)*error)) {
		errno = 0;
		number = strtol(error, &end, 10);
		if (!errno && !*end && number > 0 && number <= RULE_ERROR_MAX) {
			parse->rule->error = number;
			return 0;
		}
	}
	for (number = 1; number <= RULE_ERROR_MAX; number++) {
		name = strerrorname_np(number);
		if (name && !strcmp(name, error)) {
			parse->rule->error = number;
			return 0;
		}
	}
	/* These are second names. */
	if (!strcmp(error, "EWOULDBLOCK"))
		parse->rule->error = EWOULDBLOCK;
	else if (!strcmp(error, "EOPNOTSUPP") || !strcmp(error, "ENOTSUP"))
		parse->rule->error = EOPNOTSUPP;
	else
		return bad(parse, "'%s': expected the name of an error (such as EACCES), or a "
			   "number from 1 to %d", error, RULE_ERROR_MAX);
	return 0;
}

static int netns_parse(struct parse *parse, const char *netns)
{
	char *source = parse->rule->source;
	bool all_digits = netns && *netns && strspn(netns, "0123456789") == strlen(netns);
	int len;

	if (!netns || !*netns)
		return bad(parse, "'netns:': expected netns:PATH, netns:NAME or netns:PID");
	if (all_digits)
		len = snprintf(source, VIEWOS_SOURCE_LEN, "/proc/%s/ns/net", netns);
	else if (strchr(netns, '/'))
		len = snprintf(source, VIEWOS_SOURCE_LEN, "%s", netns);
	else
		len = snprintf(source, VIEWOS_SOURCE_LEN, NETNS_DIR "%s", netns);
	if (len >= VIEWOS_SOURCE_LEN || !strcmp(netns, ".") || !strcmp(netns, ".."))
		return bad(parse, "'%.64s': expected a network namespace", netns);
	return 0;
}

/* NAME[,OPTIONS][:SOURCE]. The name ends at the first comma or colon. */
static int serve_parse(struct parse *parse, char *server)
{
	struct viewos_rule *rule = parse->rule;
	char *source, *options;

	if (!server)
		return bad(parse, "'serve': expected serve:NAME[,OPTIONS][:SOURCE]");
	source = strchr(server, ':');
	if (source)
		*source++ = '\0';
	options = strchr(server, ',');
	if (options)
		*options++ = '\0';
	if ((source && strlen(source) >= sizeof(rule->source)) ||
	    (options && strlen(options) >= sizeof(rule->options)))
		return bad(parse, "'%s': its source or options have %zu bytes or more", server,
			   sizeof(rule->source));
	snprintf(rule->source, sizeof(rule->source), "%s", source ? source : "");
	snprintf(rule->options, sizeof(rule->options), "%s", options ? options : "");
	return name_parse(parse, rule->target, server, "server");
}

static int verdict_parse(struct parse *parse, char *verdict)
{
	struct viewos_rule *rule = parse->rule;
	char *argument = strchr(verdict, ':');

	if (argument)
		*argument++ = '\0';
	if (!strcmp(verdict, "native")) {
		rule->verdict = VIEWOS_VERDICT_NATIVE;
		return argument ? bad(parse, "'%s': native takes nothing", argument) : 0;
	}
	if (!strcmp(verdict, "deny")) {
		rule->verdict = VIEWOS_VERDICT_DENY;
		return deny_parse(parse, argument);
	}
	if (!strcmp(verdict, "netns")) {
		rule->verdict = VIEWOS_VERDICT_REDIRECT;
		return netns_parse(parse, argument);
	}
	if (!strcmp(verdict, "stack")) {
		rule->verdict = VIEWOS_VERDICT_REDIRECT;
		return name_parse(parse, rule->target, argument ? argument : "", "stack");
	}
	if (!strcmp(verdict, "serve")) {
		rule->verdict = VIEWOS_VERDICT_SERVE;
		return serve_parse(parse, argument);
	}
	return bad(parse, "'%s': expected native, deny[:ERRNO], netns:WHERE, stack:NAME or "
		   "serve:NAME[,OPTIONS][:SOURCE]", verdict);
}

/* @text is cut into pieces. */
static int rule_parse(struct parse *parse, char *text)
{
	char *verdict = strchr(text, '=');
	char *stack;
	int ret;

	if (!verdict)
		return bad(parse, "'%s': expected FAMILY[/TYPE[/PROTOCOL]][@STACK]=VERDICT", text);
	*verdict++ = '\0';
	stack = strchr(text, '@');
	if (stack)
		*stack++ = '\0';
	ret = match_parse(parse, text);
	if (!ret && stack)
		ret = name_parse(parse, parse->rule->stack, stack, "stack");
	return ret ? ret : verdict_parse(parse, verdict);
}

int viewos_rule_parse(const char *text, struct viewos_rule rules[VIEWOS_RULE_PARSED_MAX],
		      char *error, size_t error_size)
{
	struct parse parse = { .rule = rules, .error = error, .error_size = error_size };
	char *copy = strdup(text);
	int ret;

	if (!copy) {
		bad(&parse, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	rules[0] = VIEWOS_RULE_INIT;
	ret = rule_parse(&parse, copy);
	free(copy);
	if (ret)
		return ret;
	if (!parse.inet46)
		return 1;
	rules[1] = rules[0];
	rules[1].family = AF_INET6;
	return 2;
}

/**
 * struct output - a text that is being put together, as by snprintf(3)
 * @text: where it goes
 * @size: room there
 * @len: what it takes
 */
struct output {
	char *text;
	size_t size;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct output *output,
						      const char *format, ...)
{
	bool room = output->len < output->size;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(room ? output->text + output->len : NULL,
			room ? output->size - output->len : 0, format, args);
	va_end(args);
	if (len > 0)
		output->len += len;
}

static void name_put(struct output *output, const char *name, int number)
{
	if (name)
		put(output, "%s", name);
	else
		put(output, "%d", number);
}

static void match_put(struct output *output, int family, int type, int protocol)
{
	name_put(output, viewos_family_name(family), family);
	if (type == VIEWOS_RULE_ANY && protocol == VIEWOS_RULE_ANY)
		return;
	put(output, "/");
	name_put(output, viewos_type_name(type), type);
	if (protocol == VIEWOS_RULE_ANY)
		return;
	put(output, "/");
	name_put(output, viewos_protocol_name(family, protocol), protocol);
}

static void verdict_put(struct output *output, const struct viewos_rule *rule)
{
	switch (rule->verdict) {
	case VIEWOS_VERDICT_NATIVE:
		put(output, "native");
		break;
	case VIEWOS_VERDICT_DENY:
		put(output, "deny:");
		name_put(output, strerrorname_np(rule->error), rule->error);
		break;
	case VIEWOS_VERDICT_REDIRECT:
		if (*rule->target)
			put(output, "stack:%s", rule->target);
		else
			put(output, "netns:%s", rule->source);
		break;
	case VIEWOS_VERDICT_SERVE:
		put(output, "serve:%s", rule->target);
		if (*rule->options)
			put(output, ",%s", rule->options);
		if (*rule->source)
			put(output, ":%s", rule->source);
		break;
	default:
		put(output, "%u", (unsigned int)rule->verdict);
	}
}

int viewos_match_format(int family, int type, int protocol, char *text, size_t size)
{
	struct output output = { .text = text, .size = size };

	match_put(&output, family, type, protocol);
	return output.len;
}

int viewos_rule_format(const struct viewos_rule *rule, char *text, size_t size)
{
	struct output output = { .text = text, .size = size };

	match_put(&output, rule->family, rule->type, rule->protocol);
	if (*rule->stack)
		put(&output, "@%s", rule->stack);
	put(&output, "=");
	verdict_put(&output, rule);
	return output.len;
}

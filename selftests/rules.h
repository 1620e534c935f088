/* SPDX-License-Identifier: GPL-2.0 */
/* Rules by the bare ABI, and what sockets they let a task have. */
#ifndef _VIEWOS_RULES_H
#define _VIEWOS_RULES_H

#include "abi.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE		71
#endif

enum { ANY = VIEWOS_RULE_ANY };

/* A rule for everything that says "native". */
static inline struct viewos_rule_add rule_native(void)
{
	return (struct viewos_rule_add){
		.size = sizeof(struct viewos_rule_add),
		.class = VIEWOS_CLASS_SOCKET,
		.verdict = VIEWOS_VERDICT_NATIVE,
		.family = ANY,
		.type = ANY,
		.protocol = ANY,
		.netns_fd = -1,
	};
}

static inline struct viewos_rule_add rule_deny(int family, int type, int protocol, int error)
{
	struct viewos_rule_add rule = rule_native();

	rule.verdict = VIEWOS_VERDICT_DENY;
	rule.family = family;
	rule.type = type;
	rule.protocol = protocol;
	rule.error = error;
	return rule;
}

static inline struct viewos_rule_add rule_netns(int family, int netns)
{
	struct viewos_rule_add rule = rule_native();

	rule.verdict = VIEWOS_VERDICT_REDIRECT;
	rule.family = family;
	rule.netns_fd = netns;
	return rule;
}

static inline struct viewos_rule_add rule_stack(int family, const char *target)
{
	struct viewos_rule_add rule = rule_native();

	rule.verdict = VIEWOS_VERDICT_REDIRECT;
	rule.family = family;
	memcpy(rule.target, target, strnlen(target, sizeof(rule.target)));
	return rule;
}

/* The same rule, for a stack. */
static inline struct viewos_rule_add rule_of(struct viewos_rule_add rule, const char *stack)
{
	memcpy(rule.stack, stack, strnlen(stack, sizeof(rule.stack)));
	return rule;
}

/* Returns 0 or -errno; the id is put into the struct, as the kernel does it. */
static inline int rule_add_in(int view, struct viewos_rule_add *rule)
{
	return result(ioctl(view, VIEWOS_IOC_RULE_ADD, rule));
}

static inline int rule_add(int view, struct viewos_rule_add rule)
{
	return rule_add_in(view, &rule);
}

/* Returns the id, or 0. */
static inline uint64_t rule_id(int view, struct viewos_rule_add rule)
{
	return rule_add_in(view, &rule) ? 0 : rule.id;
}

static inline int deny(int view, int family, int type, int protocol, int error)
{
	return rule_add(view, rule_deny(family, type, protocol, error));
}

static inline int rule_del(int view, uint64_t id)
{
	struct viewos_rule_del del = { .size = sizeof(del), .id = id };

	return result(ioctl(view, VIEWOS_IOC_RULE_DEL, &del));
}

/* A socket of a stack. */
static inline int stack_socket(const char *stack, int family, int type, int protocol)
{
	struct viewos_socket arg = {
		.size = sizeof(arg), .family = family, .type = type, .protocol = protocol,
	};
	int control = control_open(), ret;

	if (control < 0)
		return control;
	memcpy(arg.stack, stack, strnlen(stack, sizeof(arg.stack)));
	ret = result(ioctl(control, VIEWOS_IOC_SOCKET, &arg));
	close(control);
	return ret;
}

/* 0 if such a socket can be had, else the positive errno. */
static inline int socket_error(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static inline int stack_error(const char *stack, int family, int type)
{
	int fd = stack_socket(stack, family, type, 0);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

/* Which network namespace a socket is of; 0 if that cannot be said. Closes it. */
static inline uint64_t socket_netns(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

/* In the view, as a process of its own: evaluates to the block's value, of 0 to 255. */
#define IN_VIEW(view, block) IN_CHILD(view_enter(view) ? 255 : (block))

/* The same, of the errno of a socket(2) there. */
#define SOCKET_IN(view, family, type, protocol) \
	IN_VIEW(view, socket_error(family, type, protocol))

#endif /* _VIEWOS_RULES_H */

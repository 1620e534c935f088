// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: the server of network stacks. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/viewos.h"
#include "config.h"
#include "keeper.h"
#include "plug.h"
#include "space.h"

/*
 * One stack, for all rules of a view that ask for just the same: one for IPv4 and one for IPv6
 * shall be one stack. All fields but space and plug are protected by stacks_mutex; settled and
 * error by settle_mutex, which is held while the network is asked for addresses.
 */
struct stack {
	struct stack *next;
	unsigned int refs;
	uid_t uid;
	uint64_t view;
	char *source;
	char *options;
	struct space space;
	struct plug *plug;
	pthread_mutex_t settle_mutex;
	bool settled;
	int error;
};

static pthread_mutex_t stacks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct stack *stacks;

static void stack_free(struct stack *stack)
{
	pthread_mutex_destroy(&stack->settle_mutex);
	free(stack->source);
	free(stack->options);
	free(stack);
}

static void stack_close(void *data)
{
	struct stack *stack = data, **link;

	pthread_mutex_lock(&stacks_mutex);
	if (--stack->refs) {
		stack = NULL;
	} else {
		for (link = &stacks; *link != stack; link = &(*link)->next)
			;
		*link = stack->next;
	}
	pthread_mutex_unlock(&stacks_mutex);
	if (!stack)
		return;
	plug_close(stack->plug);
	space_close(&stack->space);
	stack_free(stack);
}

static int stack_make(const struct viewos_accepted *accepted, struct stack *stack)
{
	struct config *config = malloc(sizeof(*config));
	int ret;

	if (!config)
		return -ENOMEM;
	ret = config_parse(accepted, config);
	if (!ret)
		ret = space_create(config, &stack->space);
	if (!ret && *config->url) {
		ret = plug_open(config->url, stack->space.tap, &stack->plug);
		if (ret)
			space_close(&stack->space);
	}
	free(config);
	return ret;
}

static int stack_new(const struct viewos_accepted *accepted, struct stack **result)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	int ret = -ENOMEM;

	if (!stack)
		return ret;
	stack->refs = 1;
	pthread_mutex_init(&stack->settle_mutex, NULL);
	stack->uid = accepted->uid;
	stack->view = accepted->view_id;
	stack->source = strdup(accepted->source);
	stack->options = strdup(accepted->options);
	if (stack->source && stack->options)
		ret = stack_make(accepted, stack);
	if (ret) {
		stack_free(stack);
		return ret;
	}
	*result = stack;
	return 0;
}

/* Whoever comes first waits for the network, and the others for them. */
static int stack_settle(struct stack *stack)
{
	int error;

	pthread_mutex_lock(&stack->settle_mutex);
	if (!stack->settled)
		stack->error = space_settle(&stack->space);
	stack->settled = true;
	error = stack->error;
	pthread_mutex_unlock(&stack->settle_mutex);
	return error;
}

/* The mutex is held while a stack is made, so that it is not made twice. */
static int stack_open(const struct viewos_accepted *accepted, void **data)
{
	struct stack *stack;
	int ret = 0;

	pthread_mutex_lock(&stacks_mutex);
	for (stack = stacks; stack; stack = stack->next)
		if (stack->uid == accepted->uid && stack->view == accepted->view_id &&
		    !strcmp(stack->source, accepted->source) &&
		    !strcmp(stack->options, accepted->options))
			break;
	if (stack) {
		stack->refs++;
	} else {
		ret = stack_new(accepted, &stack);
		if (!ret) {
			stack->next = stacks;
			stacks = stack;
		}
	}
	pthread_mutex_unlock(&stacks_mutex);
	if (ret)
		return ret;
	ret = stack_settle(stack);
	if (ret)
		stack_close(stack);
	else
		*data = stack;
	return ret;
}

/* All that is ever asked: the kernel makes the sockets there. */
static void stack_init(struct viewos_sock_req *req)
{
	const struct stack *stack = req->data;
	const struct viewos_sock_out out = {
		.flags = VIEWOS_SOCK_OUT_NETNS,
		.fd = stack->space.netns,
	};

	viewos_sock_reply(req, &out, NULL, NULL, NULL);
}

static const struct viewos_sock_ops ops = {
	.init = stack_init,
};

static const struct viewos_sock_server server = {
	.name = "netstack",
	.usage = "The source is a network: slirp:// (the Internet, by the server's own sockets),\n"
		 "vde://SWITCH, vxvde://, tap://INTERFACE, ptp://PATH, or another URL that\n"
		 "libvdeplug knows; or nothing, for a stack with loopback alone.\n"
		 "Options: ip=ADDRESS/LENGTH|dhcp, gw=ADDRESS, ip6=ADDRESS/LENGTH|auto, gw6=ADDRESS,\n"
		 "mtu=BYTES, name=TEXT.\n"
		 "Rules of a view with the same source and options share one stack.\n",
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = stack_open,
	.close = stack_close,
};

int main(int argc, char **argv)
{
	int status;

	if (keeper_lease(argv, &status))
		return status;
	return viewos_sock_main(argc, argv, &server);
}

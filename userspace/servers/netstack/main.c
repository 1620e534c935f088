// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: the server of network stacks. */
#include <stdlib.h>
#include <errno.h>

#include "../../lib/viewos.h"
#include "config.h"
#include "plug.h"
#include "space.h"

/* One stack: it is there as long as the session. */
struct stack {
	struct space space;
	struct plug *plug;
};

static void stack_close(void *data)
{
	struct stack *stack = data;

	plug_close(stack->plug);
	space_close(&stack->space);
	free(stack);
}

static int stack_open(const struct viewos_accepted *accepted, void **data)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	struct config *config = malloc(sizeof(*config));
	int ret = -ENOMEM;

	if (!stack || !config)
		goto free_all;
	ret = config_parse(accepted, config);
	if (!ret)
		ret = space_create(config, &stack->space);
	if (!ret && *config->url) {
		ret = plug_open(config->url, stack->space.tap, &stack->plug);
		if (ret)
			space_close(&stack->space);
	}
	if (ret)
		goto free_all;
	free(config);
	*data = stack;
	return 0;

free_all:
	free(config);
	free(stack);
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
		 "Options: ip=ADDRESS/LENGTH, gw=ADDRESS, ip6=, gw6=, mtu=BYTES.\n",
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = stack_open,
	.close = stack_close,
};

int main(int argc, char **argv)
{
	return viewos_sock_main(argc, argv, &server);
}

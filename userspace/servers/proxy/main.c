// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: the server that takes a view's connections through a proxy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "../common/options.h"
#include "proxy.h"

#define PROGRAM "viewos-proxy"

struct settings {
	char *udp;
};

static const struct option_entry entries[] = {
	{ "udp", OPTION_STRING, offsetof(struct settings, udp) },
	{}
};

static int settings_parse(const char *options, bool *udp)
{
	struct settings settings = { };
	int ret = options_parse(PROGRAM, options, entries, &settings);

	*udp = false;
	if (!ret && settings.udp) {
		*udp = !strcmp(settings.udp, "allow");
		if (!*udp && strcmp(settings.udp, "deny")) {
			fprintf(stderr, PROGRAM ": option \"udp\": \"%s\" is not allow or deny\n",
				settings.udp);
			ret = -EINVAL;
		}
	}
	free(settings.udp);
	return ret;
}

int target_read(struct names *names, const struct viewos_sock_req *req, struct target *target)
{
	const struct sockaddr_in *in = (const void *)req->name;
	const struct sockaddr_in6 *in6 = (const void *)req->name;

	if (!req->name || req->in->name_len < sizeof(sa_family_t))
		return -EINVAL;
	memset(target, 0, sizeof(*target));
	/* A socket of IPv6 may be told an address of the other kind, in one way or the other. */
	if (req->name->sa_family == AF_INET) {
		if (req->in->name_len < sizeof(*in))
			return -EINVAL;
		target->kind = TARGET_IPV4;
		target->ip = in->sin_addr;
		target->port = ntohs(in->sin_port);
	} else if (req->name->sa_family == AF_INET6 && req->in->family == AF_INET6) {
		if (req->in->name_len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		target->kind = TARGET_IPV6;
		target->ip6 = in6->sin6_addr;
		target->port = ntohs(in6->sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			target->kind = TARGET_IPV4;
			memcpy(&target->ip, &in6->sin6_addr.s6_addr[12], sizeof(target->ip));
		}
	} else {
		return -EAFNOSUPPORT;
	}
	if (target->kind != TARGET_IPV4 || !names_has(target->ip))
		return 0;
	if (names_host(names, target->ip, target->host) < 0)
		return -EHOSTUNREACH;
	target->kind = TARGET_NAME;
	return 0;
}

int socket_make(const struct viewos_sock_req *req)
{
	int fd = socket(req->in->family, req->in->type | SOCK_CLOEXEC, req->in->protocol);

	if (fd >= 0)
		return fd;
	if (errno != EMFILE && errno != ENFILE)
		return -errno;
	/* The program has fds enough, and shall not look for a leak of its own. */
	syslog(LOG_WARNING, "no fd for a socket: %m");
	return -ENOBUFS;
}

static void proxy_free(struct proxy *proxy)
{
	if (proxy->epoll >= 0)
		close(proxy->epoll);
	if (proxy->wake >= 0)
		close(proxy->wake);
	if (proxy->names)
		names_put(proxy->names);
	table_exit(&proxy->streams);
	pthread_mutex_destroy(&proxy->lock);
	free(proxy);
}

static int proxy_open(const struct viewos_accepted *accepted, void **data)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int ret;

	if (!proxy)
		return -ENOMEM;
	if (table_init(&proxy->streams) < 0) {
		free(proxy);
		return -ENOMEM;
	}
	pthread_mutex_init(&proxy->lock, NULL);
	proxy->epoll = epoll_create1(EPOLL_CLOEXEC);
	proxy->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = proxy->epoll < 0 || proxy->wake < 0 ? -EMFILE : 0;
	if (!ret)
		ret = settings_parse(accepted->options, &proxy->udp);
	if (!ret)
		ret = upstream_parse(accepted->source, &proxy->upstream);
	if (!ret)
		ret = upstream_resolve(&proxy->upstream);
	if (!ret) {
		proxy->names = names_get(accepted->uid, accepted->view_id, accepted->source,
					 accepted->options);
		ret = proxy->names ? 0 : -ENOMEM;
	}
	if (ret < 0) {
		proxy_free(proxy);
		return ret;
	}
	*data = proxy;
	return 0;
}

static void proxy_close(void *data)
{
	streams_end(data);
	proxy_free(data);
}

static void op_create(struct viewos_sock_req *req)
{
	const struct viewos_sock_in *in = req->in;

	if (in->family != AF_INET && in->family != AF_INET6)
		viewos_sock_reply_err(req, EAFNOSUPPORT);
	else if (in->type == SOCK_STREAM && (!in->protocol || in->protocol == IPPROTO_TCP))
		stream_create(req);
	else if (in->type == SOCK_DGRAM && (!in->protocol || in->protocol == IPPROTO_UDP))
		dgram_create(req);
	else
		viewos_sock_reply_err(req, EACCES);
}

static void op_bind(struct viewos_sock_req *req)
{
	const struct socket_base *base = req->user;

	if (base->kind == SOCKET_STREAM)
		stream_bind(req);
	else
		dgram_bind(req);
}

static void op_connect(struct viewos_sock_req *req)
{
	const struct socket_base *base = req->user;

	if (base->kind == SOCKET_STREAM)
		stream_connect(req);
	else
		dgram_connect(req);
}

static void op_getname(struct viewos_sock_req *req)
{
	const struct socket_base *base = req->user;

	if (base->kind == SOCKET_STREAM)
		stream_getname(req);
	else
		dgram_getname(req);
}

static void op_release(void *data, uint64_t id, void *user)
{
	struct socket_base *base = user;

	(void)id;
	if (base->kind == SOCKET_STREAM)
		stream_release(data, base);
	else
		dgram_release(base);
}

/* Of the others streams are asked none, since they have a backing. */
static const struct viewos_sock_ops ops = {
	.create = op_create,
	.bind = op_bind,
	.connect = op_connect,
	.getname = op_getname,
	.shutdown = dgram_shutdown,
	.setsockopt = dgram_setsockopt,
	.ioctl = dgram_ioctl,
	.sendmsg = dgram_sendmsg,
	.recvmsg = dgram_recvmsg,
	.release = op_release,
};

static const struct viewos_sock_server server = {
	.name = "proxy",
	.usage = "The source is socks5://[USER:PASSWORD@]HOST:PORT or http://[USER:PASSWORD@]HOST:PORT.\n"
		 "Option: udp=allow lets datagrams by.\n",
	.ops = &ops,
	.ops_size = sizeof(ops),
	.open = proxy_open,
	.close = proxy_close,
};

int main(int argc, char **argv)
{
	struct rlimit limit;

	/* One fd for each socket that is not connected yet. */
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	openlog(PROGRAM, LOG_PID, LOG_DAEMON);
	return viewos_sock_main(argc, argv, &server);
}

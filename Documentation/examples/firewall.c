// SPDX-License-Identifier: GPL-2.0
/* An example of a socket server: who may connect, bind or send to where. */
#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include <viewos.h>

/* The source of a rule: shell patterns of what is denied, with a blank between them. */
static int firewall_open(const struct viewos_accepted *accepted, void **data)
{
	*data = strdup(accepted->source);
	return *data ? 0 : -ENOMEM;
}

/* "ADDRESS:PORT", or only the number of the family; the name may be shorter than it says. */
static void address_print(char *text, size_t size, const struct sockaddr *name, size_t len)
{
	const struct sockaddr_in *in = (const void *)name;
	const struct sockaddr_in6 *in6 = (const void *)name;
	char address[INET6_ADDRSTRLEN] = "";

	if (len >= sizeof(*in) && name->sa_family == AF_INET)
		snprintf(text, size, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, address,
							sizeof(address)), ntohs(in->sin_port));
	else if (len >= sizeof(*in6) && name->sa_family == AF_INET6 &&
		 IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		snprintf(text, size, "%s:%u", inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12],
							address, sizeof(address)),
			 ntohs(in6->sin6_port));
	else if (len >= sizeof(*in6) && name->sa_family == AF_INET6)
		snprintf(text, size, "[%s]:%u", inet_ntop(AF_INET6, &in6->sin6_addr, address,
							  sizeof(address)), ntohs(in6->sin6_port));
	else
		snprintf(text, size, "family %u", len >= 2 ? name->sa_family : 0);
}

/* A program can change its name: this is no lock, only a label. */
static void program_name(char *name, size_t size, pid_t pid)
{
	char path[64];
	FILE *file;

	snprintf(name, size, "?");
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, (int)size, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

/* Goes on to the backing socket, if no pattern is "PROGRAM OPERATION ADDRESS:PORT". */
static void decide(struct viewos_sock_req *req, const char *operation)
{
	char what[192], program[32], address[96], *patterns, *pattern, *rest = NULL;
	int denied = 0;

	address_print(address, sizeof(address), req->name, req->in->name_len);
	program_name(program, sizeof(program), req->pid);
	snprintf(what, sizeof(what), "%s/%s/%s", program, operation, address);
	patterns = strdup(req->data);
	if (!patterns) {
		viewos_sock_reply_err(req, ENOMEM);
		return;
	}
	for (pattern = strtok_r(patterns, " ", &rest); pattern && !denied;
	     pattern = strtok_r(NULL, " ", &rest))
		denied = !fnmatch(pattern, what, 0);
	free(patterns);
	syslog(LOG_INFO, "%s: %s", what, denied ? "denied" : "passed");
	if (denied)
		viewos_sock_reply_err(req, EACCES);
	else
		viewos_sock_reply_continue(req);
}

static void firewall_bind(struct viewos_sock_req *req)
{
	decide(req, "bind");
}

static void firewall_connect(struct viewos_sock_req *req)
{
	decide(req, "connect");
}

/* What is connected was asked about. */
static void firewall_sendmsg(struct viewos_sock_req *req)
{
	if (req->in->name_len)
		decide(req, "send");
	else
		viewos_sock_reply_continue(req);
}

/* The program gets a socket of ours, and the kernel does what is not asked for on that. */
static void firewall_create(struct viewos_sock_req *req)
{
	struct viewos_sock_out out = {
		.flags = VIEWOS_SOCK_OUT_FD,
		.ask = VIEWOS_SOCK_ASK(VIEWOS_SOCK_BIND) | VIEWOS_SOCK_ASK(VIEWOS_SOCK_CONNECT),
	};

	/* We may have rights that the program has not. */
	if (req->in->type != SOCK_STREAM && req->in->type != SOCK_DGRAM) {
		viewos_sock_reply_err(req, EACCES);
		return;
	}
	/* A datagram has an address of its own. */
	if (req->in->type != SOCK_STREAM)
		out.ask |= VIEWOS_SOCK_ASK(VIEWOS_SOCK_SENDMSG);
	out.fd = socket(req->in->family, req->in->type | SOCK_CLOEXEC, req->in->protocol);
	if (out.fd < 0) {
		viewos_sock_reply_err(req, errno);
		return;
	}
	viewos_sock_reply(req, &out, NULL, NULL, NULL);
	close(out.fd);
}

static const struct viewos_sock_ops ops = {
	.create = firewall_create, .bind = firewall_bind, .connect = firewall_connect,
	.sendmsg = firewall_sendmsg };

int main(int argc, char **argv)
{
	static const struct viewos_sock_server server = {
		.name = "firewall", .ops = &ops, .ops_size = sizeof(ops),
		.open = firewall_open, .close = free,
		.usage = "The source is shell patterns of what is denied, with a blank between:\n"
			 "PROGRAM/OPERATION/ADDRESS:PORT, such as \"*/connect/10.*:25 nc/*\".\n" };

	openlog("viewos-firewall", LOG_PERROR, LOG_DAEMON);
	return viewos_sock_main(argc, argv, &server);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * client [-s STACK] [-u] PORT: gets / from 127.0.0.1:PORT and prints what it is, or, with -u,
 * tells the errno of a UDP socket. With a stack it asks libviewos for the socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WITH_LIBVIEWOS
#include "viewos.h"
#endif

static int make_socket(const char *stack, int type)
{
#ifdef WITH_LIBVIEWOS
	int fd;

	if (stack) {
		fd = viewos_socket(stack, AF_INET, type, 0);
		errno = fd < 0 ? -fd : 0;
		return fd;
	}
#else
	(void)stack;
#endif
	return socket(AF_INET, type, 0);
}

static int complain(const char *what)
{
	fprintf(stderr, "client: %s: %s\n", what, strerrorname_np(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	const char *stack = NULL, request[] = "GET / HTTP/1.0\r\n\r\n";
	int type = SOCK_STREAM, opt, fd;
	char answer[4096], *body;
	size_t used = 0;
	ssize_t len;

	while ((opt = getopt(argc, argv, "s:u")) != -1) {
		if (opt == 's')
			stack = optarg;
		else if (opt == 'u')
			type = SOCK_DGRAM;
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	fd = make_socket(stack, type);
	if (fd < 0)
		return complain("socket");
	server.sin_port = htons(atoi(argv[optind]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&server, sizeof(server)))
		return complain("connect");
	if (type == SOCK_DGRAM)
		return 0;
	if (write(fd, request, strlen(request)) < 0)
		return complain("write");
	while ((len = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0)
		used += len;
	answer[used] = '\0';
	body = strstr(answer, "\r\n\r\n");
	fputs(body ? body + 4 : answer, stdout);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What sockets cost, as ratios measured in one boot; the clock is as in bench.c.
 *
 *   sockets
 *
 * Part 1: the kernel's own, outside of views and in one; made in another network namespace; virtual
 * ones with a socket behind them; and virtual ones that are all requests, to a server which keeps
 * all in its memory.
 * Part 2: to a server outside through a stack or a proxy, and through programs that do the same.
 *
 *   sockets client HOST PORT
 *
 * does what part 2 runs for each way, and prints the figures; the port after PORT takes much.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "../sock_server.h"

#define SERVER		"bench-sockets"
#define PORT		9000
#define CHUNK		65536
#define CHUNKS		16
#define WATCHED		1000
#define KINDS		5
#define PASSES		4
#define PROCESSES	24

static char chunk[CHUNK];

/* What the tests assert a benchmark just needs. */
static int must(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "sockets: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return ret;
}

static void must_send(int fd, size_t len)
{
	ssize_t sent;

	for (size_t done = 0; done < len; done += sent)
		sent = must(send(fd, chunk + done, len - done, 0), "send");
}

static void must_recv(int fd, size_t len)
{
	if (must(recv(fd, chunk, len, MSG_WAITALL), "recv") != len)
		exit(1);
}

static int bound(int type, in_port_t port, struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = must(socket(AF_INET, type, 0), "socket");

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(bind(fd, (void *)address, len), "bind");
	must(getsockname(fd, (void *)address, &len), "getsockname");
	return fd;
}

/* ---- the other side, a process of its own ---- */

/* Sends back what comes. */
static void echo(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) == 1)
		send(fd, &byte, 1, MSG_NOSIGNAL);
}

/* Takes CHUNKS of CHUNK bytes, says so by one; acknowledging at once, or as it comes. */
static void take_how(int fd, int at_once)
{
	size_t got = 0;
	ssize_t len;

	while ((len = recv(fd, chunk, CHUNK, 0)) > 0) {
		if (at_once)
			setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof(at_once));
		got += len;
		if (got >= (size_t)CHUNKS * CHUNK) {
			got -= (size_t)CHUNKS * CHUNK;
			send(fd, chunk, 1, MSG_NOSIGNAL);
		}
	}
}

static void take(int fd)
{
	take_how(fd, 0);
}

/* A relay on the way may wait for that with its last bytes, which is nobody's cost. */
static void take_far(int fd)
{
	take_how(fd, 1);
}

static int listener;
static struct sockaddr_in listener_address;
static int other_fd;	/* of a pair, ours */
static pid_t other;

static void other_start(int fd, void (*work)(int fd))
{
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(other_fd);
		work(fd);
		_exit(0);
	}
	close(fd);
}

static void end_other(void)
{
	close(other_fd);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* ---- the cases ---- */

static void begin_listener(void)
{
	listener = bound(SOCK_STREAM, 0, &listener_address);
	must(listen(listener, 16), "listen");
}

static void end_listener(void)
{
	close(listener);
}

static void begin_stream(void (*work)(int fd))
{
	int fd;

	begin_listener();
	other_fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
	must(connect(other_fd, (void *)&listener_address, sizeof(listener_address)), "connect");
	fd = must(accept(listener, NULL, NULL), "accept");
	end_listener();
	other_start(fd, work);
}

static void begin_ping(void)
{
	begin_stream(echo);
}

static void begin_much(void)
{
	begin_stream(take);
}

static void begin_dgram(void)
{
	struct sockaddr_in address[2];
	int fd = bound(SOCK_DGRAM, 0, &address[0]);

	other_fd = bound(SOCK_DGRAM, 0, &address[1]);
	must(connect(fd, (void *)&address[1], sizeof(address[1])), "connect");
	must(connect(other_fd, (void *)&address[0], sizeof(address[0])), "connect");
	other_start(fd, echo);
}

static void call_socket(void)
{
	close(must(socket(AF_INET, SOCK_STREAM, 0), "socket"));
}

static void call_connect(void)
{
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	must(connect(fd, (void *)&listener_address, sizeof(listener_address)), "connect");
	close(must(accept(listener, NULL, NULL), "accept"));
	close(fd);
}

static void call_ping(void)
{
	must_send(other_fd, 1);
	must_recv(other_fd, 1);
}

static void call_much(void)
{
	for (int i = 0; i < CHUNKS; i++)
		must_send(other_fd, CHUNK);
	must_recv(other_fd, 1);
}

static int epoll, watched[WATCHED], teller;
static struct sockaddr_in watched_address[WATCHED];
static unsigned int turn;

static void begin_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sockaddr_in address;

	epoll = must(epoll_create1(0), "epoll_create1");
	teller = bound(SOCK_DGRAM, 0, &address);
	for (int i = 0; i < WATCHED; i++) {
		watched[i] = bound(SOCK_DGRAM, 0, &watched_address[i]);
		event.data.fd = watched[i];
		must(epoll_ctl(epoll, EPOLL_CTL_ADD, watched[i], &event), "epoll_ctl");
	}
}

static void call_epoll(void)
{
	const struct sockaddr_in *to = &watched_address[turn++ * 7 % WATCHED];
	struct epoll_event event;

	must(sendto(teller, chunk, 1, 0, (void *)to, sizeof(*to)), "sendto");
	if (must(epoll_wait(epoll, &event, 1, -1), "epoll_wait") != 1)
		exit(1);
	must_recv(event.data.fd, 1);
}

static void end_epoll(void)
{
	for (int i = 0; i < WATCHED; i++)
		close(watched[i]);
	close(teller);
	close(epoll);
}

/* Not even the kernel's own search for a family: what is left is what decides in a view. */
static void call_refused(void)
{
	if (socket(AF_MAX, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
		exit(1);
}

/*
 * Where a process finds its slabs makes a socket dearer or cheaper by more than what decides:
 * only the mean over many processes tells.
 */
static const struct bench_case makes[] = {
	{ "socket, refused", call_refused, 500 },
	{ "socket+close", call_socket, 500 },
};

static const struct bench_case cases[] = {
	{ "connect+accept+close", call_connect, 200, begin_listener, end_listener },
	{ "TCP ping-pong", call_ping, 300, begin_ping, end_other },
	{ "TCP stream, 64 KiB", call_much, 5, begin_much, end_other, CHUNKS },
	{ "UDP ping-pong", call_ping, 300, begin_dgram, end_other },
	{ "1,000 in an epoll", call_epoll, 500, begin_epoll, end_epoll },
};

/* ---- part 1 ---- */

static int netns_create(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int here = must(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "netns");
	int fd, netns;

	must(unshare(CLONE_NEWNET), "unshare");
	netns = must(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "netns");
	fd = must(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &request), "lo");
	close(fd);
	must(setns(here, CLONE_NEWNET), "setns");
	close(here);
	return netns;
}

static void handle_none(int session, const char *source, const struct sock_request *req)
{
	sock_error(session, req->header.unique, EPROTO);
}

/* Adds up what was measured in each pass but the first. */
static void measure_mean(int view, int pass, double *results)
{
	double values[N(makes)];

	measure_all(makes, N(makes), view, values);
	for (size_t i = 0; i < N(makes) && pass; i++)
		results[i] += values[i] / PROCESSES;
}

/* Keeps the least of what was measured in each pass but the first. */
static void measure_least(int view, int pass, double *results)
{
	double values[N(cases)];

	measure_all(cases, N(cases), view, values);
	for (size_t i = 0; i < N(cases); i++)
		if (pass <= 1 || values[i] < results[i])
			results[i] = values[i];
}

/* @results: those of each kind, one behind the other */
static void print_kinds(const struct bench_case *rows, size_t n, const double *results)
{
	for (size_t i = 0; i < n; i++) {
		double row[KINDS];

		for (size_t k = 0; k < N(row); k++)
			row[k] = results[k * n + i];
		print_row(rows[i].name, row, N(row));
	}
}

static void bench_kinds(void)
{
	static double made[KINDS][N(makes)], results[KINDS][N(cases)];
	int control = control_open(), netns = netns_create(), views[KINDS] = { -1 };
	pid_t server = sock_start(SERVER, handle_none);
	struct rlimit files = { 4096, 4096 };

	must(server, "server");
	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	for (size_t i = 1; i < N(views); i++)
		views[i] = view_create(control, "");
	if (rule_add(views[2], rule_netns(AF_INET, netns)) ||
	    rule_add(views[3], sock_rule(SERVER, "backing")) ||
	    rule_add(views[4], sock_rule(SERVER, "requests"))) {
		fprintf(stderr, "sockets: no rules\n");
		exit(1);
	}
	/*
	 * Of rules that hold elsewhere a socket in no view, or in one without, must not know.
	 * Who comes first after boot finds other slabs than all later: the first pass is for
	 * nothing, and then they take turns.
	 */
	for (int pass = 0; pass <= PROCESSES; pass++)
		for (size_t i = 0; i < N(views); i++)
			measure_mean(views[i], pass, made[i]);
	for (int pass = 0; pass < PASSES; pass++)
		for (size_t i = 0; i < N(views); i++)
			measure_least(views[i], pass, results[i]);
	for (size_t i = 1; i < N(views); i++)
		close(views[i]);
	close(control);
	close(netns);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);

	printf("%-22s %10s %10s %10s %10s %10s %31s\n", "ns a call", "native", "in a view",
	       "netns", "backing", "requests", "ratios to native");
	print_kinds(makes, N(makes), made[0]);
	print_kinds(cases, N(cases), results[0]);
	printf("\n");
}

/* ---- part 2 ---- */

static struct sockaddr_in far_echo, far_take;

static int far_connect(const struct sockaddr_in *far)
{
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	must(connect(fd, (void *)far, sizeof(*far)), "connect");
	return fd;
}

/* With one byte there and one back, since a proxy may say yes early. */
static void call_far_connect(void)
{
	int fd = far_connect(&far_echo);

	must_send(fd, 1);
	must_recv(fd, 1);
	close(fd);
}

static void begin_far_ping(void)
{
	other_fd = far_connect(&far_echo);
}

static void begin_far_much(void)
{
	other_fd = far_connect(&far_take);
}

static void end_far(void)
{
	close(other_fd);
}

static const struct bench_case far_cases[] = {
	{ "connect+ping+close", call_far_connect, 20 },
	{ "TCP ping-pong", call_ping, 100, begin_far_ping, end_far },
	{ "TCP stream, 64 KiB", call_much, 3, begin_far_much, end_far, CHUNKS },
};

static int client(const char *host, const char *port)
{
	far_echo = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	if (inet_pton(AF_INET, host, &far_echo.sin_addr) != 1)
		return 2;
	far_take = far_echo;
	far_take.sin_port = htons(atoi(port) + 1);
	for (size_t i = 0; i < N(far_cases); i++)
		printf("%.0f\n", measure(&far_cases[i]));
	return 0;
}

static pid_t far_server(in_port_t port, void (*work)(int fd))
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	listener = bound(SOCK_STREAM, port, &listener_address);
	must(listen(listener, 64), "listen");
	for (;;) {
		fd = must(accept(listener, NULL, NULL), "accept");
		if (!fork()) {
			work(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* How a client gets there: a command in front of this program, and the host from there. */
struct way {
	const char *name;
	const char *command;
	const char *host;
};

static const struct way ways[] = {
	{ "direct", "", "127.0.0.1" },
	{ "slirp4netns", "/tmp/slirp4netns ", "10.0.2.2" },
	{ "netstack", "viewctl run --socket any=serve:netstack:slirp:// -- ", "10.0.2.2" },
	{ "proxychains4", "proxychains4 -q -f /tmp/proxychains.conf ", "127.0.0.1" },
	{ "proxy", "viewctl run --socket inet46=serve:proxy:socks5://127.0.0.1:1080 -- ",
	  "127.0.0.1" },
};

/* slirp4netns is started beside a command, which waits for it in a namespace of its own. */
static void prepare_ways(void)
{
	FILE *script = fopen("/tmp/slirp4netns", "w");

	if (!script)
		exit(1);
	fputs("#!/bin/sh\n"
	      "rm -f /tmp/ready\n"
	      "unshare -n sh -c 'while [ ! -s /tmp/ready ]; do sleep 0.1; done; exec \"$@\"' \\\n"
	      "	sh \"$@\" &\n"
	      "p=$!\n"
	      "here=$(readlink /proc/self/ns/net)\n"
	      "while [ $(readlink /proc/$p/ns/net) = $here ]; do sleep 0.1; done\n"
	      "slirp4netns --configure --ready-fd=9 $p tap0 9>/tmp/ready >/tmp/log 2>&1 &\n"
	      "wait $p\n"
	      "kill $!\n", script);
	fclose(script);
	run("chmod +x /tmp/slirp4netns");
	run("printf 'strict_chain\\n[ProxyList]\\nsocks5 127.0.0.1 1080\\n' "
	    ">/tmp/proxychains.conf");
	run("microsocks -i 127.0.0.1 -p 1080 >/dev/null 2>&1 &");
	sleep(2);
}

static bool way_measure(const struct way *way, double *results)
{
	char command[256];
	bool good = true;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s/proc/%d/exe client %s %d", way->command, getpid(),
		 way->host, PORT);
	pipe = popen(command, "r");
	for (size_t i = 0; i < N(far_cases) && good; i++)
		good = fscanf(pipe, "%lf", &results[i]) == 1;
	pclose(pipe);
	if (!good)
		fprintf(stderr, "sockets: no figures of %s\n", way->name);
	return good;
}

static bool bench_ways(void)
{
	static double results[N(ways)][N(far_cases)];
	pid_t servers[] = { far_server(PORT, echo), far_server(PORT + 1, take_far) };
	bool good = true;

	prepare_ways();
	for (size_t i = 0; i < N(ways); i++)
		good &= way_measure(&ways[i], results[i]);
	run("pkill -x microsocks");
	for (size_t i = 0; i < N(servers); i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}

	printf("%-22s", "ns a call");
	for (size_t i = 0; i < N(ways); i++)
		printf(" %12s", ways[i].name);
	printf("\n");
	for (size_t i = 0; i < N(far_cases); i++) {
		printf("%-22s", far_cases[i].name);
		for (size_t k = 0; k < N(ways); k++)
			printf(" %12.0f", results[k][i]);
		printf("\n");
	}
	return good;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "client"))
		return client(argv[2], argv[3]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The kernel is slower in its first seconds. */
	sleep(3);
	bench_kinds();
	return !bench_ways();
}

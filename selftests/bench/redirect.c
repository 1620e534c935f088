// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs that a name or a file is another one, in one boot.
 *
 * Part 1, files: a file of tmpfs by itself; the same by a name that a server answered with its
 * fd, which is a redirect; and by one whose open a server answered with an fd.
 * Part 2, names: a directory by itself and patched by viewos-patch, which changes one of its
 * names: beneath names that it does not change, and at the one that it does.
 *
 * Measured as in bench.c.
 */

#include "../fake_server.h"
#include "bench.h"

#include <dirent.h>
#include <linux/viewos_path.h>
#include <sys/mman.h>

#define SERVER	"bench-redirect"
#define PLAIN	"/tmp/plain"
#define GIVEN	"/tmp/given"
#define PATCHED	"/tmp/patched"

#define FILES	100
#define PAGES	256
#define PAGE	4096

enum { NODE_OPENED = 20 };

static char file[64], dir[64];
static int open_fd;

/* What the server hands over: open as long as it runs, since replies are held. */
static int plain_fd;
static char *map;

static void call_stat(void)
{
	struct stat st;

	if (stat(file, &st))
		exit(1);
}

static void call_fstat(void)
{
	struct stat st;

	if (fstat(open_fd, &st))
		exit(1);
}

static void call_open_close(void)
{
	int fd = open(file, O_RDONLY);

	if (fd < 0 || close(fd))
		exit(1);
}

static void call_open_read_close(void)
{
	char buffer[PAGE];
	int fd = open(file, O_RDONLY);

	if (fd < 0 || read(fd, buffer, sizeof(buffer)) != sizeof(buffer) || close(fd))
		exit(1);
}

static void call_pread(void)
{
	char buffer[64];

	if (pread(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_pread_page(void)
{
	char buffer[PAGE];

	if (pread(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_pread_large(void)
{
	static char buffer[PAGES * PAGE];

	if (pread(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_pwrite_page(void)
{
	static char buffer[PAGE];

	if (pwrite(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_pwrite_large(void)
{
	static char buffer[PAGES * PAGE];

	if (pwrite(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_mmap(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open_fd, 0);

	if (page == MAP_FAILED || munmap(page, PAGE))
		exit(1);
}

static void map_begin(void)
{
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open_fd, 0);
	if (map == MAP_FAILED)
		exit(1);
}

static void map_end(void)
{
	munmap(map, PAGES * PAGE);
}

/* A write is a fault of its own for each page; they come from the cache. */
static void call_faults(void)
{
	for (int i = 0; i < PAGES; i++)
		*(volatile char *)(map + i * PAGE) = 1;
	if (madvise(map, PAGES * PAGE, MADV_DONTNEED))
		exit(1);
}

static void call_list(void)
{
	struct dirent *entry;
	DIR *list = opendir(dir);

	if (!list)
		exit(1);
	while ((entry = readdir(list)))
		;
	closedir(list);
}

static const struct bench_case file_cases[] = {
	{ "stat", call_stat, 1000 },
	{ "open+close", call_open_close, 500 },
	{ "fstat", call_fstat, 2000 },
	{ "pread 64 bytes", call_pread, 2000 },
	{ "pread 4 KiB", call_pread_page, 2000 },
	{ "pread 1 MiB", call_pread_large, 20 },
	{ "pwrite 4 KiB", call_pwrite_page, 2000 },
	{ "pwrite 1 MiB", call_pwrite_large, 20 },
	{ "mmap+munmap", call_mmap, 500 },
	{ "page fault", call_faults, 10, map_begin, map_end, PAGES },
};

/* At one name; beneath a directory also its list. */
static const struct bench_case name_cases[] = {
	{ "stat", call_stat, 1000 },
	{ "open+close", call_open_close, 500 },
	{ "open+read+close", call_open_read_close, 500 },
	{ "list 100", call_list, 50 },
};

static int plain_open(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), PLAIN "/%s", name);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static void give_name(struct fake_server *server, uint64_t unique)
{
	struct {
		struct fuse_entry_out entry;
		struct viewos_path_target target;
	} answer = { .entry = { .entry_valid = 1000, .attr = { .mode = S_IFREG } } };

	answer.target.fd = plain_fd;
	fake_reply(server, unique, 0, &answer, sizeof(answer));
}

static void give_node(struct fake_server *server, uint64_t unique)
{
	struct fuse_entry_out entry = {
		.nodeid = NODE_OPENED, .entry_valid = 1000, .attr_valid = 1000 };

	fake_attr(&entry.attr, NODE_OPENED);
	entry.attr.size = PAGES * PAGE;
	fake_reply(server, unique, 0, &entry, sizeof(entry));
}

static void give_file(struct fake_server *server, uint64_t unique)
{
	struct {
		struct fuse_open_out open;
		struct viewos_path_target target;
	} answer = { };

	answer.target.fd = plain_fd;
	fake_reply(server, unique, 0, &answer, sizeof(answer));
}

static void give_attr(struct fake_server *server, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 1000 };

	fake_attr(&out.attr, in->nodeid);
	if (in->nodeid == NODE_OPENED)
		out.attr.size = PAGES * PAGE;
	fake_reply(server, in->unique, 0, &out, sizeof(out));
}

static void give_init(struct fake_server *server, uint64_t unique)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_readahead = 131072, .max_write = 65536,
	};

	/* The last word is for what is beyond FUSE. */
	((uint32_t *)&init)[sizeof(init) / 4 - 1] = VIEWOS_PATH_TARGET;
	fake_reply(server, unique, 0, &init, sizeof(init));
}

static void handle(struct fake_server *server, const struct fuse_in_header *in, const char *body)
{
	if (in->opcode == FUSE_INIT)
		give_init(server, in->unique);
	else if (in->opcode == FUSE_GETATTR)
		give_attr(server, in);
	else if (in->opcode == FUSE_LOOKUP && !strcmp(body, "redirect"))
		give_name(server, in->unique);
	else if (in->opcode == FUSE_LOOKUP && !strcmp(body, "opened"))
		give_node(server, in->unique);
	else if (in->opcode == FUSE_OPEN)
		give_file(server, in->unique);
	else
		fake_handle(server, in, body);
}

static void serve(int session, void *data)
{
	static char buffer[1 << 20];
	struct fake_server server = { .session = session };
	ssize_t len;

	for (;;) {
		len = fake_next(&server, buffer, sizeof(buffer));
		if (len < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			break;
		handle(&server, (void *)buffer, buffer + sizeof(struct fuse_in_header));
	}
}

/* No part is a hole. */
static void plain_fill(const char *name, size_t size)
{
	static char data[PAGES * PAGE];
	int fd = plain_open(name);

	if (fd < 0 || pwrite(fd, data, size, 0) != size || close(fd))
		exit(1);
}

static void measure_file(const char *path, double *results)
{
	snprintf(file, sizeof(file), "%s", path);
	open_fd = open(file, O_RDWR);
	if (open_fd < 0) {
		perror(file);
		exit(1);
	}
	measure_all(file_cases, N(file_cases), -1, results);
	close(open_fd);
}

static void bench_files(void)
{
	enum { PLAIN_FILE, REDIRECT, OPENED, COLUMNS };
	static double results[COLUMNS][N(file_cases)];
	pid_t server;

	/* Reply and next request together, as libviewos does it. */
	fake_together = true;
	plain_fill("file", PAGES * PAGE);
	plain_fd = plain_open("file");
	mkdir(GIVEN, 0755);
	server = server_start(SERVER, serve, NULL);
	if (server < 0 || viewfs_mount(SERVER, GIVEN, "")) {
		fprintf(stderr, "bench: no server\n");
		exit(1);
	}
	measure_file(PLAIN "/file", results[PLAIN_FILE]);
	measure_file(GIVEN "/redirect", results[REDIRECT]);
	measure_file(GIVEN "/opened", results[OPENED]);
	umount2(GIVEN, MNT_DETACH);
	waitpid(server, NULL, 0);

	printf("%-22s %10s %10s %10s %15s\n", "ns, a file", "itself", "redirect", "opened",
	       "ratios to itself");
	for (size_t i = 0; i < N(file_cases); i++) {
		double row[COLUMNS] = { results[0][i], results[1][i], results[2][i] };

		print_row(file_cases[i].name, row, COLUMNS);
	}
	printf("\n");
}

/* A tree with a name to be changed, and one that stays. */
static void make_tree(void)
{
	char path[64];

	plain_fill("changed", PAGE);
	mkdir(PLAIN "/kept", 0755);
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "kept/%d", i);
		plain_fill(path, PAGE);
	}
}

static void measure_names(const char *what, const char *name, const char *list, size_t n)
{
	static const char *const bases[] = { PLAIN, PATCHED };
	double results[2][N(name_cases)];

	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s", bases[i], name);
		snprintf(dir, sizeof(dir), "%s/%s", bases[i], list);
		measure_all(name_cases, n, -1, results[i]);
	}
	printf("%-22s %10s %10s %15s\n", what, "itself", "patched", "ratio to itself");
	for (size_t i = 0; i < n; i++) {
		double row[2] = { results[0][i], results[1][i] };

		print_row(name_cases[i].name, row, 2);
	}
	printf("\n");
}

static void bench_names(void)
{
	make_tree();
	mkdir(PATCHED, 0755);
	run("viewctl mount -t patch -o mode=changed=0640 " PLAIN " " PATCHED);
	measure_names("ns, not changed", "kept/0", "kept", N(name_cases));
	measure_names("ns, changed", "changed", "", N(name_cases) - 1);
	run("umount -l " PATCHED);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The kernel is slower in its first seconds. */
	sleep(3);
	run("mount --make-rprivate /");
	mkdir(PLAIN, 0755);
	if (argc == 1 || !strcmp(argv[1], "files"))
		bench_files();
	if (argc == 1 || !strcmp(argv[1], "names"))
		bench_names();
	return 0;
}

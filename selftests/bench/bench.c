// SPDX-License-Identifier: GPL-2.0
/*
 * What viewos costs, as ratios measured in one boot.
 *
 * Part 1: system calls, without the module, with it, in a view, in a view 16 deep; and
 * with rules for system calls, in views and out of them, and with servers that decide.
 * Part 2: file systems: tmpfs, kernel FUSE and viewfs, the latter two with the same
 * server code, viewos-mem; with all cached, with the server asked at each open, and with
 * nothing cached.
 * Part 3: the same after all caches were dropped, and data in larger pieces.
 * Part 4: writing, as it is and with write-back caching.
 * Part 5: several processes at once that ask the server, which has several threads.
 *
 * Under qemu -icount the clock counts instructions. Each figure is the least of some
 * rounds, in nanoseconds a call.
 */

#include "bench.h"
#include "../call_server.h"

#include <dirent.h>

#define DEPTH 16

/* The directory of small files, and the large one. */
#define TREE_FILES 1000
#define TREE_SIZE 1000
#define LARGE_PAGES 2048

static const char *base;
static char file[64], missing[64], scratch[64], source[64];
static int open_fd, large_fd;
static unsigned int next_cold;

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

static void call_stat(void)
{
	struct stat st;

	stat(file, &st);
}

static void call_lookup_missing(void)
{
	struct stat st;

	stat(missing, &st);
}

static void call_fstat(void)
{
	struct stat st;

	fstat(open_fd, &st);
}

static void call_open_close(void)
{
	close(open(file, O_RDONLY));
}

static void call_pread(void)
{
	char buffer[64];

	if (pread(open_fd, buffer, sizeof(buffer), 0) < 0)
		exit(1);
}

static void call_pread_page(void)
{
	char buffer[4096];

	if (pread(open_fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		exit(1);
}

static void call_open_read_close(void)
{
	char buffer[4096];
	int fd = open(file, O_RDONLY);

	if (read(fd, buffer, sizeof(buffer)) < 0)
		exit(1);
	close(fd);
}

static void call_create_unlink(void)
{
	close(open(scratch, O_WRONLY | O_CREAT | O_EXCL, 0600));
	unlink(scratch);
}

static void call_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void call_exec(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/tmp/busybox", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static const struct bench_case system_cases[] = {
	{ "getppid", call_getppid, 20000 },
	{ "stat", call_stat, 5000 },
	{ "open+close", call_open_close, 3000 },
	{ "pread 64 bytes", call_pread, 5000 },
	{ "fork+exit+wait", call_fork, 100 },
	{ "vfork+exec+wait", call_exec, 100 },
};

static void call_getpgrp(void)
{
	syscall(SYS_getpgrp);
}

/* Ruled: getppid; not ruled: getpgrp. */
static const struct bench_case rule_cases[] = {
	{ "getppid", call_getppid, 20000 },
	{ "getpgrp", call_getpgrp, 20000 },
};

/* Cold: the kernel has forgotten names, attributes and pages. */
static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0 || write(fd, "3", 1) != 1)
		exit(1);
	close(fd);
	next_cold = 0;
}

static const char *cold_name(void)
{
	static char name[80];

	snprintf(name, sizeof(name), "%s/tree/%u", base, next_cold++ % TREE_FILES);
	return name;
}

static void call_stat_cold(void)
{
	struct stat st;

	if (stat(cold_name(), &st))
		exit(1);
}

static void call_open_read_close_cold(void)
{
	char buffer[4096];
	int fd = open(cold_name(), O_RDONLY);

	if (read(fd, buffer, sizeof(buffer)) != TREE_SIZE)
		exit(1);
	close(fd);
}

static void call_create_write_close_unlink(void)
{
	int fd = open(scratch, O_WRONLY | O_CREAT, 0600);

	if (write(fd, "text", 4) != 4 || close(fd))
		exit(1);
	unlink(scratch);
}

static void list_tree(bool with_stat)
{
	struct dirent *entry;
	struct stat st;
	char dir[80];
	DIR *list;

	snprintf(dir, sizeof(dir), "%s/tree", base);
	list = opendir(dir);
	if (!list)
		exit(1);
	while ((entry = readdir(list)))
		if (with_stat && fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			exit(1);
	closedir(list);
}

static void call_list(void)
{
	list_tree(false);
}

static void call_list_stat(void)
{
	list_tree(true);
}

static void call_read_large(void)
{
	static char buffer[1 << 20];

	lseek(large_fd, 0, SEEK_SET);
	if (read(large_fd, buffer, sizeof(buffer)) != sizeof(buffer))
		exit(1);
}

/* To its end, as cp(1) does. */
static void call_read_all(void)
{
	static char buffer[128 << 10];

	lseek(large_fd, 0, SEEK_SET);
	for (int i = 0; i < LARGE_PAGES * 4096 / (int)sizeof(buffer); i++)
		if (read(large_fd, buffer, sizeof(buffer)) != sizeof(buffer))
			exit(1);
}

static void call_write_large(void)
{
	static char buffer[1 << 20];

	lseek(large_fd, 0, SEEK_SET);
	if (write(large_fd, buffer, sizeof(buffer)) != sizeof(buffer))
		exit(1);
}

static off_t random_page(void)
{
	static unsigned int seed = 1;

	return (off_t)(rand_r(&seed) % LARGE_PAGES) * 4096;
}

static void call_read_random(void)
{
	char buffer[4096];

	if (pread(large_fd, buffer, sizeof(buffer), random_page()) != sizeof(buffer))
		exit(1);
}

static void call_write_random(void)
{
	static char buffer[4096];

	if (pwrite(large_fd, buffer, sizeof(buffer), random_page()) != sizeof(buffer))
		exit(1);
}

/* As a program that writes a log does, or one that writes through small buffers. */
static void call_write_small(void)
{
	char line[64] = "";

	if (pwrite(large_fd, line, sizeof(line), 0) != sizeof(line))
		exit(1);
}

static void call_write_many_close(void)
{
	int fd = open(scratch, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char line[64] = "";

	for (int i = 0; i < 1000; i++)
		if (write(fd, line, sizeof(line)) != sizeof(line))
			exit(1);
	if (close(fd))
		exit(1);
}

static void call_write_all_fsync(void)
{
	static char buffer[128 << 10];

	lseek(large_fd, 0, SEEK_SET);
	for (int i = 0; i < LARGE_PAGES * 4096 / (int)sizeof(buffer); i++)
		if (write(large_fd, buffer, sizeof(buffer)) != sizeof(buffer))
			exit(1);
	if (fsync(large_fd))
		exit(1);
}

/* Each of @n processes does the same 200 times, and this one waits for them. */
static void call_clients(int n, void (*call)(void))
{
	for (int i = 0; i < n; i++) {
		if (fork())
			continue;
		for (int j = 0; j < 200; j++)
			call();
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

static void call_two_clients(void)
{
	call_clients(2, call_stat);
}

static void call_one_asks(void)
{
	call_clients(1, call_fstat);
}

static void call_two_ask(void)
{
	call_clients(2, call_fstat);
}

static void call_four_ask(void)
{
	call_clients(4, call_fstat);
}

/* Neither a shell nor its tools come from the host's file system, which is slow when cold. */
static void run_busybox(char *const argv[])
{
	int null = open("/dev/null", O_WRONLY), status;
	pid_t pid = vfork();

	if (!pid) {
		dup2(null, 1);
		execv("/tmp/busybox", argv);
		_exit(1);
	}
	close(null);
	if (waitpid(pid, &status, 0) != pid || status)
		exit(1);
}

static void call_find(void)
{
	char *const argv[] = { "find", source, "-size", "+1000000c", NULL };

	run_busybox(argv);
}

static void call_tar(void)
{
	char *const argv[] = { "tar", "-cf", "-", "-C", source, ".", NULL };

	run_busybox(argv);
}

/* Makes room for an archive of the tree to be unpacked in, which is made first. */
static void unpack_before(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s/unpacked; mkdir %s/unpacked", base, base);
	run(command);
	if (access("/tmp/source.tar", F_OK)) {
		snprintf(command, sizeof(command), "tar -cf /tmp/source.tar -C %s .", source);
		run(command);
	}
}

static void call_unpack(void)
{
	char dir[80];
	char *const argv[] = { "tar", "-xf", "/tmp/source.tar", "-C", dir, NULL };

	snprintf(dir, sizeof(dir), "%s/unpacked", base);
	run_busybox(argv);
}

static const struct bench_case cold_cases[] = {
	{ "stat", call_stat_cold, 500, .before = drop_caches },
	{ "open+read+close", call_open_read_close_cold, 500, .before = drop_caches },
	{ "list 1000", call_list, 1, .before = drop_caches },
	{ "list and stat 1000", call_list_stat, 1, .before = drop_caches },
	{ "list and stat, again", call_list_stat, 1 },
	{ "create+write+unlink", call_create_write_close_unlink, 200 },
	{ "read 1 MiB, cold", call_read_large, 1, .before = drop_caches },
	{ "read 8 MiB, cold", call_read_all, 1, .before = drop_caches },
	{ "read 1 MiB", call_read_large, 10 },
	{ "write 1 MiB", call_write_large, 10 },
	{ "read 4 KiB, cold", call_read_random, 20, .before = drop_caches },
	{ "write 4 KiB", call_write_random, 500 },
	{ "2 x 200 stats", call_two_clients, 5 },
	{ "find, cold", call_find, 1, .before = drop_caches },
	{ "tar, cold", call_tar, 1, .before = drop_caches },
	{ "untar", call_unpack, 1, .before = unpack_before },
};

static const struct bench_case write_cases[] = {
	{ "write 64 bytes", call_write_small, 2000 },
	{ "write 4 KiB", call_write_random, 500 },
	{ "write 1 MiB", call_write_large, 10 },
	{ "write 8 MiB, fsync", call_write_all_fsync, 2 },
	{ "1000 x 64 bytes, close", call_write_many_close, 5 },
	{ "create+write+unlink", call_create_write_close_unlink, 200 },
};

static const struct bench_case file_cases[] = {
	{ "stat", call_stat, 2000 },
	{ "stat, no such file", call_lookup_missing, 1000 },
	{ "fstat", call_fstat, 1000 },
	{ "pread 4 KiB", call_pread_page, 1000 },
	{ "open+read+close", call_open_read_close, 500 },
	{ "create+unlink", call_create_unlink, 300 },
};

/* Each fstat is a request, where nothing is kept. */
static const struct bench_case client_cases[] = {
	{ "200 fstats", call_one_asks, 5 },
	{ "2 x 200 fstats", call_two_ask, 5 },
	{ "4 x 200 fstats", call_four_ask, 5 },
};

static void use_directory(const char *dir)
{
	int fd;

	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(missing, sizeof(missing), "%s/missing", dir);
	snprintf(scratch, sizeof(scratch), "%s/scratch", dir);
	snprintf(source, sizeof(source), "%s/source", dir);
	fd = open(file, O_RDWR | O_CREAT, 0644);
	if (fd < 0 || ftruncate(fd, 4096)) {
		perror(file);
		exit(1);
	}
	if (open_fd)
		close(open_fd);
	open_fd = fd;
}

/* What is read and written in larger pieces. */
static void fill_large(void)
{
	static char data[4096];
	char name[80];

	snprintf(name, sizeof(name), "%s/large", base);
	large_fd = open(name, O_RDWR | O_CREAT, 0644);
	for (int i = 0; i < LARGE_PAGES; i++)
		if (write(large_fd, data, sizeof(data)) != sizeof(data))
			exit(1);
	if (fsync(large_fd))
		exit(1);
}

/* What the cold cases want; made in user space's own time. */
static void fill_directory(void)
{
	static char data[4096];
	char name[80], command[128];
	int fd;

	fill_large();
	snprintf(name, sizeof(name), "%s/tree", base);
	mkdir(name, 0755);
	for (int i = 0; i < TREE_FILES; i++) {
		snprintf(name, sizeof(name), "%s/tree/%d", base, i);
		fd = open(name, O_WRONLY | O_CREAT, 0644);
		if (write(fd, data, TREE_SIZE) != TREE_SIZE || close(fd))
			exit(1);
	}
	snprintf(command, sizeof(command), "cp -r /mnt/viewos/kmod %s", source);
	run(command);
}

static int deep_view(int control, int depth)
{
	int view = -1;

	while (depth--) {
		int next = view_create_in(control, view, "", VIEWOS_INHERIT_SHARE);

		if (view >= 0)
			close(view);
		view = next;
	}
	return view;
}

/* A view with a rule for getppid, @depth deep, where the parents have others. */
static int ruled_view(int control, struct viewos_rule_add rule, int depth)
{
	int view = -1;

	while (depth--) {
		int next = view_create_in(control, view, "", VIEWOS_INHERIT_SHARE);

		if (view >= 0)
			close(view);
		view = next;
		if (rule_add(view, depth ? call_native(X64, X64_sync) : rule)) {
			perror("bench: rule");
			exit(1);
		}
	}
	return view;
}

static void bench_rules(void)
{
	enum { NATIVE, OUTSIDE, CHILD, DENIED, VALUED, DEEP, COLUMNS };
	static double results[COLUMNS][N(rule_cases)];
	int control = control_open(), views[COLUMNS];

	measure_all(rule_cases, N(rule_cases), -1, results[NATIVE]);
	views[CHILD] = ruled_view(control, call_native(X64, X64_getppid), 1);
	views[DENIED] = ruled_view(control, call_deny(X64, X64_getppid, EPERM), 1);
	views[VALUED] = ruled_view(control, call_value(X64, X64_getppid, 7), 1);
	views[DEEP] = ruled_view(control, call_value(X64, X64_getppid, 7), DEPTH);
	views[OUTSIDE] = -1;
	for (int i = OUTSIDE; i < COLUMNS; i++)
		measure_all(rule_cases, N(rule_cases), views[i], results[i]);
	for (int i = CHILD; i < COLUMNS; i++)
		close(views[i]);
	close(control);

	printf("%-22s %10s %10s %10s %10s %10s %10s %15s\n", "ns, getppid ruled", "no rule",
	       "outside", "native", "deny", "value", "16 deep", "ratios to no rule");
	for (size_t i = 0; i < N(rule_cases); i++) {
		double row[COLUMNS];

		for (int j = 0; j < COLUMNS; j++)
			row[j] = results[j][i];
		print_row(rule_cases[i].name, row, COLUMNS);
	}
	printf("\n");
}

/* What a server says to each call. */
enum answer { ANSWER_VALUE, ANSWER_CONTINUE, ANSWER_RESULT, ANSWERS };

static void serve_answers(int session, enum answer answer)
{
	struct call_request req;
	int op;

	while ((op = call_next(session, &req)) >= 0) {
		if (op != VIEWOS_CALL_MADE)
			continue;
		if (answer == ANSWER_VALUE)
			call_answer(session, &req, 7);
		else
			call_continue(session, &req, answer == ANSWER_RESULT ?
				      VIEWOS_CALL_OUT_RESULT : 0);
	}
}

/* A view whose getppid is served by a process of its own, which ends with the rule. */
static int served_view(int control, enum answer answer)
{
	static const char *const names[] = { "value", "continue", "result" };
	const char *name = names[answer];
	int view = view_create(control, "");
	int server = call_server_create(name, 1 << VIEWOS_CLASS_SYSCALL);
	int session = call_session(server, view, call_served(X64, X64_getppid, name));

	if (session < 0) {
		fprintf(stderr, "bench: server: %s\n", strerror(-session));
		exit(1);
	}
	if (!fork()) {
		close(view);
		close(server);
		serve_answers(session, answer);
		_exit(0);
	}
	close(session);
	close(server);
	return view;
}

/* A view with a rule for a number that is not in use, which all calls pass. */
static int unused_view(int control)
{
	return ruled_view(control, call_value(X64, X64_nice_hole, 7), 1);
}

static const struct bench_case served_cases[] = {
	{ "getppid", call_getppid, 2000 },
	{ "getpgrp", call_getpgrp, 20000 },
};

static void bench_served(void)
{
	enum { NATIVE, VALUE, CONTINUE, RESULT, UNUSED, COLUMNS };
	static double results[COLUMNS][N(served_cases)];
	int control = control_open(), views[COLUMNS];

	measure_all(served_cases, N(served_cases), -1, results[NATIVE]);
	for (int i = 0; i < ANSWERS; i++) {
		views[VALUE + i] = served_view(control, i);
		measure_all(served_cases, N(served_cases), views[VALUE + i], results[VALUE + i]);
		close(views[VALUE + i]);
	}
	views[UNUSED] = unused_view(control);
	measure_all(served_cases, N(served_cases), views[UNUSED], results[UNUSED]);
	close(views[UNUSED]);
	close(control);
	while (wait(NULL) > 0)
		;

	printf("%-22s %10s %10s %10s %10s %10s %15s\n", "ns, getppid served", "no rule",
	       "value", "continue", "result", "new number", "ratios to no rule");
	for (size_t i = 0; i < N(served_cases); i++) {
		double row[COLUMNS];

		for (int j = 0; j < COLUMNS; j++)
			row[j] = results[j][i];
		print_row(served_cases[i].name, row, COLUMNS);
	}
	printf("\n");
}

static void call_exec_interpreted(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/tmp/interpreted", "interpreted", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static const struct bench_case binfmt_cases[] = {
	{ "vfork+exec+wait", call_exec, 100 },
	{ "a script", call_exec_interpreted, 100 },
};

/* With a rule for scripts that says what they say themselves, and younger ones for others. */
static int binfmt_view(int control, int others)
{
	struct viewos_binfmt match = { .size = sizeof(match), .len = 2 };
	struct viewos_rule_add rule = rule_native();
	int view = view_create(control, "");

	rule.class = VIEWOS_CLASS_BINFMT;
	rule.verdict = VIEWOS_VERDICT_REDIRECT;
	rule.binfmt = (uintptr_t)&match;
	rule.source = (uintptr_t)"/tmp/true";
	memcpy(match.magic, "#!", 2);
	memset(match.mask, 0xff, 2);
	for (int i = 0; i <= others; i++) {
		if (rule_add(view, rule)) {
			perror("bench: binfmt");
			exit(1);
		}
		match.magic[1] = '?';
	}
	return view;
}

static void bench_binfmt(void)
{
	enum { NATIVE, NO_RULE, ONE, MANY, COLUMNS };
	static double results[COLUMNS][N(binfmt_cases)];
	int control = control_open(), views[COLUMNS];

	run("cp /bin/busybox /tmp/true");
	run("echo '#!/tmp/true' >/tmp/interpreted; chmod 755 /tmp/interpreted");
	views[NATIVE] = -1;
	views[NO_RULE] = view_create(control, "");
	views[ONE] = binfmt_view(control, 0);
	views[MANY] = binfmt_view(control, VIEWOS_RULES_MAX - 1);
	for (int i = NATIVE; i < COLUMNS; i++)
		measure_all(binfmt_cases, N(binfmt_cases), views[i], results[i]);
	for (int i = NO_RULE; i < COLUMNS; i++)
		close(views[i]);
	close(control);

	printf("%-22s %10s %10s %10s %10s %15s\n", "ns, executing", "no view", "no rule",
	       "a rule", "256 rules", "ratios to no view");
	for (size_t i = 0; i < N(binfmt_cases); i++) {
		double row[COLUMNS];

		for (int j = 0; j < COLUMNS; j++)
			row[j] = results[j][i];
		print_row(binfmt_cases[i].name, row, COLUMNS);
	}
	printf("\n");
}

static void call_gettime_vdso(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
}

static void call_gettime(void)
{
	struct timespec time;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &time);
}

static void call_gettimeofday(void)
{
	long time[2];

	syscall(SYS_gettimeofday, time, NULL);
}

static void call_time(void)
{
	syscall(SYS_time, NULL);
}

static const struct bench_case clock_cases[] = {
	{ "clock_gettime by vDSO", call_gettime_vdso, 20000 },
	{ "clock_gettime", call_gettime, 20000 },
	{ "gettimeofday", call_gettimeofday, 20000 },
	{ "time", call_time, 20000 },
	{ "getpgrp", call_getpgrp, 20000 },
};

/* A view whose clock is a day ahead of its parent's, @depth deep. */
static int clock_view(int control, int depth)
{
	struct viewos_view_clock clock = {
		.size = sizeof(clock),
		.flags = VIEWOS_CLOCK_OFFSET,
		.realtime = 86400 * 1000000000LL,
	};
	int view = -1;

	while (depth--) {
		int next = view_create_in(control, view, "", VIEWOS_INHERIT_SHARE);

		if (view >= 0)
			close(view);
		view = next;
		if (ioctl(view, VIEWOS_IOC_VIEW_CLOCK, &clock)) {
			perror("bench: clock");
			exit(1);
		}
	}
	return view;
}

static void bench_clock(void)
{
	enum { NATIVE, OUTSIDE, WITHOUT, CLOCK, DEEP, COLUMNS };
	static double results[COLUMNS][N(clock_cases)];
	int control = control_open(), views[COLUMNS];

	measure_all(clock_cases, N(clock_cases), -1, results[NATIVE]);
	views[WITHOUT] = view_create(control, "");
	views[CLOCK] = clock_view(control, 1);
	views[DEEP] = clock_view(control, DEPTH);
	views[OUTSIDE] = -1;
	for (int i = OUTSIDE; i < COLUMNS; i++)
		measure_all(clock_cases, N(clock_cases), views[i], results[i]);
	for (int i = WITHOUT; i < COLUMNS; i++)
		close(views[i]);
	close(control);

	printf("%-22s %10s %10s %10s %10s %10s %15s\n", "ns, reading the clock", "no clock",
	       "outside", "in a view", "its clock", "16 deep", "ratios to no clock");
	for (size_t i = 0; i < N(clock_cases); i++) {
		double row[COLUMNS];

		for (int j = 0; j < COLUMNS; j++)
			row[j] = results[j][i];
		print_row(clock_cases[i].name, row, COLUMNS);
	}
	printf("\n");
}

static void bench_system(void)
{
	static double results[4][N(system_cases)];
	int control, views[2];

	use_directory("/tmp");
	run("rmmod viewos");
	measure_all(system_cases, N(system_cases), -1, results[0]);
	run("insmod $VIEWOS_KO");
	measure_all(system_cases, N(system_cases), -1, results[1]);
	control = control_open();
	views[0] = deep_view(control, 1);
	views[1] = deep_view(control, DEPTH);
	measure_all(system_cases, N(system_cases), views[0], results[2]);
	measure_all(system_cases, N(system_cases), views[1], results[3]);
	close(views[0]);
	close(views[1]);
	close(control);

	printf("%-22s %10s %10s %10s %10s %23s\n", "ns a call", "native", "loaded", "in a view",
	       "16 deep", "ratios to native");
	for (size_t i = 0; i < N(system_cases); i++) {
		double row[4] = { results[0][i], results[1][i], results[2][i], results[3][i] };

		print_row(system_cases[i].name, row, 4);
	}
	printf("\n");
}

enum { FUSE, VIEWFS, TMPFS, NAMES };

static void mount_one(int which, const char *options, const char *dir)
{
	char command[256];

	mkdir(dir, 0755);
	/* While the host reads a program that is cold, the guest's clock runs away. */
	run("viewctl --help >/dev/null; viewos-mem --help >/dev/null");
	if (which == FUSE)
		snprintf(command, sizeof(command), "memfs-fuse %s %s", options, dir);
	else if (which == VIEWFS)
		snprintf(command, sizeof(command), "viewctl mount -t mem %s none %s", options, dir);
	else
		snprintf(command, sizeof(command), "mount -t tmpfs none %s", dir);
	run(command);
}

static void bench_files(const char *what, const char *options, const struct bench_case *cases,
			size_t n)
{
	static const char *const names[] = { "fuse", "viewfs", "tmpfs" };
	double results[NAMES][n];
	char command[256], dir[64];

	for (int i = 0; i < NAMES; i++) {
		snprintf(dir, sizeof(dir), "/tmp/%s", names[i]);
		mount_one(i, options, dir);
		base = dir;
		use_directory(dir);
		if (cases == cold_cases)
			fill_directory();
		else if (cases == write_cases)
			fill_large();
		measure_all(cases, n, -1, results[i]);
		close(open_fd);
		open_fd = 0;
		if (cases == cold_cases || cases == write_cases)
			close(large_fd);
		snprintf(command, sizeof(command), "umount %s", dir);
		run(command);
	}
	printf("%-22s %10s %10s %10s %15s\n", what, names[0], names[1], names[2],
	       "ratios to fuse");
	for (size_t i = 0; i < n; i++) {
		double row[NAMES] = { results[0][i], results[1][i], results[2][i] };

		print_row(cases[i].name, row, NAMES);
	}
	printf("\n");
}

static void usage(void)
{
	fprintf(stderr, "usage: bench [system|warm|cold|write|clients]...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const char *const parts[] = { "system", "warm", "cold", "write", "clients" };
	enum { SYSTEM = 1, WARM = 2, COLD = 4, WRITE = 8, CLIENTS = 16 };
	unsigned int wanted = argc == 1 ? ~0 : 0;

	for (int i = 1; i < argc; i++) {
		size_t part = 0;

		while (part < N(parts) && strcmp(argv[i], parts[part]))
			part++;
		if (part == N(parts))
			usage();
		wanted |= 1 << part;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The kernel is slower in its first seconds. */
	sleep(3);
	run("mount --make-rprivate /");
	/* Not from the host by 9P, which would be measured too. */
	run("cp /bin/busybox /tmp/busybox");
	if (wanted & SYSTEM) {
		bench_system();
		bench_rules();
		bench_served();
		bench_binfmt();
		bench_clock();
	}
	if (wanted & WARM) {
		bench_files("cached", "", file_cases, N(file_cases));
		bench_files("cached, but opens", "-o opens", file_cases, N(file_cases));
		bench_files("nothing cached", "-o opens,ttl=0", file_cases, N(file_cases));
	}
	if (wanted & COLD) {
		bench_files("cold", "", cold_cases, N(cold_cases));
		bench_files("cold, with opens", "-o opens", cold_cases, N(cold_cases));
	}
	if (wanted & WRITE) {
		bench_files("write-through", "", write_cases, N(write_cases));
		bench_files("write-back", "-o writeback", write_cases, N(write_cases));
	}
	if (wanted & CLIENTS)
		bench_files("several at once", "-o opens,ttl=0", client_cases, N(client_cases));
	return 0;
}

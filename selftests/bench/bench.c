// SPDX-License-Identifier: GPL-2.0
/*
 * What viewos costs, as ratios measured in one boot.
 *
 * Part 1: system calls, without the module, with it, in a view, in a view 16 deep.
 * Part 2: file systems: tmpfs, kernel FUSE and viewfs, the latter two with the same
 * server code, viewos-mem; with all cached, with the server asked at each open, and with
 * nothing cached.
 *
 * Under qemu -icount the clock counts instructions. Each figure is the least of some
 * rounds, in nanoseconds a call.
 */

#include "bench.h"

#define DEPTH 16

static char file[64], missing[64], scratch[64];
static int open_fd;

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

static const struct bench_case file_cases[] = {
	{ "stat", call_stat, 2000 },
	{ "stat, no such file", call_lookup_missing, 1000 },
	{ "fstat", call_fstat, 1000 },
	{ "pread 4 KiB", call_pread_page, 1000 },
	{ "open+read+close", call_open_read_close, 500 },
	{ "create+unlink", call_create_unlink, 300 },
};

static void use_directory(const char *dir)
{
	int fd;

	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(missing, sizeof(missing), "%s/missing", dir);
	snprintf(scratch, sizeof(scratch), "%s/scratch", dir);
	fd = open(file, O_RDWR | O_CREAT, 0644);
	if (fd < 0 || ftruncate(fd, 4096)) {
		perror(file);
		exit(1);
	}
	if (open_fd)
		close(open_fd);
	open_fd = fd;
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

static void bench_system(void)
{
	static double results[4][N(system_cases)];
	int control, views[2];

	/* Not from the host by 9P, which would be measured too. */
	run("cp /bin/busybox /tmp/busybox");
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

static void bench_files(const char *what, const char *options)
{
	static const char *const names[] = { "fuse", "viewfs", "tmpfs" };
	static double results[3][N(file_cases)];
	char command[256], dir[64];

	for (size_t i = 0; i < 3; i++) {
		snprintf(dir, sizeof(dir), "/tmp/%s", names[i]);
		mkdir(dir, 0755);
		if (i == 0)
			snprintf(command, sizeof(command), "memfs-fuse %s %s", options, dir);
		else if (i == 1)
			snprintf(command, sizeof(command), "viewctl mount -t mem %s none %s",
				 options, dir);
		else
			snprintf(command, sizeof(command), "mount -t tmpfs none %s", dir);
		run(command);
		use_directory(dir);
		measure_all(file_cases, N(file_cases), -1, results[i]);
		close(open_fd);
		open_fd = 0;
		snprintf(command, sizeof(command), "umount %s", dir);
		run(command);
	}
	printf("%-22s %10s %10s %10s %15s\n", what, names[0], names[1], names[2],
	       "ratios to fuse");
	for (size_t i = 0; i < N(file_cases); i++) {
		double row[3] = { results[0][i], results[1][i], results[2][i] };

		print_row(file_cases[i].name, row, 3);
	}
	printf("\n");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The kernel is slower in its first seconds. */
	sleep(3);
	run("mount --make-rprivate /");
	bench_system();
	bench_files("cached", "");
	bench_files("cached, but opens", "-o opens");
	bench_files("nothing cached", "-o opens,ttl=0");
	return 0;
}

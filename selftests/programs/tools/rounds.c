// SPDX-License-Identifier: GPL-2.0
/*
 * Uses a directory: rounds DIR PROCESSES FILE, until FILE exists. Each process makes files,
 * writes and syncs them, renames them, reads what it has synced and renamed before, and removes
 * it. Any failure is told, and ends it. What was acknowledged last is left, to be looked at, as
 * PROCESS.NUMBER, and said on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Files of a process that are kept, and bytes in each. */
#define KEPT	4
#define SIZE	20000

static int failed(const char *what, const char *name)
{
	fprintf(stderr, "rounds: %s: %s: %s\n", what, name, strerror(errno));
	return 1;
}

static void fill(char *data, int process, int number)
{
	for (int i = 0; i < SIZE; i++)
		data[i] = 'a' + (i * 7 + process * 5 + number) % 26;
}

static int make(const char *name, const char *new_name, const char *data)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
	ssize_t len;

	if (fd < 0)
		return failed("create", name);
	for (int at = 0; at < SIZE; at += len) {
		len = write(fd, data + at, SIZE - at > 3000 ? 3000 : SIZE - at);
		if (len <= 0)
			return failed("write", name);
	}
	if (fsync(fd))
		return failed("fsync", name);
	if (close(fd))
		return failed("close", name);
	return rename(name, new_name) ? failed("rename", name) : 0;
}

static int check(const char *name, const char *data)
{
	char got[SIZE + 1];
	int fd = open(name, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return failed("open", name);
	len = read(fd, got, sizeof(got));
	if (len < 0)
		return failed("read", name);
	close(fd);
	errno = EILSEQ;
	return len != SIZE || memcmp(got, data, SIZE) ? failed("content", name) : 0;
}

static int rounds(const char *dir, int process, const char *until)
{
	char name[4096], new_name[4096], data[SIZE];
	int number;

	for (number = 0; access(until, F_OK); number++) {
		snprintf(name, sizeof(name), "%s/%d.new", dir, process);
		snprintf(new_name, sizeof(new_name), "%s/%d.%d", dir, process, number);
		fill(data, process, number);
		if (make(name, new_name, data))
			return 1;
		if (number < KEPT)
			continue;
		snprintf(name, sizeof(name), "%s/%d.%d", dir, process, number - KEPT);
		fill(data, process, number - KEPT);
		if (check(name, data))
			return 1;
		if (unlink(name))
			return failed("unlink", name);
	}
	for (int i = number < KEPT ? 0 : number - KEPT; i < number; i++)
		printf("%d.%d\n", process, i);
	return fflush(stdout) ? 1 : 0;
}

/* With one argument: is each file what its name says? */
static int check_all(const char *dir)
{
	char name[4096], data[SIZE];
	int process, number, count = 0;

	while (scanf("%d.%d", &process, &number) == 2) {
		snprintf(name, sizeof(name), "%s/%d.%d", dir, process, number);
		fill(data, process, number);
		if (check(name, data))
			return 1;
		count++;
	}
	return !count;
}

int main(int argc, char **argv)
{
	int processes, status, ret = 0;

	if (argc == 2)
		return check_all(argv[1]);
	if (argc != 4)
		return 2;
	processes = atoi(argv[2]);
	for (int i = 0; i < processes; i++)
		if (!fork())
			exit(rounds(argv[1], i, argv[3]));
	while (wait(&status) > 0)
		ret |= status;
	return ret ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/* viewctl: what was told of a view, kept for whoever asks later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "holder.h"
#include "record.h"

/* What /proc says that the fd of a holder leads to. */
#define RECORD_NAME	"viewctl"
#define RECORD_LINK	"/memfd:" RECORD_NAME " (deleted)"

int record_write(int record, const struct told *told)
{
	char *text = told_text(told);
	size_t len = text ? strlen(text) : 0;
	int ret = 0;

	if (!text)
		ret = -ENOMEM;
	else if (ftruncate(record, 0) < 0 || pwrite(record, text, len, 0) != (ssize_t)len)
		ret = -errno;
	free(text);
	if (ret < 0)
		fail("what was told of the view: %s", strerror(-ret));
	return ret;
}

int record_make(const struct told *told)
{
	int record = memfd_create(RECORD_NAME, MFD_CLOEXEC), ret = 0;

	if (record < 0 || fchmod(record, 0600) < 0) {
		ret = -errno;
		fail("what was told of the view: %s", strerror(-ret));
	}
	if (!ret)
		ret = record_write(record, told);
	if (ret < 0 && record >= 0)
		close(record);
	return ret < 0 ? ret : record;
}

/* The holder is the process that has been in the view for the longest time. */
struct search {
	pid_t holder;
	unsigned long long since;
};

/* When a process was started, by the number that stat(5) of /proc has for it; 0: it has ended. */
static unsigned long long started(pid_t pid)
{
	unsigned long long since = 0;
	char path[32], line[1024], *at;
	size_t len;
	FILE *file;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	len = fread(line, 1, sizeof(line) - 1, file);
	line[len] = '\0';
	fclose(file);
	/* A name may have anything in it; behind it are numbers and a letter. */
	at = strrchr(line, ')');
	for (field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		since = strtoull(at, NULL, 10);
	return since;
}

static int task_look(const struct viewos_entry *entry, void *arg)
{
	struct search *search = arg;
	unsigned long long since;

	if (!entry->task_pid || !entry->task_comm ||
	    strncmp(entry->task_comm, HOLDER_COMM, strlen(HOLDER_COMM)))
		return 0;
	since = started(entry->task_pid);
	if (since && (!search->holder || since < search->since))
		*search = (struct search){ .holder = entry->task_pid, .since = since };
	return 0;
}

/* Is it what a holder has: in memory, without a name, and the user's own? */
static bool is_record(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_nlink &&
	       st.st_uid == geteuid() && fcntl(fd, F_GET_SEALS) >= 0 && st.st_size <= CONFIG_MAX;
}

int record_open(struct viewos_nl *nl, const struct viewos_view_info *view, bool write)
{
	struct search search = { 0 };
	char path[48], link[64];
	ssize_t len;
	int fd, ret;

	if (view->owner != geteuid())
		return -ENOENT;
	ret = viewos_list(nl, VIEWOS_CMD_TASK_GET, view->id, task_look, &search);
	if (ret < 0 || !search.holder)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", search.holder, HOLDER_RECORD_FD);
	len = readlink(path, link, sizeof(link) - 1);
	if (len != strlen(RECORD_LINK) || strncmp(link, RECORD_LINK, len))
		return -ENOENT;
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -ENOENT;
	if (is_record(fd) && !flock(fd, write ? LOCK_EX : LOCK_SH))
		return fd;
	close(fd);
	return -ENOENT;
}

int record_read(int record, struct world *world)
{
	static const char name[] = "what was told of the view";
	int status = EXIT_FAILED;
	size_t size;
	char *text;

	if (lseek(record, 0, SEEK_SET) < 0)
		return fail("%s: %s", name, strerror(errno));
	text = config_load(record, name, &size);
	if (text)
		status = config_parse(world, name, text, size);
	free(text);
	return status;
}

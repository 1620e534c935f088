// SPDX-License-Identifier: GPL-2.0
/* viewctl: what the kernel's numbers are called: views have names, mounts have targets */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lookup.h"

static int view_add(const struct viewos_entry *entry, void *arg)
{
	struct lookup *lookup = arg;
	struct lookup_view *views;

	if (!entry->view_name)
		return 0;
	views = reallocarray(lookup->views, lookup->view_count + 1, sizeof(*views));
	if (!views)
		return -ENOMEM;
	lookup->views = views;
	views[lookup->view_count].id = entry->view_id;
	snprintf(views[lookup->view_count].name, VIEWOS_NAME_LEN, "%s", entry->view_name);
	lookup->view_count++;
	return 0;
}

int lookup_views(struct lookup *lookup, struct viewos_nl *nl)
{
	int ret;

	ret = viewos_list(nl, VIEWOS_CMD_VIEW_GET, VIEWOS_VIEW_ANY, view_add, lookup);
	if (ret < 0)
		fail("list of views: %s", strerror(-ret));
	return ret;
}

/* The mounts of a process, unless those of its mount namespace are known. */
static int tables_add(struct lookup *lookup, const char *process)
{
	struct libmnt_table **tables;
	ino_t *namespaces;
	struct stat namespace;
	char path[64];
	size_t i;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
	if (stat(path, &namespace) < 0)
		return 0;
	for (i = 0; i < lookup->table_count; i++)
		if (lookup->namespaces[i] == namespace.st_ino)
			return 0;
	namespaces = reallocarray(lookup->namespaces, i + 1, sizeof(*namespaces));
	if (!namespaces)
		return -ENOMEM;
	lookup->namespaces = namespaces;
	tables = reallocarray(lookup->tables, i + 1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	lookup->tables = tables;
	snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	/* Processes come and go, and those of others are not to be looked into. */
	tables[i] = mnt_new_table_from_file(path);
	if (!tables[i])
		return 0;
	namespaces[i] = namespace.st_ino;
	lookup->table_count++;
	return 0;
}

static int task_add(const struct viewos_entry *entry, void *arg)
{
	char process[16];

	if (!entry->task_pid)
		return 0;
	snprintf(process, sizeof(process), "%u", entry->task_pid);
	return tables_add(arg, process);
}

int lookup_mounts(struct lookup *lookup, struct viewos_nl *nl)
{
	int ret;

	ret = viewos_list(nl, VIEWOS_CMD_TASK_GET, VIEWOS_VIEW_ANY, task_add, lookup);
	if (ret >= 0)
		ret = tables_add(lookup, "self");
	if (ret < 0)
		fail("list of tasks: %s", strerror(-ret));
	return ret;
}

/* A process that has it open more than once counts once. */
static int socket_add(struct lookup *lookup, uint64_t ino, pid_t pid)
{
	struct lookup_socket *sockets;
	size_t i;

	for (i = lookup->socket_count; i > 0 && lookup->sockets[i - 1].pid == pid; i--)
		if (lookup->sockets[i - 1].ino == ino)
			return 0;
	sockets = reallocarray(lookup->sockets, lookup->socket_count + 1, sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	lookup->sockets = sockets;
	sockets[lookup->socket_count++] = (struct lookup_socket){ .ino = ino, .pid = pid };
	return 0;
}

/* Processes come and go, and those of others are not to be looked into. */
static int process_sockets_add(struct lookup *lookup, pid_t pid)
{
	char path[32], link[64];
	struct dirent *entry;
	uint64_t ino;
	ssize_t len;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!ret && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (len <= 0)
			continue;
		link[len] = '\0';
		if (sscanf(link, "socket:[%" SCNu64 "]", &ino) == 1)
			ret = socket_add(lookup, ino, pid);
	}
	closedir(dir);
	return ret;
}

int lookup_sockets(struct lookup *lookup)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int ret = 0;

	while (proc && !ret && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ret = process_sockets_add(lookup, atoi(entry->d_name));
	if (proc)
		closedir(proc);
	if (ret < 0)
		fail("sockets of processes: %s", strerror(-ret));
	return ret;
}

char *lookup_pids(const struct lookup *lookup, uint64_t ino)
{
	char *pids = NULL, *longer;
	size_t i;

	for (i = 0; lookup && i < lookup->socket_count; i++) {
		if (lookup->sockets[i].ino != ino)
			continue;
		if (asprintf(&longer, "%s%s%d", pids ? pids : "", pids ? "," : "",
			     lookup->sockets[i].pid) < 0)
			break;
		free(pids);
		pids = longer;
	}
	return pids;
}

const char *lookup_view(const struct lookup *lookup, uint64_t id)
{
	size_t i;

	if (id == VIEWOS_VIEW_ROOT)
		return "root";
	for (i = 0; lookup && i < lookup->view_count; i++)
		if (lookup->views[i].id == id)
			return lookup->views[i].name;
	return NULL;
}

const char *lookup_target(const struct lookup *lookup, uint64_t dev)
{
	struct libmnt_fs *fs;
	size_t i;

	for (i = 0; lookup && i < lookup->table_count; i++) {
		fs = mnt_table_find_devno(lookup->tables[i], makedev(dev >> 32, dev & UINT32_MAX),
					  MNT_ITER_FORWARD);
		if (fs)
			return mnt_fs_get_target(fs);
	}
	return NULL;
}

void lookup_free(struct lookup *lookup)
{
	size_t i;

	for (i = 0; i < lookup->table_count; i++)
		mnt_unref_table(lookup->tables[i]);
	free(lookup->tables);
	free(lookup->namespaces);
	free(lookup->views);
	free(lookup->sockets);
	*lookup = (struct lookup){ 0 };
}

// SPDX-License-Identifier: GPL-2.0
/* viewctl: what the kernel's numbers are called: views have names, mounts have targets */
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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
	*lookup = (struct lookup){ 0 };
}

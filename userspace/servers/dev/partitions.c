// SPDX-License-Identifier: GPL-2.0
/* The partition table, whatever its kind, as libblkid reads it. */
#include <blkid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devfs.h"

/* What libblkid counts in. */
#define TABLE_SECTOR 512

/* Of a partition that only holds others the kernel shows as much: nobody takes it for one. */
#define EXTENDED_SIZE 1024

static void part_add(const struct devfs *fs, blkid_partition part, struct unit *units)
{
	int number = blkid_partition_get_partno(part);
	uint64_t start = (uint64_t)blkid_partition_get_start(part);
	uint64_t size = (uint64_t)blkid_partition_get_size(part);
	uint64_t disk = fs->units[0].size;
	struct unit *unit;

	if (number < 1 || number > PARTS_MAX)
		return;
	/* A table may say anything. */
	if (!size || start >= disk / TABLE_SECTOR)
		return;
	unit = &units[number];
	unit->exists = true;
	unit->start = start * TABLE_SECTOR;
	unit->size = size > (disk - unit->start) / TABLE_SECTOR ? disk - unit->start :
		size * TABLE_SECTOR;
	if (blkid_partition_is_extended(part) && unit->size > EXTENDED_SIZE)
		unit->size = EXTENDED_SIZE;
}

static int table_read(struct devfs *fs, struct unit *units)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partlist list;

	if (!probe)
		return -ENOMEM;
	if (blkid_probe_set_device(probe, fs->fd, 0, (blkid_loff_t)fs->units[0].size) ||
	    blkid_probe_set_sectorsize(probe, (unsigned int)fs->options.sector) ||
	    blkid_probe_enable_superblocks(probe, 0) || blkid_probe_enable_partitions(probe, 1)) {
		blkid_free_probe(probe);
		return -EIO;
	}
	/* NULL: there is no table. */
	list = blkid_probe_get_partitions(probe);
	for (int i = 0; list && i < blkid_partlist_numof_partitions(list); i++)
		part_add(fs, blkid_partlist_get_partition(list, i), units);
	blkid_free_probe(probe);
	return 0;
}

/* A partition that is where it was is the one that was there. */
static void parts_take(struct devfs *fs, const struct unit *units)
{
	for (int i = 1; i <= PARTS_MAX; i++) {
		struct unit *unit = &fs->units[i];
		uint64_t generation = unit->generation;

		if (unit->exists == units[i].exists && unit->start == units[i].start &&
		    unit->size == units[i].size)
			continue;
		*unit = units[i];
		unit->generation = generation + 1;
		unit->block_size = fs->units[0].block_size;
		fs->owners[NODE_DISK + i] = fs->owners[NODE_DISK];
	}
}

int partitions_read_locked(struct devfs *fs)
{
	struct unit units[PARTS_MAX + 1] = { };
	int ret;

	for (int i = 1; i <= PARTS_MAX; i++)
		if (fs->units[i].opens)
			return -EBUSY;
	ret = table_read(fs, units);
	if (!ret)
		parts_take(fs, units);
	return ret;
}

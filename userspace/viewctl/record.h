/* SPDX-License-Identifier: GPL-2.0 */
/*
 * viewctl, private: what was told of a view, kept for whoever asks later
 *
 * The kernel knows of a view what it needs itself. Binds, layers, maps of ids and the command it
 * does not, so the process that keeps the view keeps them as well: as a file in memory, which
 * is reached through its fd in /proc and goes with it. It is not sealed, since what is changed
 * while the view exists has to be written there, too; readers and writers lock it.
 *
 * It is as good as the user whose view it is: anybody who runs as them, in the view or outside,
 * may replace the holder. So it is taken from nobody but the user who asks, is read as any file
 * that describes a view, and where the kernel knows better it counts for nothing.
 */
#ifndef _VIEWCTL_RECORD_H
#define _VIEWCTL_RECORD_H

#include "told.h"

/** record_make() - a new one. Return: an fd, or negative after a complaint */
int record_make(const struct told *told);

/**
 * record_open() - find that of a view, and lock it until it is closed
 * @write: to be written
 *
 * Return: an fd; -ENOENT without a complaint: the view has none, or it is not the user's.
 */
int record_open(struct viewos_nl *nl, const struct viewos_view_info *view, bool write);

/** record_read() - as config_parse(). Return: an exit status */
int record_read(int record, struct world *world);

/** record_write() - replace what it says. Return: 0, or negative after a complaint */
int record_write(int record, const struct told *told);

#endif /* _VIEWCTL_RECORD_H */

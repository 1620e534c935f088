/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: --ids, owners and devices that are so in the view alone */
#ifndef _VIEWCTL_IDS_H
#define _VIEWCTL_IDS_H

#include "identity.h"
#include "ondemand.h"
#include "ruling.h"

/**
 * struct ids - whether, and where they are kept
 * @wanted: there are to be such
 * @where: it was told
 * @file: the file that has them, as the user wrote it; or NULL
 * @told: likewise, absolute
 * @path: likewise, absolute, once the server has been started
 * @server: who keeps them
 * @pidfd: its process, if its end is to be waited for, else 0
 */
struct ids {
	bool wanted;
	struct where where;
	const char *file;
	const char *told;
	char *path;
	struct ondemand server;
	int pidfd;
};

#define IDS_HELP								\
	"      --ids[=FILE]         appear as root, to whom files belong; what chown, chmod and\n" \
	"                           mknod do holds inside alone, and is kept in FILE\n"

/**
 * ids_start() - start the server
 * @view_id: of the view that it will be for
 *
 * Return: 0, or negative after a complaint.
 */
int ids_start(struct ids *ids, uint64_t view_id);

/**
 * ids_add() - add the rules
 * @identity: as whom the user appears
 * @mapped: there will be a user namespace in which they do
 *
 * Return: 0, or negative after a complaint.
 */
int ids_add(const struct ids *ids, int view, const struct identity *identity, bool mapped);

/** ids_rulings() - all rules that ids_add() may add, to know them again. Return: 0, negative */
int ids_rulings(struct rulings *rulings, const struct identity *identity);

/** ids_await() - wait until it has been written, when the view has ended */
void ids_await(const struct ids *ids);

void ids_cancel(struct ids *ids);
void ids_free(struct ids *ids);

#endif /* _VIEWCTL_IDS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: one viewfs to be mounted */
#ifndef _VIEWCTL_MOUNTING_H
#define _VIEWCTL_MOUNTING_H

#include <stdbool.h>

#include "ondemand.h"

/**
 * struct mounting - one viewfs to be mounted
 * @spec: what mounting_spec() took apart, to be freed, or NULL
 * @type: name of the server or of its program; kept by whoever fills this in
 * @source: what the server shall show, to be freed
 * @target: where; likewise kept
 * @attributes: MOUNT_ATTR_*
 * @viewfs: options for viewfs itself, to be freed, or NULL
 * @data: options for the server, to be freed, or NULL
 * @server: who serves it, set by mounting_prepare()
 */
struct mounting {
	char *spec;
	const char *type;
	char *source;
	const char *target;
	unsigned int attributes;
	char *viewfs;
	char *data;
	struct ondemand server;
};

/** mounting_options() - take "OPTION,..." apart. Return: 0, -ENOMEM */
int mounting_options(struct mounting *mounting, const char *options);

/**
 * mounting_spec() - take "TYPE[,OPTIONS]:SOURCE:TARGET" apart
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int mounting_spec(struct mounting *mounting, const char *spec);

/** mounting_source() - set the source, made absolute if it is a file. Return: 0, -ENOMEM */
int mounting_source(struct mounting *mounting, const char *source);

/**
 * mounting_prepare() - see to the server, outside the view
 * @server: name of a registered one, or NULL
 * @name: for one that gets started, or NULL
 *
 * Return: 0, or a negative number after a complaint.
 */
int mounting_prepare(struct mounting *mounting, const char *server, const char *name);

/**
 * mounting_do() - mount, in the current mount namespace and view
 *
 * Return: 0, or a negative number after a complaint; a server that was started
 * has been ended then.
 */
int mounting_do(struct mounting *mounting);

/** mounting_cancel() - it will not be mounted: end the server that was started */
void mounting_cancel(struct mounting *mounting);

/** mounting_free() - free what it holds */
void mounting_free(struct mounting *mounting);

#endif /* _VIEWCTL_MOUNTING_H */

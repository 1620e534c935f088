/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one user has, for the limits.
 *
 * References: each counted object holds one, through the count itself.
 */
#ifndef _VIEWOS_USER_H
#define _VIEWOS_USER_H

#include <linux/types.h>
#include <linux/uidgid.h>

/** enum viewos_count - what is counted per user */
enum viewos_count {
	VIEWOS_COUNT_VIEWS,
	VIEWOS_COUNT_SERVERS,
	VIEWOS_COUNT_SESSIONS,
	VIEWOS_COUNTS,
};

struct viewos_user;

/**
 * viewos_user_charge() - count one object more for a user
 * @uid: the user
 * @what: kind of object
 *
 * Return: the user, to be given to viewos_user_uncharge(); or ERR_PTR(-EUSERS),
 * ERR_PTR(-ENOMEM).
 */
struct viewos_user *viewos_user_charge(kuid_t uid, enum viewos_count what);
void viewos_user_uncharge(struct viewos_user *user, enum viewos_count what);

#endif /* _VIEWOS_USER_H */

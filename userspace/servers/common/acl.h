/* SPDX-License-Identifier: GPL-2.0 */
/* POSIX access control lists, as the values of the extended attributes that they come as. */
#ifndef SERVERS_ACL_H
#define SERVERS_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACL_NAME_ACCESS		"system.posix_acl_access"
#define ACL_NAME_DEFAULT	"system.posix_acl_default"

/*
 * The three return false if the value is no list. In *extended they say whether a list says more
 * than the mode, so that it has to be kept.
 */

/* A list is set: the permissions in *mode become those that it says. */
bool acl_mode_of(char *value, size_t size, mode_t *mode, bool *extended);

/* A mode is set: the list is made to say the same. */
bool acl_chmod(char *value, size_t size, mode_t mode);

/* A directory's default list is handed down: both become what both allow. */
bool acl_hand_down(char *value, size_t size, mode_t *mode, bool *extended);

#endif

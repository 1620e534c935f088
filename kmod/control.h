/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/viewos, and what all ioctls share. */
#ifndef _VIEWOS_CONTROL_H
#define _VIEWOS_CONTROL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * VIEWOS_IOC_CASE() - label for a command in a switch of viewos_ioctl_key()
 * @cmd: the command's macro
 *
 * A struct may grow, and its size is part of the command; the key is the rest.
 */
#define VIEWOS_IOC_CASE(cmd)	((cmd) & ~IOCSIZE_MASK)

static inline unsigned int viewos_ioctl_key(unsigned int cmd)
{
	return cmd & ~IOCSIZE_MASK;
}

/**
 * viewos_ioctl_copy() - copy in an ioctl's argument that is in its first version
 * @dst: where to; a struct that begins with a u32 size
 * @ksize: its size
 * @src: user's pointer
 * @usize: the size encoded in the command
 *
 * Return: 0; -EINVAL the sizes disagree or are too small; -E2BIG a part that we
 * do not know is not zero; -EFAULT.
 */
int viewos_ioctl_copy(void *dst, size_t ksize, const void __user *src, size_t usize);

/**
 * viewos_ioctl_copy_grown() - likewise, of a struct that has grown since its first version
 * @dst: where to
 * @ksize: its size
 * @first: its size in its first version; what a user's lacks is zero
 * @src: user's pointer
 * @usize: the size encoded in the command
 *
 * Return: as viewos_ioctl_copy().
 */
int viewos_ioctl_copy_grown(void *dst, size_t ksize, size_t first, const void __user *src,
			    size_t usize);

/** viewos_ioctl_return() - copy an argument back out; 0 or -EFAULT */
int viewos_ioctl_return(void __user *dst, size_t usize, const void *src, size_t ksize);

/**
 * viewos_name_valid() - check the name of a view or server from user space
 * @name: VIEWOS_NAME_LEN bytes
 * @empty: whether it may be empty
 *
 * Return: whether it is well formed: letters, digits and "-_.:@", no digit
 * first, padded with NULs.
 */
bool viewos_name_valid(const char *name, bool empty);

int viewos_control_init(void);
void viewos_control_exit(void);

#endif /* _VIEWOS_CONTROL_H */

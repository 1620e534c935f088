// SPDX-License-Identifier: GPL-2.0
/* viewctl: capabilities, of which only a few matter here */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"

static int caps_get(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static bool caps_have(int cap)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return !caps_get(data) && data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool caps_have_admin(void)
{
	return caps_have(CAP_SYS_ADMIN);
}

bool caps_have_files(void)
{
	return caps_have(CAP_DAC_OVERRIDE) && caps_have(CAP_SYS_CHROOT);
}

int caps_keep_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int ret = caps_get(data);

	if (ret < 0)
		return ret;
	data[CAP_TO_INDEX(CAP_SYS_ADMIN)].inheritable |= CAP_TO_MASK(CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) < 0)
		return -errno;
	return 0;
}

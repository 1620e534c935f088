// SPDX-License-Identifier: GPL-2.0
/* viewctl: finding views, by whatever the user called them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewctl.h"

static const char *const inherit_names[] = {
	[VIEWOS_INHERIT_SHARE] = "share",
	[VIEWOS_INHERIT_NEST] = "nest",
	[VIEWOS_INHERIT_LEAVE] = "leave",
};

#define INHERIT_COUNT	(sizeof(inherit_names) / sizeof(inherit_names[0]))

int ctl_open(void)
{
	int ctl = viewos_open();

	if (ctl < 0)
		fail("%s: %s%s", VIEWOS_DEVICE, strerror(-ctl),
		     ctl == -ENOENT || ctl == -ENODEV || ctl == -ENXIO ?
		     " (is the module loaded? modprobe viewos)" : "");
	return ctl;
}

const char *view_error(int error)
{
	switch (-error) {
	case ENOENT:
		return "no such view";
	case EINVAL:
		return "not a view's name or id";
	case EPERM:
		return "permission denied, it is not yours";
	default:
		return strerror(-error);
	}
}

int view_open(int ctl, const char *view)
{
	int fd = viewos_view_open(ctl, view);

	if (fd < 0)
		fail("'%s': %s", view, view_error(fd));
	return fd;
}

int view_open_by_name(const char *view)
{
	int ctl = ctl_open(), fd;

	if (ctl < 0)
		return ctl;
	fd = view_open(ctl, view);
	close(ctl);
	return fd;
}

int view_id(const char *view, uint64_t *id)
{
	struct viewos_view_info info;
	int fd, ret;

	fd = view_open_by_name(view);
	if (fd < 0)
		return fd;
	ret = viewos_view_info(fd, &info);
	close(fd);
	if (ret < 0)
		fail("'%s': %s", view, view_error(ret));
	else
		*id = info.id;
	return ret;
}

int netlink_open(struct viewos_nl **nl)
{
	int ctl, ret;

	/* For its better complaint when the module is not there. */
	ctl = ctl_open();
	if (ctl < 0)
		return ctl;
	close(ctl);
	ret = viewos_nl_open(nl);
	if (ret < 0)
		fail("netlink: %s", strerror(-ret));
	return ret;
}

int inherit_parse(const char *name)
{
	unsigned int i;

	for (i = 0; i < INHERIT_COUNT; i++)
		if (!strcmp(name, inherit_names[i]))
			return i;
	return -1;
}

const char *inherit_name(unsigned int inherit)
{
	return inherit < INHERIT_COUNT ? inherit_names[inherit] : "unknown";
}

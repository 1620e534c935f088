// SPDX-License-Identifier: GPL-2.0
/* libviewos: the control node and views */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "viewos.h"

static int control(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/* Copies a name into a field that is zero already; an over-long one is invalid. */
static int name_copy(char field[VIEWOS_NAME_LEN], const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len >= VIEWOS_NAME_LEN)
		return -EINVAL;
	memcpy(field, name ? name : "", len);
	return 0;
}

int viewos_open(void)
{
	struct viewos_version version;
	int ctl, ret;

	ctl = open(VIEWOS_DEVICE, O_RDWR | O_CLOEXEC);
	if (ctl < 0)
		return -errno;
	/* Every ABI will do: what an older one lacks fails by itself. */
	ret = viewos_version(ctl, &version);
	if (ret < 0) {
		close(ctl);
		return ret;
	}
	return ctl;
}

int viewos_version(int ctl, struct viewos_version *version)
{
	int ret;

	memset(version, 0, sizeof(*version));
	version->size = sizeof(*version);
	ret = control(ctl, VIEWOS_IOC_VERSION, version);
	return ret < 0 ? ret : (int)version->abi;
}

int viewos_view_create(int ctl, int parent, const char *name, enum viewos_inherit inherit,
		       uint64_t *id)
{
	struct viewos_view_create arg = {
		.size = sizeof(arg),
		.parent_fd = parent,
		.inherit = inherit,
	};
	int ret;

	ret = name_copy(arg.name, name);
	if (ret < 0)
		return ret;
	ret = control(ctl, VIEWOS_IOC_VIEW_CREATE, &arg);
	if (ret >= 0 && id)
		*id = arg.id;
	return ret;
}

int viewos_view_open(int ctl, const char *view)
{
	struct viewos_view_open arg = { .size = sizeof(arg) };
	unsigned long long id;
	char *end;
	int ret;

	if (view[0] >= '0' && view[0] <= '9') {
		errno = 0;
		id = strtoull(view, &end, 10);
		if (*end || errno)
			return -EINVAL;
		return viewos_view_open_id(ctl, id);
	}
	if (!*view)
		return -ENOENT;
	ret = name_copy(arg.name, view);
	if (ret < 0)
		return ret;
	return control(ctl, VIEWOS_IOC_VIEW_OPEN, &arg);
}

int viewos_view_open_id(int ctl, uint64_t id)
{
	struct viewos_view_open arg = { .size = sizeof(arg), .id = id };

	return control(ctl, VIEWOS_IOC_VIEW_OPEN, &arg);
}

int viewos_view_open_self(int ctl)
{
	struct viewos_view_open arg = { .size = sizeof(arg), .flags = VIEWOS_VIEW_OPEN_SELF };

	return control(ctl, VIEWOS_IOC_VIEW_OPEN, &arg);
}

int viewos_view_enter(int view)
{
	struct viewos_view_enter arg = { .size = sizeof(arg) };

	return control(view, VIEWOS_IOC_VIEW_ENTER, &arg);
}

int viewos_view_attach(int view, pid_t pid)
{
	struct viewos_view_attach arg = { .size = sizeof(arg), .pid = pid };

	return control(view, VIEWOS_IOC_VIEW_ATTACH, &arg);
}

int viewos_view_info(int view, struct viewos_view_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return control(view, VIEWOS_IOC_VIEW_INFO, info);
}

int viewos_view_set(int view, enum viewos_inherit inherit)
{
	struct viewos_view_set arg = { .size = sizeof(arg), .inherit = inherit };

	return control(view, VIEWOS_IOC_VIEW_SET, &arg);
}

int viewos_view_destroy(int view, unsigned int flags)
{
	struct viewos_view_destroy arg = { .size = sizeof(arg), .flags = flags };

	return control(view, VIEWOS_IOC_VIEW_DESTROY, &arg);
}

int viewos_view_kill(int view, int signal, pid_t except, struct viewos_view_kill *done)
{
	struct viewos_view_kill arg = {
		.size = sizeof(arg), .signal = signal, .except = except };
	int ret;

	ret = control(view, VIEWOS_IOC_VIEW_KILL, &arg);
	if (done)
		*done = arg;
	return ret;
}

int viewos_view_uts(int view, const char *const names[VIEWOS_UTS_FIELDS])
{
	struct viewos_view_uts arg = { .size = sizeof(arg) };
	size_t len;
	int i;

	for (i = 0; i < VIEWOS_UTS_FIELDS; i++) {
		if (!names[i])
			continue;
		len = strlen(names[i]);
		if (len >= VIEWOS_UTS_LEN)
			return -EINVAL;
		memcpy(arg.names[i], names[i], len);
		arg.fields |= 1U << i;
	}
	return control(view, VIEWOS_IOC_VIEW_UTS, &arg);
}

int viewos_view_clock(int view, uint32_t flags, int64_t realtime, uint64_t rate)
{
	struct viewos_view_clock arg = {
		.size = sizeof(arg),
		.flags = flags,
		.realtime = realtime,
		.rate = rate,
	};

	return control(view, VIEWOS_IOC_VIEW_CLOCK, &arg);
}

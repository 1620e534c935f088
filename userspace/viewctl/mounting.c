// SPDX-License-Identifier: GPL-2.0
/* viewctl: mounting a viewfs */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounting.h"
#include "viewctl.h"

/* fsconfig(2) takes strings shorter than this; mount(2) has no such limit. */
#define FSCONFIG_STRING_MAX	256

static const struct {
	const char *name;
	unsigned int set;
	unsigned int clear;
} flags[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
};

#define FLAG_COUNT	(sizeof(flags) / sizeof(flags[0]))

/* Options of viewfs itself; all that is not known is the server's. */
static const char *const viewfs_options[] = {
	"timeout=",
	"recover=",
	"server_access",
	"default_permissions",
};

#define VIEWFS_OPTION_COUNT	(sizeof(viewfs_options) / sizeof(viewfs_options[0]))

static bool flag_apply(struct mounting *mounting, const char *name)
{
	size_t i;

	for (i = 0; i < FLAG_COUNT; i++) {
		if (strcmp(flags[i].name, name))
			continue;
		mounting->attributes &= ~flags[i].clear;
		mounting->attributes |= flags[i].set;
		return true;
	}
	return false;
}

static bool is_viewfs_option(const char *option)
{
	size_t i, len;

	for (i = 0; i < VIEWFS_OPTION_COUNT; i++) {
		len = strlen(viewfs_options[i]);
		if (viewfs_options[i][len - 1] != '=')
			len++;
		if (!strncmp(option, viewfs_options[i], len))
			return true;
	}
	return false;
}

static int list_append(char **list, const char *option)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? "," : "", option) < 0)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

static int option_apply(struct mounting *mounting, const char *option)
{
	if (!*option || flag_apply(mounting, option))
		return 0;
	return list_append(is_viewfs_option(option) ? &mounting->viewfs : &mounting->data, option);
}

int mounting_options(struct mounting *mounting, const char *options)
{
	char *list, *rest, *option;
	int ret = 0;

	rest = list = strdup(options);
	if (!list)
		return -ENOMEM;
	while (!ret && (option = strsep(&rest, ",")))
		ret = option_apply(mounting, option);
	free(list);
	return ret;
}

int mounting_source(struct mounting *mounting, const char *source)
{
	/* Whoever serves it may have another current directory. */
	char *path = realpath(source, NULL);

	free(mounting->source);
	mounting->source = path ? path : strdup(source);
	return mounting->source ? 0 : -ENOMEM;
}

int mounting_spec(struct mounting *mounting, const char *spec)
{
	char *type, *source, *target, *options;
	int ret;

	type = mounting->spec = strdup(spec);
	if (!type)
		return -ENOMEM;
	source = strchr(type, ':');
	target = strrchr(type, ':');
	if (!source || source == target || source == type || !target[1])
		return -EINVAL;
	*source++ = '\0';
	*target++ = '\0';
	options = strchr(type, ',');
	if (options)
		*options++ = '\0';
	mounting->type = type;
	mounting->target = target;
	ret = options ? mounting_options(mounting, options) : 0;
	return ret ? ret : mounting_source(mounting, source);
}

/* Is the mount to outlive its server? */
static bool outlives(const struct mounting *mounting)
{
	const char *at = mounting->viewfs;

	while (at && strncmp(at, "recover=", 8)) {
		at = strchr(at, ',');
		at += !!at;
	}
	return at && strtoul(at + 8, NULL, 10);
}

/* A FUSE program expects to see what mount(8) was told: that it shall not write, for one. */
static int options_for_fuse(struct mounting *mounting)
{
	if (mounting->attributes & MOUNT_ATTR_RDONLY && list_append(&mounting->data, "ro") < 0) {
		ondemand_kill(&mounting->server);
		fail("'%s': %s", mounting->target, strerror(ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

int mounting_prepare(struct mounting *mounting, const char *server, const char *name)
{
	int ret;

	if (!server) {
		ret = ondemand_get(&mounting->server, VIEWOS_CLASS_PATH, mounting->type, name,
				   outlives(mounting));
		if (ret < 0 || !mounting->server.fuse)
			return ret;
		return options_for_fuse(mounting);
	}
	if (strlen(server) >= sizeof(mounting->server.name)) {
		fail("server '%s': the name is too long", server);
		return -EINVAL;
	}
	snprintf(mounting->server.name, sizeof(mounting->server.name), "%s", server);
	return 0;
}

void mounting_cancel(struct mounting *mounting)
{
	ondemand_kill(&mounting->server);
}

void mounting_free(struct mounting *mounting)
{
	free(mounting->spec);
	free(mounting->source);
	free(mounting->viewfs);
	free(mounting->data);
}

/* What the kernel wrote into the context's log, as "e TEXT" lines read one by one. */
static void log_read(int context, char *log, size_t size)
{
	char message[256];
	size_t used = 0;
	ssize_t len;

	log[0] = '\0';
	while ((len = read(context, message, sizeof(message) - 1)) > 0) {
		message[len] = '\0';
		message[strcspn(message, "\n")] = '\0';
		if (message[0] != 'e' || used >= size)
			continue;
		used += snprintf(log + used, size - used, "%s: ", message + 2);
	}
}

static int complain(const struct mounting *mounting, int context, int error)
{
	char log[1024] = "";

	if (context >= 0)
		log_read(context, log, sizeof(log));
	fail("'%s': cannot mount '%s' of server '%s': %s%s", mounting->target, mounting->source,
	     mounting->server.name, log, strerror(error));
	return -error;
}

static int strings_set(int context, const struct mounting *mounting)
{
	const char *const strings[][2] = {
		{ "source", mounting->source },
		{ "server", mounting->server.name },
		{ "data", mounting->data },
	};
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (strings[i][1] &&
		    fsconfig(context, FSCONFIG_SET_STRING, strings[i][0], strings[i][1], 0) < 0)
			return -errno;
	if (mounting->attributes & MOUNT_ATTR_RDONLY &&
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -errno;
	return 0;
}

static int viewfs_options_set(int context, const struct mounting *mounting)
{
	char *list, *rest, *option, *value;
	int ret = 0;

	if (!mounting->viewfs)
		return 0;
	rest = list = strdup(mounting->viewfs);
	if (!list)
		return -ENOMEM;
	while (!ret && (option = strsep(&rest, ","))) {
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		if (fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option,
			     value, 0) < 0)
			ret = -errno;
	}
	free(list);
	return ret;
}

/* Waits for the server, which may have been started just now. */
static int by_context(const struct mounting *mounting)
{
	int context, mount, ret;

	context = fsopen("viewfs", FSOPEN_CLOEXEC);
	if (context < 0) {
		ret = errno;
		if (ret == ENODEV)
			fail("viewfs: %s (is the module loaded? modprobe viewos)", strerror(ret));
		else if (ret == EPERM)
			fail("'%s': %s (not in a view of your own? try viewctl run)",
			     mounting->target, strerror(ret));
		else
			fail("viewfs: %s", strerror(ret));
		return -ret;
	}
	ret = strings_set(context, mounting);
	if (!ret)
		ret = viewfs_options_set(context, mounting);
	if (!ret && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		ret = -errno;
	if (ret) {
		complain(mounting, context, -ret);
		close(context);
		return ret;
	}
	mount = fsmount(context, FSMOUNT_CLOEXEC, mounting->attributes);
	if (mount < 0) {
		ret = complain(mounting, context, errno);
		close(context);
		return ret;
	}
	close(context);
	if (move_mount(mount, "", AT_FDCWD, mounting->target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		ret = complain(mounting, -1, errno);
	close(mount);
	return ret;
}

static unsigned long attributes_as_flags(unsigned int attributes)
{
	unsigned long result = 0;

	result |= attributes & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
	result |= attributes & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0;
	result |= attributes & MOUNT_ATTR_NODEV ? MS_NODEV : 0;
	result |= attributes & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0;
	result |= attributes & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0;
	result |= attributes & MOUNT_ATTR_NOATIME ? MS_NOATIME : 0;
	result |= attributes & MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : 0;
	return result;
}

/* For long strings; the server's options can have no comma then. */
static int by_string(const struct mounting *mounting)
{
	char *options;
	int ret = 0;

	if (mounting->data && strchr(mounting->data, ',')) {
		fail("'%s': several server options, and a source or option of %d bytes or more",
		     mounting->target, FSCONFIG_STRING_MAX);
		return -E2BIG;
	}
	if (asprintf(&options, "server=%s%s%s%s%s", mounting->server.name,
		     mounting->viewfs ? "," : "",
		     mounting->viewfs ? mounting->viewfs : "", mounting->data ? ",data=" : "",
		     mounting->data ? mounting->data : "") < 0)
		return complain(mounting, -1, ENOMEM);
	if (mount(mounting->source, mounting->target, "viewfs",
		  attributes_as_flags(mounting->attributes), options) < 0)
		ret = complain(mounting, -1, errno);
	free(options);
	return ret;
}

int mounting_do(struct mounting *mounting)
{
	bool is_long = strlen(mounting->source) >= FSCONFIG_STRING_MAX ||
		       (mounting->data && strlen(mounting->data) >= FSCONFIG_STRING_MAX);
	int ret = is_long ? by_string(mounting) : by_context(mounting);

	if (ret < 0)
		mounting_cancel(mounting);
	else
		ondemand_release(&mounting->server);
	return ret;
}

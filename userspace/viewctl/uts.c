// SPDX-License-Identifier: GPL-2.0
/* viewctl: --uts, the names that uname(2) says in a view */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uts.h"

static const char *const keys[VIEWOS_UTS_FIELDS] = {
	[VIEWOS_UTS_SYSNAME] = "sysname",
	[VIEWOS_UTS_NODENAME] = "nodename",
	[VIEWOS_UTS_RELEASE] = "release",
	[VIEWOS_UTS_VERSION] = "version",
	[VIEWOS_UTS_MACHINE] = "machine",
	[VIEWOS_UTS_DOMAINNAME] = "domainname",
};

/* Those that sethostname(2) and setdomainname(2) may make empty. */
static bool may_be_empty(int key)
{
	return key == VIEWOS_UTS_NODENAME || key == VIEWOS_UTS_DOMAINNAME;
}

/* Cuts the first part off: up to a comma that no backslash is before. Backslashes are undone. */
static char *part_cut(char **rest)
{
	char *part = *rest, *from, *to = part;

	for (from = part; *from && *from != ','; from++) {
		if (*from == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return part;
}

static int key_find(const char *name)
{
	int key;

	for (key = 0; key < VIEWOS_UTS_FIELDS; key++)
		if (!strcmp(keys[key], name))
			return key;
	return -1;
}

static int value_check(const struct where *where, int key, const char *value)
{
	size_t i;

	if (!*value && !may_be_empty(key))
		return wrong(where, "'%s=': expected a value", keys[key]);
	if (strlen(value) >= VIEWOS_UTS_LEN)
		return wrong(where, "'%s=%s': longer than %d bytes", keys[key], value,
			     VIEWOS_UTS_LEN - 1);
	for (i = 0; value[i]; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == '\x7f')
			return wrong(where, "'%s': its value has a control character", keys[key]);
	return EXIT_DONE;
}

int uts_name_set(struct uts *uts, const struct where *where, enum viewos_uts_field field,
		 const char *value)
{
	int status = value_check(where, field, value);

	if (status)
		return status;
	uts->wanted = true;
	uts->where = *where;
	free(uts->names[field]);
	uts->names[field] = strdup(value);
	return uts->names[field] ? EXIT_DONE : fail_at(where, "%s", strerror(ENOMEM));
}

static int part_parse(struct uts *uts, const struct where *where, char *part)
{
	char *value = strchr(part, '=');
	int key;

	if (value)
		*value++ = '\0';
	key = key_find(part);
	if (key < 0)
		return wrong(where, "'%s': expected nodename, domainname, sysname, release, "
			     "version or machine", part);
	if (!value)
		return wrong(where, "'%s': expected %s=VALUE", part, part);
	return uts_name_set(uts, where, key, value);
}

int uts_parse(struct uts *uts, const struct where *where, const char *text)
{
	char *copy = strdup(text), *rest = copy;
	int status = EXIT_DONE;

	if (!copy)
		return fail_at(where, "%s", strerror(ENOMEM));
	while (!status && rest)
		status = part_parse(uts, where, part_cut(&rest));
	free(copy);
	return status;
}

int uts_set(const struct uts *uts, int view)
{
	int ret = viewos_view_uts(view, (const char *const *)uts->names);

	if (ret == -ENOTTY)
		fail_at(&uts->where, "the module that is loaded cannot change it (it needs ABI 3)");
	else if (ret < 0)
		fail_at(&uts->where, "%s", strerror(-ret));
	return ret;
}

void uts_free(struct uts *uts)
{
	int key;

	for (key = 0; key < VIEWOS_UTS_FIELDS; key++)
		free(uts->names[key]);
}

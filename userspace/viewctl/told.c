// SPDX-License-Identifier: GPL-2.0
/* viewctl: what was told of a view, as the entries of a file */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "told.h"
#include "words.h"

void told_add(struct told *told, const char *section, const char *key, const struct where *where,
	      const char *value)
{
	struct entry *list = reallocarray(told->list, told->count + 1, sizeof(*list));
	char *copy = value ? strdup(value) : NULL;

	if (list)
		told->list = list;
	if (!list || !copy) {
		free(copy);
		told->failed = true;
		return;
	}
	list[told->count++] = (struct entry){
		.setting = setting_of_key(section, key), .value = copy,
		.where = where ? *where : (struct where){ 0 },
	};
}

const char *step_key(const struct step *step)
{
	static const char *const keys[] = {
		[STEP_VIEWFS] = "Mount",
		[STEP_BIND] = "Bind",
		[STEP_PATCH] = "Patch",
		[STEP_COW] = "Cow",
		[STEP_HIDE] = "Hide",
	};

	return keys[step->kind];
}

const char *ruling_key(const struct ruling *ruling)
{
	return ruling->calls ? "Syscall" : ruling->binfmt ? "Binfmt" : "Socket";
}

/* The key of a section that has this parameter. */
static const char *key_of(const char *section, int parameter)
{
	const struct setting *setting;

	for (setting = settings; setting->set; setting++)
		if (setting->key && !strcmp(setting->section, section) &&
		    setting->parameter == parameter)
			return setting->key;
	return NULL;
}

const char *uts_key(int field)
{
	return key_of("Names", field);
}

const char *clock_key(int key)
{
	return key_of("Clock", key);
}

static const struct where *told_at(const struct world *world, const char *section, const char *key)
{
	return &world->told_at[setting_of_key(section, key) - settings];
}

/* One of [View]; NULL: it is as it would be. */
static void scalar_tell(struct told *told, const struct world *world, const char *key,
			const char *value)
{
	if (value)
		told_add(told, "View", key, told_at(world, "View", key), value);
}

static void identity_tell(struct told *told, const struct world *world)
{
	const struct identity *identity = &world->identity;

	if (identity->given && identity->whole)
		told_add(told, "View", "User", &identity->where, identity->told);
	else if (identity->given)
		told_add(told, "View", "MapRoot", &identity->where, "yes");
}

static void namespaces_tell(struct told *told, const struct world *world)
{
	int made = world->namespaces;

	scalar_tell(told, world, "Pid", made & CLONE_NEWPID ? "yes" : NULL);
	scalar_tell(told, world, "Ipc", made & CLONE_NEWIPC ? "yes" : NULL);
	scalar_tell(told, world, "Cgroup", made & CLONE_NEWCGROUP ? "yes" : NULL);
}

static void command_tell(struct told *told, const struct world *world)
{
	char *line = NULL;
	size_t size;
	FILE *out;

	scalar_tell(told, world, "WorkingDirectory", world->directory);
	if (!world->command)
		return;
	out = open_memstream(&line, &size);
	if (out)
		words_print(out, world->command);
	if (!out || fclose(out))
		told->failed = true;
	else
		scalar_tell(told, world, "Command", line);
	free(line);
}

static void view_tell(struct told *told, const struct world *world)
{
	scalar_tell(told, world, "Name", world->name);
	scalar_tell(told, world, "Inherit", world->inherit == VIEWOS_INHERIT_SHARE ? NULL :
		    inherit_name(world->inherit));
	scalar_tell(told, world, "Propagation",
		    world->propagation == PROPAGATION_FOLLOW ? "follow" : NULL);
	scalar_tell(told, world, "UserNamespace", world->user_ns == USER_NS_AUTO ? NULL :
		    world->user_ns == USER_NS_YES ? "yes" : "no");
	identity_tell(told, world);
	if (world->ids.wanted)
		scalar_tell(told, world, "Ids", world->ids.told ? world->ids.told : "yes");
	namespaces_tell(told, world);
	command_tell(told, world);
}

int told_of_world(struct told *told, const struct world *world)
{
	const struct ruling *ruling;
	const struct step *step;
	int i;

	view_tell(told, world);
	for (step = world->files.steps; step < world->files.steps + world->files.count; step++)
		told_add(told, "Files", step_key(step), &step->where, step->told);
	for (ruling = world->rulings.first; ruling; ruling = ruling->next)
		told_add(told, "Rules", ruling_key(ruling), &ruling->where, ruling->text);
	for (i = 0; i < VIEWOS_UTS_FIELDS; i++)
		if (world->uts.names[i])
			told_add(told, "Names", uts_key(i), told_at(world, "Names", uts_key(i)),
				 world->uts.names[i]);
	for (i = 0; i < CLOCK_KEYS; i++)
		if (world->clock.told[i])
			told_add(told, "Clock", clock_key(i), told_at(world, "Clock", clock_key(i)),
				 world->clock.told[i]);
	if (!told->failed)
		return 0;
	fail("%s", strerror(ENOMEM));
	return -ENOMEM;
}

void told_print(FILE *out, const struct told *told)
{
	const char *section = NULL;
	const struct entry *entry;

	for (entry = told->list; entry < told->list + told->count; entry++) {
		if (!section || strcmp(section, entry->setting->section))
			fprintf(out, "%s[%s]\n", section ? "\n" : "", entry->setting->section);
		section = entry->setting->section;
		fprintf(out, "%s=", entry->setting->key);
		if (entry->setting->words)
			fputs(entry->value, out);
		else
			config_value_print(out, entry->value);
		fputc('\n', out);
	}
}

char *told_text(const struct told *told)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	told_print(out, told);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

void told_free(struct told *told)
{
	while (told->count)
		free(told->list[--told->count].value);
	free(told->list);
	*told = (struct told){ 0 };
}

// SPDX-License-Identifier: GPL-2.0
/* viewctl: what can be said of a new view, by options and by keys of files */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "paths.h"
#include "settings.h"
#include "words.h"

/* getopt_long(3) returns this and the index of the setting, for those without a letter. */
#define OPTION_BASE	256

static int no_memory(const struct where *where)
{
	return fail_at(where, "%s", strerror(ENOMEM));
}

/* An option without a value says yes. Others are the words that systemd.syntax(7) knows. */
static int yes_parse(const struct where *where, const char *value, const char *or_else, bool *to)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	size_t i;

	*to = true;
	if (!value)
		return EXIT_DONE;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(value, yes[i]))
			return EXIT_DONE;
		if (!strcmp(value, no[i])) {
			*to = false;
			return EXIT_DONE;
		}
	}
	return wrong(where, "'%s': expected yes%s no%s", value, *or_else ? "," : " or", or_else);
}

static int name_set(struct world *world, const struct given *given)
{
	world->name = world_keep(world, given->value);
	return world->name ? EXIT_DONE : no_memory(given->where);
}

static int inherit_set(struct world *world, const struct given *given)
{
	int inherit = inherit_parse(given->value);

	if (inherit < 0)
		return wrong(given->where, "'%s': expected share, nest or leave", given->value);
	world->inherit = inherit;
	return EXIT_DONE;
}

static int propagation_set(struct world *world, const struct given *given)
{
	if (!strcmp(given->value, "private"))
		world->propagation = PROPAGATION_PRIVATE;
	else if (!strcmp(given->value, "follow") || !strcmp(given->value, "slave"))
		world->propagation = PROPAGATION_FOLLOW;
	else
		return wrong(given->where, "'%s': expected private or follow", given->value);
	return EXIT_DONE;
}

static int user_ns_set(struct world *world, const struct given *given)
{
	if (!strcmp(given->value, "auto"))
		world->user_ns = USER_NS_AUTO;
	else if (!strcmp(given->value, "yes"))
		world->user_ns = USER_NS_YES;
	else if (!strcmp(given->value, "no"))
		world->user_ns = USER_NS_NO;
	else
		return wrong(given->where, "'%s': expected auto, yes or no", given->value);
	return EXIT_DONE;
}

/* @given->parameter: whether yes means root. */
static int map_set(struct world *world, const struct given *given)
{
	bool yes;
	int status = yes_parse(given->where, given->value, "", &yes);

	if (!status)
		world->identity = (struct identity){
			.given = yes == given->parameter, .where = *given->where };
	return status;
}

static int user_set(struct world *world, const struct given *given)
{
	const char *user = world_keep(world, given->value);

	if (!user)
		return no_memory(given->where);
	return identity_parse(&world->identity, given->where, user);
}

static int ids_file_set(struct world *world, const struct where *where, const char *file)
{
	char *here = *file == '/' ? strdup("/") : getcwd(NULL, 0);
	char *path = here ? path_join(here, file) : NULL;

	free(here);
	world->ids.file = world_keep(world, file);
	world->ids.told = path ? world_keep(world, path) : NULL;
	free(path);
	return world->ids.file && world->ids.told ? EXIT_DONE : no_memory(where);
}

static int ids_set(struct world *world, const struct given *given)
{
	world->ids.where = *given->where;
	world->ids.wanted = true;
	world->ids.file = world->ids.told = NULL;
	if (given->where->file && *given->value != '/')
		return yes_parse(given->where, given->value, " or an absolute path",
				 &world->ids.wanted);
	return given->value ? ids_file_set(world, given->where, given->value) : EXIT_DONE;
}

static int namespace_set(struct world *world, const struct given *given)
{
	bool yes;
	int status = yes_parse(given->where, given->value, "", &yes);

	if (!status && yes)
		world->namespaces |= given->parameter;
	else if (!status)
		world->namespaces &= ~given->parameter;
	return status;
}

static int directory_set(struct world *world, const struct given *given)
{
	if (given->where->file && *given->value != '/')
		return wrong(given->where, "'%s': expected an absolute path", given->value);
	world->directory = world_keep(world, given->value);
	return world->directory ? EXIT_DONE : no_memory(given->where);
}

static int command_set(struct world *world, const struct given *given)
{
	words_free(world->command);
	world->command = NULL;
	return words_parse(given->where, given->value, &world->command);
}

static int mount_set(struct world *world, const struct given *given)
{
	return files_mount(&world->files, given->where, given->value);
}

static int bind_set(struct world *world, const struct given *given)
{
	return files_bind(&world->files, given->where, given->value);
}

static int patch_set(struct world *world, const struct given *given)
{
	return files_patch(&world->files, given->where, given->value);
}

static int hide_set(struct world *world, const struct given *given)
{
	return files_hide(&world->files, given->where, given->value);
}

static int cow_set(struct world *world, const struct given *given)
{
	return files_cow(&world->files, given->where, given->value);
}

static int socket_set(struct world *world, const struct given *given)
{
	return rulings_parse(&world->rulings, given->where, given->value);
}

static int syscall_set(struct world *world, const struct given *given)
{
	return rulings_calls(&world->rulings, given->where, given->value);
}

static int binfmt_set(struct world *world, const struct given *given)
{
	return rulings_binfmt(&world->rulings, given->where, given->value);
}

static int stack_set(struct world *world, const struct given *given)
{
	return rulings_stack(&world->rulings, given->where, given->value);
}

static int uts_set_all(struct world *world, const struct given *given)
{
	return uts_parse(&world->uts, given->where, given->value);
}

static int uts_set_one(struct world *world, const struct given *given)
{
	return uts_name_set(&world->uts, given->where, given->parameter, given->value);
}

static int clock_set_all(struct world *world, const struct given *given)
{
	return clock_parse(&world->clock, given->where, given->value);
}

static int clock_set_one(struct world *world, const struct given *given)
{
	return clock_key_set(&world->clock, given->where, given->parameter, given->value);
}

/* Read before the other options, see settings_options(). */
static int config_set(struct world *world, const struct given *given)
{
	return config_read(world, given->value);
}

#define OPTION(_option, _letter, _has)					\
	.option = "--" _option, .letter = (_letter), .argument = _has##_argument
#define KEY(_section, _key)	.section = (_section), .key = (_key)

const struct setting settings[] = {
	{ OPTION("name", 0, required), .run_only = true, KEY("View", "Name"), .set = name_set },
	{ OPTION("inherit", 0, required), KEY("View", "Inherit"), .set = inherit_set },
	{ OPTION("propagation", 0, required), KEY("View", "Propagation"), .set = propagation_set },
	{ OPTION("user-ns", 0, required), KEY("View", "UserNamespace"), .set = user_ns_set },
	{ OPTION("user", 0, required), KEY("View", "User"), .set = user_set },
	{ OPTION("map-root", 'r', no), KEY("View", "MapRoot"), .set = map_set, .parameter = true },
	{ OPTION("map-user", 0, no), .set = map_set, .parameter = false },
	{ OPTION("ids", 0, optional), KEY("View", "Ids"), .set = ids_set },
	{ OPTION("pid", 0, no), KEY("View", "Pid"), .set = namespace_set,
		.parameter = CLONE_NEWPID },
	{ OPTION("ipc", 0, no), KEY("View", "Ipc"), .set = namespace_set,
		.parameter = CLONE_NEWIPC },
	{ OPTION("cgroup", 0, no), KEY("View", "Cgroup"), .set = namespace_set,
		.parameter = CLONE_NEWCGROUP },
	{ OPTION("chdir", 0, required), .run_only = true, KEY("View", "WorkingDirectory"),
		.set = directory_set },
	{ KEY("View", "Command"), .words = true, .set = command_set },
	{ OPTION("mount", 'm', required), KEY("Files", "Mount"), .set = mount_set },
	{ OPTION("bind", 0, required), KEY("Files", "Bind"), .set = bind_set },
	{ OPTION("patch", 0, required), KEY("Files", "Patch"), .set = patch_set },
	{ OPTION("hide", 0, required), KEY("Files", "Hide"), .set = hide_set },
	{ OPTION("cow", 0, required), KEY("Files", "Cow"), .set = cow_set },
	{ OPTION("socket", 's', required), KEY("Rules", "Socket"), .set = socket_set },
	{ OPTION("syscall", 0, required), KEY("Rules", "Syscall"), .set = syscall_set },
	{ OPTION("binfmt", 0, required), KEY("Rules", "Binfmt"), .set = binfmt_set },
	{ OPTION("stack", 0, required), KEY("Rules", "Stack"), .set = stack_set },
	{ OPTION("uts", 0, required), .set = uts_set_all },
	{ KEY("Names", "Nodename"), .set = uts_set_one, .parameter = VIEWOS_UTS_NODENAME },
	{ KEY("Names", "Domainname"), .set = uts_set_one, .parameter = VIEWOS_UTS_DOMAINNAME },
	{ KEY("Names", "Sysname"), .set = uts_set_one, .parameter = VIEWOS_UTS_SYSNAME },
	{ KEY("Names", "Release"), .set = uts_set_one, .parameter = VIEWOS_UTS_RELEASE },
	{ KEY("Names", "Version"), .set = uts_set_one, .parameter = VIEWOS_UTS_VERSION },
	{ KEY("Names", "Machine"), .set = uts_set_one, .parameter = VIEWOS_UTS_MACHINE },
	{ OPTION("clock", 0, required), .set = clock_set_all },
	{ KEY("Clock", "Realtime"), .set = clock_set_one, .parameter = CLOCK_REALTIME_KEY },
	{ KEY("Clock", "Rate"), .set = clock_set_one, .parameter = CLOCK_RATE_KEY },
	{ KEY("Clock", "Boottime"), .set = clock_set_one, .parameter = CLOCK_BOOTTIME_KEY },
	{ KEY("Clock", "Monotonic"), .set = clock_set_one, .parameter = CLOCK_MONOTONIC_KEY },
	{ OPTION("config", 0, required), .set = config_set },
	{ 0 },
};

#define SETTING_COUNT	(sizeof(settings) / sizeof(settings[0]) - 1)

_Static_assert(SETTING_COUNT <= WORLD_SETTINGS, "a world knows where each was told");

const struct setting *setting_of_key(const char *section, const char *key)
{
	const struct setting *setting;

	for (setting = settings; setting->set; setting++)
		if (setting->key && !strcmp(setting->section, section) &&
		    !strcmp(setting->key, key))
			return setting;
	return NULL;
}

int setting_apply(struct world *world, const struct setting *setting, const struct where *where,
		  const char *value)
{
	const struct given given = {
		.where = where, .value = value, .parameter = setting->parameter };

	world->told_at[setting - settings] = *where;
	return setting->set(world, &given);
}

/* For getopt_long(3). Room for the help and the end, and two characters for each letter. */
static void options_fill(struct option options[SETTING_COUNT + 2], char *letters, bool run)
{
	static const struct option rest[] = { OPTION_HELP };
	const struct setting *setting;

	letters = stpcpy(letters, run ? "+:h" : ":h");
	for (setting = settings; setting->set; setting++) {
		if (!setting->option || (setting->run_only && !run))
			continue;
		*options++ = (struct option){
			.name = setting->option + strlen("--"),
			.has_arg = setting->argument,
			.val = setting->letter ? setting->letter :
						 OPTION_BASE + (int)(setting - settings),
		};
		if (!setting->letter)
			continue;
		*letters++ = setting->letter;
		*letters = '\0';
		if (setting->argument == required_argument)
			letters = stpcpy(letters, ":");
	}
	memcpy(options, rest, sizeof(rest));
}

static const struct setting *setting_of_option(int opt)
{
	const struct setting *setting;

	for (setting = settings; setting->set; setting++)
		if (opt == OPTION_BASE + (setting - settings) ||
		    (setting->letter && opt == setting->letter))
			return setting;
	return NULL;
}

bool settings_options(struct world *world, const struct verb *verb, int argc, char **argv,
		      int *status)
{
	struct option options[SETTING_COUNT + 2];
	char letters[2 * SETTING_COUNT + sizeof("+:h")];
	struct where where = { .verb = verb };
	const struct setting *setting;
	bool files, is_file;
	int opt;

	options_fill(options, letters, verb == &verb_run);
	*status = EXIT_DONE;
	/* What an option says is more than what a file says, wherever it is given. */
	for (files = true; ; files = false) {
		optind = 0;
		while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
			setting = setting_of_option(opt);
			if (!setting && files)
				continue;
			if (!setting) {
				*status = option_rest(verb, opt, argv);
				return false;
			}
			is_file = setting->set == config_set;
			if (is_file != files)
				continue;
			where.name = setting->option;
			*status = setting_apply(world, setting, &where, optarg);
			if (*status)
				return false;
		}
		if (!files)
			return true;
	}
}

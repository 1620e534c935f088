/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what shapes the files of a new view, step by step */
#ifndef _VIEWCTL_FILES_H
#define _VIEWCTL_FILES_H

#include "mounting.h"
#include "viewctl.h"

enum step_kind { STEP_VIEWFS, STEP_BIND, STEP_COW };

/**
 * struct step - one option of those that shape the files
 * @kind: which one
 * @text: copy of what the option says, which the strings below are parts of
 * @source: bind: what the target shall be; cow: directory of a layer to be kept, or NULL
 * @target: where
 * @from: @source, absolute, to be freed
 * @at: @target, absolute, to be freed
 * @inside: @from is on a mount of an earlier step
 * @readonly: bind: it cannot be written
 * @fd: bind: copy of the mounts of @from, not mounted yet; cow: O_PATH of @from; or -1
 * @mounting: of a viewfs
 */
struct step {
	enum step_kind kind;
	char *text;
	const char *source;
	const char *target;
	char *from;
	char *at;
	bool inside;
	bool readonly;
	int fd;
	struct mounting mounting;
};

/**
 * struct files - all of them, in the order of the command line
 * @steps: an array
 * @count: of them
 */
struct files {
	struct step *steps;
	size_t count;
};

#define FILES_HELP								\
	"  -m, --mount TYPE[,OPTIONS]:SOURCE:TARGET\n"				\
	"                           mount inside, see viewctl help mount; repeatable\n" \
	"      --bind SOURCE:TARGET[,ro]\n"					\
	"                           TARGET is what SOURCE is outside; with ro it can only be\n" \
	"                           read; repeatable\n"				\
	"      --cow DIR[,keep=PATH]\n"						\
	"                           what is written to DIR goes to a layer that is lost at\n" \
	"                           the end, or that is kept in PATH; repeatable\n"

/** files_mount() - read the value of --mount. Return: an exit status, after a complaint */
int files_mount(struct files *files, const struct verb *verb, const char *text);

/** files_bind() - read the value of --bind. Return: likewise */
int files_bind(struct files *files, const struct verb *verb, const char *text);

/** files_cow() - read the value of --cow. Return: likewise */
int files_cow(struct files *files, const struct verb *verb, const char *text);

/**
 * files_prepare() - outside: look paths up, see to servers
 *
 * Return: 0, or negative after a complaint.
 */
int files_prepare(struct files *files);

/**
 * files_make() - do all steps, in a mount namespace and view of one's own
 *
 * The current directory may be covered afterwards. Return: as files_prepare().
 */
int files_make(struct files *files);

/** files_cover() - has what is at @path, an absolute one, been made by a step? */
bool files_cover(const struct files *files, const char *path);

/** files_want_override() - does it take CAP_DAC_OVERRIDE to make them? */
bool files_want_override(const struct files *files);

/** files_cancel() - they will not be made, or are not wanted: end what was started */
void files_cancel(struct files *files);

/** files_free() - free what it holds */
void files_free(struct files *files);

#endif /* _VIEWCTL_FILES_H */

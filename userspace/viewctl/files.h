/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what shapes the files of a new view, step by step */
#ifndef _VIEWCTL_FILES_H
#define _VIEWCTL_FILES_H

#include "mounting.h"
#include "viewctl.h"

enum step_kind { STEP_VIEWFS, STEP_BIND, STEP_PATCH, STEP_COW, STEP_HIDE };

/**
 * struct step - one option of those that shape the files
 * @kind: which one
 * @where: it was told
 * @told: what it says, in a form that does not depend on the current directory, to be freed
 * @text: copy of what the option says, which the strings below are parts of
 * @source: bind: what the target shall be; cow: directory of a layer to be kept, or NULL
 * @options: patch: for viewos-patch, or NULL
 * @target: where
 * @from: @source, absolute, to be freed
 * @at: @target, absolute, to be freed
 * @root: directory or file that the step's own mount is on, to be freed; NULL without one
 * @into: what changes the name that is to be hidden, or is not there yet: a layer, or a mount
 *	of viewos-patch that an earlier step or this one has; a patch: itself
 * @inside: @from is on a mount of an earlier step
 * @readonly: bind: it cannot be written
 * @root_readonly: neither can @root, which is in one
 * @fd: bind: copy of the mounts of @from, not mounted yet; cow: O_PATH of @from; or -1
 * @mounting: of a viewfs, which viewos-patch has, too
 */
struct step {
	enum step_kind kind;
	struct where where;
	char *told;
	char *text;
	const char *source;
	const char *target;
	char *options;
	char *from;
	char *at;
	char *root;
	struct step *into;
	bool inside;
	bool readonly;
	bool root_readonly;
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

/** step_name() - the option or the key, as the user knows it */
const char *step_name(const struct step *step);

#define FILES_HELP								\
	"  -m, --mount TYPE[,OPTIONS]:SOURCE:TARGET\n"				\
	"                           mount inside, see viewctl help mount; repeatable\n" \
	"      --bind SOURCE:TARGET[,ro]\n"					\
	"                           TARGET, there or not, is what SOURCE is outside; with ro\n" \
	"                           it can only be read; repeatable\n"		\
	"      --patch DIR[:OPTION,...]\n"					\
	"                           DIR as it is outside, changed by options of\n" \
	"                           viewos-patch: hide=, bind=, ro=, mode=, uid=, gid=;\n" \
	"                           repeatable\n"					\
	"      --hide PATH          the name is not there; repeatable\n"		\
	"      --cow DIR[,keep=PATH]\n"						\
	"                           what is written to DIR goes to a layer that is lost at\n" \
	"                           the end, or that is kept in PATH; repeatable\n"

/** files_mount() - read the value of --mount. Return: an exit status, after a complaint */
int files_mount(struct files *files, const struct where *where, const char *text);

/** files_bind() - read the value of --bind. Return: likewise */
int files_bind(struct files *files, const struct where *where, const char *text);

/** files_hide() - read the value of --hide. Return: likewise */
int files_hide(struct files *files, const struct where *where, const char *text);

/** files_patch() - read the value of --patch. Return: likewise */
int files_patch(struct files *files, const struct where *where, const char *text);

/** files_cow() - read the value of --cow. Return: likewise */
int files_cow(struct files *files, const struct where *where, const char *text);

/**
 * files_prepare() - outside: see to servers, once plan() is done
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

/**
 * files_want_caps() - do they take more than CAP_SYS_ADMIN?
 *
 * They have been prepared. A layer takes CAP_DAC_OVERRIDE for its directories, and a mount on
 * the root directory CAP_SYS_CHROOT to get into it.
 */
bool files_want_caps(const struct files *files);

/** files_cancel() - they will not be made, or are not wanted: end what was started */
void files_cancel(struct files *files);

/** files_free() - free what it holds */
void files_free(struct files *files);

#endif /* _VIEWCTL_FILES_H */

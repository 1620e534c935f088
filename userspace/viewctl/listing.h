/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: entries as text, as tables and as JSON */
#ifndef _VIEWCTL_LISTING_H
#define _VIEWCTL_LISTING_H

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "lookup.h"
#include "viewctl.h"

/* How a field is shown. */
enum column_kind {
	COLUMN_U32,
	COLUMN_U64,
	COLUMN_STRING,
	COLUMN_BOOL,		/* yes, no */
	COLUMN_USER,		/* u32 uid as a name */
	COLUMN_VIEW,		/* u64 view id as a name, if it has one */
	COLUMN_INHERIT,		/* u32 enum viewos_inherit */
	COLUMN_STATE,		/* u32 enum viewos_session_state */
	COLUMN_CLASSES,		/* u64 mask of enum viewos_class */
	COLUMN_DEV,		/* u64 st_dev as MAJOR:MINOR */
	COLUMN_TARGET,		/* u64 st_dev as where it is mounted */
	COLUMN_SECONDS,		/* s64 nanoseconds as seconds */
	COLUMN_RATE,		/* u64 rate of a clock */
	COLUMN_PER_SECOND,	/* u64 requests as how many a second, see top.c */
	/* Those of rules and sockets, see rulecolumn.c. */
	COLUMN_CLASS,		/* u32 enum viewos_class */
	COLUMN_FAMILY,		/* s32 AF_* */
	COLUMN_TYPE,		/* s32 SOCK_* */
	COLUMN_PROTOCOL,	/* s32, of the entry's family */
	COLUMN_MATCH,		/* the three above in one */
	COLUMN_VERDICT,		/* u32 enum viewos_verdict, in the words of rules */
	COLUMN_RULE_TARGET,	/* what the verdict leads to */
	COLUMN_RULE,		/* the whole rule as text */
	COLUMN_SOCKET_STATE,	/* u32 enum viewos_socket_state */
	COLUMN_ADDRESS,		/* struct viewos_bytes that is a struct sockaddr */
	COLUMN_PIDS,		/* u64 inode of a socket as the processes that have it open */
};

/**
 * struct column - a field as it is shown
 * @name: heading, and key of JSON
 * @attr: what must be present for it to be shown
 * @kind: how
 * @offset: of the field in struct viewos_entry
 * @hidden: not shown unless asked for
 * @tree: it draws the tree
 */
struct column {
	const char *name;
	int attr;
	enum column_kind kind;
	size_t offset;
	bool hidden;
	bool tree;
};

#define COLUMN_FIELD(_name, _attr, _kind, _field, ...) {		\
	.name = (_name),						\
	.attr = VIEWOS_A_##_attr,					\
	.kind = COLUMN_##_kind,						\
	.offset = offsetof(struct viewos_entry, _field),		\
	__VA_ARGS__							\
}

#define COLUMNS_MAX	32

/**
 * struct listing - one table
 * @verb: whose it is
 * @title: of the list of objects, in JSON
 * @columns: all it can show, ended by one without a name
 * @json: as JSON
 * @noheadings: without headings
 * @raw: columns separated by single spaces
 * @output: what --output said, or NULL
 * @lookup: for COLUMN_VIEW, COLUMN_TARGET and COLUMN_PIDS
 * @shown: the columns that are shown
 * @count: how many
 * @table: where lines are gathered
 */
struct listing {
	const struct verb *verb;
	const char *title;
	const struct column *columns;
	bool json;
	bool noheadings;
	bool raw;
	const char *output;
	struct lookup lookup;
	const struct column *shown[COLUMNS_MAX];
	size_t count;
	struct libscols_table *table;
};

#define LISTING_SHORT	":hJno:r"
#define LISTING_OPTIONS						\
	{ "json", no_argument, NULL, 'J' },			\
	{ "noheadings", no_argument, NULL, 'n' },		\
	{ "output", required_argument, NULL, 'o' },		\
	{ "raw", no_argument, NULL, 'r' },			\
	OPTION_HELP
#define LISTING_HELP						\
	"  -J, --json               as JSON\n"			\
	"  -n, --noheadings         without headings\n"		\
	"  -o, --output COLUMNS     these columns; +COLUMN,... adds to the usual ones\n" \
	"  -r, --raw                columns separated by one space\n"

/** listing_option() - handle one of LISTING_OPTIONS; false: not one */
bool listing_option(struct listing *listing, int opt);

/** listing_begin() - settle columns. Return: an exit status, not EXIT_DONE after a complaint */
int listing_begin(struct listing *listing);

/** listing_add() - a line beneath @parent, which may be NULL. Return: NULL without memory */
struct libscols_line *listing_add(struct listing *listing, const struct viewos_entry *entry,
				  struct libscols_line *parent);

/** listing_end() - print, and free. @ret is the outcome of the gathering. Return: an exit status */
int listing_end(struct listing *listing, int ret);

/** listing_simple() - the whole of a verb that shows one kind of object */
int listing_simple(const struct verb *verb, const char *title, const struct column *columns,
		   enum viewos_cmd cmd, int argc, char **argv);

/** listing_of_view() - likewise, of all views or of the one that the user names */
int listing_of_view(const struct verb *verb, const char *title, const struct column *columns,
		    enum viewos_cmd cmd, int argc, char **argv);

/** column_text() - as text to be freed, NULL if it is absent */
char *column_text(const struct column *column, const struct viewos_entry *entry,
		  const struct lookup *lookup);

/** rule_column_text() - as column_text(), for columns of rules and sockets that are present */
char *rule_column_text(const struct column *column, const struct viewos_entry *entry,
		       const struct lookup *lookup);

/** samples_rate() - requests a second since the sample was taken; all of them if it is new */
double samples_rate(const struct samples *samples, const struct viewos_entry *entry);

/** text_print() - @text with what a terminal might obey made harmless */
void text_print(FILE *out, const char *text);

/** json_object() - the columns of an entry that are present, as members of a JSON object */
void json_object(FILE *out, const struct column *columns, const struct viewos_entry *entry,
		 const struct lookup *lookup);
void json_string(FILE *out, const char *text);

/* views.c: what is shown of views, tasks, mounts and rules */
extern const struct column view_columns[], task_columns[], mount_columns[], rule_columns[];

#endif /* _VIEWCTL_LISTING_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-trace: what it knows of calls, and how it tells of them */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "viewos.h"

#define TRACE_ARGS	6

/**
 * struct signature - what a call is given
 * @name: the call
 * @args: a letter for each argument, see decode.c
 * @result: 'd' a number, 'x' an address
 */
struct signature {
	const char *name;
	const char *args;
	char result;
};

/** signature_find() - of a call's name; NULL if none is known */
const struct signature *signature_find(const char *name, bool i386);

/** signature_string() - which argument is a string that can be sent along; -1 none */
int signature_string(const struct signature *signature);

/**
 * struct traced - a call
 * @next: in a list of those whose end is not known
 * @id: its number
 * @name: its name, or number; the names' own
 * @signature: or NULL
 * @i386: by which table it was made
 * @pid: process
 * @tid: thread
 * @args: as text, to be freed
 * @count: of them
 */
struct traced {
	struct traced *next;
	uint64_t id;
	const char *name;
	const struct signature *signature;
	bool i386;
	uint32_t pid;
	uint32_t tid;
	char *args[TRACE_ARGS];
	unsigned int count;
};

/** struct ended - how a call ended; @known is false if nobody will ever tell */
struct ended {
	bool known;
	int64_t value;
	uint64_t time;
};

/** decode() - fills in the arguments of a call that waits. Return: 0, -ENOMEM */
int decode(struct traced *traced, struct viewos_call_req *req);

/** error_name() - as errno has it, or the kernel's own; NULL for none that has a name */
const char *error_name(int error);

/** line_print() - a line of text for a call */
void line_print(FILE *out, const struct traced *traced, const struct ended *ended);

/** line_print_json() - likewise, a JSON object */
void line_print_json(FILE *out, const struct traced *traced, const struct ended *ended);

/** struct counts - how often, how long, in what time: of each name */
struct counts {
	void *tree;
};

/** counts_add() - one call more; without memory it is not counted */
void counts_add(struct counts *counts, const struct traced *traced, const struct ended *ended);

/** counts_print() - as a table, those that took longest first. Return: 0, -ENOMEM */
int counts_print(const struct counts *counts, FILE *out, bool json);

void counts_free(struct counts *counts);

#endif /* TRACE_H */

// SPDX-License-Identifier: GPL-2.0
/* viewos-trace: calls as lines of text and of JSON */
#include <inttypes.h>
#include <string.h>

#include "trace.h"

const char *error_name(int error)
{
	/* What the kernel means to begin again, which no program sees. */
	switch (error) {
	case 512:
		return "ERESTARTSYS";
	case 513:
		return "ERESTARTNOINTR";
	case 514:
		return "ERESTARTNOHAND";
	case 516:
		return "ERESTART_RESTARTBLOCK";
	default:
		return strerrorname_np(error);
	}
}

static int error_of(const struct ended *ended)
{
	return ended->known && ended->value < 0 && ended->value >= -4095 ? (int)-ended->value : 0;
}

static void result_print(FILE *out, const struct traced *traced, const struct ended *ended)
{
	int error = error_of(ended);
	const char *name = error ? error_name(error) : NULL;

	if (!ended->known)
		fputs("?", out);
	else if (error >= 512 && name)
		fprintf(out, "? %s (to be begun again)", name);
	else if (error && name)
		fprintf(out, "-1 %s (%s)", name, strerror(error));
	else if (traced->signature && traced->signature->result == 'x')
		fprintf(out, "%#" PRIx64, traced->i386 ? (uint32_t)ended->value :
			(uint64_t)ended->value);
	else
		fprintf(out, "%" PRId64, ended->value);
}

void line_print(FILE *out, const struct traced *traced, const struct ended *ended)
{
	unsigned int i;

	fprintf(out, "%-6u %s%s(", traced->tid, traced->name, traced->i386 ? "/i386" : "");
	for (i = 0; i < traced->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", traced->args[i]);
	fputs(") = ", out);
	result_print(out, traced, ended);
	fputc('\n', out);
	fflush(out);
}

/* The text has been made harmless: it is ASCII without control characters. */
static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void line_print_json(FILE *out, const struct traced *traced, const struct ended *ended)
{
	int error = error_of(ended);
	unsigned int i;

	fprintf(out, "{\"pid\": %u, \"tid\": %u, \"call\": ", traced->pid, traced->tid);
	json_string(out, traced->name);
	fprintf(out, ", \"arch\": \"%s\", \"args\": [", traced->i386 ? "i386" : "x86-64");
	for (i = 0; i < traced->count; i++) {
		fputs(i ? ", " : "", out);
		json_string(out, traced->args[i]);
	}
	fputc(']', out);
	if (ended->known && !error)
		fprintf(out, ", \"result\": %" PRId64, ended->value);
	if (error && error_name(error))
		fprintf(out, ", \"error\": \"%s\"", error_name(error));
	else if (error)
		fprintf(out, ", \"error\": \"%d\"", error);
	if (ended->known)
		fprintf(out, ", \"seconds\": %" PRIu64 ".%09" PRIu64, ended->time / 1000000000,
			ended->time % 1000000000);
	fputs("}\n", out);
	fflush(out);
}

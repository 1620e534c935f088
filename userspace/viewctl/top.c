// SPDX-License-Identifier: GPL-2.0
/* viewctl top: who asks for how much, and what servers answer, again and again */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "listing.h"

static const struct column view_top[] = {
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("ID", VIEW_ID, U64, view_id),
	COLUMN_FIELD("OWNER", OWNER, USER, owner),
	COLUMN_FIELD("TASKS", VIEW_TASKS, U64, view_tasks),
	COLUMN_FIELD("REQ/S", VIEW_REQUESTS, PER_SECOND, view_requests),
	COLUMN_FIELD("REQUESTS", VIEW_REQUESTS, U64, view_requests),
	{ 0 },
};

static const struct column session_top[] = {
	COLUMN_FIELD("SERVER", SERVER_NAME, STRING, server_name),
	COLUMN_FIELD("CLASS", CLASS, CLASS, class_),
	COLUMN_FIELD("VIEW", VIEW_ID, VIEW, view_id),
	COLUMN_FIELD("PENDING", SESSION_PENDING, U64, session_pending),
	COLUMN_FIELD("REQ/S", SESSION_REQUESTS, PER_SECOND, session_requests),
	COLUMN_FIELD("REQUESTS", SESSION_REQUESTS, U64, session_requests),
	COLUMN_FIELD("SOURCE", SOURCE, STRING, source),
	{ 0 },
};

/* Of both, the column with the rate. */
#define RATE_COLUMN	4

/**
 * struct top - what is shown, and how
 * @batch: one after the other, not on a screen
 * @json: as JSON
 * @delay: seconds in between
 * @iterations: how often, 0 for ever
 * @views: counted before
 * @sessions: likewise
 */
struct top {
	bool batch;
	bool json;
	double delay;
	unsigned long iterations;
	struct samples views;
	struct samples sessions;
};

static volatile sig_atomic_t over;

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static struct sample sample_of(enum viewos_cmd cmd, const struct viewos_entry *entry)
{
	if (cmd == VIEWOS_CMD_VIEW_GET)
		return (struct sample){ entry->view_id, entry->view_requests };
	return (struct sample){ entry->session_id, entry->session_requests };
}

static int sample_add(const struct viewos_entry *entry, void *arg)
{
	struct samples *samples = arg;
	struct sample *list;

	list = reallocarray(samples->list, samples->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	samples->list = list;
	list[samples->count++] = sample_of(samples->cmd, entry);
	return 0;
}

static int samples_take(struct samples *samples, struct viewos_nl *nl)
{
	samples->count = 0;
	samples->seconds = seconds_now();
	return viewos_list(nl, samples->cmd, VIEWOS_VIEW_ANY, sample_add, samples);
}

double samples_rate(const struct samples *samples, const struct viewos_entry *entry)
{
	struct sample now = sample_of(samples->cmd, entry);
	size_t i;

	for (i = 0; i < samples->count; i++)
		if (samples->list[i].id == now.id)
			now.requests -= samples->list[i].requests;
	return now.requests / samples->seconds;
}

/* The busiest first. */
static int rate_compare(struct libscols_cell *one, struct libscols_cell *other, void *data)
{
	double left = strtod(scols_cell_get_data(one), NULL);
	double right = strtod(scols_cell_get_data(other), NULL);

	(void)data;
	return (left < right) - (left > right);
}

static int line_add(const struct viewos_entry *entry, void *arg)
{
	return listing_add(arg, entry, NULL) ? 0 : -ENOMEM;
}

static int table_print(const struct top *top, struct samples *samples, const char *title,
		       const struct column *columns, struct viewos_nl *nl, FILE *out)
{
	struct listing listing = { .verb = &verb_top, .title = title, .columns = columns,
		.json = top->json, .lookup.samples = samples };
	struct libscols_column *rate;
	int ret;

	if (listing_begin(&listing))
		return -ENOMEM;
	scols_table_set_stream(listing.table, out);
	samples->seconds = seconds_now() - samples->seconds;
	ret = lookup_views(&listing.lookup, nl);
	if (ret >= 0)
		ret = viewos_list(nl, samples->cmd, VIEWOS_VIEW_ANY, line_add, &listing);
	if (ret >= 0) {
		rate = scols_table_get_column(listing.table, RATE_COLUMN);
		scols_column_set_cmpfunc(rate, rate_compare, NULL);
		scols_sort_table(listing.table, rate);
		if (scols_print_table(listing.table) < 0)
			ret = -ENOMEM;
	}
	scols_unref_table(listing.table);
	lookup_free(&listing.lookup);
	return ret;
}

static int tables_print(struct top *top, struct viewos_nl *nl, FILE *out)
{
	int ret = table_print(top, &top->views, "views", view_top, nl, out);

	fputc('\n', out);
	if (ret >= 0)
		ret = table_print(top, &top->sessions, "sessions", session_top, nl, out);
	if (ret >= 0)
		ret = samples_take(&top->views, nl);
	return ret < 0 ? ret : samples_take(&top->sessions, nl);
}

/* As many lines as the screen has, from its upper end. */
static void screen_show(const char *text)
{
	struct winsize size = { 0 };
	unsigned int rows;
	const char *end;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row ? size.ws_row : 24;
	fputs("\033[H\033[2J", stdout);
	for (; --rows && (end = strchr(text, '\n')); text = end + 1)
		printf("%.*s\n", (int)(end - text), text);
	fflush(stdout);
}

static int show(struct top *top, struct viewos_nl *nl)
{
	char *text = NULL;
	size_t size;
	FILE *out;
	int ret;

	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	ret = tables_print(top, nl, out);
	fclose(out);
	if (ret >= 0 && top->batch)
		printf("%s%s", text, top->json ? "" : "\n");
	else if (ret >= 0)
		screen_show(text);
	fflush(stdout);
	free(text);
	return ret;
}

/* Until the time is over, or the user has had enough. */
static void pause_for(const struct top *top)
{
	struct pollfd keys = { .fd = top->batch ? -1 : STDIN_FILENO, .events = POLLIN };
	double until = seconds_now() + top->delay, left;
	char key;

	while (!over && (left = until - seconds_now()) > 0) {
		if (poll(&keys, 1, (int)ceil(left * 1000)) <= 0 || !keys.revents)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			keys.fd = -1;
		else if (key == 'q')
			over = 1;
	}
}

static void enough(int signal)
{
	(void)signal;
	over = 1;
}

static int top_loop(struct top *top, struct viewos_nl *nl)
{
	unsigned long i;
	int ret;

	ret = samples_take(&top->views, nl);
	if (ret >= 0)
		ret = samples_take(&top->sessions, nl);
	for (i = 0; ret >= 0 && (!top->iterations || i < top->iterations); i++) {
		pause_for(top);
		if (over)
			break;
		ret = show(top, nl);
	}
	return ret;
}

static int top_run(struct top *top)
{
	struct sigaction action = { .sa_handler = enough };
	struct termios terminal, keys;
	struct viewos_nl *nl;
	bool raw;
	int ret;

	if (netlink_open(&nl) < 0)
		return EXIT_FAILED;
	raw = !top->batch && !tcgetattr(STDIN_FILENO, &terminal);
	if (raw) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		keys = terminal;
		keys.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	ret = top_loop(top, nl);
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	viewos_nl_close(nl);
	free(top->views.list);
	free(top->sessions.list);
	return ret < 0 ? fail("top: %s", strerror(-ret)) : EXIT_DONE;
}

static bool delay_parse(const char *text, double *delay)
{
	char *end;

	*delay = strtod(text, &end);
	return end != text && !*end && *delay >= 0.01 && *delay <= 86400;
}

static bool iterations_parse(const char *text, unsigned long *iterations)
{
	char *end;

	errno = 0;
	*iterations = strtoul(text, &end, 10);
	return *text >= '1' && *text <= '9' && !*end && !errno;
}

static int top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "batch", no_argument, NULL, 'b' },
		{ "delay", required_argument, NULL, 'd' },
		{ "iterations", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'J' },
		OPTION_HELP
	};
	struct top top = {
		.batch = !isatty(STDOUT_FILENO), .delay = 2,
		.views.cmd = VIEWOS_CMD_VIEW_GET, .sessions.cmd = VIEWOS_CMD_SESSION_GET };
	int opt;

	while ((opt = getopt_long(argc, argv, ":hbd:n:J", options, NULL)) != -1) {
		if (opt == 'b')
			top.batch = true;
		else if (opt == 'J')
			top.batch = top.json = true;
		else if (opt != 'd' && opt != 'n')
			return option_rest(&verb_top, opt, argv);
		else if (opt == 'd' && !delay_parse(optarg, &top.delay))
			return usage(&verb_top, "--delay: '%s': expected seconds, from 0.01 on",
				     optarg);
		else if (opt == 'n' && !iterations_parse(optarg, &top.iterations))
			return usage(&verb_top, "--iterations: '%s': expected a number from 1 on",
				     optarg);
	}
	if (optind < argc)
		return usage(&verb_top, "'%s': unexpected argument", argv[optind]);
	return top_run(&top);
}

const struct verb verb_top = {
	.name = "top",
	.args = "[OPTIONS]",
	.summary = "Show the requests of views and servers as they come, the busiest first",
	.help = "  -b, --batch              one table after the other, as when it is no terminal\n"
		"  -d, --delay SECONDS      time in between, 2 if none is given\n"
		"  -n, --iterations N       end after so many\n"
		"  -J, --json               as JSON\n"
		"  Keys: q ends it.\n",
	.run = top,
};

// SPDX-License-Identifier: GPL-2.0
/* viewctl: the rules that a view has, and whether they are those that were told */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binfmt.h"
#include "calls.h"
#include "liverules.h"

/* Where named network namespaces are, as ip-netns(8) has it. */
#define NETNS_DIR	"/run/netns"

const char *live_rule_key(const struct live_rule *rule)
{
	return rule->class_ == VIEWOS_CLASS_SYSCALL ? "Syscall" :
	       rule->class_ == VIEWOS_CLASS_BINFMT ? "Binfmt" : "Socket";
}

/* A server that was started for a rule is TYPE@PID, or TYPE@PID.NUMBER: the length of TYPE. */
static size_t type_length(const char *server)
{
	const char *at = strrchr(server, '@');

	if (!at || !isdigit((unsigned char)at[1]) || at[1 + strspn(at + 1, "0123456789.")])
		return strlen(server);
	return at - server;
}

static bool same_server(const char *told, const char *live)
{
	return !strcmp(told, live) ||
	       (strlen(told) == type_length(live) && !strncmp(told, live, strlen(told)));
}

static void type_cut(char *server)
{
	server[type_length(server)] = '\0';
}

/* The name of a network namespace that has one; else the text says what it is. */
static void netns_name(char source[VIEWOS_SOURCE_LEN], ino_t netns)
{
	DIR *dir = opendir(NETNS_DIR);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && st.st_ino == netns) {
			snprintf(source, VIEWOS_SOURCE_LEN, "%s/%s", NETNS_DIR, entry->d_name);
			break;
		}
	if (dir)
		closedir(dir);
}

static char *socket_text(const struct live_rule *rule)
{
	struct viewos_rule *copy = malloc(sizeof(*copy));
	char *text = NULL;
	int len;

	if (!copy)
		return NULL;
	*copy = *rule->socket;
	type_cut(copy->target);
	if (rule->netns)
		netns_name(copy->source, rule->netns);
	len = viewos_rule_format(copy, NULL, 0) + 1;
	text = malloc(len);
	if (text)
		viewos_rule_format(copy, text, len);
	free(copy);
	return text;
}

static char *without(const char *prefix, char *text)
{
	if (text)
		memmove(text, text + strlen(prefix), strlen(text + strlen(prefix)) + 1);
	return text;
}

static char *calls_rule_text(const struct live_rule *rule)
{
	struct viewos_call_rule *copy = malloc(sizeof(*copy));
	char *text = NULL;

	if (!copy)
		return NULL;
	*copy = *rule->calls;
	type_cut(copy->target);
	text = calls_text(copy);
	free(copy);
	return without(CALLS_PREFIX, text);
}

static int rule_fill(struct live_rule *rule, const struct viewos_entry *entry)
{
	rule->id = entry->rule_id;
	rule->class_ = entry->class_;
	switch (rule->class_) {
	case VIEWOS_CLASS_SYSCALL:
		rule->calls = malloc(sizeof(*rule->calls));
		if (rule->calls) {
			viewos_call_rule_of_entry(entry, rule->calls);
			rule->text = calls_rule_text(rule);
		}
		break;
	case VIEWOS_CLASS_BINFMT:
		rule->binfmt = malloc(sizeof(*rule->binfmt));
		if (rule->binfmt) {
			viewos_binfmt_rule_of_entry(entry, rule->binfmt);
			rule->text = without(BINFMT_PREFIX, binfmt_text(rule->binfmt));
		}
		break;
	default:
		rule->netns = entry->rule_netns;
		rule->socket = malloc(sizeof(*rule->socket));
		if (rule->socket) {
			viewos_rule_of_entry(entry, rule->socket);
			rule->text = socket_text(rule);
		}
	}
	return rule->text ? 0 : -ENOMEM;
}

static int rule_take(const struct viewos_entry *entry, void *arg)
{
	struct live_rules *rules = arg;
	struct live_rule *list = reallocarray(rules->list, rules->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	rules->list = list;
	list[rules->count] = (struct live_rule){ 0 };
	return rule_fill(&list[rules->count++], entry);
}

static int by_age(const void *one, const void *other)
{
	uint64_t a = ((const struct live_rule *)one)->id, b = ((const struct live_rule *)other)->id;

	return (a > b) - (a < b);
}

int live_rules_get(struct live_rules *rules, struct viewos_nl *nl, uint64_t view)
{
	int ret;

	*rules = (struct live_rules){ 0 };
	ret = viewos_list(nl, VIEWOS_CMD_RULE_GET, view, rule_take, rules);
	if (ret < 0)
		live_rules_free(rules);
	else if (rules->count)
		qsort(rules->list, rules->count, sizeof(*rules->list), by_age);
	return ret;
}

static bool same_socket(const struct viewos_rule *told, const struct live_rule *rule)
{
	const struct viewos_rule *live = rule->socket;
	struct stat st;

	if (told->family != live->family || told->type != live->type ||
	    told->protocol != live->protocol || strcmp(told->stack, live->stack) ||
	    told->verdict != live->verdict)
		return false;
	if (told->verdict == VIEWOS_VERDICT_DENY)
		return told->error == live->error;
	if (told->verdict == VIEWOS_VERDICT_SERVE)
		return same_server(told->target, live->target) &&
		       !strcmp(told->source, live->source) && !strcmp(told->options, live->options);
	if (told->verdict != VIEWOS_VERDICT_REDIRECT || *told->target || *live->target)
		return !strcmp(told->target, live->target);
	return !stat(told->source, &st) && st.st_ino == rule->netns;
}

static int calls_take(const struct viewos_entry *entry, void *arg)
{
	viewos_call_rule_of_entry(entry, arg);
	return 1;
}

/* What the kernel makes of a rule that may have calls that it does not have: it is asked. */
static int calls_reduce(struct viewos_nl *nl, struct viewos_call_rule *rule)
{
	int ctl = ctl_open(), view, ret;
	uint64_t id = 0;

	if (ctl < 0)
		return ctl;
	view = viewos_view_create(ctl, -1, NULL, VIEWOS_INHERIT_SHARE, &id);
	close(ctl);
	if (view < 0)
		return view;
	*rule->target = *rule->source = *rule->options = '\0';
	rule->verdict = VIEWOS_VERDICT_NATIVE;
	rule->error = rule->value = 0;
	ret = viewos_call_rule_add(view, rule, NULL);
	if (ret >= 0)
		ret = viewos_list(nl, VIEWOS_CMD_RULE_GET, id, calls_take, rule);
	close(view);
	return ret < 0 ? ret : 0;
}

/* But for those that only some verdicts may be about. */
static bool same_numbers(const struct viewos_call_rule *one, const struct viewos_call_rule *other)
{
	static const char *const but[] = { "exit", "exit_group" };
	struct viewos_call_rule pair[2] = { *one, *other };
	unsigned int arch, i, j;
	int nr;

	for (arch = 0; arch < VIEWOS_ARCHES; arch++)
		for (i = 0; i < sizeof(but) / sizeof(but[0]); i++) {
			nr = call_number(arch, but[i]);
			for (j = 0; nr >= 0 && j < 2; j++)
				pair[j].calls[arch][nr / 64] &= ~(1ULL << nr % 64);
		}
	return !memcmp(pair[0].calls, pair[1].calls, sizeof(pair[0].calls));
}

/* Returns 1 if they are the same, 0, or a negative errno. */
static int same_calls(struct viewos_nl *nl, const struct ruling *ruling,
		      const struct viewos_call_rule *live)
{
	const struct viewos_call_rule *told = ruling->calls;
	struct viewos_call_rule *reduced;
	int ret;

	if (told->verdict != live->verdict || told->error != live->error ||
	    told->value != live->value)
		return 0;
	if (told->verdict == VIEWOS_VERDICT_SERVE &&
	    (!same_server(told->target, live->target) ||
	     (!ruling->any_source && strcmp(told->source, live->source))))
		return 0;
	if (!memcmp(told->calls, live->calls, sizeof(told->calls)))
		return 1;
	if (!(told->flags & VIEWOS_RULE_ADD_KNOWN))
		return 0;
	reduced = malloc(sizeof(*reduced));
	if (!reduced)
		return -ENOMEM;
	*reduced = *told;
	ret = calls_reduce(nl, reduced);
	if (!ret)
		ret = same_numbers(reduced, live);
	free(reduced);
	return ret;
}

static int same_binfmt(const struct viewos_binfmt_rule *told, const struct live_rule *rule)
{
	char *text = without(BINFMT_PREFIX, binfmt_text(told));
	int ret = text ? !strcmp(text, rule->text) : -ENOMEM;

	free(text);
	return ret;
}

/* Is it rule @number of the ruling? Likewise. */
static int same_rule(struct viewos_nl *nl, const struct ruling *ruling, size_t number,
		     const struct live_rule *rule)
{
	if (rule->ids || rule->ruling)
		return 0;
	if (ruling->calls)
		return rule->calls ? same_calls(nl, ruling, rule->calls) : 0;
	if (ruling->binfmt)
		return rule->binfmt ? same_binfmt(ruling->binfmt, rule) : 0;
	return rule->socket ? same_socket(&ruling->rules[number], rule) : 0;
}

/* Rules of a ruling from @from on: where they are found. 1, 0 if one is missing, or an errno. */
static int ruling_find(struct live_rules *rules, struct viewos_nl *nl, const struct ruling *ruling,
		       size_t from, size_t found[VIEWOS_RULE_PARSED_MAX])
{
	size_t number, i = from;
	int ret = 1;

	for (number = 0; ret > 0 && number < ruling->count; number++) {
		for (ret = 0; !ret && i < rules->count; i++) {
			ret = same_rule(nl, ruling, number, &rules->list[i]);
			found[number] = i;
		}
	}
	return ret;
}

static int rulings_match(struct live_rules *rules, struct viewos_nl *nl, struct rulings *rulings,
			 bool in_order)
{
	size_t next[VIEWOS_CLASS_BINFMT + 1] = { 0 }, found[VIEWOS_RULE_PARSED_MAX], i, *from;
	bool missing[VIEWOS_CLASS_BINFMT + 1] = { false };
	struct ruling *ruling;
	enum viewos_class class;
	int ret = 0;

	for (ruling = rulings->first; ret >= 0 && ruling; ruling = ruling->next) {
		class = ruling->calls ? VIEWOS_CLASS_SYSCALL :
			ruling->binfmt ? VIEWOS_CLASS_BINFMT : VIEWOS_CLASS_SOCKET;
		from = &next[class];
		if (in_order && missing[class])
			continue;
		ret = ruling_find(rules, nl, ruling, in_order ? *from : 0, found);
		missing[class] = !ret;
		for (i = 0; ret > 0 && i < ruling->count; i++) {
			rules->list[found[i]].ruling = ruling;
			*from = found[i] + 1;
		}
		ruling->kept = ret > 0;
	}
	return ret < 0 ? ret : 0;
}

int live_rules_keep(struct live_rules *rules, struct viewos_nl *nl, struct rulings *rulings)
{
	return rulings_match(rules, nl, rulings, true);
}

int live_rules_find(struct live_rules *rules, struct viewos_nl *nl, struct rulings *rulings)
{
	return rulings_match(rules, nl, rulings, false);
}

int live_rules_mark_ids(struct live_rules *rules, struct viewos_nl *nl,
			const struct identity *identity)
{
	struct rulings rulings = { 0 };
	int ret = ids_rulings(&rulings, identity);
	size_t i;

	if (ret >= 0)
		ret = rulings_match(rules, nl, &rulings, false);
	for (i = 0; i < rules->count; i++) {
		rules->list[i].ids = rules->list[i].ruling;
		rules->list[i].ruling = NULL;
	}
	rulings_free(&rulings);
	return ret;
}

void live_rules_free(struct live_rules *rules)
{
	while (rules->count--) {
		free(rules->list[rules->count].socket);
		free(rules->list[rules->count].calls);
		free(rules->list[rules->count].binfmt);
		free(rules->list[rules->count].text);
	}
	free(rules->list);
	*rules = (struct live_rules){ 0 };
}

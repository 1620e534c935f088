/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: the rules that a view has, and whether they are those that were told */
#ifndef _VIEWCTL_LIVERULES_H
#define _VIEWCTL_LIVERULES_H

#include "world.h"

/**
 * struct live_rule - a rule that a view has
 * @id: of it
 * @class_: of it; which of the three below it has
 * @socket: to be freed, or NULL
 * @calls: likewise
 * @binfmt: likewise
 * @netns: inode of a redirect to a network namespace, or 0
 * @text: the rule as one would write it, without prefix; to be freed
 * @ruling: that it is of, or NULL
 * @ids: it is one of those that --ids makes
 */
struct live_rule {
	uint64_t id;
	enum viewos_class class_;
	struct viewos_rule *socket;
	struct viewos_call_rule *calls;
	struct viewos_binfmt_rule *binfmt;
	ino_t netns;
	char *text;
	const struct ruling *ruling;
	bool ids;
};

/** struct live_rules - all of a view, in the order in which they were added */
struct live_rules {
	struct live_rule *list;
	size_t count;
};

/** live_rules_get() - list those of a view. Return: 0, or a negative errno */
int live_rules_get(struct live_rules *rules, struct viewos_nl *nl, uint64_t view);

/** live_rules_mark_ids() - see which of them --ids has made. Return: likewise */
int live_rules_mark_ids(struct live_rules *rules, struct viewos_nl *nl,
			const struct identity *identity);

/**
 * live_rules_keep() - which of the rulings does the view have already?
 *
 * Of several rules for the same the youngest counts, so those of a class that come after one that
 * it does not have must be added again. Each that can stay is marked as @kept, and the rules that
 * it has made have it as their @ruling. Return: likewise
 */
int live_rules_keep(struct live_rules *rules, struct viewos_nl *nl, struct rulings *rulings);

/** live_rules_find() - as live_rules_keep(), in any order. Return: likewise */
int live_rules_find(struct live_rules *rules, struct viewos_nl *nl, struct rulings *rulings);

/** live_rule_key() - in which key of [Rules] it is told */
const char *live_rule_key(const struct live_rule *rule);

void live_rules_free(struct live_rules *rules);

#endif /* _VIEWCTL_LIVERULES_H */

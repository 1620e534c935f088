// SPDX-License-Identifier: GPL-2.0
/* The class binfmt: programs that another one is to interpret, in a view. */

#include <linux/binfmts.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "binfmt.h"
#include "control.h"
#include "rule.h"

static_assert(VIEWOS_BINFMT_WINDOW <= BINPRM_BUF_SIZE);

/**
 * struct viewos_binfmt_table - formats of a view and those above it
 * @ref: references: of policies, and of tables beneath
 * @rcu: delays the freeing for look-ups
 * @parent: of the views above, with a reference, or NULL
 * @nr: rules of the view itself
 * @rules: they, youngest first, each with a reference
 */
struct viewos_binfmt_table {
	refcount_t ref;
	struct rcu_head rcu;
	struct viewos_binfmt_table *parent;
	unsigned int nr;
	struct viewos_rule *rules[];
};

/* Protects format_registered, and the registration. Taken alone. */
static DEFINE_MUTEX(format_mutex);

static bool format_registered;

bool viewos_binfmt_rule_valid(const struct viewos_rule_add *add)
{
	bool interpreted = add->verdict == VIEWOS_VERDICT_REDIRECT;

	if (add->family != VIEWOS_RULE_ANY || add->type != VIEWOS_RULE_ANY ||
	    add->protocol != VIEWOS_RULE_ANY || add->netns_fd != -1 || add->flags ||
	    add->options || add->value || !add->binfmt ||
	    memchr_inv(add->stack, 0, sizeof(add->stack)) ||
	    memchr_inv(add->target, 0, sizeof(add->target)) ||
	    memchr_inv(add->calls, 0, sizeof(add->calls)))
		return false;
	if (interpreted != !!add->source)
		return false;
	switch (add->verdict) {
	case VIEWOS_VERDICT_NATIVE:
	case VIEWOS_VERDICT_REDIRECT:
		return !add->error;
	case VIEWOS_VERDICT_DENY:
		/* With ENOEXEC other formats would be tried. */
		return add->error && add->error < 512 && add->error != ENOEXEC;
	default:
		return false;
	}
}

/* What is behind the last dot: neither empty, nor with a dot or a directory in it. */
static bool extension_valid(const struct viewos_binfmt *match)
{
	return !match->offset && !memchr_inv(match->mask, 0, sizeof(match->mask)) &&
	       !memchr(match->magic, 0, match->len) && !memchr(match->magic, '.', match->len) &&
	       !memchr(match->magic, '/', match->len);
}

static bool match_valid(const struct viewos_binfmt *match, bool interpreted)
{
	if (match->flags & ~VIEWOS_BINFMT_ALL ||
	    (!interpreted && match->flags & ~VIEWOS_BINFMT_EXTENSION))
		return false;
	if (match->flags & VIEWOS_BINFMT_CREDENTIALS && !(match->flags & VIEWOS_BINFMT_OPEN))
		return false;
	/* An extension has room for its NUL. */
	if (!match->len || match->len >= sizeof(match->magic) ||
	    memchr_inv(match->magic + match->len, 0, sizeof(match->magic) - match->len) ||
	    memchr_inv(match->mask + match->len, 0, sizeof(match->mask) - match->len))
		return false;
	if (match->flags & VIEWOS_BINFMT_EXTENSION)
		return extension_valid(match);
	return match->offset < VIEWOS_BINFMT_WINDOW &&
	       match->len <= VIEWOS_BINFMT_WINDOW - match->offset &&
	       memchr_inv(match->mask, 0, match->len);
}

static struct viewos_format *format_read(const struct viewos_rule_add *add,
					 const char *interpreter)
{
	bool interpreted = add->verdict == VIEWOS_VERDICT_REDIRECT;
	struct viewos_format *format;
	size_t len = strlen(interpreter);
	int err;

	/* Whoever executes may be anywhere. */
	if (interpreted && interpreter[0] != '/')
		return ERR_PTR(-EINVAL);
	format = kzalloc(struct_size(format, interpreter, len + 1), GFP_KERNEL_ACCOUNT);
	if (!format)
		return ERR_PTR(-ENOMEM);
	memcpy(format->interpreter, interpreter, len);
	err = viewos_ioctl_copy(&format->match, sizeof(format->match),
				u64_to_user_ptr(add->binfmt), sizeof(format->match));
	if (!err && !match_valid(&format->match, interpreted))
		err = -EINVAL;
	/* A program that somebody else trusted with its rights gets another's text. */
	if (!err && format->match.flags & VIEWOS_BINFMT_CREDENTIALS && !capable(CAP_SYS_ADMIN))
		err = -EPERM;
	if (err) {
		kfree(format);
		return ERR_PTR(err);
	}
	return format;
}

/**
 * format_matches() - is it for a file that is about to be executed?
 * @match: the format
 * @bprm: the file's name and its beginning
 */
static bool format_matches(const struct viewos_binfmt *match, const struct linux_binprm *bprm)
{
	const char *begin = bprm->buf + match->offset;
	const char *dot;
	unsigned int i;

	if (match->flags & VIEWOS_BINFMT_EXTENSION) {
		dot = strrchr(bprm->interp, '.');
		return dot && !strcmp(dot + 1, (const char *)match->magic);
	}
	for (i = 0; i < match->len; i++)
		if ((begin[i] ^ match->magic[i]) & match->mask[i])
			return false;
	return true;
}

/* The nearest view's youngest one; native means that those above are to be asked. */
static struct viewos_rule *table_find(const struct viewos_binfmt_table *table,
				      const struct linux_binprm *bprm)
{
	struct viewos_rule *rule;
	unsigned int i;

	for (; table; table = table->parent)
		for (i = 0; i < table->nr; i++) {
			rule = table->rules[i];
			if (!format_matches(&rule->format->match, bprm))
				continue;
			if (rule->verdict == VIEWOS_VERDICT_NATIVE)
				break;
			return rule;
		}
	return NULL;
}

static struct viewos_rule *format_find(const struct linux_binprm *bprm)
{
	struct viewos_rule *rule;

	rcu_read_lock();
	do {
		rule = table_find(viewos_policy_binfmts_rcu(), bprm);
		/* A rule without references was taken out of force just now. */
	} while (rule && !refcount_inc_not_zero(&rule->ref));
	rcu_read_unlock();
	return rule;
}

/* The interpreter's arguments: its own name, the file's, and those that the program has. */
static int arguments_set(struct linux_binprm *bprm, const struct viewos_format *format)
{
	int err;

	if (format->match.flags & VIEWOS_BINFMT_ARGV0) {
		bprm->interp_flags |= BINPRM_FLAGS_PRESERVE_ARGV0;
	} else {
		err = remove_arg_zero(bprm);
		if (err)
			return err;
	}
	err = copy_string_kernel(bprm->interp, bprm);
	if (err < 0)
		return err;
	bprm->argc++;
	err = copy_string_kernel(format->interpreter, bprm);
	if (err < 0)
		return err;
	bprm->argc++;
	return bprm_change_interp(format->interpreter, bprm);
}

static int format_interpret(struct linux_binprm *bprm, const struct viewos_format *format)
{
	struct file *interpreter;
	int err;

	/* It is named by a descriptor that will be closed: the interpreter could not open it. */
	if (bprm->interp_flags & BINPRM_FLAGS_PATH_INACCESSIBLE)
		return -ENOENT;
	err = arguments_set(bprm, format);
	if (err)
		return err;
	interpreter = open_exec(format->interpreter);
	if (IS_ERR(interpreter))
		return PTR_ERR(interpreter);
	bprm->interpreter = interpreter;
	if (format->match.flags & VIEWOS_BINFMT_OPEN)
		bprm->have_execfd = 1;
	if (format->match.flags & VIEWOS_BINFMT_CREDENTIALS)
		bprm->execfd_creds = 1;
	return 0;
}

static int format_load(struct linux_binprm *bprm)
{
	struct viewos_rule *rule = format_find(bprm);
	int err;

	if (!rule)
		return -ENOEXEC;
	atomic64_inc(&rule->hits);
	err = rule->error ?: format_interpret(bprm, rule->format);
	viewos_rule_put(rule);
	return err;
}

static struct linux_binfmt format_binfmt = {
	.module = THIS_MODULE,
	.load_binary = format_load,
};

/*
 * For good: whoever is just executing something goes on from our place in the kernel's list, if
 * it is not for us. While the module is being unloaded nobody comes that far.
 */
static void formats_register(void)
{
	mutex_lock(&format_mutex);
	/* What is said of scripts, or of the machine's own programs, is to be heard, too. */
	if (!format_registered)
		insert_binfmt(&format_binfmt);
	format_registered = true;
	mutex_unlock(&format_mutex);
}

struct viewos_format *viewos_format_create(const struct viewos_rule_add *add)
{
	struct viewos_format *format;
	char *interpreter;

	interpreter = add->source ? strndup_user(u64_to_user_ptr(add->source), PATH_MAX) : NULL;
	if (IS_ERR(interpreter))
		return ERR_CAST(interpreter);
	format = format_read(add, interpreter ?: "");
	kfree(interpreter);
	if (IS_ERR(format))
		return format;
	formats_register();
	return format;
}

void viewos_format_free(struct viewos_format *format)
{
	if (format)
		kfree_rcu(format, rcu);
}

void viewos_binfmt_exit(void)
{
	if (format_registered)
		unregister_binfmt(&format_binfmt);
}

struct viewos_binfmt_table *viewos_binfmt_table_compile(const struct list_head *rules,
							struct viewos_binfmt_table *parent)
{
	struct viewos_binfmt_table *table;
	struct viewos_rule *rule;
	unsigned int nr = 0;

	lockdep_assert_held(&viewos_rule_mutex);

	list_for_each_entry(rule, rules, node)
		nr += !!rule->format;
	if (!nr) {
		if (parent)
			refcount_inc(&parent->ref);
		return parent;
	}
	table = kzalloc(struct_size(table, rules, nr), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	refcount_set(&table->ref, 1);
	table->parent = parent;
	if (parent)
		refcount_inc(&parent->ref);
	table->nr = nr;
	nr = 0;
	list_for_each_entry(rule, rules, node)
		if (rule->format) {
			viewos_rule_get(rule);
			table->rules[nr++] = rule;
		}
	return table;
}

void viewos_binfmt_table_put(struct viewos_binfmt_table *table)
{
	struct viewos_binfmt_table *parent;
	unsigned int i;

	while (table && refcount_dec_and_test(&table->ref)) {
		for (i = 0; i < table->nr; i++)
			viewos_rule_put(table->rules[i]);
		parent = table->parent;
		kfree_rcu(table, rcu);
		table = parent;
	}
}

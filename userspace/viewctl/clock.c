// SPDX-License-Identifier: GPL-2.0
/* viewctl: --clock, what time it is in a view */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define SECOND 1000000000LL

/* A name before those that it begins with. */
static const struct {
	const char *name;
	int64_t nanoseconds;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", SECOND },
	{ "m", 60 * SECOND },
	{ "h", 3600 * SECOND },
	{ "d", 86400 * SECOND },
	{ "w", 7 * 86400 * SECOND },
};

/* Digits after the point, as billionths. */
static int64_t fraction_parse(const char **text)
{
	int64_t billionths = 0, digit = SECOND / 10;

	if (**text != '.')
		return 0;
	for ((*text)++; isdigit((unsigned char)**text); (*text)++, digit /= 10)
		billionths += digit * (**text - '0');
	return billionths;
}

/* NUMBER[.FRACTION] in a unit of so many nanoseconds. */
static bool amount(int64_t whole, int64_t billionths, int64_t unit, int64_t *to)
{
	int64_t product;

	/* No unit has more than 2^50 nanoseconds, and billionths are fewer than 2^30. */
	if (__builtin_mul_overflow(whole, unit, &product))
		return false;
	billionths = (__int128)billionths * unit / SECOND;
	return !__builtin_add_overflow(product, billionths, to);
}

/* The unit that comes next, which is a second at the end of the text. 0: none. */
static int64_t unit_parse(const char **text)
{
	size_t i;

	if (!**text)
		return SECOND;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strncmp(*text, units[i].name, strlen(units[i].name)))
			continue;
		*text += strlen(units[i].name);
		return units[i].nanoseconds;
	}
	return 0;
}

/* A sign and NUMBER[UNIT]..., seconds where there is no unit. */
static bool offset_parse(const char *text, int64_t *to)
{
	bool negative = *text == '-';
	int64_t sum = 0, part, whole, billionths, unit;
	char *end;

	if (*text != '+' && *text != '-')
		return false;
	text++;
	do {
		if (!isdigit((unsigned char)*text))
			return false;
		errno = 0;
		whole = strtoll(text, &end, 10);
		text = end;
		billionths = fraction_parse(&text);
		unit = unit_parse(&text);
		if (errno || !unit || !amount(whole, billionths, unit, &part) ||
		    __builtin_add_overflow(sum, part, &sum))
			return false;
	} while (*text);
	*to = negative ? -sum : sum;
	return true;
}

/* Z, +HH[:]MM or -HH[:]MM: seconds east. False: something else. */
static bool zone_parse(const char *text, long *east)
{
	int hours, minutes, used = 0;

	if (!strcmp(text, "Z")) {
		*east = 0;
		return true;
	}
	if (*text != '+' && *text != '-')
		return false;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
	    sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &used) != 2)
		return false;
	if (text[1 + used] || hours < 0 || hours > 24 || minutes < 0 || minutes > 59)
		return false;
	*east = (hours * 60L + minutes) * 60 * (*text == '-' ? -1 : 1);
	return true;
}

/* YYYY-MM-DD[THH:MM[:SS[.FRACTION]]][ZONE], local time without a zone. */
static bool date_parse(const char *text, int64_t *to)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%d",
	};
	const char *rest = NULL;
	struct tm tm, given;
	int64_t nanoseconds;
	long east = 0;
	time_t time;
	size_t i;

	if (*text == '@') {
		char sign[64];

		/* As an offset from 1970, in seconds alone. */
		if (text[strspn(text + 1, "0123456789.") + 1] ||
		    snprintf(sign, sizeof(sign), "+%s", text + 1) >= (int)sizeof(sign))
			return false;
		return offset_parse(sign, to);
	}
	for (i = 0; !rest && i < sizeof(formats) / sizeof(formats[0]); i++) {
		tm = (struct tm){ .tm_isdst = -1 };
		rest = strptime(text, formats[i], &tm);
	}
	if (!rest)
		return false;
	nanoseconds = fraction_parse(&rest);
	given = tm;
	if (*rest && !zone_parse(rest, &east))
		return false;
	time = *rest ? timegm(&tm) - east : mktime(&tm);
	/* The 30th of February is the 2nd of March to these, and no date to us. */
	if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon)
		return false;
	return !__builtin_mul_overflow((int64_t)time, SECOND, to) &&
	       !__builtin_add_overflow(*to, nanoseconds, to);
}

static bool rate_parse(const char *text, uint64_t *to)
{
	double factor;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	factor = strtod(text, &end);
	if (*end || !(factor >= 0.001 && factor <= 1000))
		return false;
	*to = (uint64_t)(factor * (double)VIEWOS_CLOCK_RATE_ONE);
	return *to >= VIEWOS_CLOCK_RATE_MIN && *to <= VIEWOS_CLOCK_RATE_MAX;
}

static const char *const keys[CLOCK_KEYS] = {
	[CLOCK_REALTIME_KEY] = "realtime",
	[CLOCK_RATE_KEY] = "rate",
	[CLOCK_BOOTTIME_KEY] = "boottime",
	[CLOCK_MONOTONIC_KEY] = "monotonic",
};

static int realtime_parse(struct clock *clock, const struct where *where, const char *value)
{
	bool offset = *value == '+' || *value == '-';

	if (!(offset ? offset_parse : date_parse)(value, &clock->realtime))
		return wrong(where, "'realtime=%s': expected +OFFSET, -OFFSET "
			     "(as +1d12h30m or +90.5) or a date "
			     "(as 2031-05-06T07:08:09Z or @SECONDS)", value);
	clock->flags &= ~(VIEWOS_CLOCK_OFFSET | VIEWOS_CLOCK_DATE);
	clock->flags |= offset ? VIEWOS_CLOCK_OFFSET : VIEWOS_CLOCK_DATE;
	return EXIT_DONE;
}

static int value_parse(struct clock *clock, const struct where *where, enum clock_key key,
		       const char *value)
{
	bool boottime = key == CLOCK_BOOTTIME_KEY;

	if (key == CLOCK_REALTIME_KEY)
		return realtime_parse(clock, where, value);
	if (key == CLOCK_RATE_KEY) {
		if (!rate_parse(value, &clock->rate))
			return wrong(where, "'rate=%s': expected a number from 0.001 to 1000",
				     value);
		clock->flags |= VIEWOS_CLOCK_RATE;
		return EXIT_DONE;
	}
	if (!offset_parse(value, boottime ? &clock->boottime : &clock->monotonic))
		return wrong(where, "'%s=%s': expected +OFFSET or -OFFSET, as +1d12h30m",
			     keys[key], value);
	*(boottime ? &clock->has_boottime : &clock->has_monotonic) = true;
	return EXIT_DONE;
}

int clock_key_set(struct clock *clock, const struct where *where, enum clock_key key,
		  const char *value)
{
	int status = value_parse(clock, where, key, value);

	if (status)
		return status;
	clock->where = *where;
	free(clock->told[key]);
	clock->told[key] = strdup(value);
	return clock->told[key] ? EXIT_DONE : fail_at(where, "%s", strerror(ENOMEM));
}

static int part_parse(struct clock *clock, const struct where *where, char *part)
{
	char *value = strchr(part, '=');
	int key;

	if (value)
		*value++ = '\0';
	for (key = 0; key < CLOCK_KEYS; key++)
		if (!strcmp(keys[key], part))
			break;
	if (key == CLOCK_KEYS)
		return wrong(where, "'%s': expected realtime, rate, boottime or monotonic", part);
	if (!value)
		return wrong(where, "'%s': expected %s=VALUE", part, part);
	return clock_key_set(clock, where, key, value);
}

int clock_parse(struct clock *clock, const struct where *where, const char *text)
{
	char *copy = strdup(text), *rest = copy, *part;
	int status = EXIT_DONE;

	if (!copy)
		return fail_at(where, "%s", strerror(ENOMEM));
	while (!status && (part = strsep(&rest, ",")))
		status = part_parse(clock, where, part);
	free(copy);
	return status;
}

int clock_set(const struct clock *clock, int view)
{
	int ret = 0;

	if (clock->flags)
		ret = viewos_view_clock(view, clock->flags, clock->realtime, clock->rate);
	if (ret == -ENOTTY)
		fail_at(&clock->where, "the module that is loaded has no clocks (it needs ABI 3)");
	else if (ret == -EINVAL)
		fail_at(&clock->where, "the time would be before 1970 or after 2231, or the rate, "
			"with those of the views above, not from 0.001 to 1000");
	else if (ret < 0)
		fail_at(&clock->where, "%s", strerror(-ret));
	return ret;
}

bool clock_wants_namespace(const struct clock *clock)
{
	return clock->has_boottime || clock->has_monotonic;
}

/* The kernel wants whole seconds rounded down, and what is left in nanoseconds. */
static int offset_write(int fd, const char *name, int64_t offset)
{
	int64_t nanoseconds = offset % SECOND, seconds = offset / SECOND;

	if (nanoseconds < 0) {
		nanoseconds += SECOND;
		seconds--;
	}
	return dprintf(fd, "%s %lld %lld\n", name, (long long)seconds,
		       (long long)nanoseconds) < 0 ? -errno : 0;
}

int clock_enter(const struct clock *clock)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	if (!ret && clock->has_boottime)
		ret = offset_write(fd, "boottime", clock->boottime);
	if (!ret && clock->has_monotonic)
		ret = offset_write(fd, "monotonic", clock->monotonic);
	if (fd >= 0)
		close(fd);
	if (ret < 0) {
		fail_at(&clock->where, "offsets of the time namespace: %s", strerror(-ret));
		return ret;
	}
	/* It is for children as yet. */
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	ret = fd < 0 || setns(fd, CLONE_NEWTIME) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		fail_at(&clock->where, "time namespace: %s", strerror(-ret));
	return ret;
}

void clock_free(struct clock *clock)
{
	int key;

	for (key = 0; key < CLOCK_KEYS; key++)
		free(clock->told[key]);
}

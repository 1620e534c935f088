// SPDX-License-Identifier: GPL-2.0
/*
 * Becomes others and tells who it is, by the bare calls, also those of old:
 *
 *	become WORD...
 *
 * where a word is one of
 *
 *	CALL ID...	setuid, setreuid, setresuid, setfsuid, their like for groups, each also with
 *			32 at its end where there is one, and setgroups; prints an error, or what
 *			is no zero
 *	ids		prints who one is: users, groups, further groups; and which calls disagree
 *	make NAME	makes a file, a directory NAME.d, a link NAME.l, a FIFO NAME.p and a
 *			device NAME.c, each by another call
 *	chown NAME ID	gives it away
 *	fork, orphan, thread, exec
 *			goes on as a child, as one whose parent has ended, as another thread, or
 *			as another program; whoever was before tells its ids afterwards
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_GROUPS 64

static const struct {
	const char *name;
	int nr, args;
} calls[] = {
	{ "setuid", SYS_setuid, 1 }, { "setgid", SYS_setgid, 1 },
	{ "setreuid", SYS_setreuid, 2 }, { "setregid", SYS_setregid, 2 },
	{ "setresuid", SYS_setresuid, 3 }, { "setresgid", SYS_setresgid, 3 },
	{ "setfsuid", SYS_setfsuid, 1 }, { "setfsgid", SYS_setfsgid, 1 },
#ifdef SYS_setuid32
	{ "setuid32", SYS_setuid32, 1 }, { "setgid32", SYS_setgid32, 1 },
	{ "setreuid32", SYS_setreuid32, 2 }, { "setregid32", SYS_setregid32, 2 },
	{ "setresuid32", SYS_setresuid32, 3 }, { "setresgid32", SYS_setresgid32, 3 },
	{ "setfsuid32", SYS_setfsuid32, 1 }, { "setfsgid32", SYS_setfsgid32, 1 },
#endif
};

/* What the calls of some name tell, in one form. */
static void ids_text(char *text, size_t size, const int *numbers, bool narrow)
{
	unsigned int id[6] = { }, groups[MAX_GROUPS];
	unsigned short half[6] = { }, halves[MAX_GROUPS];
	void *wide = narrow ? (void *)half : id;
	size_t step = narrow ? 2 : 4;
	int len = 0, i, side, count;
	bool agree = true;

	for (side = 0; side < 2; side++) {
		char *ids = (char *)wide + 3 * side * step;

		if (syscall(numbers[side], ids, ids + step, ids + 2 * step))
			perror("getres");
	}
	for (i = 0; narrow && i < 6; i++)
		id[i] = half[i];
	/* The short ones. */
	for (i = 0; i < 4; i++)
		agree = agree && (unsigned int)syscall(numbers[2 + i]) == id[i + i / 2];
	if (!agree)
		len += snprintf(text, size, "disagree ");
	len += snprintf(text + len, size - len, "%u %u %u, %u %u %u,", id[0], id[1], id[2], id[3],
			id[4], id[5]);
	count = syscall(numbers[6], MAX_GROUPS, narrow ? (void *)halves : groups);
	if (count < 0 || syscall(numbers[6], 0, NULL) != count)
		len += snprintf(text + len, size - len, " errno %d", errno);
	for (i = 0; i < count; i++)
		len += snprintf(text + len, size - len, " %u", narrow ? halves[i] : groups[i]);
}

static void ids(const char *who)
{
	static const int numbers[] = { SYS_getresuid, SYS_getresgid, SYS_getuid, SYS_geteuid,
		SYS_getgid, SYS_getegid, SYS_getgroups };
	bool narrow = sizeof(long) == 4;
	char text[1024];

	ids_text(text, sizeof(text), numbers, narrow);
	printf("%s%s\n", who, text);
#ifdef SYS_getresuid32
	static const int wide[] = { SYS_getresuid32, SYS_getresgid32, SYS_getuid32, SYS_geteuid32,
		SYS_getgid32, SYS_getegid32, SYS_getgroups32 };
	char text32[1024];

	ids_text(text32, sizeof(text32), wide, false);
	if (strcmp(text, text32))
		printf("%sby 32 bits: %s\n", who, text32);
#endif
	fflush(stdout);
}

static void make(const char *name)
{
	char other[4096];

	if (close(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644)))
		perror(name);
	snprintf(other, sizeof(other), "%s.d", name);
	if (mkdir(other, 0755))
		perror(other);
	snprintf(other, sizeof(other), "%s.l", name);
	if (symlink("nowhere", other))
		perror(other);
	snprintf(other, sizeof(other), "%s.p", name);
	if (mkfifo(other, 0644))
		perror(other);
	snprintf(other, sizeof(other), "%s.c", name);
	if (mknod(other, S_IFCHR | 0644, makedev(1, 3)))
		perror(other);
}

static void words_do(char **words);

static void *thread(void *words)
{
	words_do(words);
	return NULL;
}

static void in_thread(char **words)
{
	pthread_t other;

	if (pthread_create(&other, NULL, thread, words) || pthread_join(other, NULL))
		abort();
	ids("before: ");
}

static void in_child(char **words, bool orphan)
{
	int pipe_fds[2];
	char byte;
	pid_t pid;

	if (pipe(pipe_fds))
		abort();
	pid = fork();
	if (!pid) {
		close(pipe_fds[0]);
		if (orphan && fork())
			_exit(0);
		words_do(words);
		fflush(stdout);
		_exit(0);
	}
	close(pipe_fds[1]);
	waitpid(pid, NULL, 0);
	if (read(pipe_fds[0], &byte, 1) < 0)
		abort();
	ids("before: ");
}

static unsigned long id_of(const char *word)
{
	return strtol(word, NULL, 10);
}

/* Runs one of the calls; the word behind, or NULL: it is none. */
static char **call_do(char **words)
{
	unsigned long args[3] = { };
	unsigned int groups[MAX_GROUPS];
	unsigned short halves[MAX_GROUPS];
	const char *name = *words++;
	long ret;
	int i, n;

	if (!strcmp(name, "setgroups") || !strcmp(name, "setgroups32")) {
		bool narrow = sizeof(long) == 4 && !strstr(name, "32");
		int nr = SYS_setgroups;

#ifdef SYS_setgroups32
		if (!narrow)
			nr = SYS_setgroups32;
#endif
		for (n = 0; *words && strspn(*words, "-0123456789"); n++)
			halves[n] = groups[n] = id_of(*words++);
		ret = syscall(nr, n, narrow ? (void *)halves : groups);
	} else {
		for (n = 0; n < (int)(sizeof(calls) / sizeof(calls[0])); n++)
			if (!strcmp(calls[n].name, name))
				break;
		if (n == (int)(sizeof(calls) / sizeof(calls[0])))
			return NULL;
		for (i = 0; i < calls[n].args && *words; i++)
			args[i] = id_of(*words++);
		ret = syscall(calls[n].nr, args[0], args[1], args[2]);
	}
	if (ret < 0)
		printf("%s: %s\n", name, strerror(errno));
	else if (ret)
		printf("%s: %ld\n", name, ret);
	fflush(stdout);
	return words;
}

/* The rest is done by another. */
static bool words_pass(char **words)
{
	if (!strcmp(*words, "thread")) {
		in_thread(words + 1);
	} else if (!strcmp(*words, "fork") || !strcmp(*words, "orphan")) {
		in_child(words + 1, **words == 'o');
	} else if (!strcmp(*words, "exec")) {
		execv("/proc/self/exe", words);
		perror("exec");
	} else {
		return false;
	}
	return true;
}

static void words_do(char **words)
{
	while (words && *words && !words_pass(words)) {
		if (!strcmp(*words, "ids")) {
			words++;
			ids("");
		} else if (!strcmp(*words, "make")) {
			make(words[1]);
			words += 2;
		} else if (!strcmp(*words, "chown")) {
			if (chown(words[1], id_of(words[2]), -1))
				perror(words[1]);
			words += 3;
		} else {
			words = call_do(words);
			if (!words)
				fputs("become: no such word\n", stderr);
		}
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	words_do(argv + 1);
	return 0;
}

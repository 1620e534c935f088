/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmarks share: measuring, in a view, and printing. */
#ifndef _BENCH_H
#define _BENCH_H

#include "../abi.h"

#define ROUNDS 5

struct bench_case {
	const char *name;
	void (*call)(void);
	unsigned int calls;
	void (*begin)(void);	/* before the first call, if there is something to do */
	void (*end)(void);
	unsigned int parts;	/* of a call, if the figure is for one of them, or 0 */
	void (*before)(void);	/* before each round, not measured; may be NULL */
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static inline double measure(const struct bench_case *bench)
{
	double best = 0, time;

	if (bench->begin)
		bench->begin();
	for (int round = 0; round <= ROUNDS; round++) {
		if (bench->before)
			bench->before();
		time = now();
		for (unsigned int i = 0; i < bench->calls; i++)
			bench->call();
		time = (now() - time) / bench->calls;
		/* The first round warms caches. */
		if (round && (!best || time < best))
			best = time;
	}
	if (bench->end)
		bench->end();
	return bench->parts ? best / bench->parts : best;
}

/* Measures in a child, since it may be in another view. */
static inline void measure_all(const struct bench_case *cases, size_t n, int view,
			       double *results)
{
	int pipe_fds[2];
	pid_t pid;

	if (pipe(pipe_fds))
		exit(1);
	pid = fork();
	if (!pid) {
		double value;

		if (view >= 0 && view_enter(view))
			_exit(1);
		for (size_t i = 0; i < n; i++) {
			value = measure(&cases[i]);
			if (write(pipe_fds[1], &value, sizeof(value)) != sizeof(value))
				_exit(1);
		}
		_exit(0);
	}
	close(pipe_fds[1]);
	for (size_t i = 0; i < n; i++)
		if (read(pipe_fds[0], &results[i], sizeof(double)) != sizeof(double))
			exit(1);
	close(pipe_fds[0]);
	waitpid(pid, NULL, 0);
}

static inline void run(const char *command)
{
	if (system(command)) {
		fprintf(stderr, "bench: this failed: %s\n", command);
		exit(1);
	}
}

static inline void print_row(const char *name, const double *values, size_t n)
{
	printf("%-22s", name);
	for (size_t i = 0; i < n; i++)
		printf(" %10.0f", values[i]);
	for (size_t i = 1; i < n; i++)
		printf(" %7.3f", values[i] / values[0]);
	printf("\n");
}

#endif /* _BENCH_H */

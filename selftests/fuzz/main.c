// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the whole interface: clients that call, a server that lies, views that come
 * and go. Inputs are guided by coverage where the kernel has KCOV.
 *
 *   fuzz [--seconds N] [--seed S] [--workers N] [--out DIR] [--corpus FILE]...
 *
 * Without --seconds each input of the corpus is run once, as a test. The failures to be
 * found are the kernel's own complaints; and a process that cannot be killed.
 */

#include "fuzz.h"

#include <getopt.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define RECENT		32
#define BASE		"/tmp/fuzz"

/* Fixed bytes at the front of an input. */
enum { AT_HOW, AT_SHARE, AT_MOUNT, AT_CLIENTS };
enum { HOW_USER = 1, HOW_IN_VIEW = 2, HOW_KILL_FIRST = 4, HOW_NEST = 8, HOW_LEAVE = 16 };
/* Sockets, if of the upper bits it is alone. */
enum { HOW_SOCKETS = 32, HOW_CALLS = 64, HOW_UPPER = 224 };

enum { STUCK = 77 };

/**
 * struct corpus - inputs worth keeping, shared by all workers
 * @lock: taken to append
 * @nr: how many
 * @inputs: those
 */
struct corpus {
	int lock;
	unsigned int nr;
	struct input inputs[CORPUS_MAX];
};

struct stats *stats;
static struct corpus *corpus;
static const char *out_dir;
bool guided;

static uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
	return random_next(state) % bound;
}

static void corpus_add(const struct input *input)
{
	while (__atomic_exchange_n(&corpus->lock, 1, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	if (corpus->nr < CORPUS_MAX) {
		corpus->inputs[corpus->nr] = *input;
		__atomic_store_n(&corpus->nr, corpus->nr + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&corpus->lock, 0, __ATOMIC_RELEASE);
}

/* An input is a line of hexadecimal digits. */
static size_t input_print(const struct input *input, char *text)
{
	size_t i;

	for (i = 0; i < input->len; i++)
		sprintf(text + 2 * i, "%02x", input->data[i]);
	return 2 * i;
}

static bool corpus_load(const char *path)
{
	FILE *file = fopen(path, "r");
	struct input input = { };
	char *line = NULL;
	size_t room = 0;
	unsigned int byte;

	if (!file)
		return false;
	while (getline(&line, &room, file) > 0) {
		input.len = 0;
		while (input.len < INPUT_MAX &&
		       sscanf(line + 2 * input.len, "%2x", &byte) == 1)
			input.data[input.len++] = byte;
		if (input.len > AT_CLIENTS)
			corpus_add(&input);
	}
	free(line);
	fclose(file);
	return true;
}

static void corpus_save(void)
{
	char path[PATH_MAX], text[2 * INPUT_MAX + 1];
	unsigned int i;
	FILE *file;

	if (!out_dir)
		return;
	snprintf(path, sizeof(path), "%s/corpus", out_dir);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return;
	}
	for (i = 0; i < corpus->nr; i++) {
		if (!corpus->inputs[i].worth)
			continue;
		text[input_print(&corpus->inputs[i], text)] = 0;
		fprintf(file, "%s\n", text);
	}
	fclose(file);
}

/* What a crash would take with it: lines of a fixed length, each over an older one. */
static void recent_write(int fd, unsigned int number, const struct input *input)
{
	char line[2 * INPUT_MAX + 2];

	memset(line, ' ', sizeof(line));
	input_print(input, line);
	line[2 * input->len] = ' ';
	line[sizeof(line) - 1] = '\n';
	if (pwrite(fd, line, sizeof(line), number % RECENT * sizeof(line)) < 0)
		perror("recent");
}

static void input_mutate(struct input *input, uint64_t *rng)
{
	uint32_t at = random_below(rng, input->len), len, n;
	const struct input *other;

	switch (random_below(rng, 7)) {
	case 0:
		input->data[at] ^= 1 << random_below(rng, 8);
		break;
	case 1:
	case 2:
		input->data[at] = random_next(rng);
		break;
	case 3:
		len = 1 + random_below(rng, 16);
		if (input->len + len > INPUT_MAX)
			break;
		memmove(input->data + at + len, input->data + at, input->len - at);
		for (n = 0; n < len; n++)
			input->data[at + n] = random_next(rng);
		input->len += len;
		break;
	case 4:
		len = 1 + random_below(rng, 16);
		if (at + len >= input->len || input->len - len <= AT_CLIENTS)
			break;
		memmove(input->data + at, input->data + at + len, input->len - at - len);
		input->len -= len;
		break;
	case 5:
		len = 1 + random_below(rng, 24);
		n = random_below(rng, input->len);
		if (at + len > input->len || n + len > input->len)
			break;
		memmove(input->data + n, input->data + at, len);
		break;
	default:
		/* The tail of another. */
		if (!corpus->nr)
			break;
		other = &corpus->inputs[random_below(rng, corpus->nr)];
		if (at >= other->len)
			break;
		memcpy(input->data + at, other->data + at, other->len - at);
		input->len = at > other->len ? at : other->len;
	}
}

static void input_make(struct input *input, uint64_t *rng)
{
	uint32_t nr = __atomic_load_n(&corpus->nr, __ATOMIC_ACQUIRE), n;

	if (!nr || !random_below(rng, 12)) {
		input->len = AT_CLIENTS + 1 + 40 + random_below(rng, 700);
		for (n = 0; n < input->len; n++)
			input->data[n] = random_next(rng);
		return;
	}
	/* The newest have been tried least. */
	n = random_below(rng, 2) ? random_below(rng, nr) :
	    nr - 1 - random_below(rng, nr < 32 ? nr : 32);
	*input = corpus->inputs[n];
	for (n = 1 + random_below(rng, 8); n; n--)
		input_mutate(input, rng);
}

static int own_user_ns(void)
{
	static const char *const files[][2] = {
		{ "/proc/self/setgroups", "deny" },
		{ "/proc/self/uid_map", "0 1000 1" }, { "/proc/self/gid_map", "0 1000 1" } };
	size_t i, len;
	int fd;

	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) ||
	    prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
		len = strlen(files[i][1]);
		if (fd < 0 || write(fd, files[i][1], len) != (ssize_t)len)
			return -errno;
		close(fd);
	}
	return 0;
}

/* The first client makes the others, which then share its mount. */
static void client_main(struct client *client, const struct input *input)
{
	uint8_t how = input->data[AT_HOW];
	size_t share = (input->len - AT_CLIENTS) * input->data[AT_SHARE] / 256;
	size_t clients = 1 + input->data[AT_CLIENTS] % CLIENTS_MAX;
	const uint8_t *start = input->data + AT_CLIENTS + 1;
	const uint8_t *end = input->data + input->len - share;
	size_t part = end > start ? (end - start) / clients : 0;
	unsigned int number = clients, inherit;
	int view;

	cover_begin(1);
	if (how & HOW_IN_VIEW) {
		inherit = how & HOW_NEST ? VIEWOS_INHERIT_NEST :
			  how & HOW_LEAVE ? VIEWOS_INHERIT_LEAVE : VIEWOS_INHERIT_SHARE;
		view = view_create_in(client->control, -1, "", inherit);
		if ((how & HOW_UPPER) == HOW_SOCKETS)
			client->sockets = !rule_for(view, client->name, "sockets");
		if ((how & HOW_UPPER) == HOW_CALLS)
			client->calls = !rule_for_calls(view, client->name);
		view_enter(view);
	}
	client_mount(client, input->data[AT_MOUNT]);
	while (--number && fork())
		;
	if (number)
		cover_begin(1 + number);
	client->stream = (struct stream){ start + part * number, start + part * (number + 1) };
	client_run(client);
	_exit(0);
}

/* A client of the run before has been seen to end, and may be about to close its server's fd. */
static int name_take(int fd, const char *name)
{
	int i, ret = -EEXIST;

	for (i = 0; i < 500 && ret == -EEXIST; i++) {
		ret = server_add(fd, name, false);
		if (ret == -EEXIST)
			sleep_ms(10);
	}
	return ret;
}

/* One run, in a process of its own. */
static int run(const struct input *input, unsigned int worker)
{
	uint8_t how = input->data[AT_HOW];
	size_t share = (input->len - AT_CLIENTS) * input->data[AT_SHARE] / 256;
	char name[32], dir[64];
	struct client client = { .name = name, .dir = dir };
	struct hostile hostile = { .kill_first = how & HOW_KILL_FIRST };
	struct viewos_server_create create = {
		.size = sizeof(create),
		.classes = 1 << VIEWOS_CLASS_PATH | 1 << VIEWOS_CLASS_SOCKET |
			   1 << VIEWOS_CLASS_SYSCALL,
	};
	int alive[2];

	snprintf(name, sizeof(name), "fuzz-%u", worker);
	snprintf(dir, sizeof(dir), BASE "/%u", worker);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	if (how & HOW_USER ? own_user_ns() : own_mounts()) {
		perror("namespaces");
		return 1;
	}
	/* Where this is a real system, its root is not to be changed by a client that gets out. */
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) && !geteuid() &&
	    !(how & HOW_USER)) {
		perror("read-only root");
		return 1;
	}
	client.control = control_open();
	hostile.fd = result(ioctl(client.control, VIEWOS_IOC_SERVER_CREATE, &create));
	client.server = hostile.fd;
	if (name_take(hostile.fd, name) || pipe(alive)) {
		perror("server");
		return 1;
	}
	cover_begin(0);
	hostile.clients = fork();
	if (!hostile.clients) {
		setpgid(0, 0);
		close(alive[0]);
		client_main(&client, input);
	}
	setpgid(hostile.clients, hostile.clients);
	close(alive[1]);
	hostile.alive = alive[0];
	hostile.stream = (struct stream){ input->data + input->len - share,
					  input->data + input->len };
	if (!hostile_serve(&hostile))
		return STUCK;
	return 0;
}

static bool run_apart(const struct input *input, unsigned int worker)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run(input, worker));
	status = child_status(pid);
	count(&stats->inputs);
	if (status == STUCK)
		fprintf(stderr, "fuzz: a client cannot be killed\n");
	else if (status)
		fprintf(stderr, "fuzz: a run ended with status %d\n", status);
	return !status;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/**
 * struct work - for all workers
 * @seconds: how long, or 0: each input of the corpus once
 * @seed: of all that is random
 * @workers: how many
 */
struct work {
	uint64_t seconds;
	uint64_t seed;
	unsigned int workers;
};

/* Returns the exit status. */
static int worker_run(const struct work *work, unsigned int worker)
{
	uint64_t rng = work->seed * WORKERS_MAX + worker, end = now() + work->seconds;
	unsigned int i, nr = corpus->nr;
	struct input input;
	char path[PATH_MAX];
	enum news news;
	int recent = -1;

	cover_open();
	if (out_dir) {
		snprintf(path, sizeof(path), "%s/recent-%u", out_dir, worker);
		recent = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	}
	/* The corpus first, which makes known where it leads. */
	for (i = worker; work->seconds ? now() < end : i < nr; i += work->workers) {
		if (i < nr)
			input = corpus->inputs[i];
		else
			input_make(&input, &rng);
		if (recent >= 0)
			recent_write(recent, i / work->workers, &input);
		if (!run_apart(&input, worker))
			return 1;
		news = cover_news();
		input.worth = news == NEWS_PLACE;
		if (i < nr)
			corpus->inputs[i].worth |= input.worth;
		else if (news != NEWS_NONE)
			corpus_add(&input);
	}
	return 0;
}

static void report(const char *prefix)
{
	printf("%s%" PRIu64 " inputs, %" PRIu64 " calls, %" PRIu64 " requests, %" PRIu64
	       " hostile answers, %" PRIu64 " clients killed waiting, %" PRIu64
	       " servers dead under way, %" PRIu64 " followed by another", prefix,
	       stats->inputs, stats->calls, stats->requests, stats->hostile, stats->kills,
	       stats->deaths, stats->recoveries);
	if (guided)
		printf("; %u inputs kept, %u blocks of the module reached", corpus->nr,
		       cover_blocks());
	printf("\n");
	fflush(stdout);
}

static void objects_make(void)
{
	int fd;

	mkdir(FUZZ_OBJECTS, 0777);
	mkdir(FUZZ_OBJECTS "/d", 0777);
	fd = open(FUZZ_OBJECTS "/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, 8192))
		perror(FUZZ_OBJECTS);
	close(fd);
}

static int workers_run(const struct work *work)
{
	unsigned int worker, left = work->workers;
	uint64_t last = now();
	int status, failed = 0;
	pid_t pid;

	mkdir(BASE, 0755);
	objects_make();
	for (worker = 0; worker < work->workers; worker++) {
		char dir[64];

		snprintf(dir, sizeof(dir), BASE "/%u", worker);
		if ((mkdir(dir, 0777) && errno != EEXIST) || chmod(dir, 0777)) {
			perror(dir);
			return 1;
		}
		if (!fork())
			_exit(worker_run(work, worker));
	}
	while (left) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0) {
			left--;
			failed |= status;
			if (WIFSIGNALED(status))
				fprintf(stderr, "fuzz: a worker was ended by signal %d\n",
					WTERMSIG(status));
			continue;
		}
		sleep_ms(200);
		if (work->seconds && now() - last >= 60) {
			last = now();
			report("");
		}
	}
	return failed;
}

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static void usage(void)
{
	fputs("usage: fuzz [--seconds N] [--seed S] [--workers N] [--out DIR] [--corpus FILE]...\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "workers", required_argument, NULL, 'w' },
		{ "out", required_argument, NULL, 'o' },
		{ "corpus", required_argument, NULL, 'c' },
		{ }
	};
	struct work work = { .seed = 1, .workers = 2 };
	char path[PATH_MAX];
	bool test;
	int opt, failed;

	stats = shared(sizeof(*stats));
	corpus = shared(sizeof(*corpus));
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			work.seconds = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			work.seed = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			work.workers = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			out_dir = optarg;
			break;
		case 'c':
			if (!corpus_load(optarg)) {
				perror(optarg);
				return 2;
			}
			break;
		default:
			usage();
		}
	}
	if (optind < argc || work.workers < 1 || work.workers > WORKERS_MAX)
		usage();
	test = !work.seconds;
	snprintf(path, sizeof(path), "%s/selftests/fuzz/corpus", getenv("VIEWOS_TOP") ?: ".");
	if (test && !corpus->nr && !corpus_load(path)) {
		printf("TAP version 13\n1..0 # SKIP no corpus\n");
		return 4;
	}
	guided = cover_init();
	/* As long as there is a view, hooks stay: to come and go takes long. */
	if (view_create(control_open(), "fuzz-keep") < 0) {
		perror("fuzz: no view");
		return 1;
	}
	if (test)
		printf("TAP version 13\n");
	failed = workers_run(&work);
	report(test ? "# " : "");
	if (test)
		printf("%sok 1 each input of the corpus\n1..1\n", failed ? "not " : "");
	corpus_save();
	return failed ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/* Which ways through the module were seen. */

#include "fuzz.h"

#include <sys/mman.h>

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

#define TRACE_LEN	(16 << 10)
#define MAP_BITS	(1 << 20)

/**
 * struct seen - shared by all workers
 * @blocks: bit for each address, relative to the module's
 * @edges: bit for each pair of blocks, by hash
 */
struct seen {
	uint8_t blocks[MAP_BITS / 8];
	uint8_t edges[MAP_BITS / 8];
};

static struct seen *seen;
static uint64_t module_start;
static int fds[TRACKS];
static uint64_t *traces[TRACKS];

static uint64_t module_address(void)
{
	FILE *file = fopen("/sys/module/viewos/sections/.text", "r");
	uint64_t address = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNx64, &address) != 1)
		address = 0;
	fclose(file);
	return address;
}

bool cover_init(void)
{
	module_start = module_address();
	if (access("/sys/kernel/debug/kcov", R_OK | W_OK) || !module_start)
		return false;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (seen == MAP_FAILED)
		seen = NULL;
	return seen;
}

void cover_open(void)
{
	unsigned int i;

	for (i = 0; seen && i < TRACKS; i++) {
		fds[i] = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (fds[i] < 0 || ioctl(fds[i], KCOV_INIT_TRACE, TRACE_LEN)) {
			perror("kcov");
			exit(1);
		}
		traces[i] = mmap(NULL, TRACE_LEN * sizeof(uint64_t), PROT_READ | PROT_WRITE,
				 MAP_SHARED, fds[i], 0);
		if (traces[i] == MAP_FAILED) {
			perror("kcov");
			exit(1);
		}
	}
}

void cover_begin(unsigned int track)
{
	if (!seen)
		return;
	__atomic_store_n(&traces[track][0], 0, __ATOMIC_RELAXED);
	ioctl(fds[track], KCOV_ENABLE, KCOV_TRACE_PC);
}

/* Sets a bit; true if it was not. Another worker may lose one of ours: it comes again. */
static bool see(uint8_t *map, uint64_t bit)
{
	uint8_t mask = 1 << bit % 8;

	if (map[bit / 8] & mask)
		return false;
	map[bit / 8] |= mask;
	return true;
}

static enum news track_news(uint64_t *trace)
{
	uint64_t i, pc, before = 0, n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	bool way = false, place = false;

	for (i = 1; i <= n && i < TRACE_LEN; i++) {
		pc = trace[i] - module_start;
		if (pc >= MAP_BITS)
			continue;
		place |= see(seen->blocks, pc);
		way |= see(seen->edges, (pc ^ before * 0x9e3779b97f4a7c15ULL >> 40) % MAP_BITS);
		before = pc;
	}
	trace[0] = 0;
	return place ? NEWS_PLACE : way ? NEWS_WAY : NEWS_NONE;
}

enum news cover_news(void)
{
	enum news news, most = NEWS_NONE;
	unsigned int i;

	for (i = 0; seen && i < TRACKS; i++) {
		news = track_news(traces[i]);
		most = news > most ? news : most;
	}
	return most;
}

unsigned int cover_blocks(void)
{
	unsigned int i, blocks = 0;

	for (i = 0; seen && i < sizeof(seen->blocks); i++)
		blocks += __builtin_popcount(seen->blocks[i]);
	return blocks;
}

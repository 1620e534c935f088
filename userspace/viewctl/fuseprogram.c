// SPDX-License-Identifier: GPL-2.0
/* viewctl: installed FUSE programs: where they are, what they are linked with, how called */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuseprogram.h"
#include "viewctl.h"

/* What is looked through at most, of a file that may be anything. */
#define ELF_MAX_SEGMENTS	64
#define ELF_MAX_DYNAMIC		512

/* Where helpers of mount(8) are, which the path of a user may lack. */
#define SBIN_PATH	"/usr/local/sbin:/usr/sbin:/sbin"

/* The programs whose arguments are not "-f -o OPTIONS SOURCE MOUNTPOINT". */
static const char *const sourceless[] = {
	"fuse-overlayfs",
};

#define SOURCELESS_COUNT	(sizeof(sourceless) / sizeof(sourceless[0]))

/* What a program's file says of the library it is built on. */
enum library { LIBRARY_UNKNOWN, LIBRARY_FUSE2, LIBRARY_FUSE3 };

struct elf {
	int fd;
	Elf64_Half count;
	Elf64_Phdr segments[ELF_MAX_SEGMENTS];
	size_t dynamic_count;
	Elf64_Dyn dynamic[ELF_MAX_DYNAMIC];
};

static bool elf_read(struct elf *elf)
{
	Elf64_Ehdr header;
	ssize_t len;
	size_t i;

	if (pread(elf->fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(elf->segments[0]) || header.e_phnum > ELF_MAX_SEGMENTS)
		return false;
	elf->count = header.e_phnum;
	len = elf->count * sizeof(elf->segments[0]);
	if (pread(elf->fd, elf->segments, len, header.e_phoff) != len)
		return false;
	for (i = 0; i < elf->count; i++) {
		if (elf->segments[i].p_type != PT_DYNAMIC)
			continue;
		len = pread(elf->fd, elf->dynamic, sizeof(elf->dynamic),
			    elf->segments[i].p_offset);
		elf->dynamic_count = len < 0 ? 0 : len / sizeof(elf->dynamic[0]);
		return true;
	}
	return false;
}

/* Where in the file is what will be at this address? */
static off_t elf_offset(const struct elf *elf, Elf64_Addr address)
{
	const Elf64_Phdr *segment;

	for (segment = elf->segments; segment < elf->segments + elf->count; segment++)
		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	return -1;
}

static enum library elf_library(const struct elf *elf)
{
	off_t strings = -1;
	char name[32];
	ssize_t len;
	size_t i;

	for (i = 0; i < elf->dynamic_count && elf->dynamic[i].d_tag != DT_NULL; i++)
		if (elf->dynamic[i].d_tag == DT_STRTAB)
			strings = elf_offset(elf, elf->dynamic[i].d_un.d_ptr);
	for (i = 0; strings >= 0 && i < elf->dynamic_count; i++) {
		if (elf->dynamic[i].d_tag == DT_NULL)
			break;
		if (elf->dynamic[i].d_tag != DT_NEEDED)
			continue;
		len = pread(elf->fd, name, sizeof(name) - 1, strings + elf->dynamic[i].d_un.d_val);
		if (len <= 0)
			break;
		name[len] = '\0';
		if (!strcmp(name, "libfuse.so.2"))
			return LIBRARY_FUSE2;
		if (!strncmp(name, "libfuse3.so.", strlen("libfuse3.so.")))
			return LIBRARY_FUSE3;
	}
	return LIBRARY_UNKNOWN;
}

static enum library file_library(const char *path)
{
	enum library library = LIBRARY_UNKNOWN;
	struct elf *elf = calloc(1, sizeof(*elf));

	if (!elf)
		return library;
	elf->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (elf->fd >= 0) {
		if (elf_read(elf))
			library = elf_library(elf);
		close(elf->fd);
	}
	free(elf);
	return library;
}

/* Writes where the file is to @path, of PATH_MAX bytes. */
static bool path_search(char *path, const char *directories, const char *prefix, const char *name)
{
	const char *end;
	int len;

	for (; directories; directories = *end ? end + 1 : NULL) {
		end = strchrnul(directories, ':');
		len = snprintf(path, PATH_MAX, "%.*s/%s%s", (int)(end - directories), directories,
			       prefix, name);
		/* An empty directory would be the current one: not for a name of a type. */
		if (*directories == '/' && len < PATH_MAX && !access(path, X_OK))
			return true;
	}
	return false;
}

static bool program_search(struct fuseprogram *program)
{
	const char *path = getenv("PATH");

	if (path_search(program->path, path, "", program->name) ||
	    path_search(program->path, SBIN_PATH, "", program->name))
		return true;
	/* Most helpers of mount(8) are of other file systems. */
	return path_search(program->path, SBIN_PATH, "mount.", program->name) &&
	       file_library(program->path) != LIBRARY_UNKNOWN;
}

int fuseprogram_find(struct fuseprogram *program, const char *type)
{
	size_t i;

	*program = (struct fuseprogram){ .name = type };
	if (!strncmp(type, "fuse.", strlen("fuse.")))
		program->name += strlen("fuse.");
	if (!*program->name || !program_search(program))
		return -ENOENT;
	if (file_library(program->path) == LIBRARY_FUSE2) {
		fail("type '%s': %s is built on libfuse2, and cannot serve a view: libfuse3 can",
		     type, program->path);
		return -ELIBACC;
	}
	for (i = 0; i < SOURCELESS_COUNT; i++)
		if (!strcmp(program->name, sourceless[i]))
			program->sourceless = true;
	return 0;
}

int fuseprogram_exec(const struct fuseprogram *program, int session, const char *options,
		     const char *source)
{
	char foreground[] = "-f", option[] = "-o", mountpoint[32];
	char *argv[7];
	int argc = 0;

	snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", session);
	argv[argc++] = (char *)program->name;
	argv[argc++] = foreground;
	if (*options) {
		argv[argc++] = option;
		argv[argc++] = (char *)options;
	}
	/* As with other servers, those that need no source are given none, in either way. */
	if (!program->sourceless && *source && strcmp(source, "none"))
		argv[argc++] = (char *)source;
	argv[argc++] = mountpoint;
	argv[argc] = NULL;
	execv(program->path, argv);
	return errno;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* From an archive's headers to a tree. */
#ifndef ARCHIVEFS_INDEX_H
#define ARCHIVEFS_INDEX_H

#include "content.h"
#include "tree.h"

/*
 * Reads all headers of the archive into the tree, whose root the caller has made. Names are made
 * safe: a leading slash and "." are dropped, ".." goes no higher than the root. Directories that
 * a name implies are made; of members with the same name the last one stays. What cannot be shown
 * (names too long or too deep, links to nothing) is skipped and told on stderr.
 *
 * Returns 0; -EINVAL: not an archive; -EFBIG: more entries than the tree may have; -EIO: damaged;
 * -ENOMEM.
 */
int index_build(struct source *source, struct tree *tree);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: the process that keeps a created view */
#ifndef _VIEWCTL_HOLDER_H
#define _VIEWCTL_HOLDER_H

/* Beginning of its name in /proc/PID/comm, by which destroy knows it. */
#define HOLDER_COMM	"viewctl: "

/* Its fd of what was told of the view, see record.h. */
#define HOLDER_RECORD_FD	3

#endif /* _VIEWCTL_HOLDER_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: a view as a file that describes it */
#ifndef _VIEWCTL_SHOWCONFIG_H
#define _VIEWCTL_SHOWCONFIG_H

/** show_config() - print it. Return: an exit status, after a complaint */
int show_config(const char *view);

#endif /* _VIEWCTL_SHOWCONFIG_H */

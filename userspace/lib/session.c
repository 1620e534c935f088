// SPDX-License-Identifier: GPL-2.0
/* libviewos: one session of a server */
#include <errno.h>
#include <sys/ioctl.h>

#include "viewos.h"

int viewos_session_refuse(int session, int error)
{
	struct viewos_session_refuse arg = { .size = sizeof(arg), .error = error };

	return ioctl(session, VIEWOS_IOC_SESSION_REFUSE, &arg) < 0 ? -errno : 0;
}

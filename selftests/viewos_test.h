/* SPDX-License-Identifier: GPL-2.0 */
/* What every test in C includes. */
#ifndef _VIEWOS_TEST_H
#define _VIEWOS_TEST_H

#include "abi.h"
#include "kselftest_harness.h"

/* Seconds, enough for a debug kernel in an emulator. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600

#endif /* _VIEWOS_TEST_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What every test in C includes. */
#ifndef _VIEWOS_TEST_H
#define _VIEWOS_TEST_H

#include "abi.h"
#include "kselftest_harness.h"

#endif /* _VIEWOS_TEST_H */

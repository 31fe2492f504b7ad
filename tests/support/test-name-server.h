// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "dns/pm-resolver.h"

G_BEGIN_DECLS

/*
 * TestNameServer: a real name server (nsd) on a free loopback port, serving one zone, with its files
 * in a temporary directory. Stopped, by its process, and cleaned up by test_name_server_stop().
 */
typedef struct _TestNameServer TestNameServer;

gboolean test_name_server_is_available (void);
TestNameServer *test_name_server_start (const char *origin, const char *zone);
void test_name_server_stop (TestNameServer *server);
const char *test_name_server_get_address (TestNameServer *server);

/* Looks up in the thread-default main context and waits, at most 20 seconds. */
PmDnsAnswer *test_lookup (PmResolver *resolver, const char *name, PmDnsType type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestNameServer, test_name_server_stop)

G_END_DECLS

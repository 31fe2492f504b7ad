// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

/* One socket that is asked. */
typedef struct
{
  GInetSocketAddress *address; /* (owned): with the port it really has */
  PmListen *listen;            /* (owned): what is spoken there */
} PmListenerTarget;

PmListenerTarget *pm_listener_target_new (GInetSocketAddress *address, PmListen *listen);
void pm_listener_target_free (PmListenerTarget *target);

/*
 * Connects to each target (element-type PmListenerTarget) as a client would, by TLS where that is
 * spoken there, and waits for the greeting, all at once, each for a few seconds more than the
 * `greeting_pause`. A reply that refuses us is an answer too. Where a proxy must
 * speak first, an open connection is all there is to see. An unspecified address is reached by the
 * loopback of its family. The result is of type a(sbs): socket, whether it answered, what it said
 * or why not.
 */
void pm_listener_probe_async (GPtrArray *targets,
                              guint greeting_pause,
                              GAsyncReadyCallback callback,
                              gpointer data);
GVariant *pm_listener_probe_finish (GAsyncResult *result, GError **error);

G_END_DECLS

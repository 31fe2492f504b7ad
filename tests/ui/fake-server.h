// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

/* A manager and a relay on a private bus, for what the interface does with them. The manager keeps
 * one site file in memory and refuses a stale base, as the real one does. */
typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  PmBusManager *manager;
  PmBusRelay *relay;
  char *xml;
  char *how;          /* of the last Apply */
  guint n_writes;
  guint n_retried;
  GArray *queue;      /* (element-type guint64): ids */
  gboolean reported;  /* the last delete wanted a report */
  gboolean asked_interactively; /* a password could have been asked for by the last ShowMessage */
  gboolean deny;      /* refuse the next writes */
  gboolean fail_apply;
} FakeServer;

FakeServer *fake_server_new (guint n_messages);
void fake_server_free (FakeServer *self);
/* Somebody else replaces one text in the site file by another. */
void fake_server_edit (FakeServer *self, const char *from, const char *to);
/* As fake_server_edit(), but nobody is told. */
void fake_server_edit_silently (FakeServer *self, const char *from, const char *to);
/* A connection that has read the site, and the relay if there is one. */
PmServerConnection *fake_server_connect (FakeServer *self);
/* Runs the main loop until the condition holds; fails after ten seconds. */
#define wait_until(condition)                                                    \
  G_STMT_START                                                                   \
  {                                                                              \
    gint64 wait_deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;        \
    guint wait_tick = g_timeout_add (50, fake_server_tick_cb, NULL);             \
    while (!(condition) && g_get_monotonic_time () < wait_deadline)              \
      g_main_context_iteration (NULL, TRUE);                                     \
    g_source_remove (wait_tick);                                                 \
    g_assert_true (condition);                                                   \
  }                                                                              \
  G_STMT_END
gboolean fake_server_tick_cb (gpointer data);

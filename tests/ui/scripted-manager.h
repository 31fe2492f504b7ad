// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/* A manager on a bus of the test's own, as another process would be: it holds a site's text and a
   service's state, and does what it is told to. */
typedef struct _ScriptedManager ScriptedManager;

ScriptedManager *scripted_manager_new (const char *xml);
void scripted_manager_free (ScriptedManager *self);
PmServerConnection *scripted_manager_connect (ScriptedManager *self);
PmBusManager *scripted_manager_get (ScriptedManager *self);
const char *scripted_manager_get_xml (ScriptedManager *self);
void scripted_manager_refuse_writes (ScriptedManager *self, gboolean refuse);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptedManager, scripted_manager_free)

G_END_DECLS

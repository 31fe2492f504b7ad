// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gio/gio.h>

#include "manager/pm-service-backend.h"

G_BEGIN_DECLS

GPtrArray *pm_journal_read (const char *unit,
                            gboolean user_unit,
                            guint count,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS

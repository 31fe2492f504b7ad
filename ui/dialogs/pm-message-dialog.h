// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "pm-relay-generated.h"

G_BEGIN_DECLS

#define PM_TYPE_MESSAGE_DIALOG (pm_message_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmMessageDialog, pm_message_dialog, PM, MESSAGE_DIALOG, GtkDialog)

PmMessageDialog *pm_message_dialog_new (GtkWindow *parent,
                                        PmBusRelay *relay,
                                        guint64 id,
                                        const char *originator,
                                        const char *submitted,
                                        const char *size);

G_END_DECLS

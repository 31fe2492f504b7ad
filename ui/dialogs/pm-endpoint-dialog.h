// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/properties/pm-list-editor.h"

G_BEGIN_DECLS

/* What is entered, and so what pm_endpoint_dialog_dup_item() gives. */
typedef enum
{
  PM_ENDPOINT_ADDRESS,         /* an IP address: char * */
  PM_ENDPOINT_HOST,            /* PmHost */
  PM_ENDPOINT_LISTEN,          /* PmListen */
  PM_ENDPOINT_ACCEPT_RULE,     /* PmAcceptRule */
  PM_ENDPOINT_ALLOW_NETWORK,   /* PmRestriction */
  PM_ENDPOINT_ALLOW_INTERFACE, /* PmRestriction */
  PM_ENDPOINT_NEVER_NETWORK,   /* PmRestriction */
  PM_N_ENDPOINTS,
} PmEndpointKind;

#define PM_TYPE_ENDPOINT_DIALOG (pm_endpoint_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmEndpointDialog, pm_endpoint_dialog, PM, ENDPOINT_DIALOG, GtkDialog)

PmEndpointDialog *pm_endpoint_dialog_new (GtkWindow *parent,
                                          PmEndpointKind kind,
                                          gconstpointer item);
gpointer pm_endpoint_dialog_dup_item (PmEndpointDialog *self);

/* Makes a list editor show and edit a list of these. */
void pm_endpoint_list_setup (PmListEditor *editor, PmEndpointKind kind);

G_END_DECLS

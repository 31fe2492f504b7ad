// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "bus/pm-server-connection.h"

G_BEGIN_DECLS

/**
 * PmObjectDialog:
 *
 * The Properties of a small object of the site: OK, Cancel and Apply over fields of a subclass. It
 * says what is wrong while one types, writes the site without blocking, keeps what was typed when
 * that fails, and closes when it is done. What somebody else saves meanwhile is shown where nothing
 * was typed yet; else it is told, and what was typed stays.
 */
#define PM_TYPE_OBJECT_DIALOG (pm_object_dialog_get_type ())
G_DECLARE_DERIVABLE_TYPE (PmObjectDialog, pm_object_dialog, PM, OBJECT_DIALOG, GtkDialog)

/**
 * PmObjectDialogClass:
 * @collect: the site with what the fields say put into it, or %NULL with an error that says in
 *   translated words what is wrong with which field (`field`, out). Changes nothing.
 * @load: fills the fields from the object as @site has it; not called for a new object
 * @same: whether the two sites have the object alike, or neither has it
 * @saved: (nullable): the site was written; new objects are existing ones from now on
 */
struct _PmObjectDialogClass
{
  GtkDialogClass parent_class;

  PmSite *(*collect) (PmObjectDialog *self, const PmSite *site, GtkWidget **field, GError **error);
  void (*load) (PmObjectDialog *self, const PmSite *site);
  gboolean (*same) (PmObjectDialog *self, const PmSite *before, const PmSite *after);
  void (*saved) (PmObjectDialog *self);
};

void pm_object_dialog_set_up (PmObjectDialog *self,
                              GtkWindow *parent,
                              PmServerConnection *connection,
                              const char *comment);
void pm_object_dialog_changed (PmObjectDialog *self);

G_END_DECLS

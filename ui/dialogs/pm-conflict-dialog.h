// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "site/pm-site.h"

G_BEGIN_DECLS

#define PM_TYPE_CONFLICT_DIALOG (pm_conflict_dialog_get_type ())
G_DECLARE_FINAL_TYPE (PmConflictDialog, pm_conflict_dialog, PM, CONFLICT_DIALOG, GtkDialog)

enum
{
  PM_CONFLICT_LOAD_THEIRS = 1,
  PM_CONFLICT_MINE_ON_TOP = 2,
};

PmConflictDialog *pm_conflict_dialog_new (GtkWindow *parent,
                                          const PmSite *base,
                                          const PmSite *mine,
                                          const PmSite *theirs);

G_END_DECLS

// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/properties/pm-service-draft.h"

G_BEGIN_DECLS

/**
 * PmPropertiesPage:
 *
 * A tab of a Properties dialog. It shows the values of a draft, says when one of them changes
 * (`changed`), says what is wrong with what was typed without touching anything, and puts its own
 * values into a draft. It never writes a site.
 *
 * Signal `get-draft`: (returns transfer full #PmServiceDraft) the draft as all pages have it, for
 * what a page works out from more than its own values; answered by the dialog.
 */
#define PM_TYPE_PROPERTIES_PAGE (pm_properties_page_get_type ())
G_DECLARE_INTERFACE (PmPropertiesPage, pm_properties_page, PM, PROPERTIES_PAGE, GtkWidget)

struct _PmPropertiesPageInterface
{
  GTypeInterface parent_interface;

  const char *(*get_help_topic) (PmPropertiesPage *self);
  void (*load) (PmPropertiesPage *self, const PmServiceDraft *draft);
  gboolean (*validate) (PmPropertiesPage *self, GtkWidget **field, GError **error);
  void (*collect) (PmPropertiesPage *self, PmServiceDraft *draft);
};

const char *pm_properties_page_get_help_topic (PmPropertiesPage *self);
void pm_properties_page_load (PmPropertiesPage *self, const PmServiceDraft *draft);
gboolean pm_properties_page_validate (PmPropertiesPage *self, GtkWidget **field, GError **error);
void pm_properties_page_collect (PmPropertiesPage *self, PmServiceDraft *draft);
gboolean pm_properties_page_is_changed (PmPropertiesPage *self, const PmServiceDraft *base);

/* For the pages themselves. */
void pm_properties_page_changed (PmPropertiesPage *self);
PmServiceDraft *pm_properties_page_get_draft (PmPropertiesPage *self, const PmServiceDraft *base);

G_END_DECLS

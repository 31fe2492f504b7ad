// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// What the Properties dialog asks of a tab, and what a tab may ask of the dialog.

#include "config.h"

#include "ui/properties/pm-properties-page.h"

enum
{
  CHANGED,
  GET_DRAFT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_INTERFACE (PmPropertiesPage, pm_properties_page, GTK_TYPE_WIDGET)

static void
pm_properties_page_default_init (PmPropertiesPageInterface *iface)
{
  signals[CHANGED] = g_signal_new ("changed", PM_TYPE_PROPERTIES_PAGE, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[GET_DRAFT] = g_signal_new ("get-draft", PM_TYPE_PROPERTIES_PAGE, G_SIGNAL_RUN_LAST, 0,
                                     g_signal_accumulator_first_wins, NULL, NULL,
                                     PM_TYPE_SERVICE_DRAFT, 0);
}

/**
 * pm_properties_page_get_help_topic:
 *
 * Returns: the page of the help that describes this tab
 */
const char *
pm_properties_page_get_help_topic (PmPropertiesPage *self)
{
  return PM_PROPERTIES_PAGE_GET_IFACE (self)->get_help_topic (self);
}

/**
 * pm_properties_page_load:
 * @draft: the values to show; what was typed before is gone
 */
void
pm_properties_page_load (PmPropertiesPage *self, const PmServiceDraft *draft)
{
  PM_PROPERTIES_PAGE_GET_IFACE (self)->load (self, draft);
}

/**
 * pm_properties_page_validate:
 * @field: (out) (optional) (transfer none): the widget that holds what is wrong
 * @error: what is wrong, and what to do, for the person who typed it
 *
 * Changes nothing but the marks on its fields.
 *
 * Returns: whether everything on the page can be saved
 */
gboolean
pm_properties_page_validate (PmPropertiesPage *self, GtkWidget **field, GError **error)
{
  GtkWidget *found = NULL;
  gboolean valid = PM_PROPERTIES_PAGE_GET_IFACE (self)->validate (self, &found, error);

  if (!valid && field != NULL)
    *field = found;
  return valid;
}

/**
 * pm_properties_page_collect:
 * @draft: where the page's values go; the others in it stay
 */
void
pm_properties_page_collect (PmPropertiesPage *self, PmServiceDraft *draft)
{
  PM_PROPERTIES_PAGE_GET_IFACE (self)->collect (self, draft);
}

/**
 * pm_properties_page_is_changed:
 * @base: what the page was loaded from
 *
 * Returns: whether the page now says something else than @base
 */
gboolean
pm_properties_page_is_changed (PmPropertiesPage *self, const PmServiceDraft *base)
{
  g_autoptr (PmServiceDraft) draft = pm_service_draft_copy (base);

  pm_properties_page_collect (self, draft);
  return !pm_service_draft_equal (draft, base);
}

void
pm_properties_page_changed (PmPropertiesPage *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

/**
 * pm_properties_page_get_draft:
 * @base: what the page was loaded from
 *
 * Returns: (transfer full): the draft with the values of all pages; without a dialog, @base with
 *   those of this one
 */
PmServiceDraft *
pm_properties_page_get_draft (PmPropertiesPage *self, const PmServiceDraft *base)
{
  PmServiceDraft *draft = NULL;

  g_signal_emit (self, signals[GET_DRAFT], 0, &draft);
  if (draft == NULL)
    {
      draft = pm_service_draft_copy (base);
      pm_properties_page_collect (self, draft);
    }
  return draft;
}

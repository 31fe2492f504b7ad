// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <gtk/gtk.h>

#include "ui/properties/pm-properties-page.h"

/* What the interface's tests share: a service with something in every list, and reaching into a
 * composite widget by the names of its template. */

PmServiceDraft *ui_fixture_draft (void);
PmRoute *ui_fixture_route (const char *domain, gboolean subdomains, PmRouteAction action,
                           const char *target);
gpointer ui_fixture_child (gpointer widget, const char *name);
void ui_fixture_type (gpointer widget, const char *entry, const char *text);
void ui_fixture_toggle (gpointer widget, const char *button, gboolean active);
const char *ui_fixture_text (gpointer widget, const char *label);
void ui_fixture_settle (void);
void ui_fixture_watch (gpointer object, gboolean *finalized);

/* Loads `draft` and asserts that the page then collects the same. */
void ui_fixture_assert_unchanged (PmPropertiesPage *page, const PmServiceDraft *draft);
/* (transfer full): what the page collects now. */
PmServiceDraft *ui_fixture_collect (PmPropertiesPage *page, const PmServiceDraft *base);

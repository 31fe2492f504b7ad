// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmTable:
 *
 * Rows of text under headings, printed in columns as wide as they need to be.
 */
typedef struct _PmTable PmTable;

PmTable *pm_table_new (const char *heading, ...) G_GNUC_NULL_TERMINATED;
void pm_table_add (PmTable *table, const char *first, ...) G_GNUC_NULL_TERMINATED;
void pm_table_print (PmTable *table);
void pm_table_free (PmTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmTable, pm_table_free)

G_END_DECLS

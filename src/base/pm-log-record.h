// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PM_LOG_MAX_PAIRS 32
#define PM_LOG_MAX_NAME 40

/**
 * PmLogRecord:
 * @level: how grave it is
 * @n_pairs: of @text
 * @size: bytes of @text
 * @text: the event, then keys and values by turns, each with its NUL
 *
 * An event on its way to the log, in one piece of memory. g_free() frees it.
 */
typedef struct
{
  GLogLevelFlags level;
  guint n_pairs;
  gsize size;
  char text[];
} PmLogRecord;

/* The pairs of a record as fields of the journal, whose names it holds. */
typedef struct
{
  char names[PM_LOG_MAX_PAIRS][PM_LOG_MAX_NAME];
  GLogField fields[PM_LOG_MAX_PAIRS + 3];
  gsize n_fields;
} PmLogFields;

PmLogRecord *pm_log_record_new (GLogLevelFlags level,
                                const char *event,
                                const char *const pairs[],
                                guint n_pairs);
void pm_log_record_append_line (const PmLogRecord *record, GString *line);
void pm_log_record_list_fields (const PmLogRecord *record,
                                const char *program,
                                const char *line,
                                PmLogFields *fields);

G_END_DECLS

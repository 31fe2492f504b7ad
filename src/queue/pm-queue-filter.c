// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// Which messages somebody means. A question looks at a bounded number of messages for a bounded
// time and then says where to go on, so that a filter that fits one in a million costs nobody else
// anything; it follows the index of destinations, or of what is held, where the filter names one.

#include "queue/pm-queue-filter.h"

#include <string.h>

#include "queue/pm-queue-sql.h"

#define MAX_SCANNED 50000

PmQueueFilter *
pm_queue_filter_copy (const PmQueueFilter *filter)
{
  PmQueueFilter *copy = g_memdup2 (filter, sizeof *filter);

  copy->sender = g_strdup (filter->sender);
  copy->sender_domain = g_strdup (filter->sender_domain);
  copy->recipient = g_strdup (filter->recipient);
  copy->recipient_domain = g_strdup (filter->recipient_domain);
  copy->destination = g_strdup (filter->destination);
  copy->reply = g_strdup (filter->reply);
  return copy;
}

/**
 * pm_queue_filter_free:
 * @filter: (nullable): from pm_queue_filter_copy()
 */
void
pm_queue_filter_free (PmQueueFilter *filter)
{
  if (filter == NULL)
    return;
  g_free ((char *) filter->sender);
  g_free ((char *) filter->sender_domain);
  g_free ((char *) filter->recipient);
  g_free ((char *) filter->recipient_domain);
  g_free ((char *) filter->destination);
  g_free ((char *) filter->reply);
  g_free (filter);
}

static const struct
{
  const char *name;
  const char *test;
} conditions[] = {
  { ":agents", "(m.agents & :agents) <> 0" },
  { ":held", "m.held = :held" },
  { ":deferred", "m.deferred = :deferred" },
  { ":sender", "lower (m.sender) GLOB :sender" },
  { ":sender_domain", "lower (m.sender) GLOB :sender_domain" },
  { ":recipient", "EXISTS (SELECT 1 FROM recipients WHERE message = m.id"
                  " AND lower (address) GLOB :recipient)" },
  { ":recipient_domain", "EXISTS (SELECT 1 FROM recipients WHERE message = m.id"
                         " AND lower (address) GLOB :recipient_domain)" },
  { ":reply", "EXISTS (SELECT 1 FROM recipients WHERE message = m.id"
              " AND instr (lower (reply), :reply) > 0)" },
  { ":from", "m.received >= :from" },
  { ":before", "m.received < :before" },
};

static gboolean
is_asked (const PmQueueFilter *filter, const char *name)
{
  if (strcmp (name, ":agents") == 0)
    return filter->agent >= 0;
  if (strcmp (name, ":held") == 0)
    return filter->state >= 0;
  if (strcmp (name, ":deferred") == 0)
    return filter->state == PM_QUEUE_STATE_FRESH || filter->state == PM_QUEUE_STATE_DEFERRED;
  if (strcmp (name, ":sender") == 0)
    return filter->sender != NULL;
  if (strcmp (name, ":sender_domain") == 0)
    return filter->sender_domain != NULL;
  if (strcmp (name, ":recipient") == 0)
    return filter->recipient != NULL;
  if (strcmp (name, ":recipient_domain") == 0)
    return filter->recipient_domain != NULL;
  if (strcmp (name, ":reply") == 0)
    return filter->reply != NULL;
  return strcmp (name, ":from") == 0 ? filter->received_after > 0 : filter->received_before > 0;
}

/* One column: the id; another: whether it fits. The rows are the messages that it may be. */
static char *
make_sql (const PmQueueFilter *filter)
{
  GString *sql = g_string_new ("SELECT m.id, 1");

  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    if (is_asked (filter, conditions[i].name))
      g_string_append_printf (sql, " AND %s", conditions[i].test);
  if (filter->destination != NULL)
    g_string_append (sql, " FROM (SELECT DISTINCT message FROM recipients"
                          " WHERE destination = :destination AND message > :after"
                          " AND message <= :until ORDER BY message) AS d"
                          " CROSS JOIN messages AS m ON m.id = d.message ORDER BY d.message");
  else if (filter->state == PM_QUEUE_STATE_HELD)
    g_string_append (sql, " FROM messages AS m INDEXED BY messages_held"
                          " WHERE m.held = 1 AND m.id > :after AND m.id <= :until ORDER BY m.id");
  else
    g_string_append (sql, " FROM messages AS m NOT INDEXED"
                          " WHERE m.id > :after AND m.id <= :until ORDER BY m.id");
  return g_string_free (sql, FALSE);
}

/* GLOB knows sets in brackets; a person's pattern does not. */
static char *
make_pattern (const char *before, const char *text)
{
  g_autofree char *lower = g_ascii_strdown (text, -1);
  GString *pattern = g_string_new (before);

  for (const char *c = lower; *c != '\0'; c++)
    if (*c == '[')
      g_string_append (pattern, "[[]");
    else
      g_string_append_c (pattern, *c);
  return g_string_free (pattern, FALSE);
}

static void
bind_number (sqlite3_stmt *statement, const char *name, gint64 number)
{
  int which = sqlite3_bind_parameter_index (statement, name);

  if (which > 0)
    sqlite3_bind_int64 (statement, which, number);
}

static void
bind_text (sqlite3_stmt *statement, const char *name, char *text)
{
  int which = sqlite3_bind_parameter_index (statement, name);

  if (which > 0)
    sqlite3_bind_text (statement, which, text, -1, SQLITE_TRANSIENT);
  g_free (text);
}

static void
bind_pattern (sqlite3_stmt *statement, const char *name, const char *before, const char *text)
{
  if (text != NULL)
    bind_text (statement, name, make_pattern (before, strcmp (text, "<>") == 0 ? "" : text));
}

static void
bind_filter (sqlite3_stmt *statement, const PmQueueFilter *filter)
{
  bind_number (statement, ":agents", filter->agent == PM_QUEUE_MAILBOX ? 1 : 2);
  bind_number (statement, ":held", filter->state == PM_QUEUE_STATE_HELD);
  bind_number (statement, ":deferred", filter->state == PM_QUEUE_STATE_DEFERRED);
  bind_number (statement, ":from", filter->received_after);
  bind_number (statement, ":before", filter->received_before);
  bind_pattern (statement, ":sender", "", filter->sender);
  bind_pattern (statement, ":sender_domain", "*@", filter->sender_domain);
  bind_pattern (statement, ":recipient", "", filter->recipient);
  bind_pattern (statement, ":recipient_domain", "*@", filter->recipient_domain);
  if (filter->destination != NULL)
    bind_text (statement, ":destination", g_strdup (filter->destination));
  if (filter->reply != NULL)
    bind_text (statement, ":reply", g_ascii_strdown (filter->reply, -1));
}

/* Whether it has looked at enough for one time. */
static gboolean
is_over (guint scanned, gint64 deadline)
{
  return scanned >= MAX_SCANNED || (scanned % 64 == 0 && g_get_monotonic_time () >= deadline);
}

/**
 * pm_queue_store_select:
 * @range: in: ids after .after up to .until; out: .after is where to go on, 0 at the end
 * @limit: at most so many
 * @patience: it looks for so many microseconds at most
 *
 * Returns: (transfer full) (element-type guint64) (nullable): ids that fit, oldest first; possibly
 *   fewer than @limit, or none, before the end
 */
GArray *
pm_queue_store_select (PmQueueStore *store,
                       const PmQueueFilter *filter,
                       PmQueueRange *range,
                       guint limit,
                       gint64 patience,
                       GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autofree char *sql = make_sql (filter);
  sqlite3_stmt *row = pm_queue_sql_prepare (store, sql, error);
  gint64 deadline = g_get_monotonic_time () + patience;
  guint64 last = range->after;
  guint scanned = 0;
  int result;

  if (row == NULL)
    return NULL;
  bind_filter (row, filter);
  bind_number (row, ":after", (gint64) range->after);
  bind_number (row, ":until", (gint64) MIN (range->until, (guint64) G_MAXINT64));
  while ((result = sqlite3_step (row)) == SQLITE_ROW)
    {
      last = (guint64) sqlite3_column_int64 (row, 0);
      if (sqlite3_column_int (row, 1) != 0)
        g_array_append_val (ids, last);
      if (ids->len >= limit || is_over (++scanned, deadline))
        break;
    }
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    {
      pm_queue_sql_fail (store, "read", error);
      sqlite3_finalize (row);
      return NULL;
    }
  range->after = result == SQLITE_ROW ? last : 0;
  sqlite3_finalize (row);
  return g_steal_pointer (&ids);
}

void
pm_queue_summary_free (PmQueueSummary *summary)
{
  g_free (summary->destination);
  g_free (summary);
}

/**
 * pm_queue_store_summarize:
 * @now: for the ages
 * @limit: at most so many destinations, those with most first
 *
 * Reads one index and no row.
 *
 * Returns: (transfer full) (element-type PmQueueSummary) (nullable): what waits for whom since when
 */
GPtrArray *
pm_queue_store_summarize (PmQueueStore *store, gint64 now, guint limit, GError **error)
{
  static const char sql[] =
      "SELECT destination, max (agent), count (*) AS n, min (message), sum (message > ?1),"
      " sum (message > ?2), sum (message > ?3) FROM recipients INDEXED BY recipients_destination"
      " GROUP BY destination ORDER BY n DESC LIMIT ?4";
  g_autoptr (GPtrArray) all =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pm_queue_summary_free);
  sqlite3_stmt *row = pm_queue_sql_prepare (store, sql, error);
  const gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  int result;

  if (row == NULL)
    return NULL;
  sqlite3_bind_int64 (row, 1, now - hour);
  sqlite3_bind_int64 (row, 2, now - 4 * hour);
  sqlite3_bind_int64 (row, 3, now - 24 * hour);
  sqlite3_bind_int64 (row, 4, limit);
  while ((result = sqlite3_step (row)) == SQLITE_ROW)
    {
      PmQueueSummary *summary = g_new0 (PmQueueSummary, 1);
      guint64 under_hour = (guint64) sqlite3_column_int64 (row, 4);
      guint64 under_four = (guint64) sqlite3_column_int64 (row, 5);
      guint64 under_day = (guint64) sqlite3_column_int64 (row, 6);

      summary->destination = pm_queue_sql_dup_text (row, 0);
      summary->agent = (PmQueueAgent) sqlite3_column_int (row, 1);
      summary->recipients = (guint64) sqlite3_column_int64 (row, 2);
      summary->oldest = sqlite3_column_int64 (row, 3);
      summary->ages[0] = under_hour;
      summary->ages[1] = under_four - under_hour;
      summary->ages[2] = under_day - under_four;
      summary->ages[3] = summary->recipients - under_day;
      g_ptr_array_add (all, summary);
    }
  if (result != SQLITE_DONE)
    pm_queue_sql_fail (store, "read", error);
  sqlite3_finalize (row);
  return result == SQLITE_DONE ? g_steal_pointer (&all) : NULL;
}

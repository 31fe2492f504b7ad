// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

// The counters of TLS reports (RFC 8460). One file a day, written whole: `policy DOMAIN TYPE
// SUCCESSES`, and after it `failure RESULT HOST COUNT` for each kind. A line that cannot be read
// is left out: counters are worth keeping, but not worth stopping for.

#include "relay/pm-tls-report.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/pm-atomic-file.h"
#include "net/pm-tls.h"

#define DAYS 3
#define MAX_ROWS 10000  // a day
#define MAX_FAILURES 20 // of a row; the rest is counted under no host
#define MAX_FILE (16 << 20)

typedef struct
{
  PmTlsResult result;
  char *host; /* "" for any other */
  guint64 count;
} Failure;

typedef struct
{
  char *domain;
  PmTlsSource policy;
  guint64 successes;
  GArray *failures; /* (element-type Failure) */
} Row;

typedef struct
{
  gint64 number; /* days since 1970 */
  gboolean unsaved;
  GHashTable *rows; /* `DOMAIN TYPE` → Row */
} Day;

struct _PmTlsReport
{
  char *directory;
  PmClock *clock;
  GMutex lock;
  GMutex saving;
  GPtrArray *days; /* (element-type Day) */
};

static const char *const results[] = {
  [PM_TLS_RESULT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
  [PM_TLS_RESULT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
  [PM_TLS_RESULT_CERTIFICATE_EXPIRED] = "certificate-expired",
  [PM_TLS_RESULT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
  [PM_TLS_RESULT_VALIDATION_FAILURE] = "validation-failure",
  [PM_TLS_RESULT_TLSA_INVALID] = "tlsa-invalid",
  [PM_TLS_RESULT_DNSSEC_INVALID] = "dnssec-invalid",
  [PM_TLS_RESULT_STS_POLICY_INVALID] = "sts-policy-invalid",
};

// What the policy is called (RFC 8460 4.2).
static const char *
get_type (PmTlsSource policy)
{
  return policy == PM_TLS_SOURCE_DANE      ? "tlsa"
         : policy == PM_TLS_SOURCE_MTA_STS ? "sts"
                                           : "no-policy-found";
}

/**
 * pm_tls_result_from_error:
 * @error: why a connection was not secured
 *
 * Returns: what a report calls that.
 */
PmTlsResult
pm_tls_result_from_error (const GError *error)
{
  if (g_error_matches (error, PM_TLS_ERROR, PM_TLS_ERROR_NAME))
    return PM_TLS_RESULT_CERTIFICATE_HOST_MISMATCH;
  if (g_error_matches (error, PM_TLS_ERROR, PM_TLS_ERROR_EXPIRED))
    return PM_TLS_RESULT_CERTIFICATE_EXPIRED;
  if (g_error_matches (error, PM_TLS_ERROR, PM_TLS_ERROR_UNTRUSTED))
    return PM_TLS_RESULT_CERTIFICATE_NOT_TRUSTED;
  return PM_TLS_RESULT_VALIDATION_FAILURE;
}

static void
clear_failure (gpointer data)
{
  g_free (((Failure *) data)->host);
}

static void
free_row (gpointer data)
{
  Row *row = data;

  g_free (row->domain);
  g_array_unref (row->failures);
  g_free (row);
}

static void
free_day (gpointer data)
{
  Day *day = data;

  g_hash_table_unref (day->rows);
  g_free (day);
}

static Day *
add_day (PmTlsReport *report, gint64 number)
{
  Day *day = g_new0 (Day, 1);

  day->number = number;
  day->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_row);
  g_ptr_array_add (report->days, day);
  return day;
}

static gint64
get_today (PmTlsReport *report)
{
  return pm_clock_now (report->clock) / G_TIME_SPAN_DAY;
}

static Day *
find_day (PmTlsReport *report, gint64 number)
{
  for (guint i = 0; i < report->days->len; i++)
    {
      Day *day = g_ptr_array_index (report->days, i);

      if (day->number == number)
        return day;
    }
  return NULL;
}

static char *
get_path (PmTlsReport *report, gint64 number)
{
  g_autofree char *name = g_strdup_printf ("%" G_GINT64_FORMAT ".tls", number);

  return g_build_filename (report->directory, name, NULL);
}

static void
drop_old_days (PmTlsReport *report)
{
  gint64 today = get_today (report);

  for (guint i = report->days->len; i > 0; i--)
    {
      Day *day = g_ptr_array_index (report->days, i - 1);
      g_autofree char *path = NULL;

      if (day->number > today - DAYS)
        continue;
      path = get_path (report, day->number);
      g_unlink (path);
      g_ptr_array_remove_index (report->days, i - 1);
    }
}

/* (nullable): %NULL for one domain too many. */
static Row *
ensure_row (Day *day, const char *domain, PmTlsSource policy)
{
  char *key = g_strdup_printf ("%s %s", domain, get_type (policy));
  Row *row = g_hash_table_lookup (day->rows, key);

  if (row != NULL || g_hash_table_size (day->rows) >= MAX_ROWS)
    {
      g_free (key);
      return row;
    }
  row = g_new0 (Row, 1);
  row->domain = g_strdup (domain);
  row->policy = policy;
  row->failures = g_array_new (FALSE, TRUE, sizeof (Failure));
  g_array_set_clear_func (row->failures, clear_failure);
  g_hash_table_insert (day->rows, key, row);
  return row;
}

static void
count_failure (Row *row, PmTlsResult result, const char *host, guint64 count)
{
  Failure failure = { .result = result, .count = count };

  for (guint i = 0; i < row->failures->len; i++)
    {
      Failure *known = &g_array_index (row->failures, Failure, i);

      if (known->result == result && strcmp (known->host, host) == 0)
        {
          known->count += count;
          return;
        }
    }
  // One row for each result without a host is always possible: their number is small.
  if (row->failures->len >= MAX_FAILURES && *host != '\0')
    {
      count_failure (row, result, "", count);
      return;
    }
  failure.host = g_strdup (host);
  g_array_append_val (row->failures, failure);
}

/* Locked. (nullable) */
static Row *
get_row_of_today (PmTlsReport *report, const char *domain, PmTlsSource policy)
{
  gint64 today = get_today (report);
  Day *day = find_day (report, today);

  if (day == NULL)
    {
      drop_old_days (report);
      day = add_day (report, today);
    }
  day->unsaved = TRUE;
  return ensure_row (day, domain, policy);
}

/**
 * pm_tls_report_note_success:
 * @domain: the destination
 * @policy: whose wish the connection obeyed
 *
 * Counts a connection that was secured as it was to be.
 */
void
pm_tls_report_note_success (PmTlsReport *report, const char *domain, PmTlsSource policy)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);
  Row *row = get_row_of_today (report, domain, policy);

  if (row != NULL)
    row->successes++;
}

/**
 * pm_tls_report_note_failure:
 * @domain: the destination
 * @policy: whose wish the connection did not obey
 * @result: in which way
 * @mx_host: the host
 *
 * Counts a connection that could not be secured as it was to be.
 */
void
pm_tls_report_note_failure (PmTlsReport *report,
                            const char *domain,
                            PmTlsSource policy,
                            PmTlsResult result,
                            const char *mx_host)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);
  Row *row = get_row_of_today (report, domain, policy);

  if (row != NULL)
    count_failure (row, result, mx_host, 1);
}

static gboolean
find_word (const char *word, const char *const *words, gsize count, guint *index)
{
  for (gsize i = 0; i < count; i++)
    if (strcmp (word, words[i]) == 0)
      {
        *index = (guint) i;
        return TRUE;
      }
  return FALSE;
}

static void
read_line (Day *day, Row **row, const char *line)
{
  static const char *const types[] = { "no-policy-found", "tlsa", "sts" };
  static const PmTlsSource sources[] = { PM_TLS_SOURCE_DEFAULT, PM_TLS_SOURCE_DANE,
                                         PM_TLS_SOURCE_MTA_STS };
  g_auto (GStrv) words = g_strsplit (line, " ", 5);
  guint64 count;
  guint index;

  if (g_strv_length (words) != 4 ||
      !g_ascii_string_to_unsigned (words[3], 10, 0, G_MAXUINT64, &count, NULL))
    return;
  if (strcmp (words[0], "policy") == 0 &&
      find_word (words[2], types, G_N_ELEMENTS (types), &index))
    {
      *row = ensure_row (day, words[1], sources[index]);
      if (*row != NULL)
        (*row)->successes += count;
    }
  else if (strcmp (words[0], "failure") == 0 && *row != NULL &&
           find_word (words[1], results, G_N_ELEMENTS (results), &index))
    count_failure (*row, (PmTlsResult) index, strcmp (words[2], "-") == 0 ? "" : words[2], count);
}

static void
read_day (PmTlsReport *report, gint64 number)
{
  g_autofree char *path = get_path (report, number);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  GStatBuf status;
  Row *row = NULL;
  Day *day;

  if (g_stat (path, &status) != 0 || status.st_size > MAX_FILE ||
      !g_file_get_contents (path, &text, NULL, NULL) || !g_utf8_validate (text, -1, NULL))
    return;
  day = add_day (report, number);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    read_line (day, &row, lines[i]);
}

static void
drop_old_files (PmTlsReport *report)
{
  g_autoptr (GDir) dir = g_dir_open (report->directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (report->directory, name, NULL);

      if (g_str_has_suffix (name, ".tls") &&
          g_ascii_strtoll (name, NULL, 10) <= get_today (report) - DAYS)
        g_unlink (path);
    }
}

/**
 * pm_tls_report_new:
 * @directory: where the counters are kept; made when it is not there
 * @error: a #GFileError
 *
 * Returns: (transfer full) (nullable): with what was counted before. Blocks on the disk.
 */
PmTlsReport *
pm_tls_report_new (const char *directory, PmClock *clock, GError **error)
{
  PmTlsReport *report;

  if (g_mkdir_with_parents (directory, 0750) != 0)
    {
      int saved = errno;

      g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (saved),
                   "Cannot make the directory %s for the counters of TLS reports: %s", directory,
                   g_strerror (saved));
      return NULL;
    }
  report = g_new0 (PmTlsReport, 1);
  report->directory = g_strdup (directory);
  report->clock = g_object_ref (clock);
  g_mutex_init (&report->lock);
  g_mutex_init (&report->saving);
  report->days = g_ptr_array_new_with_free_func (free_day);
  for (gint64 i = 0; i < DAYS; i++)
    read_day (report, get_today (report) - i);
  drop_old_files (report);
  return report;
}

/**
 * pm_tls_report_free:
 * @report: (transfer full) (nullable): counters
 */
void
pm_tls_report_free (PmTlsReport *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref (report->days);
  g_mutex_clear (&report->lock);
  g_mutex_clear (&report->saving);
  g_object_unref (report->clock);
  g_free (report->directory);
  g_free (report);
}

static GBytes *
write_down (const Day *day)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, day->rows);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Row *row = value;

      g_string_append_printf (text, "policy %s %s %" G_GUINT64_FORMAT "\n", row->domain,
                              get_type (row->policy), row->successes);
      for (guint i = 0; i < row->failures->len; i++)
        {
          const Failure *failure = &g_array_index (row->failures, Failure, i);

          g_string_append_printf (text, "failure %s %s %" G_GUINT64_FORMAT "\n",
                                  results[failure->result],
                                  *failure->host == '\0' ? "-" : failure->host, failure->count);
        }
    }
  return g_string_free_to_bytes (g_steal_pointer (&text));
}

/* (nullable) (transfer full): the text of a day that has changed since it was last asked for. */
static GBytes *
take_unsaved (PmTlsReport *report, gint64 *number)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);

  for (guint i = 0; i < report->days->len; i++)
    {
      Day *day = g_ptr_array_index (report->days, i);

      if (!day->unsaved)
        continue;
      day->unsaved = FALSE;
      *number = day->number;
      return write_down (day);
    }
  return NULL;
}

/**
 * pm_tls_report_save:
 * @error: a #GIOErrorEnum
 *
 * Writes what was counted since the last time. Counting goes on meanwhile.
 *
 * Returns: whether it is on stable storage.
 */
gboolean
pm_tls_report_save (PmTlsReport *report, GError **error)
{
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&report->saving);
  GBytes *text;
  gint64 number;

  while ((text = take_unsaved (report, &number)) != NULL)
    {
      g_autoptr (GBytes) bytes = text;
      g_autofree char *path = get_path (report, number);
      Day *day;

      if (pm_atomic_file_write (path, bytes, 0640, error))
        continue;
      g_mutex_lock (&report->lock);
      day = find_day (report, number);
      if (day != NULL)
        day->unsaved = TRUE;
      g_mutex_unlock (&report->lock);
      return FALSE;
    }
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * pm_tls_report_list_domains:
 *
 * Returns: (transfer full) (element-type utf8): those that something was counted for, in order.
 */
GPtrArray *
pm_tls_report_list_domains (PmTlsReport *report, guint days_ago)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);
  const Day *day = find_day (report, get_today (report) - days_ago);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *domains = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer value;

  if (day == NULL)
    return domains;
  g_hash_table_iter_init (&iter, day->rows);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_hash_table_add (seen, ((Row *) value)->domain))
      g_ptr_array_add (domains, g_strdup (((Row *) value)->domain));
  g_ptr_array_sort (domains, compare_names);
  return domains;
}

/**
 * pm_tls_report_count_today:
 * @successes: (out): connections that were secured as they were to be
 * @failures: (out): those that were not
 */
void
pm_tls_report_count_today (PmTlsReport *report, guint64 *successes, guint64 *failures)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);
  const Day *day = find_day (report, get_today (report));
  GHashTableIter iter;
  gpointer value;

  *successes = 0;
  *failures = 0;
  if (day == NULL)
    return;
  g_hash_table_iter_init (&iter, day->rows);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Row *row = value;

      *successes += row->successes;
      for (guint i = 0; i < row->failures->len; i++)
        *failures += g_array_index (row->failures, Failure, i).count;
    }
}

static void
append_string (GString *json, const char *name, const char *value)
{
  g_string_append_printf (json, "\"%s\":\"", name);
  for (const char *c = value; *c != '\0'; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (json, "\\%c", *c);
    else if ((guchar) *c < 0x20)
      g_string_append_printf (json, "\\u%04x", *c);
    else
      g_string_append_c (json, *c);
  g_string_append_c (json, '"');
}

static void
append_failures (GString *json, const Row *row)
{
  g_string_append (json, ",\"failure-details\":[");
  for (guint i = 0; i < row->failures->len; i++)
    {
      const Failure *failure = &g_array_index (row->failures, Failure, i);

      g_string_append_printf (json, "%s{\"result-type\":\"%s\",", i == 0 ? "" : ",",
                              results[failure->result]);
      if (*failure->host != '\0')
        {
          append_string (json, "receiving-mx-hostname", failure->host);
          g_string_append_c (json, ',');
        }
      g_string_append_printf (json, "\"failed-session-count\":%" G_GUINT64_FORMAT "}",
                              failure->count);
    }
  g_string_append_c (json, ']');
}

static void
append_row (GString *json, const Row *row)
{
  guint64 failed = 0;

  for (guint i = 0; i < row->failures->len; i++)
    failed += g_array_index (row->failures, Failure, i).count;
  g_string_append_printf (json, "{\"policy\":{\"policy-type\":\"%s\",", get_type (row->policy));
  append_string (json, "policy-domain", row->domain);
  g_string_append_printf (json,
                          "},\"summary\":{\"total-successful-session-count\":%" G_GUINT64_FORMAT
                          ",\"total-failure-session-count\":%" G_GUINT64_FORMAT "}",
                          row->successes, failed);
  if (row->failures->len > 0)
    append_failures (json, row);
  g_string_append_c (json, '}');
}

static void
append_head (GString *json, gint64 number, const char *domain, const char *organization,
             const char *contact)
{
  g_autoptr (GDateTime) start = g_date_time_new_from_unix_utc (number * 86400);
  g_autofree char *day = g_date_time_format (start, "%Y-%m-%d");
  g_autofree char *id = g_strdup_printf ("%s.%s", day, domain);

  g_string_append_c (json, '{');
  append_string (json, "organization-name", organization);
  g_string_append_printf (json,
                          ",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\","
                          "\"end-datetime\":\"%sT23:59:59Z\"},",
                          day, day);
  append_string (json, "contact-info", contact);
  g_string_append_c (json, ',');
  append_string (json, "report-id", id);
  g_string_append (json, ",\"policies\":[");
}

/**
 * pm_tls_report_to_json:
 * @domain: the domain that the report would go to
 * @organization: who reports
 * @contact: an address of theirs
 *
 * Returns: (transfer full) (nullable): the day's report (RFC 8460 4.4); %NULL where nothing was
 *   counted.
 */
char *
pm_tls_report_to_json (PmTlsReport *report,
                       guint days_ago,
                       const char *domain,
                       const char *organization,
                       const char *contact)
{
  static const PmTlsSource policies[] = { PM_TLS_SOURCE_DANE, PM_TLS_SOURCE_MTA_STS,
                                          PM_TLS_SOURCE_DEFAULT };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&report->lock);
  const Day *day = find_day (report, get_today (report) - days_ago);
  g_autoptr (GString) json = g_string_new (NULL);
  guint count = 0;

  if (day == NULL)
    return NULL;
  append_head (json, day->number, domain, organization, contact);
  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autofree char *key = g_strdup_printf ("%s %s", domain, get_type (policies[i]));
      const Row *row = g_hash_table_lookup (day->rows, key);

      if (row == NULL)
        continue;
      if (count++ > 0)
        g_string_append_c (json, ',');
      append_row (json, row);
    }
  g_string_append (json, "]}\n");
  return count > 0 ? g_string_free (g_steal_pointer (&json), FALSE) : NULL;
}
